"""Ctrl-C at any moment of a call: KeyboardInterrupt, and the client goes on with all its connections.

A signal's handler runs between two steps of the interpreter, also in the code of httpcore that takes a lock.
`Interrupting` raises at one such step, the next one each time, until a call has none left.
"""

from __future__ import annotations

import gc
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any

import httpcore
import pytest
from servers import Server

import lambda_event_invoke_configs as eic

FUNCTIONS = f"{eic.__name__}/_sync/functions.py"
HERE = eic.__name__.replace(".", "/")
INTERRUPTED = (f"{HERE}/_sync/transport.py", f"{HERE}/_sync/sockets.py", f"{HERE}/_client/network.py")
POOL = httpcore.ConnectionPool.__module__.replace(".", "/") + ".py"
INSIDE = (*INTERRUPTED, POOL, "httpcore/_synchronization.py", "httpcore/_sync/http11.py")
EVERY = 7  # of the steps of a call: a prime, and with another one to begin with each time
STUCK = 60.0  # seconds, after which a call hangs for ever


class Interrupting:
    """Raises KeyboardInterrupt at the given step of what this thread runs of the modules in INSIDE."""

    def __init__(self, step: int, inside: tuple[str, ...] | str = INSIDE, name: str = "") -> None:
        self.left = step
        self.raised = False
        self._inside = inside
        self._name = name  # of the only functions, or of those of any

    def __enter__(self) -> Interrupting:
        sys.settrace(self.call)
        return self

    def __exit__(self, *_: object) -> None:
        sys.settrace(None)

    def call(self, frame: FrameType, event: str, argument: object) -> Any:
        if not frame.f_code.co_filename.endswith(self._inside) or frame.f_code.co_name == "__del__":
            return None
        if self._name not in ("", frame.f_code.co_name):
            return self.call
        frame.f_trace_opcodes = True
        return self._step

    def _step(self, frame: FrameType, event: str, argument: object) -> Any:
        if event == "opcode" and not self.raised:
            self.left -= 1
            if self.left < 0:
                self.raised = True
                raise KeyboardInterrupt
        return self._step


def in_time(call: Callable[[], Any]) -> Any:
    """What a call returns or raises, in a thread; fails if it takes for ever."""
    found: list[Any] = []

    def run() -> None:
        try:
            found.append(call())
        except BaseException as error:
            found.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(STUCK)
    assert not thread.is_alive(), "it hangs"
    return found[0]


@pytest.fixture(autouse=True)
def _no_garbage_collection() -> Iterator[None]:
    """A connection that another test has left would take the interrupt in its `__del__`."""
    gc.collect()
    gc.disable()
    yield
    gc.collect()  # what this one has left, with the warnings of it
    gc.enable()


@pytest.fixture
def lam(start: Any) -> Any:
    return start(Server)


@pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")  # of the step that has just made a socket
@pytest.mark.parametrize("reused", [True, False], ids=["reused", "new"])
def test_ctrl_c_at_any_step_leaves_a_client_that_works(lam: Any, reused: bool) -> None:
    config = eic.Config(max_pool_connections=1, retries={"total_max_attempts": 1})
    client = eic.Client(
        "us-east-1",
        endpoint_url=f"http://127.0.0.1:{lam.port}",
        aws_access_key_id="a",
        aws_secret_access_key="b",
        config=config,
    )

    def ask() -> Any:
        return client.list_function_event_invoke_configs(FunctionName="f")

    def interrupted(step: int) -> bool:
        if not reused:
            client._transport.reset()  # type: ignore[attr-defined]
        with Interrupting(step) as interrupting:
            try:
                ask()
            except KeyboardInterrupt:
                return True
        assert not interrupting.raised, "the interrupt was swallowed"
        return False

    ask()
    steps = 0
    while in_time(lambda step=steps: interrupted(step)) is True:
        assert in_time(ask)["FunctionEventInvokeConfigs"], f"after step {steps}"
        steps += EVERY
    assert steps > 200
    client.close()


def test_an_interrupt_of_a_thread_of_list_for_functions_is_raised_or_too_late(lam: Any) -> None:
    client = eic.Client(
        "us-east-1",
        endpoint_url=f"http://127.0.0.1:{lam.port}",
        aws_access_key_id="a",
        aws_secret_access_key="b",
    )

    def list_two(step: int) -> tuple[bool, list[Any]]:
        interrupting = Interrupting(step, FUNCTIONS, "run")
        tracing = threading.gettrace()  # coverage's
        threading.settrace(interrupting.call)
        outcomes = []
        try:
            for outcome in client.list_for_functions(["f", "g"], max_concurrency=1):
                outcomes.append(outcome)
        except KeyboardInterrupt:
            pass
        finally:
            threading.settrace(tracing)  # type: ignore[arg-type]  # typeshed does not know that it may be None
        return interrupting.raised, outcomes

    step = 0
    while True:
        found = in_time(lambda step=step: list_two(step))
        assert isinstance(found, tuple), found
        raised, outcomes = found
        assert all(outcome.error is None for outcome in outcomes)
        if not raised:
            break
        step += 1
    assert len(outcomes) == 2
    client.close()


def test_an_interrupt_of_the_thread_that_iterates_is_raised(lam: Any) -> None:
    client = eic.Client(
        "us-east-1",
        endpoint_url=f"http://127.0.0.1:{lam.port}",
        aws_access_key_id="a",
        aws_secret_access_key="b",
    )

    def list_two(step: int) -> bool:
        with Interrupting(step, FUNCTIONS) as interrupting:
            try:
                list(client.list_for_functions(["f", "g"], max_concurrency=1))
            except KeyboardInterrupt:
                return True
        assert not interrupting.raised, "the interrupt was swallowed"
        return False

    step = 0
    while in_time(lambda step=step: list_two(step)) is True:
        step += EVERY
    assert step > 100
    assert len(in_time(lambda: list(client.list_for_functions(["f", "g"])))) == 2
    client.close()


def test_ctrl_c_that_the_system_delivers_to_another_thread_is_raised() -> None:
    """It does not wake the thread that waits, like one that arrives just before the wait begins."""
    script = """
import signal, sys, threading, time
signal.signal(signal.SIGINT, signal.default_int_handler)
from lambda_event_invoke_configs._sync.functions import run_bounded
def work(item, stopped):
    main = threading.main_thread().ident
    while sys._current_frames()[main].f_code.co_name != "wait_for":
        time.sleep(0.001)
    time.sleep(0.1)
    signal.pthread_kill(threading.get_ident(), signal.SIGINT)
    threading.Event().wait()
try:
    next(run_bounded(work, iter([1]), 1))
except KeyboardInterrupt:
    print("raised")
"""
    command = [sys.executable, "-c", script]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    assert ran.stdout == "raised\n"
