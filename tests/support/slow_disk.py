"""Runs the command on a slow and small disk: something to be killed while it writes to its `--output-file`.

A job has `argv`, the command's arguments, and `limit`, the size in bytes that no file may exceed, or null.
"""

from __future__ import annotations

import os
import resource
import time
from typing import Any

from zygote import serve

from lambda_event_invoke_configs._cli.main import main

PIECE = 40  # bytes written at a time
WRITE_TAKES = 0.0002  # seconds

_write = os.write


def write(fd: int, data: bytes) -> int:
    time.sleep(WRITE_TAKES)
    return _write(fd, data[:PIECE])


def run(job: dict[str, Any]) -> int:
    os.write = write
    if job["limit"] is not None:
        hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
        resource.setrlimit(resource.RLIMIT_FSIZE, (job["limit"], hard))
    with open(os.devnull, "w") as nothing:
        os.dup2(nothing.fileno(), 1)
        os.dup2(nothing.fileno(), 2)
    return main(job["argv"])


if __name__ == "__main__":
    import lambda_event_invoke_configs as eic
    from lambda_event_invoke_configs._cli import many  # noqa: F401 - imported once, as the client

    eic.Client("us-east-1")
    serve(run)
