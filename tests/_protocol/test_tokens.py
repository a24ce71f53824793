"""Resume tokens: boto3's, byte for byte, and every form that boto3 reads."""

from __future__ import annotations

import base64
import json

import pytest
from botocore.paginate import TokenDecoder, TokenEncoder

from lambda_event_invoke_configs._protocol.pagination import BEGINNING, Position, decode_token, encode_token
from lambda_event_invoke_configs.exceptions import BotoCoreError, StartingTokenError


def token_of(members: object) -> str:
    return base64.b64encode(json.dumps(members).encode()).decode()


@pytest.mark.parametrize(
    ("position", "members"),
    [
        (Position("m"), {"Marker": "m"}),
        (Position("m", 7), {"Marker": "m", "boto_truncate_amount": 7}),
        (Position("m", 0), {"Marker": "m", "boto_truncate_amount": 0}),
        (Position(None, 7), {"Marker": None, "boto_truncate_amount": 7}),
        (Position("é+/=&%"), {"Marker": "é+/=&%"}),
    ],
)
def test_a_token_is_boto3s_byte_for_byte_and_reads_back(
    position: Position, members: dict[str, object]
) -> None:
    token = encode_token(position)
    assert token == TokenEncoder().encode(members)
    assert token is not None
    assert TokenDecoder().decode(token) == members
    assert decode_token(token) == position


def test_the_beginning_needs_no_token() -> None:
    assert encode_token(BEGINNING) is None


@pytest.mark.parametrize(
    ("token", "position"),
    [
        ("m___7", Position("m", 7)),
        ("m___0", Position("m", 0)),
        ("None___7", Position(None, 7)),
        ("m", Position("m")),
        ("None", BEGINNING),
        ("", Position("")),
        ("m___n", Position("m___n")),
        (token_of({"Marker": None}), BEGINNING),
        (token_of({"Marker": "None", "boto_truncate_amount": 3}), Position("None", 3)),
    ],
)
def test_older_forms_and_bare_markers_are_read_as_boto3_reads_them(token: str, position: Position) -> None:
    assert decode_token(token) == position


@pytest.mark.parametrize("json_text", ["5", "[1]", "null", '"text"', "[" * 100_000])
def test_a_marker_that_happens_to_be_base64_of_json_is_still_a_marker(json_text: str) -> None:
    """boto3 fails on a number, a string and null with AttributeError."""
    marker = base64.b64encode(json_text.encode()).decode()
    assert decode_token(marker) == Position(marker)


@pytest.mark.parametrize(
    "token",
    [
        "a___b___c",
        "m___-1",
        5,
        token_of({}),
        token_of({"foo": "m"}),
        token_of({"Marker": "m", "foo": 1}),
        token_of({"boto_truncate_amount": 1}),
        token_of({"Marker": 5}),
        token_of({"Marker": "m", "boto_truncate_amount": "1"}),
        token_of({"Marker": "m", "boto_truncate_amount": -1}),
        token_of({"Marker": "m", "boto_truncate_amount": True}),
        token_of({"Marker": "m", "boto_truncate_amount": None}),
    ],
)
def test_what_is_no_token_is_refused_by_name(token: object) -> None:
    with pytest.raises(StartingTokenError, match="Bad starting token: ") as caught:
        decode_token(token)
    assert isinstance(caught.value, ValueError)
    assert isinstance(caught.value, BotoCoreError)
    assert "StartingToken must be" in str(caught.value)
    assert str(token) in str(caught.value)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-32", "utf-8-sig"])
def test_a_marker_that_happens_to_be_base64_of_json_in_another_encoding_is_a_marker(encoding: str) -> None:
    marker = base64.b64encode('{"Marker": "m"}'.encode(encoding)).decode()
    assert decode_token(marker) == Position(marker)
