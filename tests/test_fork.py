"""What a forked process starts over: connections, locks, the retry quota."""

from __future__ import annotations

import os
from collections.abc import Callable
from weakref import WeakSet

import pytest
from processes import python
from servers import ScriptedServer, error, page

from lambda_event_invoke_configs import _fork

Scripted = Callable[..., ScriptedServer]
FORKING = """
import os, sys
import lambda_event_invoke_configs as eic

def arn():
    page = client.list_function_event_invoke_configs(FunctionName="f")
    return page["FunctionEventInvokeConfigs"][0]["FunctionArn"]

client = eic.Client("us-east-1", endpoint_url=sys.argv[1], aws_access_key_id="a", aws_secret_access_key="b")
print(arn(), flush=True)
child = os.fork()
if not child:
    print(arn(), arn(), flush=True)
    os._exit(0)
os.waitpid(child, 0)
print(arn(), flush=True)
client.close()
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the system does not fork")
def test_a_forked_process_has_connections_of_its_own(scripted: Scripted) -> None:
    server = scripted(page("1"), page("2"), page("3"), page("4"))
    assert python("-c", FORKING, server.url).split() == ["1", "2", "3", "4"]
    assert server.connections == 2


FETCHING = """
import os, sys, threading
from datetime import datetime, timedelta, timezone
from botocore.credentials import Credentials, RefreshableCredentials
import lambda_event_invoke_configs as eic

fetching, go_on = threading.Event(), threading.Event()

def fetch():
    if not child:
        fetching.set()
        go_on.wait(30)
    return Credentials("a", "b")

def refresh():
    fetch()
    then = datetime.now(timezone.utc) + timedelta(hours=1)
    return {"access_key": "a", "secret_key": "b", "token": "t", "expiry_time": then.isoformat()}

def ask():
    client.list_function_event_invoke_configs(FunctionName="f")

child = 0
client = eic.Client("us-east-1", endpoint_url=sys.argv[1], credentials=CREDENTIALS)
thread = threading.Thread(target=ask)
thread.start()
fetching.wait(30)
forked = os.fork()
if not forked:
    child = 1
    ask()
    os._exit(0)
print(os.waitpid(forked, 0)[1], flush=True)
go_on.set()
thread.join()
client.close()
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the system does not fork")
@pytest.mark.parametrize(
    "credentials",
    [
        pytest.param("fetch", id="found"),
        pytest.param(
            'RefreshableCredentials("a", "b", "t", datetime(2020, 1, 1, tzinfo=timezone.utc), refresh, "m")',
            id="refreshed",
        ),
    ],
)
def test_a_process_forked_while_keys_are_fetched_fetches_its_own(
    scripted: Scripted, credentials: str
) -> None:
    server = scripted(page("1"), page("2"))
    script = FETCHING.replace("CREDENTIALS", credentials)
    assert python("-c", script, server.url) == "0\n"


SPENDING = """
import os, sys
import lambda_event_invoke_configs as eic

def retries():
    try:
        client.list_function_event_invoke_configs(FunctionName="f")
    except eic.exceptions.ClientError as error:
        return error.response["ResponseMetadata"]["RetryAttempts"]

client = eic.Client("us-east-1", endpoint_url=sys.argv[1], aws_access_key_id="a", aws_secret_access_key="b",
                    config=eic.Config(read_timeout=60))
import time
time.sleep = lambda seconds: None
while spent := retries():
    pass
print(spent, flush=True)
child = os.fork()
if not child:
    print(retries(), flush=True)
    os._exit(0)
os.waitpid(child, 0)
print(retries(), flush=True)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the system does not fork")
def test_a_forked_process_has_a_retry_quota_of_its_own(scripted: Scripted) -> None:
    server = scripted(*[error(500)] * 100)
    assert python("-c", SPENDING, server.url).split() == ["0", "2", "0"]


def test_what_is_gone_is_not_reset(monkeypatch: pytest.MonkeyPatch) -> None:
    """In this process, and without what others have registered."""

    class Each:
        times = 0

        def reset(self) -> None:
            Each.times += 1

    monkeypatch.setattr(_fork, "_registered", WeakSet())
    each, gone = Each(), Each()
    _fork.reset_after_fork(each)
    _fork.reset_after_fork(gone)
    del gone
    _fork._reset_all()
    assert Each.times == 1
