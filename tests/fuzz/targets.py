"""What must hold of any response and any token: what the fuzzer tries, and what replays its corpus.

A response is written like HTTP: its status, a line for each header, an empty line, the body.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from datetime import datetime

from lambda_event_invoke_configs._protocol import pagination as tokens
from lambda_event_invoke_configs._protocol import response
from lambda_event_invoke_configs._protocol.pagination import Position
from lambda_event_invoke_configs._protocol.request import is_encodable
from lambda_event_invoke_configs.exceptions import ClientError, ResponseParserError, StartingTokenError

CONFIGURATION = {
    "LastModified",
    "FunctionArn",
    "MaximumRetryAttempts",
    "MaximumEventAgeInSeconds",
    "DestinationConfig",
}
ERROR = {"Error", "ResponseMetadata", "Type", "message", "Message", "Reason", "retryAfterSeconds"}


def read_response(data: bytes) -> None:
    """Whatever a server sends is a page, a ResponseParserError, or a ClientError."""
    received = _response(data)
    if received.status < 300:
        try:
            page = dict(response.parse_page(received, {}))
        except ResponseParserError as error:
            assert str(error)
            return
        json.dumps(page.pop("ResponseMetadata"))
        _is_a_page(page)
        return
    error = response.parse_error(received, {})
    assert isinstance(error, ClientError)
    assert str(error)
    found = error.response
    assert found.keys() <= ERROR, found
    assert found["Error"].keys() == {"Code", "Message"}
    assert isinstance(found["Error"]["Code"], str)


def read_token(data: bytes) -> None:
    """Whatever is given as a StartingToken is a place in the listing, or a StartingTokenError."""
    text = data.decode(errors="surrogateescape")
    for token in (text, base64.b64encode(data).decode()):
        try:
            position = tokens.decode_token(token)
        except StartingTokenError as error:
            assert str(error)
            continue
        assert isinstance(position.marker, (str, type(None)))
        assert position.skip is None or (type(position.skip) is int and position.skip >= 0)
        _comes_back(position)
    text = data.decode(errors="ignore")
    _comes_back(Position(text))
    _comes_back(Position(text, len(data)))
    _comes_back(Position(None, int.from_bytes(data[:8], "big")))


def _response(data: bytes) -> response.Response:
    head, _, body = data.partition(b"\n\n")
    status, *lines = head.decode("latin-1").split("\n")
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
    return response.Response(int(status) if status.isascii() and status.isdigit() else 200, headers, body)


def _is_a_page(page: object) -> None:
    assert _members(page) <= {"FunctionEventInvokeConfigs", "NextMarker"}, page
    assert isinstance(page, dict)
    assert isinstance(page.get("FunctionEventInvokeConfigs", []), list)
    for configuration in page.get("FunctionEventInvokeConfigs", []):
        if configuration is not None:
            _is_a_configuration(configuration)
    # What is false may be of any kind, as with boto3: it ends the listing and goes nowhere.
    if marker := page.get("NextMarker"):
        assert is_encodable(marker)
        _comes_back(Position(marker))


def _is_a_configuration(configuration: object) -> None:
    assert _members(configuration) <= CONFIGURATION, configuration
    assert isinstance(configuration, dict)
    assert isinstance(configuration.get("LastModified", datetime.max), datetime)
    assert type(configuration.get("MaximumRetryAttempts", 0)) is int
    assert type(configuration.get("MaximumEventAgeInSeconds", 0)) is int
    destinations = configuration.get("DestinationConfig", {})
    assert _members(destinations) <= {"OnSuccess", "OnFailure"}, destinations
    for destination in destinations.values():
        assert _members(destination) <= {"Destination"}, destination


def _members(value: object) -> set[str]:
    """The names of an object's members, none of which is None."""
    assert isinstance(value, dict), value
    assert all(member is not None for member in value.values()), value
    return set(value)


def _comes_back(position: Position) -> None:
    if position.marker is not None and not is_encodable(position.marker):
        return  # two halves of a character would come back as one, and neither can be sent
    token = tokens.encode_token(position)
    assert (token is None) == (position == tokens.BEGINNING)
    if token is not None:
        assert tokens.decode_token(token) == position


TARGETS: dict[str, Callable[[bytes], None]] = {"response": read_response, "token": read_token}
