"""The command on a slow and small disk: something to be killed while it writes to its `--output-file`."""

from __future__ import annotations

import os
import resource
import time

from lambda_event_invoke_configs._cli.main import main

PIECE = 40  # bytes written at a time
WRITE_TAKES = 0.0002  # seconds

_write = os.write


def write(fd: int, data: bytes) -> int:
    time.sleep(WRITE_TAKES)
    return _write(fd, data[:PIECE])


def run(argv: list[str], limit: int | None) -> int:
    """The exit code of the command; no file may exceed `limit`, in bytes."""
    os.write = write
    if limit is not None:
        hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, hard))
    with open(os.devnull, "w") as nothing:
        os.dup2(nothing.fileno(), 1)
        os.dup2(nothing.fileno(), 2)
    return main(argv)
