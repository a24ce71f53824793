"""Idle connections that die together cost one retry, as with boto3."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import botocore.config
import drivers
import pytest
from frozen import FrozenServer
from servers import AT_MOST, Server, until
from urllib3.util import Timeout

import lambda_event_invoke_configs as eic
from lambda_event_invoke_configs.exceptions import ConnectionClosedError, ReadTimeoutError

Make = Callable[..., Any]
IDLE = 5
READ_TIMEOUT = 0.4  # seconds
# Where the machine stands still for a while, a new connection may cost a retry too; the dead ones would cost
# one each.
MANY_ATTEMPTS = {"total_max_attempts": 3 * IDLE, "mode": "standard"}


@pytest.fixture
def frozen() -> Iterator[FrozenServer]:
    with FrozenServer() as server:
        yield server


def ask(client: Any, name: str = "f") -> Any:
    return client.list_function_event_invoke_configs(FunctionName=name)


def make_idle(client: Any, server: FrozenServer, number: int = IDLE) -> None:
    server.meet(number)
    with ThreadPoolExecutor(number) as threads:
        for _ in threads.map(lambda _: ask(client), range(number)):
            pass
    server.meet(1)
    assert server.connections == number


@pytest.mark.parametrize("how", ["reset", "silent"])
class TestIdleConnectionsThatDiedTogether:
    def test_cost_one_retry(self, ours: Make, frozen: FrozenServer, how: Any) -> None:
        client = ours(frozen.url, config=eic.Config(retries=MANY_ATTEMPTS))
        make_idle(client, frozen)
        frozen.kill(how)
        drivers.set_read_timeout(client, READ_TIMEOUT)
        retries = ask(client)["ResponseMetadata"]["RetryAttempts"]
        assert 1 <= retries < IDLE
        # And no more of it: what is idle now is new.
        retries += ask(client)["ResponseMetadata"]["RetryAttempts"]
        assert frozen.connections == IDLE + retries < 2 * IDLE

    def test_cost_one_retry_with_boto3(self, theirs: Make, frozen: FrozenServer, how: Any) -> None:
        client = theirs(frozen.url, config=botocore.config.Config(retries=MANY_ATTEMPTS))
        make_idle(client, frozen)
        frozen.kill(how)
        pools = client._endpoint.http_session._manager.pools
        for key in pools.keys():  # noqa: SIM118 - it is no mapping that can be iterated
            pools[key].timeout = Timeout(READ_TIMEOUT)
        assert 1 <= ask(client)["ResponseMetadata"]["RetryAttempts"] < IDLE

    def test_cost_each_of_many_calls_at_once_one_retry(
        self, ours: Make, frozen: FrozenServer, how: Any
    ) -> None:
        client = ours(frozen.url, config=eic.Config(retries=MANY_ATTEMPTS))
        make_idle(client, frozen)
        frozen.kill(how)
        drivers.set_read_timeout(client, READ_TIMEOUT)
        with ThreadPoolExecutor(IDLE) as threads:
            pages = list(threads.map(lambda _: ask(client), range(IDLE)))
        assert all(page["ResponseMetadata"]["RetryAttempts"] < IDLE for page in pages)

    def test_are_gone_for_the_next_call_when_there_is_one_attempt(
        self, ours: Make, frozen: FrozenServer, how: Any
    ) -> None:
        client = ours(frozen.url, config=eic.Config(retries={"total_max_attempts": 1}))
        make_idle(client, frozen)
        frozen.kill(how)
        drivers.set_read_timeout(client, READ_TIMEOUT)
        with pytest.raises((ConnectionClosedError, ReadTimeoutError)):
            ask(client)
        drivers.set_read_timeout(client, 60)
        assert ask(client)
        assert frozen.connections == IDLE + 1


class Failing(Server):
    """Answers "slow" once "fails" has come, and hangs up on that once `go_on` is set."""

    def __init__(self) -> None:
        self.failing, self.go_on = threading.Event(), threading.Event()
        super().__init__()

    def respond(self, connection: socket.socket, head: bytes) -> bool:
        if b"/fails/" in head:
            self.failing.set()
            assert self.go_on.wait(AT_MOST)
            return False
        assert b"/slow/" not in head or self.failing.wait(AT_MOST)
        return super().respond(connection, head)


def test_a_failure_of_a_new_connection_leaves_the_idle_ones(ours: Make) -> None:
    """Only what happens to a connection that was used before says something about the others."""
    with Failing() as server, ThreadPoolExecutor(2) as threads:
        client = ours(server.url, config=eic.Config(retries={"total_max_attempts": 1}))
        slow = threads.submit(ask, client, "slow")
        until(lambda: server.requests)
        fails = threads.submit(ask, client, "fails")
        assert slow.result(AT_MOST)
        server.go_on.set()
        assert isinstance(fails.exception(AT_MOST), ConnectionClosedError)
        assert ask(client)
        assert server.connections == 2


def test_idle_connections_are_kept_for_as_long_as_the_service_keeps_them(
    ours: Make, frozen: FrozenServer
) -> None:
    client = ours(frozen.url)
    make_idle(client, frozen)
    for _ in range(3 * IDLE):
        ask(client)
    assert frozen.connections == IDLE
