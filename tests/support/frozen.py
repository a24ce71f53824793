"""A server on 127.0.0.1 whose connections can all die at the same moment, as those of a frozen sandbox do."""

from __future__ import annotations

import socket
import struct
import threading
from types import TracebackType
from typing import Literal

from scripted import page

HEAD_END = b"\r\n\r\n"


class FrozenServer:
    """Answers every request with a page, until `kill()`; then only those on connections made after that.

    `requests` counts the requests that arrived, `connections` the connections accepted.
    """

    def __init__(self) -> None:
        self.requests = 0
        self.connections = 0
        self._killed: Literal["reset", "silent"] | None = None
        self._alive_from = 0
        self._together: threading.Barrier | None = None
        self._open: list[socket.socket] = []
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def meet(self, number: int) -> None:
        """Answer none before so many have come, each on a connection of its own; 1 for no such wait."""
        self._together = threading.Barrier(number) if number > 1 else None

    def kill(self, how: Literal["reset", "silent"]) -> None:
        """From now on, a request on one of the present connections is answered by a reset, or by nothing."""
        self._killed, self._alive_from = how, self.connections
        self.requests = 0

    def __enter__(self) -> FrozenServer:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for connection in self._open:
            connection.close()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self._open.append(connection)
            self.connections += 1
            threading.Thread(target=self._serve, args=(connection, self.connections), daemon=True).start()

    def _serve(self, connection: socket.socket, number: int) -> None:
        try:
            while True:
                head = b""
                while not head.endswith(HEAD_END):
                    data = connection.recv(65536)
                    if not data:
                        return
                    head += data
                self.requests += 1
                if number <= self._alive_from and self._killed == "silent":
                    continue
                if number <= self._alive_from and self._killed == "reset":
                    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                    return
                if self._together:
                    self._together.wait(20)
                connection.sendall(page("arn").wire())
        except OSError:
            pass
        finally:
            connection.close()
