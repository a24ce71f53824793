"""What a forked process begins anew: connections of its parent's, locks that another thread may have held."""

from __future__ import annotations

import os
from threading import RLock, local
from typing import Protocol
from weakref import WeakSet


class BegunAnew(Protocol):
    """Something that can be as it was made."""

    def begin(self) -> None:
        """Begin anew."""


# To be held while a thread imports something: a process forked meanwhile would wait for that import for ever.
importing: RLock = RLock()
_LONGEST_IMPORT = (
    5  # seconds; a fork in the middle of another import may itself be what that thread waits for
)
_forking = local()

_registered: WeakSet[BegunAnew] = WeakSet()


def begin_anew(each: BegunAnew) -> None:
    """Call `begin()` in each process that is forked from this one, before it starts threads."""
    _registered.add(each)


def _forked() -> None:
    for each in _registered:
        each.begin()


def _wait() -> None:
    _forking.waited = False
    _forking.waited = importing.acquire(timeout=_LONGEST_IMPORT)


def _go_on() -> None:
    if _forking.waited:
        importing.release()


if hasattr(os, "register_at_fork"):  # not on Windows, which has no fork
    os.register_at_fork(before=_wait, after_in_parent=_go_on, after_in_child=_go_on)
    os.register_at_fork(after_in_child=_forked)
