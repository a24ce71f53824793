"""One fetch of keys for all the tasks that wait for them, in a thread that outlives their cancellation."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from contextvars import copy_context
from threading import Thread

import anyio
from anyio import from_thread
from anyio.lowlevel import current_token

from .keys import Keys


class Fetch:
    """A fetch under way; to be made in the event loop of the tasks.

    Its thread is a daemon: it does not keep a process alive in which nobody waits any more.
    """

    def __init__(self, fetch: Callable[[], Keys]) -> None:
        self._fetch = fetch
        self._keys: Future[Keys] = Future()
        self._over = anyio.Event()
        self._event_loop = current_token()
        Thread(target=copy_context().run, args=(self._run,), name=__name__, daemon=True).start()

    def _run(self) -> None:
        try:
            self._keys.set_result(self._fetch())
        except BaseException as error:
            self._keys.set_exception(error)
        with suppress(RuntimeError):  # the event loop has ended, and nobody waits
            from_thread.run_sync(self._over.set, token=self._event_loop)

    def is_over(self) -> bool:
        return self._keys.done()

    async def keys(self) -> Keys:
        """Wait for them. Raises what the fetch failed with."""
        await self._over.wait()
        return self._keys.result()
