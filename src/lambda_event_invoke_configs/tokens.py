"""Resume tokens: a place in the listing, written as boto3 writes it.

A place is a marker of the service plus, where a page was cut in the middle, how many configurations
after that marker have been handed out. A token is base64 of that as JSON, byte for byte boto3's:

    {"Marker": "m"}                                the page that begins at marker m
    {"Marker": "m", "boto_truncate_amount": 7}     the same page, without its first 7 configurations
    {"Marker": null, "boto_truncate_amount": 7}    the first page, without its first 7

Two older forms are read too, as boto3 reads them: `m___7`, and `m` alone, the service's own marker.
`None` as a marker means the beginning.
"""

from __future__ import annotations

import base64
import json
from typing import NamedTuple

from .exceptions import StartingTokenError

_CUT = "boto_truncate_amount"


class Position(NamedTuple):
    """A place in the listing. `skip` is None at a page's border, and a number where a page was cut."""

    marker: str | None = None
    skip: int | None = None


BEGINNING = Position()


def encode(position: Position) -> str | None:
    """The token for a place; None for the beginning, which needs none."""
    if position == BEGINNING:
        return None
    token: dict[str, object] = {"Marker": position.marker}
    if position.skip is not None:
        token[_CUT] = position.skip
    return base64.b64encode(json.dumps(token).encode()).decode()


def decode(token: object) -> Position:
    """The place a token stands for.

    Raises StartingTokenError for what is no token of any form.
    """
    if not isinstance(token, str):
        raise StartingTokenError(token=repr(token))
    try:
        # Decoded first: json.loads() would take UTF-16 for JSON too, which boto3 does not.
        members = json.loads(base64.b64decode(token.encode()).decode())
    except (ValueError, RecursionError):
        members = None
    # A marker of the service may happen to be base64 of a JSON number or list: boto3 trips over
    # some of these with a bare AttributeError. Only an object can be a token.
    if not isinstance(members, dict):
        return _old_form(token)
    if not {"Marker"} <= members.keys() <= {"Marker", _CUT}:
        raise StartingTokenError(token=token)
    marker, skip = members["Marker"], members.get(_CUT)
    if not isinstance(marker, (str, type(None))):
        raise StartingTokenError(token=token)
    if _CUT in members and (type(skip) is not int or skip < 0):
        raise StartingTokenError(token=token)
    return Position(marker, skip)


def _old_form(token: str) -> Position:
    parts = token.split("___")
    if len(parts) > 2:
        raise StartingTokenError(token=token)
    if len(parts) == 2:
        try:
            skip = int(parts[1])
        except ValueError:
            # Not a number: the underscores are the service's.
            return Position(token)
        if skip < 0:
            raise StartingTokenError(token=token)
        return Position(_marker(parts[0]), skip)
    return Position(_marker(token))


def _marker(marker: str) -> str | None:
    return None if marker == "None" else marker
