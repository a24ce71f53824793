"""Fuzzes the response parser and the token reader with atheris, which the extra `fuzz` installs.

    python tests/fuzz/harness.py response found/ tests/fuzz/corpus/response -runs=6000000 -max_len=4096
    python tests/fuzz/harness.py token found/ tests/fuzz/corpus/token -runs=6000000 -max_len=4096
    python tests/fuzz/harness.py response -merge=1 tests/fuzz/corpus/response found/

What comes after the target is libFuzzer's: https://llvm.org/docs/LibFuzzer.html#options. With
`FUZZ_DATEUTIL=1` the coverage of dateutil's parser counts too: that finds timestamps nobody would think of,
at a tenth of the speed.

An input that breaks a promise of `targets.py` is left in the working directory, as `crash-...`; once that is
mended it belongs into the corpus, which `tests/fuzz/test_corpus.py` replays.
"""

from __future__ import annotations

import base64
import json
import os
import random
import shlex
import sys
import warnings
from typing import Any

import atheris

INSTRUMENTED = ["lambda_event_invoke_configs"] + ["dateutil.parser"] * ("FUZZ_DATEUTIL" in os.environ)

with atheris.instrument_imports(include=INSTRUMENTED):
    from targets import TARGETS

NAMES = [
    *("FunctionEventInvokeConfigs", "NextMarker", "LastModified", "FunctionArn", "MaximumRetryAttempts"),
    *("MaximumEventAgeInSeconds", "DestinationConfig", "OnSuccess", "OnFailure", "Destination"),
    *("message", "Message", "code", "Code", "__type", "Type", "Reason", "Marker", "boto_truncate_amount"),
]
VALUES: list[Any] = [
    *(None, True, False, 0, -1, 1, 50, 2**31, 2**63, 10**400, -0.0, 1e-9, 1e17, 1e308, float("nan")),
    *(float("inf"), 1_700_000_000.125, 253402300799, 253402300800, -62135596800, -62135596801, -1e12),
    *("", " ", "0", "1e3", "١٢", "1_0", "nan", "inf", "9" * 4301, "m", "m___7", "\ud800", "\x00", "é" * 50),
    *("2023-11-14T22:13:20Z", "2023-11-14T22:13:20.123456789+25:00", "Tue, 14 Nov 2023 22:13:20 GMT"),
    *("2023-11-14T22:13:20 EST5EDT", "20231114221320", "0001-01-01T00:00:00+14:00", "12:61", "a.m. 10 h"),
    *("10:00:00.a", "99999999999999999999-1", "Feb 30", "1 2 3 4 5 6 7 8 9", "2023-W46-2", "T", ":", "1.2.3"),
    *([], {}, [[]], [None], [{}], {"": None}),
]
STATUSES = [b"200", b"204", b"300", b"302", b"400", b"404", b"429", b"500", b"503", b"599", b"999"]
HEADERS = [
    b"content-type: application/json",
    b"x-amzn-errortype: ResourceNotFoundException:http://internal/",
    b"x-amzn-errortype: com.amazonaws#ServiceException",
    b"x-amzn-errortype: TooManyRequestsException",
    b"x-amzn-errortype: InvalidParameterValueException",
    b"x-amzn-errortype: :#:",
    b"retry-after: 1",
    b"x-amzn-requestid: 1",
    b"x-amz-request-id: 1",
    b"x-amz-id-2: 2",
]
DEEP = 2000
STRUCTURED = 0.3  # of the mutations; libFuzzer's own are the rest


def mutate(data: bytes, max_size: int, seed: int) -> bytes:
    """Changes a value, a member or a header; or bytes, whatever they mean."""
    chance = random.Random(seed)
    if chance.random() > STRUCTURED:
        return bytes(atheris.Mutate(data, max_size))
    head, border, body = data.partition(b"\n\n")
    if border and chance.random() < 0.2:
        head = _other_head(head, chance)
    else:
        found = _other_body(body if border else data, chance)
        head, body = (head, found) if border else (found, b"")
    return (head + border + body)[:max_size]


def _other_head(head: bytes, chance: random.Random) -> bytes:
    status, *headers = head.split(b"\n")
    if chance.random() < 0.5:
        status = chance.choice(STATUSES)
    elif headers and chance.random() < 0.5:
        headers.pop(chance.randrange(len(headers)))
    else:
        headers.append(chance.choice(HEADERS))
    return b"\n".join([status, *headers])


def _other_body(body: bytes, chance: random.Random) -> bytes:
    if chance.random() < 0.01:
        depth = chance.randrange(1, DEEP)
        return chance.choice(
            [b"[" * depth, b"[" * depth + b"]" * depth, b'{"a":' * depth + b"1" + b"}" * depth]
        )
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        value = {"FunctionEventInvokeConfigs": [{}]}
    try:
        found = json.dumps(_other_value(value, chance), ensure_ascii=chance.random() < 0.5)
    except RecursionError:
        return body[: len(body) // 2]
    return (
        base64.b64encode(found.encode(errors="surrogatepass"))
        if chance.random() < 0.02
        else (found.encode(errors="surrogatepass"))
    )


def _other_value(value: Any, chance: random.Random) -> Any:
    if not isinstance(value, (dict, list)) or chance.random() < 0.15:
        return chance.choice(VALUES)
    if isinstance(value, list):
        if not value or chance.random() < 0.2:
            return [*value, _other_value({}, chance)]
        place = chance.randrange(len(value))
        return [*value[:place], _other_value(value[place], chance), *value[place + 1 :]]
    if not value or chance.random() < 0.4:
        return {**value, chance.choice(NAMES): chance.choice(VALUES)}
    name = chance.choice(list(value))
    if chance.random() < 0.1:
        return {other: member for other, member in value.items() if other != name}
    return {**value, name: _other_value(value[name], chance)}


def main() -> None:
    script, target, *options = sys.argv
    # dateutil's, of time zones it does not know: boto3's users see it too.
    warnings.simplefilter("ignore")
    # libFuzzer merges in processes of its own, which it starts by the first argument, through a shell.
    command = shlex.join([sys.executable, script, target])
    atheris.Setup([command, *options], TARGETS[target], custom_mutator=mutate)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
