"""Event loops."""

from __future__ import annotations

import anyio
import pytest
from drivers import Run


@pytest.fixture(params=["asyncio", "trio"])
def run(request: pytest.FixtureRequest) -> Run:
    """Runs a coroutine function in an event loop of its own."""
    return lambda main: anyio.run(main, backend=request.param)
