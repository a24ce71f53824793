"""A server whose connections can all die at the same moment, as those of a frozen sandbox do."""

from __future__ import annotations

import socket
import threading
from typing import Literal

from servers import AT_MOST, Server


class FrozenServer(Server):
    """Answers until `kill()`, and from then on only on connections that were made after it."""

    def __init__(self) -> None:
        self._how: Literal["reset", "silent"] | None = None
        self._dead: set[socket.socket] = set()
        self._together: threading.Barrier | None = None
        super().__init__()

    def meet(self, number: int) -> None:
        """Answer none before so many have come, each on a connection of its own; 1 for no such wait."""
        self._together = threading.Barrier(number) if number > 1 else None

    def kill(self, how: Literal["reset", "silent"]) -> None:
        """From now on, a request on one of the present connections is answered by a reset, or by nothing."""
        with self._changed:
            self._how, self._dead = how, set(self._open)
            self.requests.clear()

    def respond(self, connection: socket.socket, head: bytes) -> bool:
        if connection in self._dead:
            if self._how == "reset":
                self._end(connection, reset=True)
            return self._how == "silent"
        if self._together:
            self._together.wait(AT_MOST)
        return super().respond(connection, head)
