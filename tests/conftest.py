"""What all tests share: an environment without AWS settings, no sleeping, clients of both libraries."""

from __future__ import annotations

import functools
import gc
import os
import random
import re
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import anyio
import boto3
import botocore.session
import botocore.utils
import crowd
import drivers
import faulty
import pytest
import tally
from account import Account
from aws import AWS, Home
from botocore.handlers import BUILTIN_HANDLERS
from botocore.hooks import EVENT_ALIASES
from servers import (
    AT_MOST,
    Certificates,
    Proxy,
    ScriptedServer,
    Server,
    Service,
    Silent,
    Slow,
    Talkative,
)

from lambda_event_invoke_configs.local import LocalLambda

# Each session of botocore's would look through all of its data files and read some again.
botocore.session.create_loader = functools.cache(botocore.session.create_loader)
# Each session and client would copy what is there for every service of AWS, which takes most of its time.
ASKED = {"*", "lambda", "signin", "sso", "sso-oidc", "sts"}
BUILTIN_HANDLERS[:] = [
    (event, *handler)
    for event, *handler in BUILTIN_HANDLERS
    if {*event.split(".")[1:2]} <= ASKED and not event.startswith("docs.")
]
EVENT_ALIASES.clear()  # none is of these

look_up = socket.getaddrinfo


def getaddrinfo(host: Any, *arguments: Any, **options: Any) -> Any:
    """No name server is asked for what nobody has: there may be none, and some know every name."""
    if (host.decode() if isinstance(host, bytes) else str(host)).endswith(".invalid"):
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
    return look_up(host, *arguments, **options)


socket.getaddrinfo = getaddrinfo

# What a user may have set for AWS's tools, HTTP, OpenTelemetry, pytest, terminals and the clock.
SETTINGS = re.compile(
    r"(AWS_|_X_AMZN|BOTO|OTEL_).*|.*_PROXY|REQUESTS_CA_BUNDLE|SSLKEYLOGFILE|PYTEST_ADDOPTS"
    r"|PY_COLORS|FORCE_COLOR|NO_COLOR|COLUMNS|TZ",
    re.IGNORECASE,
)

COUNTED = {"conformance": tally.tally, "faults": faulty.faults, "paginations": faulty.tally}


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """For `-n auto`: many tests wait, for a timeout or a process."""
    return 2 * (os.cpu_count() or 1)


def pytest_configure(config: pytest.Config) -> None:
    """Hypothesis's plugin imports all of Hypothesis at the end, also in the process that only reports."""
    if config.getoption("numprocesses", None):
        config.pluginmanager.unregister(name="hypothesispytest")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """In another order for each SHUFFLE."""
    if seed := os.environ.get("SHUFFLE"):
        random.Random(seed).shuffle(items)


def pytest_collection_finish() -> None:
    """What was imported stays: garbage collections, which some tests ask for, need not look at it."""
    gc.freeze()


def pytest_sessionfinish(session: pytest.Session) -> None:
    """A process of several hands what it has counted to the one that prints it."""
    gc.unfreeze()
    if output := getattr(session.config, "workeroutput", None):
        output["counted"] = {name: dict(counter) for name, counter in COUNTED.items()}
        output["crowds"] = crowd.crowds


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Takes it in."""
    output = getattr(node, "workeroutput", {})
    for name, counted in output.get("counted", {}).items():
        COUNTED[name].update(counted)
    crowd.crowds.extend(output.get("crowds", []))


@pytest.fixture(scope="session", autouse=True)
def _no_settings_of_this_machine(tmp_path_factory: pytest.TempPathFactory) -> None:
    for name in list(os.environ):
        if SETTINGS.fullmatch(name):
            del os.environ[name]
    time.tzset()
    nowhere = tmp_path_factory.getbasetemp() / "nowhere"
    os.environ["HOME"] = str(nowhere)
    os.environ["AWS_CONFIG_FILE"] = str(nowhere / "config")
    os.environ["AWS_SHARED_CREDENTIALS_FILE"] = str(nowhere / "credentials")
    os.environ["AWS_EC2_METADATA_DISABLED"] = "true"


@pytest.fixture
def tmp_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """This test's home too, for its settings. To make one for each test would take a millisecond of each."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "no-config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "no-credentials"))
    return tmp_path


@pytest.fixture(autouse=True)
def slept(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The seconds that were to be slept; nobody sleeps."""
    seconds: list[float] = []

    async def sleep(delay: float) -> None:
        seconds.append(delay)

    monkeypatch.setattr(time, "sleep", seconds.append)
    monkeypatch.setattr(anyio, "sleep", sleep)
    return seconds


@pytest.fixture
def scripted(start: Callable[..., ScriptedServer]) -> Callable[..., ScriptedServer]:
    """Makes servers that play a script."""
    return lambda *script: start(ScriptedServer, *script)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "ours" in metafunc.fixturenames:
        in_one = metafunc.definition.get_closest_marker("in_one_shell")
        metafunc.parametrize("ours", drivers.BACKENDS[: 1 if in_one else None], indirect=True)


@pytest.fixture
def ours(request: pytest.FixtureRequest) -> Iterator[Callable[..., Any]]:
    """Makes clients of this library: sync, asyncio and trio in turn, with the same surface."""
    clients: list[Any] = []

    def make(endpoint_url: str | None, **options: Any) -> Any:
        clients.append(
            drivers.make(request.param, **{**drivers.KEYS, "endpoint_url": endpoint_url, **options})
        )
        return clients[-1]

    yield make
    for client in clients:
        client.close()


@pytest.fixture
def shells() -> Iterator[Callable[..., list[Any]]]:
    """Makes a client of each kind, for what is to be the same with all of them."""
    clients: list[Any] = []

    def make(endpoint_url: str | None, **options: Any) -> list[Any]:
        options = {**drivers.KEYS, "endpoint_url": endpoint_url, **options}
        clients.extend(drivers.make(backend, **options) for backend in drivers.BACKENDS)
        return clients[-len(drivers.BACKENDS) :]

    yield make
    for client in clients:
        client.close()


@pytest.fixture(scope="session")
def boto3_session() -> botocore.session.Session:
    # Loading the service model takes long: once is enough.
    return botocore.session.Session()


@pytest.fixture
def theirs(boto3_session: botocore.session.Session) -> Iterator[Callable[..., Any]]:
    """Makes clients of boto3."""
    clients: list[Any] = []
    session = boto3.session.Session(botocore_session=boto3_session)

    def make(endpoint_url: str, **options: Any) -> Any:
        clients.append(session.client("lambda", **{**drivers.KEYS, "endpoint_url": endpoint_url, **options}))
        return clients[-1]

    yield make
    for client in clients:
        client.close()


@pytest.fixture
def lam() -> Iterator[LocalLambda]:
    """The embedded endpoint with 120 configurations of my-function."""
    with LocalLambda({"my-function": 120, "none": 0}) as lam:
        yield lam


@pytest.fixture(scope="module")
def account() -> Iterator[Account]:
    """An account of functions, served by a process of its own."""
    with Account() as account:
        yield account


@pytest.fixture
def client(lam: LocalLambda, ours: Callable[..., Any]) -> Any:
    """Our client of the embedded endpoint."""
    return ours(**lam.client_options)


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return Certificates.issue(tmp_path_factory.mktemp("certificates"))


@pytest.fixture
def start() -> Iterator[Callable[..., Server]]:
    """Starts servers of the given class."""
    with ExitStack() as servers:
        yield lambda kind, *arguments: servers.enter_context(kind(*arguments))


@pytest.fixture
def secure_lambda(start: Callable[..., Server], certificates: Certificates) -> Server:
    """A Lambda with a certificate for localhost."""
    return start(Server, certificates.server)


@pytest.fixture
def talkative_lambda(start: Callable[..., Server], certificates: Certificates) -> Server:
    """A Lambda that answers more than it was asked."""
    return start(Talkative, certificates.server)


@pytest.fixture
def choosy_lambda(start: Callable[..., Server], certificates: Certificates) -> Server:
    """A Lambda that insists on a certificate of the client's."""
    return start(Server, certificates.choosy_server)


@pytest.fixture
def slow(start: Callable[..., Server]) -> Server:
    """A Lambda that answers when it is told to."""
    return start(Slow)


@pytest.fixture
def silent(start: Callable[..., Server]) -> Server:
    """A server that never answers."""
    return start(Silent)


@pytest.fixture
def proxy(start: Callable[..., Server]) -> Server:
    """A proxy that is spoken to in HTTP."""
    return start(Proxy)


@pytest.fixture
def secure_proxy(start: Callable[..., Server], certificates: Certificates) -> Server:
    """A proxy that is spoken to in TLS, with a certificate for localhost."""
    return start(Proxy, certificates.server)


@pytest.fixture
def make_proxy(start: Callable[..., Server]) -> Callable[[bytes], Server]:
    """Makes proxies that answer CONNECT with the given bytes."""
    return lambda answer: start(Proxy, None, answer)


@pytest.fixture
def unused_port() -> Iterator[int]:
    """A port of 127.0.0.1 on which nobody listens. It stays bound: nobody else is given it."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield bound.getsockname()[1]


@pytest.fixture
def serve(start: Callable[..., Service]) -> Callable[..., Service]:
    """Starts servers in place of AWS's other services, with the given answers."""
    return lambda answer: start(Service, answer)


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[AWS]:
    """The services that give credentials."""
    # It has its own name for time.sleep, and asks again after two seconds.
    monkeypatch.setattr(botocore.utils.ContainerMetadataFetcher, "SLEEP_TIME", 0)
    monkeypatch.setattr(botocore.utils.ContainerMetadataFetcher, "TIMEOUT_SECONDS", AT_MOST)
    made = AWS()
    yield made
    made.close()


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, aws: AWS) -> Home:
    """Where a client finds its credentials: this test's environment and files."""
    return Home(tmp_path, monkeypatch, aws)


@pytest.fixture
def zone(request: pytest.FixtureRequest) -> Iterator[str]:
    """Makes a zone the machine's."""
    before = os.environ.get("TZ")
    os.environ["TZ"] = request.param
    time.tzset()
    yield request.param
    os.environ.pop("TZ")
    if before is not None:
        os.environ["TZ"] = before
    time.tzset()
