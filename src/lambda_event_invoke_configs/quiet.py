"""What botocore must not log while it fetches keys: whole responses, and errors that quote them."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager

# What botocore logs at DEBUG while it asks STS or SSO: whole responses, keys included.
_TALKATIVE = ("botocore.auth", "botocore.endpoint", "botocore.parsers", "botocore.hooks", "botocore.utils")


class _BelowWarning(logging.Filter):
    """Drops what botocore logs below WARNING in threads that are fetching keys."""

    def __init__(self) -> None:
        super().__init__()
        self.fetching = threading.local()

    def filter(self, record: logging.LogRecord) -> bool:
        return record.levelno >= logging.WARNING or not getattr(self.fetching, "now", False)


class _ErrorsByName(logging.Filter):
    """Keeps the kind of a logged error, not its text, which may quote an answer that holds keys."""

    def filter(self, record: logging.LogRecord) -> bool:
        if record.exc_info and record.exc_info[0] and getattr(_below_warning.fetching, "now", False):
            record.msg = f"{record.getMessage()} ({record.exc_info[0].__name__})"
            record.args, record.exc_info = (), None
        return True


_below_warning = _BelowWarning()
_errors_by_name = _ErrorsByName()


@contextmanager
def quiet() -> Iterator[None]:
    """While this thread fetches keys: botocore logs nothing that holds them."""
    # No-ops from the second time on.
    for name in _TALKATIVE:
        logging.getLogger(name).addFilter(_below_warning)
    logging.getLogger("botocore.credentials").addFilter(_errors_by_name)
    before = getattr(_below_warning.fetching, "now", False)
    _below_warning.fetching.now = True
    try:
        yield
    finally:
        _below_warning.fetching.now = before
