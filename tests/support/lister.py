"""Lists into a journal, and goes on where its journal ends: something to be killed.

A journal has a line of JSON for each step of the listing: the configurations, and the resume token after
them. Both are there or, if the line has no end, neither.
"""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

import drivers

# The disk is slow, so that kills come in the middle of a line too.
PIECE = 40  # bytes written at a time
WRITE_TAKES = 0.0002  # seconds


def read(journal: Path) -> tuple[list[dict[str, Any]], int]:
    """The records of a journal, and the length in bytes of the line without an end, if there is one."""
    if not journal.exists():
        return [], 0
    *lines, torn = journal.read_bytes().split(b"\n")
    return [json.loads(line) for line in lines], len(torn)


def is_finished(records: list[dict[str, Any]]) -> bool:
    # Before anything was handed out, None is the beginning; after it, there is nothing more.
    return bool(records) and records[-1]["token"] is None


def list_into(journal: Path, backend: str, by: str, client: dict[str, Any], paginate: dict[str, Any]) -> None:
    records, torn = read(journal)
    if is_finished(records):
        return
    token = records[-1]["token"] if records else None
    file = os.open(journal, os.O_WRONLY | os.O_CREAT)
    os.ftruncate(file, os.fstat(file).st_size - torn)
    os.lseek(file, 0, os.SEEK_END)

    def write(configurations: list[Any]) -> None:
        record = {"token": pages.resume_token, "configurations": configurations}
        line = json.dumps(record).encode() + b"\n"
        for start in range(0, len(line), PIECE):
            os.write(file, line[start : start + PIECE])
            time.sleep(WRITE_TAKES)
        os.fsync(file)

    with drivers.make(backend, **client) as made:
        paginator = made.get_paginator("list_function_event_invoke_configs")
        config = {**paginate.pop("PaginationConfig"), "StartingToken": token}
        pages = paginator.paginate(**paginate, PaginationConfig=config)
        if by == "pages":
            for page in pages:
                write(page["FunctionEventInvokeConfigs"])
        else:
            for configuration in pages.items():
                write([configuration])
            # The last pages may be empty: then it was not known of the last configuration that it was.
            write([])
