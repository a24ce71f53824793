"""A plugin for pytest under mutmut: a test that does not end with a mutant ends the process, as a failure."""

from __future__ import annotations

import faulthandler
import os
from collections.abc import Generator

import pytest
from _pytest import python
from mutmut.core import MutmutCallStack
from mutmut.state import state

# Which function calls which is needed for later runs only. On Python 3.11, the context variable that tells it
# now and then holds an object that does not exist any more when many event loops have failed.
MutmutCallStack.get = lambda: (None, 0)
MutmutCallStack.set = lambda value: None
MutmutCallStack.reset = lambda token: None

# mutmut finds tests by their names. Those with a backslash get another one each time that they are collected.
escape = python._ascii_escaped_by_config
python._ascii_escaped_by_config = lambda name, config: escape(name, config).replace("\\", "/")

SUSPICIOUS = 35
LEAST = 8  # seconds; what each test took without a mutant comes on top, ten times


def pytest_sessionfinish(exitstatus: int) -> None:
    """For mutmut, tests that are not found have failed; with this status the mutant has not been killed."""
    if exitstatus == pytest.ExitCode.USAGE_ERROR:
        os._exit(SUSPICIOUS)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    if "__mutmut_" not in os.environ["MUTANT_UNDER_TEST"]:
        return (yield)
    seconds = LEAST + 10 * state().duration_by_test[item.nodeid]
    with open(os.devnull, "w") as nowhere:
        # A thread of C code: it works whatever the mutant has done to locks, signals and event loops.
        faulthandler.dump_traceback_later(seconds, exit=True, file=nowhere)
        try:
            return (yield)
        finally:
            faulthandler.cancel_dump_traceback_later()
