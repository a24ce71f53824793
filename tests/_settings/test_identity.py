"""Which identity a client acts as, when that is settled, and what the clients of one identity share."""

from __future__ import annotations

import gc
import os
import signal
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any, ClassVar

import aws as services
import boto3
import botocore.credentials
import botocore.session
import pytest
from aws import ASKED_BY_HTTP, AWS, ID, Home
from servers import ScriptedServer, page, until

import lambda_event_invoke_configs as eic
from lambda_event_invoke_configs._settings import credentials as sources
from lambda_event_invoke_configs._settings import identity
from lambda_event_invoke_configs.exceptions import (
    CredentialRetrievalError,
    NoCredentialsError,
    ProfileNotFound,
)

NO_KEYS: dict[str, Any] = {"aws_access_key_id": None, "aws_secret_access_key": None}
REFUSED_BY_STS = (
    "<ErrorResponse><Error><Code>AccessDenied</Code><Message>no</Message></Error></ErrorResponse>"
)
PATIENCE = 30  # seconds until a test gives up


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    """A Lambda that has a page for everybody."""
    with ScriptedServer(*[page("a")] * 200) as made:
        yield made


def boto3_client(url: str, **options: Any) -> Any:
    """Of a session of its own."""
    session = boto3.session.Session(
        **{name: options.pop(name) for name in ["profile_name"] if name in options}
    )
    given = {"region_name": "us-east-1", "endpoint_url": url, **options}
    return session.client("lambda", **{name: value for name, value in given.items() if value is not None})


@pytest.fixture(params=["sync", "asyncio", "boto3"])
def make(request: pytest.FixtureRequest, server: ScriptedServer) -> Iterator[Callable[..., Any]]:
    """Makes clients without explicit credentials: ours of both classes, and boto3's."""
    import drivers

    made: list[Any] = []

    def make_one(region_name: str = "us-east-1", **options: Any) -> Any:
        given = {"region_name": region_name, "endpoint_url": server.url, **options}
        if request.param == "boto3":
            made.append(boto3_client(given.pop("endpoint_url"), **given))
        else:
            made.append(drivers.make(request.param, **given))
        return made[-1]

    yield make_one
    for client in made:
        client.close()


def ask(client: Any) -> Any:
    return client.list_function_event_invoke_configs(FunctionName="f")


def signers(server: ScriptedServer) -> list[str]:
    """Access key and region that each request was signed with."""
    scopes = [header.split("Credential=")[1].split("/") for header in server.header("authorization")]
    return [f"{key}/{region}" for key, _, region, *_ in scopes]


PROFILES = (
    "[default]\naws_access_key_id = AKDEFAULT\naws_secret_access_key = s\n"
    "[profile a]\nregion = us-west-1\naws_access_key_id = AKA\naws_secret_access_key = s\n"
    "[profile b]\nregion = us-west-2\naws_access_key_id = AKB\naws_secret_access_key = s\n"
)


class TestWhatIsMeant:
    """As boto3's sessions: what the environment names when the client is made."""

    def test_by_the_profiles_variable(
        self, make: Any, server: ScriptedServer, home: Home, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        home.write(PROFILES)
        clients = []
        for name in "a", "b":
            home.setenv("AWS_PROFILE", name)
            clients.append(make(region_name=None))
        monkeypatch.delenv("AWS_PROFILE")
        for client in clients:
            ask(client)
        assert signers(server) == ["AKA/us-west-1", "AKB/us-west-2"]

    @pytest.mark.parametrize("variable", ["AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"])
    def test_by_the_files_variables(
        self, make: Any, server: ScriptedServer, home: Home, variable: str, tmp_path: Path
    ) -> None:
        clients = []
        for name in "AKA", "AKB":
            file = tmp_path / name
            file.write_text(f"[default]\naws_access_key_id = {name}\naws_secret_access_key = s\n")
            home.setenv(variable, str(file))
            clients.append(make())
        home.setenv(variable, "/nowhere")
        for client in clients:
            ask(client)
        assert signers(server) == ["AKA/us-east-1", "AKB/us-east-1"]

    def test_by_a_relative_path_and_the_home_directory(
        self, make: Any, server: ScriptedServer, home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (tmp_path / "config").write_text(
            "[default]\naws_access_key_id = AKRELATIVE\naws_secret_access_key = s\n"
        )
        monkeypatch.chdir(tmp_path)
        home.setenv("AWS_CONFIG_FILE", "config")
        clients = [make()]
        home.setenv("AWS_CONFIG_FILE", "~/config")
        clients.append(make())
        monkeypatch.chdir("/")
        home.setenv("HOME", "/nowhere")
        for client in clients:
            ask(client)
        assert signers(server) == ["AKRELATIVE/us-east-1"] * 2

    def test_by_keys_that_appear_in_the_environment_later(
        self, make: Any, server: ScriptedServer, home: Home
    ) -> None:
        home.write(PROFILES)
        client = make()
        home.keys("environment")
        ask(client)
        assert signers(server) == ["AKDEFAULT/us-east-1"]

    def test_by_keys_that_vanish_from_the_environment_later(
        self, make: Any, server: ScriptedServer, home: Home, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        home.write(PROFILES)
        home.keys("environment")
        client = make()
        for name in "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN":
            monkeypatch.delenv(name)
        ask(client)
        assert signers(server) == [f"{ID}/us-east-1"]

    def test_by_keys_of_the_environment_that_expire(
        self, make: Any, server: ScriptedServer, home: Home
    ) -> None:
        home.keys("expiring environment")
        client = make()
        home.setenv("AWS_ACCESS_KEY_ID", "AKOTHER")
        ask(client)
        assert signers(server) == [f"{ID}/us-east-1"]

    def test_by_keys_of_the_environment_that_have_expired_since(
        self, make: Any, server: ScriptedServer, home: Home
    ) -> None:
        """These are the new ones there, as with boto3."""
        home.keys("expiring environment")
        soon = datetime.now(timezone.utc) + timedelta(minutes=1)
        home.setenv("AWS_CREDENTIAL_EXPIRATION", soon.isoformat())
        client = make()
        home.setenv("AWS_ACCESS_KEY_ID", "AKNEW")
        home.setenv("AWS_CREDENTIAL_EXPIRATION", services.EXPIRATION)
        ask(client)
        assert signers(server) == ["AKNEW/us-east-1"]

    def test_by_a_web_identitys_variables(
        self, make: Any, home: Home, aws: AWS, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        home.keys("web identity")
        home.setenv("AWS_ROLE_SESSION_NAME", "mine")
        client = make()
        home.setenv("AWS_ROLE_ARN", "arn:aws:iam::123456789012:role/other")
        home.setenv("AWS_ROLE_SESSION_NAME", "other")
        monkeypatch.delenv("AWS_WEB_IDENTITY_TOKEN_FILE")
        ask(client)
        (asked,) = aws.asked
        assert "role%2Fweb" in asked.body
        assert "RoleSessionName=mine" in asked.body

    def test_by_a_web_identitys_variables_and_the_profile_for_the_rest(
        self, make: Any, home: Home, aws: AWS
    ) -> None:
        home.keys("web identity")
        home.write("[default]\nrole_session_name = mine\n")
        ask(make())
        (asked,) = aws.asked
        assert "RoleSessionName=mine" in asked.body

    def test_by_a_containers_variables(self, make: Any, home: Home, aws: AWS) -> None:
        home.keys("container")
        client = make()
        home.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://127.0.0.1:9/other")
        home.setenv("AWS_CONTAINER_AUTHORIZATION_TOKEN", "other")
        ask(client)
        (asked,) = aws.asked
        assert (asked.path, asked.headers["authorization"]) == ("/keys", services.CONTAINER_TOKEN)

    def test_by_a_containers_variables_for_a_role(self, make: Any, home: Home, aws: AWS) -> None:
        options = home.keys("role of a container")
        client = make(profile_name=options["profile_name"])
        home.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://127.0.0.1:9/other")
        ask(client)
        assert [asked.service for asked in aws.asked] == ["container", "sts"]

    def test_by_an_instances_variables(self, make: Any, home: Home, aws: AWS) -> None:
        home.keys("instance")
        client = make()
        home.setenv("AWS_EC2_METADATA_DISABLED", "true")
        home.setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", "http://127.0.0.1:9")
        ask(client)
        assert {asked.service for asked in aws.asked} == {"instance"}

    @pytest.mark.parametrize("source", ["ec2 file", "boto config"])
    def test_by_variables_of_old_files(
        self, make: Any, server: ScriptedServer, home: Home, source: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        home.keys(source)
        client = make()
        for name in "AWS_CREDENTIAL_FILE", "BOTO_CONFIG":
            monkeypatch.delenv(name, raising=False)
        ask(client)
        assert signers(server) == [f"{ID}/us-east-1"]

    @pytest.mark.in_one_shell
    @pytest.mark.parametrize("source", ASKED_BY_HTTP)
    def test_is_found_for_every_source_in_an_environment_that_is_empty_by_then(
        self, ours: Any, server: ScriptedServer, home: Home, source: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        client = ours(server.url, **home.keys(source))
        for name in list(os.environ):
            if name.startswith("AWS_") and not name.startswith(("AWS_ENDPOINT_URL", "AWS_LOGIN")):
                monkeypatch.delenv(name)
        ask(client)
        assert signers(server) == [f"{ID}/us-east-1"]


class TestAProfileWithoutAName:
    @pytest.mark.parametrize("environment", [True, False])
    def test_is_none(self, ours: Any, server: ScriptedServer, home: Home, environment: bool) -> None:
        """For boto3 it is a profile that does not exist."""
        home.write(PROFILES)
        if environment:
            home.keys("environment")
        ask(ours(server.url, **NO_KEYS, profile_name=""))
        assert signers(server) == [f"{ID if environment else 'AKDEFAULT'}/us-east-1"]


class TestAProfileThatVanishes:
    def test_is_an_error_rather_than_the_machines_own_role(
        self, ours: Any, server: ScriptedServer, home: Home
    ) -> None:
        home.write(PROFILES)
        home.keys("instance")
        client = ours(server.url, **NO_KEYS, profile_name="a")
        home.write("")
        with pytest.raises(ProfileNotFound, match=r"The config profile \(a\) could not be found"):
            ask(client)


class TestTheChain:
    @pytest.mark.parametrize("by_argument", [True, False])
    def test_is_botocores_in_its_order(self, by_argument: bool, home: Home) -> None:
        home.write(PROFILES)
        if not by_argument:
            home.setenv("AWS_PROFILE", "a")
        ours = identity.identify("a" if by_argument else None, "us-east-1", os.environ)
        session = identity._session(ours, "us-east-1")
        providers = identity._providers(session, ours)
        made = [provider.METHOD for provider in providers]
        theirs = botocore.session.Session(profile="a" if by_argument else None)
        resolver = botocore.credentials.create_credential_resolver(theirs)
        expected = [provider.METHOD for provider in resolver.providers if provider.METHOD != "env"]
        if not by_argument:  # its provider looks at environment and profile; here these are two
            expected.insert(1, "assume-role-with-web-identity")
        assert made == expected
        caches = {id(vars(provider)["cache"]) for provider in providers if "cache" in vars(provider)}
        assert len(caches) == 1

    def test_has_botocores_settings(self, home: Home) -> None:
        home.write(f"{PROFILES}{METADATA_SETTINGS}")
        found = identity.identify("b", "us-east-1", os.environ)
        ours = identity._providers(identity._session(found, "us-east-1"), found)
        session = botocore.session.Session(profile="b")
        resolver = botocore.credentials.create_credential_resolver(session)
        assert [described(provider) for provider in ours] == [
            described(provider) for provider in resolver.providers
        ]


METADATA_SETTINGS = (
    "metadata_service_timeout = 3\nmetadata_service_num_attempts = 4\nec2_metadata_v1_disabled = true\n"
    "ec2_metadata_service_endpoint_mode = ipv6\n"
)


def described(value: Any) -> Any:
    """A provider with all that it was given; of functions, objects and the environment only the kind."""
    if isinstance(value, (str, int, float, type(None))):
        return value
    if isinstance(value, Mapping):
        known = "AWS_EC2_METADATA_DISABLED" in value  # `home` sets it
        return "environment" if known else {name: described(each) for name, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [described(each) for each in value]
    if type(value).__module__ in ("botocore.credentials", "botocore.utils"):
        return type(value).__name__, described(vars(value))
    return "callable" if callable(value) else type(value).__name__


def equal(*arguments: Any) -> bool:
    first, second = (identity.identify(*each) for each in arguments)
    return first == second


class TestIdentities:
    ENVIRON: ClassVar = {
        "AWS_CONFIG_FILE": "/nowhere/config",
        "AWS_SHARED_CREDENTIALS_FILE": "/nowhere/credentials",
    }

    def identify(self, profile: str | None = None, region: str = "us-east-1", **environ: str) -> Any:
        return identity.identify(profile, region, {**self.ENVIRON, **environ})

    def test_are_equal_in_all_regions_of_a_partition(self) -> None:
        here = self.identify(AWS_REGION="us-east-1")
        assert here == self.identify(region="eu-west-3", AWS_REGION="eu-west-3", AWS_DEFAULT_REGION="x")
        assert here != self.identify(region="cn-north-1")

    def test_are_equal_whatever_the_environment_names_beside_a_profile_by_argument(self) -> None:
        assert self.identify("a", AWS_PROFILE="b") == self.identify("a", AWS_DEFAULT_PROFILE="c")
        assert self.identify("a") != self.identify("b")
        assert self.identify("a") != self.identify(AWS_PROFILE="a")  # the environment's credentials win there

    def test_are_not_equal_with_other_variables(self) -> None:
        assert self.identify() == self.identify(AWS_ROLE_ARN="", HOME="/elsewhere")
        assert self.identify() != self.identify(AWS_ROLE_ARN="r")
        assert self.identify() != self.identify(BOTO_CONFIG="r")

    def test_are_not_equal_when_a_file_has_changed(self, tmp_path: Path) -> None:
        for variable in self.ENVIRON:
            file = tmp_path / variable
            before = self.identify(**{variable: str(file)})
            file.write_text("[default]\n")
            after = self.identify(**{variable: str(file)})
            assert before != after
            assert after == self.identify(**{variable: str(file)})
            os.utime(file, ns=(1, 1))
            assert after != self.identify(**{variable: str(file)})

    def test_show_no_secret(self) -> None:
        assert "hidden" not in repr(self.identify(AWS_SECRET_ACCESS_KEY="hidden"))

    def test_have_a_path_that_no_file_can_have(self) -> None:
        assert self.identify(AWS_CONFIG_FILE="a\0b").config_file == (os.path.abspath("a\0b"), None)

    def test_have_the_files_of_the_home_directory(self) -> None:
        files = "~/.aws/config", "~/.aws/credentials"
        assert identity.shared_files({}) == tuple(map(os.path.expanduser, files))


REGIONS = ["us-east-1", "us-west-2", "eu-west-3"]


class TestOneSource:
    """Whatever asks, and however many: one prompt, one program, one request."""

    ONCE: ClassVar = {
        "process": lambda home: home.process_runs,
        "container": lambda home: home.aws.count("container"),
        "role": lambda home: home.aws.count("sts"),
        "role with mfa": lambda home: len(home.prompts),
        "web identity": lambda home: home.aws.count("sts"),
        "sso": lambda home: home.aws.count("sso"),
        "sso to refresh": lambda home: home.aws.count("oidc"),
        "login": lambda home: home.aws.count("signin"),
    }

    @pytest.mark.in_one_shell
    @pytest.mark.parametrize("source", ONCE)
    def test_serves_the_clients_of_all_regions(
        self, ours: Any, server: ScriptedServer, home: Home, source: str
    ) -> None:
        options = home.keys(source)
        clients = [ours(server.url, **options, region_name=region) for region in REGIONS]
        with ThreadPoolExecutor(len(REGIONS)) as threads:
            list(threads.map(ask, clients))
        assert self.ONCE[source](home) == 1
        assert sorted(signers(server)) == sorted(f"{ID}/{region}" for region in REGIONS)

    @pytest.mark.parametrize("source", ["role with mfa", "container"])
    def test_serves_the_clients_of_all_regions_of_a_boto3_session_too(
        self, server: ScriptedServer, home: Home, source: str
    ) -> None:
        profile_name = home.keys(source).get("profile_name")
        session = boto3.session.Session(profile_name=profile_name, region_name=REGIONS[0])
        chain = session._session.get_component("credential_provider")
        chain.get_provider("assume-role")._prompter = home._getpass  # bound when botocore was imported
        for region in REGIONS:
            ask(session.client("lambda", region_name=region, endpoint_url=server.url))
        assert self.ONCE[source](home) == 1

    def test_serves_sync_and_async_clients_at_the_same_time(
        self, server: ScriptedServer, home: Home, aws: AWS
    ) -> None:
        import drivers

        options = {"region_name": "us-east-1", "endpoint_url": server.url, **home.keys("container")}
        clients = [drivers.make(backend, **options) for backend in [*drivers.BACKENDS, *drivers.BACKENDS]]
        aws.answering.clear()
        with ThreadPoolExecutor(len(clients)) as threads:
            asked = [threads.submit(ask, client) for client in clients]
            assert aws.came.wait(PATIENCE)
            aws.answering.set()
            for each in asked:
                each.result(PATIENCE)
        assert len(aws.asked) == 1
        for client in clients:
            client.close()

    def test_asks_sts_in_the_region_of_the_client_that_was_made_first(
        self, ours: Any, server: ScriptedServer, home: Home, aws: AWS
    ) -> None:
        """As a boto3 session does."""
        options = home.keys("role")
        clients = [ours(server.url, **options, region_name=region) for region in REGIONS]
        ask(clients[-1])
        assert f"/{REGIONS[0]}/sts/aws4_request" in aws.asked[0].headers["authorization"]

    def test_asks_sts_in_the_region_of_a_boto3_sessions_first_client(
        self, server: ScriptedServer, home: Home, aws: AWS
    ) -> None:
        session = boto3.session.Session(profile_name=home.keys("role")["profile_name"])
        clients = [
            session.client("lambda", region_name=region, endpoint_url=server.url) for region in REGIONS
        ]
        ask(clients[-1])
        assert f"/{REGIONS[0]}/sts/aws4_request" in aws.asked[0].headers["authorization"]

    def test_is_of_one_identity(self, ours: Any, server: ScriptedServer, home: Home, aws: AWS) -> None:
        home.keys("container")
        ask(ours(server.url, **NO_KEYS))
        home.setenv("AWS_CONTAINER_AUTHORIZATION_TOKEN", "another")
        ask(ours(server.url, **NO_KEYS))
        assert [asked.headers["authorization"] for asked in aws.asked] == [
            services.CONTAINER_TOKEN,
            "another",
        ]

    def test_is_read_anew_by_a_client_that_is_made_after_a_tool_has_rewritten_the_file(
        self, ours: Any, server: ScriptedServer, home: Home
    ) -> None:
        old = ours(server.url, **home.keys("profile"))
        ask(old)
        text = "[default]\naws_access_key_id = AKREWRITTEN\naws_secret_access_key = s\n"
        home.write(text, "AWS_SHARED_CREDENTIALS_FILE")
        new = ours(server.url, **NO_KEYS)
        ask(old)
        ask(new)
        assert signers(server) == [f"{ID}/us-east-1"] * 2 + ["AKREWRITTEN/us-east-1"]

    def test_lives_as_long_as_its_clients(self, server: ScriptedServer, home: Home) -> None:
        options = {"region_name": "us-east-1", "endpoint_url": server.url, **home.keys("process")}
        with eic.Client(**options) as first:
            ask(first)
            with eic.Client(**options) as second:
                ask(second)
        assert home.process_runs == 1
        del first, second
        gc.collect()
        with eic.Client(**options) as third:
            ask(third)
        assert home.process_runs == 2

    @pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
    def test_serves_a_forked_process_too_which_knows_of_no_fetch_of_its_parents(
        self, server: ScriptedServer, home: Home, aws: AWS
    ) -> None:
        options = {"region_name": "us-east-1", "endpoint_url": server.url, **home.keys("container")}
        with eic.Client(**options) as client, ThreadPoolExecutor(1) as thread:
            aws.answering.clear()
            asked = thread.submit(ask, client)
            assert aws.came.wait(PATIENCE)
            child = os.fork()
            if child == 0:  # pragma: no cover - another process
                code = 1
                signal.alarm(2 * PATIENCE)  # it ends the process, should it hang
                try:
                    with eic.Client(**options) as new:
                        code = 0 if new._credentials is client._credentials else 2
                    ask(client)  # waits for an answer of its own
                finally:
                    os._exit(code)
            until(lambda: len(aws.asked) == 2)
            aws.answering.set()
            asked.result(PATIENCE)
            assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        assert len(aws.asked) == 2

    def test_is_not_locked_in_a_forked_process(self) -> None:
        with sources._shared._lock:
            sources._shared.reset()  # as in a child
            identified = identity.identify(None, "us-east-1", {})
            assert sources._shared.of(identified, "us-east-1") is not None


class TestAFailure:
    """Is shared by those who waited for it; a new call asks again."""

    def test_is_shared(self, ours: Any, server: ScriptedServer, home: Home, aws: AWS) -> None:
        aws.broken = lambda *_: (200, "{}")
        options = home.keys("container")
        clients = [ours(server.url, **options, region_name=region) for region in REGIONS]
        aws.answering.clear()
        with ThreadPoolExecutor(6) as threads:
            asked = [threads.submit(ask, client) for client in clients * 2]
            assert aws.came.wait(PATIENCE)
            until(lambda: _followers(clients[0]._credentials))
            aws.answering.set()
            errors = [each.exception(PATIENCE) for each in asked]
        assert {type(error) for error in errors} == {CredentialRetrievalError}
        assert len({id(error) for error in errors}) == len(errors)
        assert len(aws.asked) < len(errors)
        aws.broken = lambda status, body: (status, body)
        for client in clients:
            ask(client)
        assert signers(server) == [f"{ID}/{region}" for region in REGIONS]

    def test_of_many_functions_is_one_for_those_who_wait(
        self, ours: Any, server: ScriptedServer, home: Home
    ) -> None:
        go = str(home.folder / "go")
        wait = f"import pathlib, time\nwhile not pathlib.Path({go!r}).exists(): time.sleep(0.01)"
        home.process_that(f"{wait}\nraise SystemExit('the vault is locked')")
        client = ours(server.url, **NO_KEYS)
        names = [f"f{n}" for n in range(5)]
        with ThreadPoolExecutor(1) as thread:
            listed = thread.submit(lambda: list(client.list_for_functions(names, max_concurrency=5)))
            until(lambda: _waiting(client) == len(names))
            (home.folder / "go").touch()
            outcomes = listed.result(PATIENCE)
        assert ["the vault is locked" in str(outcome.error) for outcome in outcomes] == [True] * 5
        assert home.process_runs == 1

    def test_of_a_code_that_was_mistyped_asks_for_another_one(
        self, ours: Any, server: ScriptedServer, home: Home, aws: AWS
    ) -> None:
        """boto3's session does not ask again: `RefreshWithMFAUnsupportedError`."""
        client = ours(server.url, **home.keys("role with mfa"))
        aws.broken = lambda *_: (403, REFUSED_BY_STS)
        with pytest.raises(eic.exceptions.ClientError, match="AccessDenied"):
            ask(client)
        aws.broken = lambda status, body: (status, body)
        ask(client)
        assert len(home.prompts) == 2

    def test_of_a_session_with_a_code_that_has_ended_asks_for_another_one(
        self, ours: Any, server: ScriptedServer, home: Home, aws: AWS
    ) -> None:
        client = ours(server.url, **home.keys("role with mfa"))
        aws.expiration = (datetime.now(timezone.utc) + timedelta(seconds=30)).strftime("%Y-%m-%dT%H:%M:%SZ")
        ask(client)
        aws.expiration = services.EXPIRATION
        with pytest.raises(eic.exceptions.RefreshWithMFAUnsupportedError):
            ask(client)
        ask(client)
        assert len(home.prompts) == 2

    def test_to_find_any_is_told_to_all_who_waited(self, ours: Any, server: ScriptedServer) -> None:
        client = ours(server.url, **NO_KEYS)
        outcomes = list(client.list_for_functions([f"f{n}" for n in range(12)], max_concurrency=12))
        assert [type(outcome.error) for outcome in outcomes] == [NoCredentialsError] * 12
        assert len({id(outcome.error) for outcome in outcomes}) == 12  # each adds its frames to its own
        assert server.requests == []

    def test_by_ctrl_c_leaves_the_fetch_to_another(self) -> None:
        started, interrupted = threading.Event(), threading.Event()
        calls: list[int] = []

        def load() -> Any:
            calls.append(1)
            if len(calls) == 1:
                started.set()
                interrupted.wait(PATIENCE)
                raise KeyboardInterrupt
            return botocore.credentials.Credentials("AKID", "s")

        source = sources.ChainCredentials(load)
        with ThreadPoolExecutor(2) as threads:
            first = threads.submit(source.frozen)
            assert started.wait(PATIENCE)
            second = threads.submit(source.frozen)
            until(lambda: _followers(source))
            interrupted.set()
            assert second.result(PATIENCE).access_key == "AKID"
            assert isinstance(first.exception(PATIENCE), KeyboardInterrupt)
        assert len(calls) == 2


def _followers(source: Any) -> int:
    """How many wait for the fetch of others."""
    fetch = source._fetch
    return len(fetch._condition._waiters) if fetch is not None else 0


def _waiting(client: Any) -> int:
    """How many calls wait for credentials, the one included that fetches them."""
    if isinstance(client, eic.Client):
        return _followers(client._credentials) + 1
    refresh = client._refresh
    return refresh._done.statistics().tasks_waiting if refresh is not None else 0


class TestTheCommand:
    def test_prompts_once_for_several_regions(
        self, home: Home, aws: AWS, server: ScriptedServer, capsys: pytest.CaptureFixture[str]
    ) -> None:
        from lambda_event_invoke_configs._cli.main import main

        home.keys("role with mfa")
        regions = [argument for region in REGIONS for argument in ("--region", region)]
        code = main(["f", "--profile", "role", "--endpoint-url", server.url, *regions])
        assert code == 0
        assert len(capsys.readouterr().out.splitlines()) == len(REGIONS)
        assert len(home.prompts) == aws.count("sts") == 1


class TestOneFetch:
    """What a source does with those that come while it fetches."""

    def refreshable(self, minutes: float, refresh: Any) -> Any:
        expiry = datetime.now(timezone.utc) + timedelta(minutes=minutes)
        return botocore.credentials.RefreshableCredentials("AKOLD", "s", "t", expiry, refresh, "test")

    def test_lets_others_sign_with_what_is_there_as_long_as_it_lasts(self) -> None:
        started, go = threading.Event(), threading.Event()

        def refresh() -> dict[str, str]:
            started.set()
            go.wait(PATIENCE)
            new = {"access_key": "AKNEW", "secret_key": "s", "token": "t"}
            return {**new, "expiry_time": services.EXPIRATION}

        found = self.refreshable(12, refresh)
        source = sources.ChainCredentials(lambda: found)
        with ThreadPoolExecutor(1) as thread:
            first = thread.submit(source.frozen)
            assert started.wait(PATIENCE)
            assert source.frozen().access_key == "AKOLD"
            go.set()
            assert first.result(PATIENCE).access_key == "AKNEW"

    def test_that_fails_keeps_what_was_found_once(self) -> None:
        """It can be refreshed by a later call."""
        failures = [CredentialRetrievalError(provider="test", error_msg="locked")]

        def refresh() -> dict[str, str]:
            if failures:
                raise failures.pop()
            new = {"access_key": "AKNEW", "secret_key": "s", "token": "t"}
            return {**new, "expiry_time": services.EXPIRATION}

        found = self.refreshable(60, refresh)
        loads = [found]
        source = sources.ChainCredentials(loads.pop)
        assert source.frozen().access_key == "AKOLD"
        found._expiry_time = datetime.now(timezone.utc) + timedelta(minutes=1)
        with pytest.raises(CredentialRetrievalError, match="locked"):
            source.frozen()
        assert source.frozen().access_key == "AKNEW"

    def test_is_dropped_in_a_forked_process_with_what_it_worked_on(self) -> None:
        started, go = threading.Event(), threading.Event()

        def refresh() -> dict[str, str]:
            started.set()
            go.wait(PATIENCE)
            raise CredentialRetrievalError(provider="test", error_msg="locked")

        loads = [botocore.credentials.Credentials("AKCHILD", "s"), self.refreshable(1, refresh)]
        source = sources.ChainCredentials(loads.pop, is_chain=True)
        with ThreadPoolExecutor(1) as thread:
            asked = thread.submit(source.frozen)
            assert started.wait(PATIENCE)
            source.reset()  # as in a child
            assert source.frozen().access_key == "AKCHILD"
            go.set()
            assert isinstance(asked.exception(PATIENCE), CredentialRetrievalError)
