"""What a forked process begins anew: connections of its parent's, locks that another thread may have held."""

from __future__ import annotations

import os
from typing import Protocol
from weakref import WeakSet


class BegunAnew(Protocol):
    """Something that can be as it was made."""

    def begin(self) -> None:
        """Begin anew."""


_registered: WeakSet[BegunAnew] = WeakSet()


def begin_anew(each: BegunAnew) -> None:
    """Have something begun anew in each process that is forked from this one, before its threads."""
    _registered.add(each)


def _forked() -> None:
    for each in _registered:
        each.begin()


if hasattr(os, "register_at_fork"):  # not on Windows, which has no fork
    os.register_at_fork(after_in_child=_forked)
