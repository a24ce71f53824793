"""State that is started over in a forked process.

A child process has a copy of its parent's memory, but only the thread that called fork(). So a lock that
another thread held is never released there, and a connection is shared with the parent: what one of the two
sends or receives corrupts the other's exchange. Each object that holds locks or connections, or that counts
what this process has sent (the retry quota, the measured rate), registers here and is reset in the child
before the child's code goes on.
"""

from __future__ import annotations

import os
from typing import Protocol
from weakref import WeakSet


class Resettable(Protocol):
    """An object that can return to its initial state."""

    def reset(self) -> None:
        """Return to the initial state, without touching what the parent process still uses."""


_registered: WeakSet[Resettable] = WeakSet()


def reset_after_fork(obj: Resettable) -> None:
    """Call `obj.reset()` in each process that is forked from this one, before its code goes on."""
    _registered.add(obj)


def _reset_all() -> None:
    for obj in _registered:
        obj.reset()


if hasattr(os, "register_at_fork"):  # not on Windows, which has no fork()
    os.register_at_fork(after_in_child=_reset_all)
