"""Fork safety: state that is reset in the child process.

A child process has a copy of its parent's memory, but only the thread that called fork(). If another thread
held a lock, the lock is never released in the child. Connections are shared with the parent: data that one
process sends or receives corrupts the requests of the other. Objects register here if they hold locks or
connections, or if they count the requests of this process (the retry quota, the measured rate). They are
reset in the child before its code continues.
"""

from __future__ import annotations

import os
from typing import Protocol
from weakref import WeakSet


class Resettable(Protocol):
    """An object that can return to its initial state."""

    def reset(self) -> None:
        """Return to the initial state. Must not touch resources that the parent process still uses."""


_registered: WeakSet[Resettable] = WeakSet()


def reset_after_fork(obj: Resettable) -> None:
    """Call `obj.reset()` in each process forked from this one, before its code continues."""
    _registered.add(obj)


def _reset_all() -> None:
    for obj in _registered:
        obj.reset()


if hasattr(os, "register_at_fork"):  # not on Windows, which has no fork()
    os.register_at_fork(after_in_child=_reset_all)
