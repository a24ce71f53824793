"""Which keys sign the requests, found where boto3 finds them, and shown to nobody."""

from __future__ import annotations

import hashlib
import json
import logging
import os
import re
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta, timezone
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import botocore
import pytest
from aws import Home
from botocore.credentials import Credentials, RefreshableCredentials
from processes import run

from lambda_event_invoke_configs._protocol import signing
from lambda_event_invoke_configs._settings import credentials as credential_sources
from lambda_event_invoke_configs._settings import resolve as settings
from lambda_event_invoke_configs._settings.credentials import (
    ChainCredentials,
    CredentialSource,
    FrozenCredentials,
)
from lambda_event_invoke_configs.exceptions import (
    CredentialRetrievalError,
    InvalidConfigError,
    NoCredentialsError,
    PartialCredentialsError,
    UnsupportedSignatureVersionError,
)

REGION = "eu-west-3"
THREADS = 16
EXPIRATION = "2099-01-01T00:00:00Z"
PRINT_KEYS = f"""
import logging, os
logging.basicConfig(level=logging.DEBUG)
from lambda_event_invoke_configs._settings import credentials
source = credentials.resolve_credentials(
    access_key=None, secret_key=None, token=None, credentials=None,
    profile_name=None, region="{REGION}", environ=os.environ,
)
keys = source.frozen()
print(keys.access_key, keys.secret_key, keys.token)
"""
TEMPORARY = FrozenCredentials("AKTEMPORARY", "hidden-secret", "hidden-token")


def source(
    *,
    access_key: Any = None,
    secret_key: Any = None,
    token: Any = None,
    credentials: Any = None,
    profile_name: str | None = None,
    region_name: str | None = REGION,
) -> CredentialSource:
    """A source as a client makes it."""
    found = settings.resolve(region_name=region_name, profile_name=profile_name, environ=os.environ)
    return credential_sources.resolve_credentials(
        access_key=access_key,
        secret_key=secret_key,
        token=token,
        credentials=credentials,
        profile_name=profile_name,
        region=found.region,
        environ=os.environ,
    )


def keys_of(**arguments: Any) -> FrozenCredentials:
    return source(**arguments).frozen()


@pytest.fixture
def setenv(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    def set_all(**variables: object) -> None:
        for name, value in variables.items():
            monkeypatch.setenv(name, str(value))

    return set_all


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., None]:
    """Writes the shared config file, or the credentials file, where the environment says it is."""

    def write_file(text: str, *, variable: str = "AWS_CONFIG_FILE") -> None:
        Path(os.environ[variable]).write_text(text)

    return write_file


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({"AWS_PROFILE": ""}, "K"),
        ({"AWS_DEFAULT_PROFILE": "", "AWS_PROFILE": "dev"}, "D"),
        ({"AWS_CONFIG_FILE": ""}, "K"),
        ({"AWS_SHARED_CREDENTIALS_FILE": ""}, "K"),
        ({"AWS_SHARED_CREDENTIALS_FILE": "", "AWS_PROFILE": "dev"}, "D"),
    ],
)
def test_a_variable_that_is_set_to_nothing_is_as_if_it_were_not(
    variables: dict[str, str], expected: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """boto3 takes some of them for a profile without a name, and looks for the file in none."""
    (tmp_path / ".aws").mkdir()
    (tmp_path / ".aws" / "config").write_text("[default]\nregion = us-east-1\n[profile dev]\n")
    (tmp_path / ".aws" / "credentials").write_text(
        "[default]\naws_access_key_id = K\naws_secret_access_key = s\n"
        "[dev]\naws_access_key_id = D\naws_secret_access_key = s\n"
    )
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.delenv(name)
    for name, value in {"HOME": str(tmp_path), **variables}.items():
        monkeypatch.setenv(name, value)
    assert keys_of().access_key == expected


class TestExplicitKeys:
    def test_are_the_arguments(self, setenv: Callable[..., None]) -> None:
        setenv(AWS_ACCESS_KEY_ID="AKENV", AWS_SECRET_ACCESS_KEY="env")
        assert keys_of(access_key="AKID", secret_key="s") == FrozenCredentials("AKID", "s", None)
        assert keys_of(access_key="AKID", secret_key="s", token="t") == FrozenCredentials("AKID", "s", "t")
        assert keys_of(access_key="AKID", secret_key="s", token="") == FrozenCredentials("AKID", "s", None)

    @pytest.mark.parametrize(
        ("given", "missing"),
        [
            ({"access_key": "AKID"}, "aws_secret_access_key"),
            ({"secret_key": "hidden"}, "aws_access_key_id"),
            ({"token": "hidden"}, "aws_access_key_id"),
            ({"access_key": "AKID", "token": "hidden"}, "aws_secret_access_key"),
        ],
    )
    def test_come_in_pairs(self, setenv: Callable[..., None], given: dict[str, str], missing: str) -> None:
        setenv(AWS_ACCESS_KEY_ID="AKENV", AWS_SECRET_ACCESS_KEY="env")
        with pytest.raises(PartialCredentialsError) as caught:
            source(**given)
        assert str(caught.value) == f"Partial credentials found in explicit, missing: {missing}"

    @pytest.mark.parametrize(
        ("given", "name"),
        [
            ({"access_key": "", "secret_key": "hidden"}, "aws_access_key_id"),
            ({"access_key": "AKID", "secret_key": ""}, "aws_secret_access_key"),
            ({"access_key": "AKID", "secret_key": b"hidden"}, "aws_secret_access_key"),
            ({"access_key": "AKID", "secret_key": "s", "token": b"hidden"}, "aws_session_token"),
        ],
    )
    def test_are_texts(self, given: dict[str, Any], name: str) -> None:
        with pytest.raises(InvalidConfigError) as caught:
            source(**given)
        allowed = "or None" if name == "aws_session_token" else "1 or more long"
        assert str(caught.value) == f"Invalid value for {name}: must be a str, {allowed}"


class TestTheEnvironmentsKeys:
    def test_are_found_with_and_without_a_token(self, setenv: Callable[..., None]) -> None:
        setenv(AWS_ACCESS_KEY_ID="AKENV", AWS_SECRET_ACCESS_KEY="s")
        assert keys_of() == FrozenCredentials("AKENV", "s", None)
        setenv(AWS_SESSION_TOKEN="t")
        assert keys_of() == FrozenCredentials("AKENV", "s", "t")

    def test_have_the_token_of_the_old_name_if_both_are_set_as_with_boto3(
        self, setenv: Callable[..., None]
    ) -> None:
        setenv(AWS_ACCESS_KEY_ID="AKENV", AWS_SECRET_ACCESS_KEY="s")
        setenv(AWS_SECURITY_TOKEN="old", AWS_SESSION_TOKEN="new")
        assert keys_of() == FrozenCredentials("AKENV", "s", "old")

    def test_are_those_of_the_moment_the_client_was_made(self, setenv: Callable[..., None]) -> None:
        setenv(AWS_ACCESS_KEY_ID="AKENV", AWS_SECRET_ACCESS_KEY="s")
        made = source()
        setenv(AWS_ACCESS_KEY_ID="AKOTHER", AWS_SECRET_ACCESS_KEY="o")
        assert made.frozen() == FrozenCredentials("AKENV", "s", None)

    @pytest.mark.parametrize("variables", [{}, {"AWS_SESSION_TOKEN": "t"}])
    def test_come_in_pairs(self, setenv: Callable[..., None], variables: dict[str, str]) -> None:
        setenv(AWS_ACCESS_KEY_ID="AKENV", **variables)
        with pytest.raises(PartialCredentialsError) as caught:
            source()
        assert str(caught.value) == "Partial credentials found in env, missing: AWS_SECRET_ACCESS_KEY"

    def test_need_an_access_key_to_be_looked_at_as_with_boto3(self, setenv: Callable[..., None]) -> None:
        setenv(AWS_SECRET_ACCESS_KEY="s", AWS_SESSION_TOKEN="t")
        with pytest.raises(NoCredentialsError):
            keys_of()

    def test_win_over_a_profile_named_beside_them(
        self, setenv: Callable[..., None], write: Callable[..., None]
    ) -> None:
        write("[profile mine]\naws_access_key_id = AKFILE\naws_secret_access_key = f")
        setenv(AWS_ACCESS_KEY_ID="AKENV", AWS_SECRET_ACCESS_KEY="s", AWS_PROFILE="mine")
        assert keys_of() == FrozenCredentials("AKENV", "s", None)

    def test_give_way_to_a_profile_named_by_argument(
        self, setenv: Callable[..., None], write: Callable[..., None]
    ) -> None:
        write("[profile mine]\naws_access_key_id = AKFILE\naws_secret_access_key = f")
        setenv(AWS_ACCESS_KEY_ID="AKENV", AWS_SECRET_ACCESS_KEY="s")
        assert keys_of(profile_name="mine") == FrozenCredentials("AKFILE", "f", None)

    def test_that_expire_are_looked_up_again_as_with_boto3(self, setenv: Callable[..., None]) -> None:
        soon = datetime.now(timezone.utc) + timedelta(minutes=1)
        keys = {"AWS_ACCESS_KEY_ID": "AKENV", "AWS_SECRET_ACCESS_KEY": "s", "AWS_SESSION_TOKEN": "t"}
        setenv(**keys, AWS_CREDENTIAL_EXPIRATION=soon.isoformat())
        made = source()
        assert made.frozen() == FrozenCredentials("AKENV", "s", "t")
        setenv(AWS_ACCESS_KEY_ID="AKNEW", AWS_CREDENTIAL_EXPIRATION=EXPIRATION)
        assert made.frozen() == FrozenCredentials("AKNEW", "s", "t")

    @pytest.mark.parametrize(
        ("expiration", "message"),
        [
            ("2001-01-01T00:00:00Z", "from env: the provider returned expired credentials"),
            ("2099-01-01T00:00:00", "from env: the expiration has no time zone"),
            ("tomorrow, perhaps", "from env: AWS_CREDENTIAL_EXPIRATION is not a time"),
        ],
    )
    def test_that_have_expired_are_a_typed_error(
        self, setenv: Callable[..., None], expiration: str, message: str
    ) -> None:
        setenv(AWS_ACCESS_KEY_ID="AKENV", AWS_SECRET_ACCESS_KEY="s", AWS_CREDENTIAL_EXPIRATION=expiration)
        with pytest.raises(CredentialRetrievalError, match=re.escape(message)):
            source().frozen()


def test_the_session_of_botocores_chain_is_left_alone_where_keys_are_at_hand(
    setenv: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "botocore.session", None)
    assert keys_of(access_key="AKID", secret_key="s").access_key == "AKID"
    setenv(AWS_ACCESS_KEY_ID="AKENV", AWS_SECRET_ACCESS_KEY="s")
    assert keys_of().access_key == "AKENV"


def answer_of_sts(asked: Any) -> str:
    action = parse_qs(asked.body)["Action"][0]
    return (
        f'<{action}Response xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><{action}Result><Credentials>'
        f"<AccessKeyId>{TEMPORARY.access_key}</AccessKeyId>"
        f"<SecretAccessKey>{TEMPORARY.secret_key}</SecretAccessKey>"
        f"<SessionToken>{TEMPORARY.token}</SessionToken><Expiration>{EXPIRATION}</Expiration>"
        f"</Credentials></{action}Result></{action}Response>"
    )


@pytest.fixture
def sts(serve: Any, setenv: Callable[..., None]) -> Any:
    service = serve(answer_of_sts)
    setenv(AWS_ENDPOINT_URL_STS=service.url)
    return service


@pytest.fixture
def role(write: Callable[..., None], sts: Any) -> Any:
    """A profile named `role`, and the STS that gives its keys."""
    write(
        "[profile role]\nrole_arn = arn:aws:iam::123456789012:role/lister\nsource_profile = base\n"
        "[profile base]\naws_access_key_id = AKBASE\naws_secret_access_key = hidden-base"
    )
    return sts


@pytest.fixture
def web_identity(tmp_path: Path, setenv: Callable[..., None], sts: Any) -> Any:
    """Variables that ask for a web identity, and the STS that gives its keys."""
    (tmp_path / "token").write_text("hidden-web-token")
    setenv(AWS_WEB_IDENTITY_TOKEN_FILE=tmp_path / "token", AWS_ROLE_ARN="arn:aws:iam::123456789012:role/web")
    return sts


class TestBotocoresChain:
    @pytest.mark.parametrize("variable", ["AWS_SHARED_CREDENTIALS_FILE", "AWS_CONFIG_FILE"])
    def test_finds_the_keys_of_shared_files(self, write: Callable[..., None], variable: str) -> None:
        write(
            "[default]\naws_access_key_id=AKFILE\naws_secret_access_key=s\naws_session_token=t",
            variable=variable,
        )
        assert keys_of() == FrozenCredentials("AKFILE", "s", "t")

    def test_is_asked_no_sooner_than_for_the_first_request(self, write: Callable[..., None]) -> None:
        made = source()
        write("[default]\naws_access_key_id=AKFILE\naws_secret_access_key=s")
        assert made.frozen() == FrozenCredentials("AKFILE", "s", None)

    def test_finds_the_keys_of_a_process(self, tmp_path: Path, write: Callable[..., None]) -> None:
        script = tmp_path / "keys.py"
        found = {"Version": 1, "AccessKeyId": "AKPROCESS", "SecretAccessKey": "s", "SessionToken": "t"}
        script.write_text(f"print({json.dumps(found)!r})")
        write(f'[profile process]\ncredential_process = "{sys.executable}" -I "{script}"')
        assert keys_of(profile_name="process") == FrozenCredentials("AKPROCESS", "s", "t")

    def test_says_what_a_process_that_fails_complains_of(
        self, tmp_path: Path, write: Callable[..., None]
    ) -> None:
        script = tmp_path / "keys.py"
        script.write_text("raise SystemExit('the vault is locked')")
        write(f'[default]\ncredential_process = "{sys.executable}" -I "{script}"')
        with pytest.raises(CredentialRetrievalError, match="the vault is locked"):
            keys_of()

    @pytest.mark.parametrize("by_argument", [True, False])
    def test_finds_a_roles_keys_asking_sts_in_our_region(
        self, role: Any, setenv: Callable[..., None], by_argument: bool
    ) -> None:
        if not by_argument:
            setenv(AWS_PROFILE="role")
        assert keys_of(profile_name="role" if by_argument else None) == TEMPORARY
        (asked,) = role.asked
        assert parse_qs(asked.body)["RoleArn"] == ["arn:aws:iam::123456789012:role/lister"]
        day = asked.headers["x-amz-date"][:8]
        assert f"Credential=AKBASE/{day}/{REGION}/sts/aws4_request" in asked.headers["authorization"]

    def test_asks_sts_in_the_region_of_aws_region(self, role: Any, setenv: Callable[..., None]) -> None:
        """A variable that is set to nothing is not set, here as everywhere."""
        setenv(AWS_DEFAULT_REGION="", AWS_REGION=REGION)
        assert keys_of(profile_name="role", region_name=None) == TEMPORARY
        assert f"/{REGION}/sts/aws4_request" in role.asked[0].headers["authorization"]

    def test_asks_once_for_keys_that_last(self, role: Any) -> None:
        made = source(profile_name="role")
        assert made.frozen() == made.frozen() == TEMPORARY
        assert len(role.asked) == 1

    def test_finds_a_web_identitys_keys(self, web_identity: Any) -> None:
        assert keys_of() == TEMPORARY
        (asked,) = web_identity.asked
        form = parse_qs(asked.body)
        assert form["Action"] == ["AssumeRoleWithWebIdentity"]
        assert form["RoleArn"] == ["arn:aws:iam::123456789012:role/web"]
        assert form["WebIdentityToken"] == ["hidden-web-token"]
        assert "authorization" not in asked.headers

    @pytest.mark.usefixtures("web_identity")
    def test_finds_a_web_identitys_keys_beside_a_profile_of_the_environments_as_boto3_does(
        self, write: Callable[..., None], setenv: Callable[..., None]
    ) -> None:
        write(f"[profile settings]\nregion = {REGION}")
        setenv(AWS_PROFILE="settings")
        assert keys_of() == TEMPORARY

    def test_finds_a_containers_keys(self, serve: Any, setenv: Callable[..., None]) -> None:
        found = {
            "AccessKeyId": TEMPORARY.access_key,
            "SecretAccessKey": TEMPORARY.secret_key,
            "Token": TEMPORARY.token,
            "Expiration": EXPIRATION,
        }
        container = serve(lambda asked: json.dumps(found) if asked.path == "/keys" else None)
        setenv(
            AWS_CONTAINER_CREDENTIALS_FULL_URI=f"{container.url}/keys",
            AWS_CONTAINER_AUTHORIZATION_TOKEN="the container's",
        )
        assert keys_of() == TEMPORARY
        assert [asked.headers["authorization"] for asked in container.asked] == ["the container's"]

    def test_finds_an_instances_keys(self, serve: Any, setenv: Callable[..., None]) -> None:
        """By IMDSv2: a session token first, then the role's name, then its keys."""
        folder = "/latest/meta-data/iam/security-credentials/"
        found = {
            "AccessKeyId": TEMPORARY.access_key,
            "SecretAccessKey": TEMPORARY.secret_key,
            "Token": TEMPORARY.token,
            "Expiration": EXPIRATION,
        }

        def answer(asked: Any) -> str | None:
            if (asked.method, asked.path) == ("PUT", "/latest/api/token"):
                return "session"
            if asked.headers.get("x-aws-ec2-metadata-token") != "session":
                return None
            return {folder: "lister", f"{folder}lister": json.dumps(found)}.get(asked.path)

        metadata = serve(answer)
        setenv(AWS_EC2_METADATA_DISABLED="false", AWS_EC2_METADATA_SERVICE_ENDPOINT=metadata.url)
        setenv(AWS_METADATA_SERVICE_TIMEOUT=60)  # botocore gives up after a second
        assert keys_of() == TEMPORARY
        assert [asked.method for asked in metadata.asked] == ["PUT", "GET", "GET"]

    def test_finds_the_keys_of_a_single_sign_on(
        self, tmp_path: Path, serve: Any, write: Callable[..., None], setenv: Callable[..., None]
    ) -> None:
        """In a process of its own: botocore looks up the home directory as it is imported.

        What it logs at DEBUG meanwhile has none of the secrets in it.
        """
        start_url = "https://sign-on.example/start"
        cache = tmp_path / ".aws" / "sso" / "cache"
        cache.mkdir(parents=True)
        token = {"startUrl": start_url, "accessToken": "hidden-sso-token", "expiresAt": EXPIRATION}
        name = hashlib.sha1(start_url.encode(), usedforsecurity=False).hexdigest()
        (cache / f"{name}.json").write_text(json.dumps(token))
        write(
            f"[default]\nsso_start_url = {start_url}\nsso_region = us-east-1\n"
            "sso_account_id = 123456789012\nsso_role_name = lister"
        )
        found = {
            "accessKeyId": TEMPORARY.access_key,
            "secretAccessKey": TEMPORARY.secret_key,
            "sessionToken": TEMPORARY.token,
            "expiration": 4_070_908_800_000,
        }
        sign_on = serve(lambda _: json.dumps({"roleCredentials": found}))
        ran = run(sys.executable, "-c", PRINT_KEYS, AWS_ENDPOINT_URL_SSO=sign_on.url)
        assert FrozenCredentials(*ran.out.split()) == TEMPORARY
        (asked,) = sign_on.asked
        assert asked.path == "/federation/credentials?role_name=lister&account_id=123456789012"
        assert asked.headers["x-amz-sso_bearer_token"] == "hidden-sso-token"
        assert "DEBUG:botocore" in ran.err
        assert "hidden" not in ran.err

    def test_that_finds_nothing_is_asked_again_for_the_next_request(
        self, setenv: Callable[..., None], write: Callable[..., None]
    ) -> None:
        made = source()
        for _ in range(2):
            with pytest.raises(NoCredentialsError, match="Unable to locate credentials"):
                made.frozen()
        write("[default]\naws_access_key_id=AKFILE\naws_secret_access_key=s")
        assert made.frozen() == FrozenCredentials("AKFILE", "s", None)


class TestGivenCredentials:
    def test_are_a_botocore_object(self, setenv: Callable[..., None]) -> None:
        setenv(AWS_ACCESS_KEY_ID="AKENV", AWS_SECRET_ACCESS_KEY="env")
        assert keys_of(credentials=Credentials("AKID", "s", "t")) == FrozenCredentials("AKID", "s", "t")

    def test_win_over_explicit_keys(self) -> None:
        assert keys_of(credentials=Credentials("AKID", "s"), access_key="AKOTHER") == FrozenCredentials(
            "AKID", "s", None
        )

    def test_are_a_callable_that_is_called_for_the_first_request(self) -> None:
        called: list[int] = []

        def load() -> Credentials:
            called.append(1)
            return Credentials("AKID", "s")

        made = source(credentials=load)
        assert not called
        assert made.frozen() == made.frozen() == FrozenCredentials("AKID", "s", None)
        assert called == [1]

    def test_are_a_callable_that_is_called_once_however_many_threads_ask(self) -> None:
        called: list[int] = []

        def load() -> Credentials:
            called.append(1)
            threading.Event().wait(0.02)
            return Credentials("AKID", "s")

        assert ask_in_threads(source(credentials=load)) == [FrozenCredentials("AKID", "s", None)] * THREADS
        assert called == [1]

    def test_are_a_callable_that_is_called_again_if_it_failed(self) -> None:
        outcomes: list[Any] = [OSError("the vault is locked"), Credentials("AKID", "s")]

        def load() -> Credentials:
            outcome = outcomes.pop(0)
            if isinstance(outcome, Exception):
                raise outcome
            return outcome  # type: ignore[no-any-return]

        made = source(credentials=load)
        with pytest.raises(OSError, match="the vault is locked"):
            made.frozen()
        assert made.frozen() == FrozenCredentials("AKID", "s", None)

    def test_are_not_of_another_kind(self) -> None:
        with pytest.raises(InvalidConfigError) as caught:
            source(credentials=("AKID", "hidden"))
        assert str(caught.value) == (
            "Invalid value for credentials: must be a botocore Credentials object, "
            "or a callable that returns one, not tuple"
        )

    def test_are_not_aiobotocores_of_which_one_awaits_the_keys(self) -> None:
        class Credentials:
            async def get_frozen_credentials(self) -> None: ...

        with pytest.raises(InvalidConfigError, match="must be a botocore Credentials object"):
            source(credentials=Credentials())

    @pytest.mark.parametrize(("returned", "kind"), [(None, "NoneType"), (("AKID", "hidden"), "tuple")])
    def test_are_not_a_callable_that_returns_another_kind(self, returned: object, kind: str) -> None:
        with pytest.raises(InvalidConfigError) as caught:
            keys_of(credentials=lambda: returned)
        assert str(caught.value) == (
            f"Invalid value for credentials: the callable returned {kind}, "
            "must be a botocore Credentials object"
        )

    def test_have_the_members_that_signing_needs(self) -> None:
        class Vault:
            def get_frozen_credentials(self) -> tuple[str, str]:
                return "AKID", "hidden"

        with pytest.raises(InvalidConfigError) as caught:
            keys_of(credentials=Vault())
        assert str(caught.value) == (
            "Invalid value for credentials: get_frozen_credentials() returned tuple, "
            "must have access_key, secret_key and token"
        )

    @pytest.mark.parametrize("pair", [("", ""), ("AKID", ""), ("", "s")])
    def test_without_keys_are_no_credentials(self, pair: tuple[str, str]) -> None:
        with pytest.raises(NoCredentialsError):
            keys_of(credentials=Credentials(*pair))


def ask_in_threads(source: CredentialSource) -> list[FrozenCredentials]:
    """What that many threads are given that ask at the same moment."""
    together = threading.Barrier(THREADS)

    def ask(_: int) -> FrozenCredentials:
        together.wait()
        return source.frozen()

    with ThreadPoolExecutor(THREADS) as threads:
        return list(threads.map(ask, range(THREADS)))


class TestTemporaryKeys:
    def credentials(self, minutes: float, refresh: Callable[[], dict[str, str]]) -> RefreshableCredentials:
        expiry = datetime.now(timezone.utc) + timedelta(minutes=minutes)
        return RefreshableCredentials("AKOLD", "s", "t", expiry, refresh, "test")

    def test_are_refreshed_before_they_expire_once_however_many_threads_ask(self) -> None:
        refreshed: list[int] = []

        def refresh() -> dict[str, str]:
            refreshed.append(1)
            threading.Event().wait(0.02)
            return {"access_key": "AKNEW", "secret_key": "n", "token": "u", "expiry_time": EXPIRATION}

        made = source(credentials=self.credentials(1, refresh))
        assert ask_in_threads(made) == [FrozenCredentials("AKNEW", "n", "u")] * THREADS
        assert refreshed == [1]

    def test_are_used_as_long_as_they_last(self) -> None:
        def refresh() -> dict[str, str]:
            raise AssertionError("they last for another hour")

        assert keys_of(credentials=self.credentials(60, refresh)) == FrozenCredentials("AKOLD", "s", "t")

    def test_are_signed_with_while_another_task_refreshes_them_early(self) -> None:
        refreshed: list[int] = []

        def refresh() -> dict[str, str]:
            refreshed.append(1)
            raise CredentialRetrievalError(provider="test", error_msg="that is the other task's")

        given = self.credentials(60, refresh)
        made: Any = source(credentials=given)
        made.frozen()
        given._expiry_time = datetime.now(timezone.utc) + timedelta(minutes=14)  # type: ignore[attr-defined]
        assert made.cached() == FrozenCredentials("AKOLD", "s", "t")
        assert refreshed == []

    def test_are_kept_in_a_forked_process_that_forks_again(self) -> None:
        made = ChainCredentials(lambda: Credentials("AKID", "s"), is_chain=True)
        made.frozen()
        made.reset()
        made.reset()  # as in a child, and in its own child
        assert not made.needs_io()

    def test_are_refreshed_in_a_forked_process_whoever_did_so_before(self) -> None:
        def refresh() -> dict[str, str]:
            return {"access_key": "AKNEW", "secret_key": "n", "token": "u", "expiry_time": EXPIRATION}

        given = self.credentials(60, refresh)
        made: Any = source(credentials=given)
        assert made.frozen() == FrozenCredentials("AKOLD", "s", "t")
        given._expiry_time = datetime.now(timezone.utc)  # type: ignore[attr-defined]
        with given._refresh_lock:  # type: ignore[attr-defined]
            made.reset()  # as in a child
            assert made.frozen() == FrozenCredentials("AKNEW", "n", "u")

    def test_that_cannot_be_refreshed_in_time_are_an_error(self) -> None:
        def refresh() -> dict[str, str]:
            raise CredentialRetrievalError(provider="test", error_msg="the vault is locked")

        with pytest.raises(CredentialRetrievalError, match="the vault is locked"):
            keys_of(credentials=self.credentials(1, refresh))


def test_keys_differ_from_what_is_none() -> None:
    assert object() != TEMPORARY


class TestMayBlock:
    """What the async client asks, to leave its event loop only where it must."""

    def test_is_false_for_keys_that_are_the_arguments(self) -> None:
        assert not source(access_key="AKID", secret_key="s").needs_io()

    def test_is_true_until_something_was_found(self) -> None:
        made = source(credentials=Credentials("AKID", "s"))
        assert made.needs_io()
        made.frozen()
        assert not made.needs_io()

    def test_is_true_for_temporary_keys_that_are_to_be_refreshed(self) -> None:
        now = datetime.now(timezone.utc)
        expiry = now + timedelta(minutes=60)
        temporary = RefreshableCredentials("AKID", "s", "t", expiry, dict, "test", time_fetcher=lambda: now)
        made = source(credentials=temporary)
        made.frozen()
        assert not made.needs_io()
        now += timedelta(minutes=50)
        assert made.needs_io()

    def test_is_true_for_every_object_that_is_not_botocores_own(self) -> None:
        class Vault:
            def get_frozen_credentials(self) -> FrozenCredentials:
                return FrozenCredentials("AKID", "s", None)

        made = source(credentials=Vault())
        made.frozen()
        assert made.needs_io()


class TestSecrets:
    @pytest.mark.parametrize(
        ("pair", "name"),
        [
            (("hidden\nid", "s", "t"), "access_key"),
            (("hidden id", "s", "t"), "access_key"),
            (("hiddené", "s", "t"), "access_key"),
            (("AKID", "s", "hidden\r\nX-Evil: y"), "token"),
            (("AKID", "s", "hidden\0"), "token"),
        ],
    )
    def test_that_no_header_may_have_are_an_error_that_does_not_show_them(
        self, pair: tuple[str, str, str], name: str
    ) -> None:
        with pytest.raises(CredentialRetrievalError) as caught:
            keys_of(credentials=Credentials(*pair, method="vault"))
        assert str(caught.value) == (
            f"Error when retrieving credentials from vault: the {name} has a character that is not "
            "allowed in a header, such as a line break"
        )

    @pytest.mark.parametrize(
        ("pair", "complaint"),
        [
            (("AKID", "hidden\ud800", "t"), "secret_key has a character that UTF-8 cannot encode"),
            (("AKID", "s", b"hidden"), "token is not a string"),
        ],
    )
    def test_that_cannot_be_signed_with_are_an_error_too(self, pair: Any, complaint: str) -> None:
        with pytest.raises(CredentialRetrievalError) as caught:
            keys_of(credentials=Credentials(*pair, method="vault"))
        assert str(caught.value) == f"Error when retrieving credentials from vault: the {complaint}"

    def test_may_have_what_no_header_may(self) -> None:
        assert keys_of(credentials=Credentials("AKID", "s é\n")).secret_key == "s é\n"

    def test_that_no_header_may_have_are_an_error_wherever_they_come_from(
        self, setenv: Callable[..., None]
    ) -> None:
        setenv(AWS_ACCESS_KEY_ID="hidden\n", AWS_SECRET_ACCESS_KEY="s")
        with pytest.raises(CredentialRetrievalError, match=r"from env: the access_key has a character"):
            keys_of()

    def test_of_an_object_that_does_not_say_where_they_are_from_are_explicit(self) -> None:
        class Vault:
            def get_frozen_credentials(self) -> FrozenCredentials:
                return FrozenCredentials("hidden\n", "s", None)

        with pytest.raises(CredentialRetrievalError, match=r"from explicit: the access_key"):
            keys_of(credentials=Vault())

    def test_are_not_in_the_repr_of_keys(self) -> None:
        assert repr(TEMPORARY) == "FrozenCredentials(access_key='AKTEMPORARY')"

    def test_are_not_in_the_log_of_a_role(self, role: Any, caplog: pytest.LogCaptureFixture) -> None:
        caplog.set_level(logging.DEBUG)
        assert keys_of(profile_name="role") == TEMPORARY
        assert any(record.name.startswith("botocore") for record in caplog.records)
        self.check(caplog)

    @pytest.mark.usefixtures("web_identity")
    def test_are_not_in_the_log_of_a_web_identity(self, caplog: pytest.LogCaptureFixture) -> None:
        caplog.set_level(logging.DEBUG)
        assert keys_of() == TEMPORARY
        self.check(caplog)

    def test_are_not_in_the_log_of_a_callable_that_asks_another_source(
        self, caplog: pytest.LogCaptureFixture
    ) -> None:

        def load() -> Credentials:
            keys_of(access_key="AKID", secret_key="s")
            logging.getLogger("botocore.parsers").debug("hidden")
            return Credentials("AKID", "s")

        caplog.set_level(logging.DEBUG)
        keys_of(credentials=load)
        self.check(caplog)

    def check(self, caplog: pytest.LogCaptureFixture) -> None:
        for record in caplog.records:
            assert "hidden" not in record.getMessage()
            assert "hidden" not in repr(record.args)
        assert "hidden" not in caplog.text


class TestTheDebugLog:
    @pytest.fixture
    def said(self, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> Callable[[], str]:
        """What the sources said, on a clock that takes 1.5 s for everything."""
        caplog.set_level(logging.DEBUG, credential_sources.__name__)
        seconds = count(10.0, 1.5)
        monkeypatch.setattr(credential_sources, "monotonic", lambda: next(seconds))
        return lambda: caplog.messages[-1]

    @pytest.mark.parametrize(
        ("where", "name"),
        [
            ("arguments", "explicit"),
            ("environment", "env"),
            ("expiring environment", "env, in 1.500 s"),
            ("profile", "shared-credentials-file, in 1.500 s"),
            ("process", "custom-process, in 1.500 s"),
            ("container", "container-role, in 1.500 s"),
            ("instance", "iam-role, in 1.500 s"),
            ("role", "assume-role, in 1.500 s"),
            ("web identity", "assume-role-with-web-identity, in 1.500 s"),
            ("sso", "sso, in 1.500 s"),
            ("callable", "explicit, in 1.500 s"),
        ],
    )
    def test_names_the_source_and_the_time(
        self, home: Home, said: Callable[[], str], where: str, name: str
    ) -> None:
        arguments = {key.removeprefix("aws_"): value for key, value in home.keys(where).items()}
        keys_of(
            access_key=arguments.pop("access_key_id"),
            secret_key=arguments.pop("secret_access_key"),
            token=arguments.pop("session_token", None),
            **arguments,
        )
        assert said() == f"credentials from {name}"

    def test_names_the_error_of_a_source_that_has_none(self, said: Callable[[], str]) -> None:
        with pytest.raises(NoCredentialsError):
            keys_of()
        assert said() == "no credentials from the credential chain: NoCredentialsError, in 1.500 s"


LOGGERS = ["botocore.auth", "botocore.endpoint", "botocore.parsers", "botocore.hooks"]


class TestBotocoresLoggers:
    def test_work_as_before_outside_of_fetching(self, role: Any, caplog: pytest.LogCaptureFixture) -> None:
        caplog.set_level(logging.DEBUG)
        keys_of(profile_name="role")
        self.check_that_all_are_heard(caplog)

    def test_work_as_before_after_an_error(self, caplog: pytest.LogCaptureFixture) -> None:
        caplog.set_level(logging.DEBUG)
        with pytest.raises(NoCredentialsError):
            keys_of()
        self.check_that_all_are_heard(caplog)

    def test_work_as_before_in_a_thread_that_has_fetched_nothing(
        self, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.DEBUG)
        with pytest.raises(NoCredentialsError):
            keys_of()
        with ThreadPoolExecutor(1) as thread:
            thread.submit(self.check_that_all_are_heard, caplog).result()

    def test_work_as_before_in_other_threads(self, caplog: pytest.LogCaptureFixture) -> None:
        caplog.set_level(logging.DEBUG)
        fetching, fetched = threading.Event(), threading.Event()

        def load() -> Credentials:
            fetching.set()
            fetched.wait(30)
            return Credentials("AKID", "s")

        with ThreadPoolExecutor(1) as thread:
            asked = thread.submit(source(credentials=load).frozen)
            assert fetching.wait(30)
            self.check_that_all_are_heard(caplog)
            fetched.set()
            assert asked.result() == FrozenCredentials("AKID", "s", None)

    def test_are_heard_with_warnings_while_fetching(self, caplog: pytest.LogCaptureFixture) -> None:
        caplog.set_level(logging.DEBUG)

        def load() -> Credentials:
            for name in LOGGERS:
                logging.getLogger(name).info("unheard")
                logging.getLogger(name).warning("heard %s, with %s", 2, ValueError("hidden"))
            return Credentials("AKID", "s")

        keys_of(credentials=load)
        assert [record.getMessage() for record in caplog.records if record.name in LOGGERS] == [
            "heard 2, with ValueError"
        ] * len(LOGGERS)

    def check_that_all_are_heard(self, caplog: pytest.LogCaptureFixture) -> None:
        caplog.clear()
        for name in LOGGERS:
            logging.getLogger(name).debug("still here")
        assert [record.name for record in caplog.records] == LOGGERS


class TestSigning:
    TARGET = "/2019-09-25/functions/f/event-invoke-config/list?MaxItems=5"
    HOST = "lambda.us-east-1.amazonaws.com"
    NOW = datetime(2026, 11, 23, 12, tzinfo=timezone.utc).timestamp()

    @pytest.mark.parametrize(
        ("token", "signed", "signature"),
        [
            (None, "host;x-amz-date", "1c9739c3dfe73e037aaafbff4dae59ef0a598b8400d0526cc0cd8cb0e635b49e"),
            (
                "TOKEN",
                "host;x-amz-date;x-amz-security-token",
                "4c69c6f427054d4208f0e84610209478ff8feac3190cfbdfe14e57b306b9591c",
            ),
        ],
    )
    def test_gives_the_headers_that_boto3_gives_at_that_second(
        self, token: str | None, signed: str, signature: str
    ) -> None:
        headers = signing.sign(
            self.TARGET, self.HOST, FrozenCredentials("AKID", "SECRET", token), "us-east-1", self.NOW
        )
        assert headers == [
            ("X-Amz-Date", "20261123T120000Z"),
            *([("X-Amz-Security-Token", token)] if token else []),
            (
                "Authorization",
                "AWS4-HMAC-SHA256 Credential=AKID/20261123/us-east-1/lambda/aws4_request, "
                f"SignedHeaders={signed}, Signature={signature}",
            ),
        ]

    def test_logs_nothing(self, caplog: pytest.LogCaptureFixture) -> None:
        caplog.set_level(logging.DEBUG)
        signing.sign(self.TARGET, self.HOST, TEMPORARY, "us-east-1", self.NOW)
        assert not caplog.records

    def test_is_done_unless_the_version_is_unsigned(self) -> None:
        assert signing.is_signed(None)
        assert signing.is_signed("v4")
        assert not signing.is_signed(botocore.UNSIGNED)

    @pytest.mark.parametrize("version", ["v2", "s3v4", "v4a", 4, ""])
    def test_is_not_done_in_another_version(self, version: object) -> None:
        with pytest.raises(UnsupportedSignatureVersionError, match="are not supported"):
            signing.is_signed(version)
