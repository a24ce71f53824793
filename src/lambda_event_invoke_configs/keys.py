"""The keys that sign a request, and what they have to be; where they come from is credentials.py's."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from .exceptions import CredentialRetrievalError, NoCredentialsError

_HEADER_TEXT = re.compile(r"[!-~]+")
_SURROGATE = re.compile(r"[\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Keys:
    """What one request is signed with, under the names that botocore's signer reads."""

    access_key: str
    secret_key: str = field(repr=False)
    token: str | None = field(repr=False)


class FixedKeys:
    """Keys that stay the same."""

    def __init__(self, keys: Keys, source: str) -> None:
        self._keys = checked(keys, source)

    def may_block(self) -> bool:
        return False

    def keys(self) -> Keys:
        return self._keys

    still_good = keys


def checked(keys: Keys, source: str) -> Keys:
    """The same keys.

    Raises NoCredentialsError for half a pair, and CredentialRetrievalError for what no request may hold.
    """
    if not keys.access_key or not keys.secret_key:
        raise NoCredentialsError()
    for name in ("access_key", "secret_key", "token"):
        if complaint := _complaint(name, getattr(keys, name)):
            raise CredentialRetrievalError(provider=source, error_msg=f"the {name} {complaint}")
    return keys


def _complaint(name: str, value: object) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str):
        return "is no text"
    if name == "secret_key":
        return "is no text that UTF-8 can encode" if _SURROGATE.search(value) else None
    # The HTTP library would refuse it too, but with the whole value in its message.
    if not _HEADER_TEXT.fullmatch(value):
        return "has a character that no header may have, such as a line break"
    return None
