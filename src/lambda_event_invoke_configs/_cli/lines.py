"""The lines of many functions: how one is written, and how one is recognized.

A line is JSON in ASCII without spaces, with its members in one order:

    {"FunctionName":"f","Region":"r","FunctionEventInvokeConfigs":[...]}
    {"FunctionName":"f","Region":"r","FunctionEventInvokeConfigs":[...],"Error":{...},"NextToken":"..."}

A run that continues a file checks that this command wrote each of its bytes: the whole lines, and the part of
a line that a kill or a full disk left at the end. One grammar gives the patterns for both. Each line is
matched before it is written, so the next run recognizes it.
"""

from __future__ import annotations

import json
import re
import sys
from typing import Any, NamedTuple

from .._client.outcome import FunctionOutcome
from ..exceptions import ResponseParserError
from .exit_status import error_code, one_line
from .output import json_line, to_json

Function = tuple[str, str]
"""Its name, as it was given, and its region."""


class Line(NamedTuple):
    """A line, the function it is about, and whether its listing failed."""

    text: bytes
    function: Function
    failed: bool


def to_line(outcome: FunctionOutcome, region: str) -> tuple[FunctionOutcome, Line]:
    """The line of an outcome, and that outcome: a failure in place of one that no line can hold."""
    try:
        line = parse(_text(outcome, region))
    except RecursionError:
        line = None
    if line is None:
        # An ARN may be any JSON value: the library does not check strings, as boto3 does not.
        error = ResponseParserError("Unable to parse the response: a value that should be a string is not")
        outcome = FunctionOutcome(outcome.function_name, [], error)
        line = parse(_text(outcome, region))
        assert line
    return outcome, line


def parse(text: bytes) -> Line | None:
    """The line of this text, which ends in a line break; None if this command did not write it."""
    if not (found := _WHOLE_LINE.fullmatch(text)):
        return None
    name, region, failure = found.groups()
    return Line(text, (json.loads(name), sys.intern(json.loads(region))), failure is not None)


def is_torn(text: bytes) -> bool:
    """Whether a line of this command begins with this text and goes on after it."""
    return re.fullmatch(_LINE.torn.encode(), text) is not None


def _text(outcome: FunctionOutcome, region: str) -> bytes:
    shown: dict[str, Any] = {
        "FunctionName": outcome.function_name,
        "Region": region,
        "FunctionEventInvokeConfigs": to_json(outcome.configurations),
    }
    if outcome.error is not None:
        shown["Error"] = {"Code": error_code(outcome.error), "Message": one_line(outcome.error)}
    if outcome.resume_token is not None:
        shown["NextToken"] = outcome.resume_token
    return json_line(shown).encode()


class _Syntax(NamedTuple):
    """Patterns for all of something, and for any part of it from its beginning, which may be nothing."""

    whole: str
    torn: str


def _literal(text: str) -> _Syntax:
    torn = ""
    for character in reversed(text[:-1]):
        torn = f"(?:{re.escape(character)}{torn})?"
    return _Syntax(re.escape(text), torn)


def _sequence(*parts: _Syntax) -> _Syntax:
    torn = parts[-1].torn
    for part in reversed(parts[:-1]):
        torn = f"(?:{part.whole}{torn}|{part.torn})"
    return _Syntax("".join(part.whole for part in parts), torn)


def _choice(*parts: _Syntax) -> _Syntax:
    return _Syntax(*(f"(?:{'|'.join(patterns)})" for patterns in zip(*parts, strict=True)))


def _captured(part: _Syntax) -> _Syntax:
    return _Syntax(f"({part.whole})", part.torn)


def _optional(part: _Syntax) -> _Syntax:
    return _Syntax(f"(?:{part.whole})?", part.torn)


def _joined(item: _Syntax) -> _Syntax:
    """Any number of them, with commas between."""
    # After each a comma, unless a closing bracket or the end of a torn text follows.
    many = rf"(?:{item.whole}(?:,(?![}}\]])|(?![^}}\]])))*"
    return _Syntax(many, many + item.torn)


def _object(*members: _Syntax) -> _Syntax:
    return _sequence(_literal("{"), _joined(_choice(*members)), _literal("}"))


def _member(name: str, value: _Syntax) -> _Syntax:
    return _sequence(_literal(f'"{name}":'), value)


# A string as json.dumps() writes it. A run of plain characters is one step for the pattern, however long.
_PLAIN = r"[ !#-\[\]-~]*"
_CHARACTERS = rf'{_PLAIN}(?:\\(?:["\\bfnrt]|u[0-9a-f]{{4}}){_PLAIN})*'
_STRING = _Syntax(f'"{_CHARACTERS}"', rf'(?:"{_CHARACTERS}(?:\\(?:u[0-9a-f]{{0,3}})?)?)?')
_NUMBER = _Syntax("-?[0-9]+", "-?[0-9]*")
_DESTINATION = _object(_member("Destination", _STRING))
_CONFIGURATION = _object(
    _member("LastModified", _STRING),
    _member("FunctionArn", _STRING),
    _member("MaximumRetryAttempts", _NUMBER),
    _member("MaximumEventAgeInSeconds", _NUMBER),
    _member(
        "DestinationConfig",
        _object(_member("OnSuccess", _DESTINATION), _member("OnFailure", _DESTINATION)),
    ),
)
_CONFIGURATIONS = _sequence(_literal("["), _joined(_choice(_CONFIGURATION, _literal("null"))), _literal("]"))
_FAILURE = _sequence(
    _literal(',"Error":{"Code":'),
    _STRING,
    _literal(',"Message":'),
    _STRING,
    _literal("}"),
    _optional(_sequence(_literal(',"NextToken":'), _STRING)),
)
_LINE = _sequence(
    _literal('{"FunctionName":'),
    _captured(_STRING),
    _literal(',"Region":'),
    _captured(_STRING),
    _literal(',"FunctionEventInvokeConfigs":'),
    _CONFIGURATIONS,
    _optional(_captured(_FAILURE)),
    _literal("}\n"),
)
_WHOLE_LINE = re.compile(_LINE.whole.encode())
