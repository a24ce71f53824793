"""What is told in arguments, environment and profile, in every combination, means what it means to boto3.

Both libraries are told the same, then asked for a page. Compared is what came of it: the request that would
have been sent (its URL, its keys, its region), how often, and the certificates that would have been asked
for; or the error.
"""

from __future__ import annotations

import copy
import itertools
import json
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import boto3
import botocore
import botocore.config
import botocore.session
import httpx
import pytest
from botocore.awsrequest import AWSResponse
from botocore.exceptions import ClientError

import lambda_event_invoke_configs as eic

KEYS = {"aws_access_key_id": "ARGUMENT", "aws_secret_access_key": "s"}
REGIONS = (
    "us-east-1",
    "cn-north-1",
    "us-gov-west-1",
    "us-iso-east-1",
    "us-isob-east-1",
    "eu-isoe-west-1",
    "us-isof-south-1",
    "eusc-de-east-1",
)
PSEUDO_REGIONS = ("fips-us-east-1", "us-east-1-fips", "fips-us-gov-west-1", "us-gov-west-1-fips")


@dataclass(frozen=True)
class Told:
    """What is told, by where it is told; `+` puts two together.

    `profile` is what the section of the default profile says in the config file, `config_file` what
    comes after it.
    """

    argument: dict[str, Any] = field(default_factory=dict)
    config: dict[str, Any] | None = None
    environ: dict[str, str] = field(default_factory=dict)
    profile: str = ""
    config_file: str = ""
    credentials_file: str = ""

    def __add__(self, other: Told) -> Told:
        configs = [config for config in (self.config, other.config) if config is not None]
        return Told(
            self.argument | other.argument,
            {name: value for config in configs for name, value in config.items()} if configs else None,
            self.environ | other.environ,
            self.profile + other.profile,
            self.config_file + other.config_file,
            self.credentials_file + other.credentials_file,
        )

    def __str__(self) -> str:
        return ", ".join(f"{name}={value}" for name, value in vars(self).items() if value) or "nothing"


NOTHING = Told()


def argument(**values: Any) -> Told:
    return Told(argument=values)


def config(**values: Any) -> Told:
    return Told(config=values)


def environ(**values: str) -> Told:
    return Told(environ=values)


def profile(*lines: str) -> Told:
    return Told(profile="".join(f"{line}\n" for line in lines))


def every(*places: Iterable[Told]) -> list[Told]:
    """Every combination of what each place may say."""
    return [sum(told, NOTHING) for told in itertools.product(*places)]


@dataclass(frozen=True)
class Sent:
    url: str
    access_key: str
    scope_region: str
    token: str | None
    retry_mode: str

    @classmethod
    def of(cls, url: str, headers: Any) -> Sent:
        parts = urlsplit(url)
        port = "" if parts.port in {None, {"http": 80, "https": 443}[parts.scheme]} else f":{parts.port}"
        text = {
            name.lower(): value.decode() if isinstance(value, bytes) else value
            for name, value in headers.items()
        }
        credential = re.search(r"Credential=([^/]*)/\d+/([^/]*)/lambda/", text["authorization"])
        mode = re.search(r"cfg/retry-mode#(\w+)", text["user-agent"])
        assert credential
        assert mode
        return cls(
            f"{parts.scheme}://{parts.hostname}{port}{parts.path}",
            credential[1],
            credential[2],
            text.get("x-amz-security-token"),
            mode[1],
        )


@dataclass(frozen=True)
class Came:
    """What came of it."""

    region: str
    verify: bool | str
    sent: tuple[Sent, ...]


Outcome = Came | Exception
Compare = Callable[..., None]


class _Body:
    def stream(self) -> Iterator[bytes]:
        yield b"{}"


@pytest.fixture(scope="session")
def loader() -> Any:
    """Of botocore's data files: each is read once for all sessions."""
    return botocore.session.Session().get_component("data_loader")


@pytest.fixture
def compare(tmp_path: Path, loader: Any) -> Compare:
    """Tells both libraries each of these, has each ask for a page, and expects them to agree."""

    def theirs(told: Told, status: int) -> Came:
        core = botocore.session.Session()
        core.register_component("data_loader", loader)
        options = dict(told.argument)
        session = boto3.session.Session(
            botocore_session=core, profile_name=options.pop("profile_name", None)
        )
        if told.config is not None:
            options["config"] = botocore.config.Config(**copy.deepcopy(told.config))
        client = session.client("lambda", **options)
        sent = []

        def send(request: Any, **_: Any) -> AWSResponse:
            sent.append(Sent.of(request.url, request.headers))
            return AWSResponse(request.url, status, {}, _Body())

        client.meta.events.register("before-send.lambda.*", send)
        ask(client)
        return Came(client.meta.region_name, client._endpoint.http_session._verify, tuple(sent))

    def mine(told: Told, status: int, config_class: type[Any]) -> Came:
        options = dict(told.argument)
        if told.config is not None:
            options["config"] = config_class(**copy.deepcopy(told.config))
        sent = []

        def send(request: httpx.Request) -> httpx.Response:
            sent.append(Sent.of(str(request.url), request.headers))
            return httpx.Response(status, content=b"{}")

        client = eic.Client(**options, transport=httpx.MockTransport(send))
        ask(client)
        assert client.meta.region_name == client._settings.region
        assert sent[0].url.startswith(client.meta.endpoint_url.lower().rstrip("/").replace(":443", ""))
        return Came(client.meta.region_name, client._settings.verify, tuple(sent))

    def ask(client: Any) -> None:
        try:
            client.list_function_event_invoke_configs(FunctionName="f")
        except ClientError:
            pass

    def outcome(run: Callable[..., Came], *arguments: Any) -> Outcome:
        try:
            return run(*arguments)
        except Exception as raised:
            return raised

    def compare(combinations: list[Told], *, status: int = 200) -> None:
        differ = []
        for told in combinations:
            with pytest.MonkeyPatch.context() as patch:
                for name, value in told.environ.items():
                    patch.setenv(name, value)
                for name in ("config", "credentials"):
                    patch.setenv(
                        f"AWS_{'SHARED_CREDENTIALS' if name == 'credentials' else 'CONFIG'}_FILE",
                        str(tmp_path / name),
                    )
                (tmp_path / "config").write_text(f"[default]\n{told.profile}{told.config_file}")
                (tmp_path / "credentials").write_text(told.credentials_file)
                expected = outcome(theirs, told, status)
                configs = (eic.Config, botocore.config.Config) if told.config else (eic.Config,)
                for config_class in configs:
                    came = outcome(mine, told, status, config_class)
                    if not agree(came, expected):
                        differ.append(f"{told}\n  here:  {came!r}\n  boto3: {expected!r}")
        assert not differ, f"{len(differ)} of {len(combinations)} differ\n" + "\n".join(differ)

    return compare


def agree(mine: Outcome, theirs: Outcome) -> bool:
    """Whether both are equal, or errors of which ours is caught where boto3's is, and says what it says."""
    if isinstance(mine, Exception) and isinstance(theirs, Exception):
        # Ours may go on and name the setting that is to be corrected.
        return isinstance(mine, type(theirs)) and str(mine).startswith(str(theirs))
    return mine == theirs


@pytest.mark.parametrize(
    "given",
    [
        NOTHING,
        argument(region_name="eu-west-1"),
        *(argument(region_name=region) for region in PSEUDO_REGIONS),
        *(argument(region_name=region) for region in ("a b", "evil.example/", "-a", "new-region-9", "123")),
    ],
    ids=str,
)
def test_the_region_is_the_same(compare: Compare, given: Told) -> None:
    compare(
        every(
            [given + argument(**KEYS)],
            [NOTHING, config(region_name="eu-west-3"), config(region_name="us-east-1-fips"), config()],
            [NOTHING] + [environ(AWS_DEFAULT_REGION=r) for r in ("eu-central-1", "fips-us-west-2", "a/b")],
            [NOTHING, profile("region = eu-north-1"), profile("region = a b")],
        )
    )


SERVICES = Told(config_file="[services local]\nlambda =\n  endpoint_url = http://services.example:81/base/\n")
OTHER_SERVICES = Told(config_file="[services local]\ns3 =\n  endpoint_url = http://s3.example\n")
MISPLACED = Told(config_file="[services local]\nlambda = http://misplaced.example\n")
ENDPOINTS = every(
    [NOTHING, environ(AWS_ENDPOINT_URL_LAMBDA="https://lambda-variable.example:8443")],
    [NOTHING, environ(AWS_ENDPOINT_URL="http://variable.example/v")],
    [NOTHING, profile("services = local") + SERVICES, profile("services = local") + OTHER_SERVICES],
    [NOTHING, profile("endpoint_url = http://profile.example")],
)


@pytest.mark.parametrize(
    "explicit",
    [NOTHING, config(ignore_configured_endpoint_urls=True), config(ignore_configured_endpoint_urls=False)],
    ids=str,
)
def test_a_configured_endpoint_is_used_or_ignored_alike(compare: Compare, explicit: Told) -> None:
    variables = [environ(AWS_IGNORE_CONFIGURED_ENDPOINT_URLS=word) for word in ("true", "False")]
    ignored = every([NOTHING, *variables], [NOTHING, profile("ignore_configured_endpoint_urls = true")])
    compare(every([explicit + argument(region_name="us-east-1", **KEYS)], ENDPOINTS, ignored))


def test_an_endpoint_that_is_given_outright_wins_alike(compare: Compare) -> None:
    given = argument(region_name="us-east-1", endpoint_url="http://argument.example:8080/base/", **KEYS)
    ignored = [NOTHING, config(ignore_configured_endpoint_urls=True)]
    compare(every([given], ENDPOINTS, ignored))


@pytest.mark.parametrize(
    "url",
    [
        "https://h.example",
        "https://h.example/",
        "https://h.example:443/base",
        "http://h.example:80",
        "http://H.Example:8080/Base/path/",
        "http://localhost:4566",
        "http://127.0.0.1:4566",
        "http://[::1]:4566/base",
        "http://under-score.example",
        "h.example",
        "h",
        "http://",
        "http:///base",
        "http://a b.example",
    ],
)
def test_an_endpoint_url_means_the_same_or_is_refused_wherever_it_is_told(compare: Compare, url: str) -> None:
    compare(
        every(
            [argument(region_name="us-east-1", **KEYS)],
            [
                argument(endpoint_url=url),
                environ(AWS_ENDPOINT_URL_LAMBDA=url),
                environ(AWS_ENDPOINT_URL=url),
                profile("services = local")
                + Told(config_file=f"[services local]\nlambda =\n  endpoint_url = {url}\n"),
                profile(f"endpoint_url = {url}"),
            ],
        )
    )


def test_a_services_section_that_is_none_is_taken_alike(compare: Compare) -> None:
    compare(
        every(
            [argument(region_name="us-east-1", **KEYS)],
            [profile("services = local")],
            [MISPLACED, NOTHING, Told(config_file="[services other]\n")],
            [NOTHING, environ(AWS_ENDPOINT_URL="http://variable.example")],
            [NOTHING, profile("endpoint_url = http://profile.example")],
        )
    )


@pytest.mark.parametrize("region", REGIONS + PSEUDO_REGIONS)
def test_the_host_is_the_same_in_every_partition(compare: Compare, region: str) -> None:
    compare(
        every(
            [argument(region_name=region, **KEYS)],
            [NOTHING, config(use_fips_endpoint=True), environ(AWS_USE_FIPS_ENDPOINT="false")],
            [NOTHING, config(use_dualstack_endpoint=True)],
            [NOTHING, argument(use_ssl=False), argument(endpoint_url="http://custom.example")],
        )
    )


def test_the_host_is_the_same_in_every_region_that_botocore_knows(compare: Compare) -> None:
    session = boto3.session.Session()
    partitions = session.get_available_partitions()
    regions = [r for p in partitions for r in session.get_available_regions("lambda", partition_name=p)]
    assert len(regions) > 30
    compare(every([argument(**KEYS)], [argument(region_name=region) for region in regions]))


@pytest.mark.parametrize("flag", ["fips", "dualstack"])
def test_fips_and_dual_stack_are_asked_for_alike(compare: Compare, flag: str) -> None:
    option, variable = f"use_{flag}_endpoint", f"AWS_USE_{flag.upper()}_ENDPOINT"
    other = {"fips": "use_dualstack_endpoint", "dualstack": "use_fips_endpoint"}[flag]
    compare(
        every(
            [argument(region_name="us-gov-west-1", **KEYS)],
            [NOTHING, config(), config(**{option: True}), config(**{option: False})],
            [NOTHING] + [environ(**{variable: word}) for word in ("true", "TRUE", "false", "1")],
            [NOTHING] + [profile(f"{option} = {word}") for word in ("True", "false", "yes")],
            [NOTHING, profile(f"{other} = true")],
        )
    )


@pytest.mark.parametrize(
    "explicit",
    [
        None,
        {},
        {"mode": "standard"},
        {"mode": "adaptive"},
        {"total_max_attempts": 5},
        {"max_attempts": 4, "mode": "standard"},
        {"max_attempts": 0},
        {"max_attempts": 8, "total_max_attempts": 1},
        {"mode": "eager"},
        {"mode": None},
        {"total_max_attempts": 0},
        {"max_attempts": -1},
        {"attempts": 3},
    ],
    ids=str,
)
def test_as_many_attempts_are_made_in_the_same_mode(compare: Compare, explicit: dict[str, Any] | None) -> None:
    compare(
        every(
            [argument(region_name="us-east-1", **KEYS)],
            [config(retries=explicit)] if explicit is not None else [NOTHING, config(retries=None)],
            [NOTHING, environ(AWS_MAX_ATTEMPTS="6"), environ(AWS_MAX_ATTEMPTS="0")],
            [NOTHING, environ(AWS_RETRY_MODE="adaptive"), environ(AWS_RETRY_MODE="eager")],
            [NOTHING, profile("max_attempts = 2")],
            [NOTHING, profile("retry_mode = adaptive"), profile("retry_mode = eager")],
        ),
        status=503,
    )


def keys(name: str) -> str:
    return f"aws_access_key_id = {name}\naws_secret_access_key = s\n"


NAMED = "".join(f"[profile {name}]\n{keys(name.upper())}" for name in ("named", "other"))


@pytest.mark.parametrize(
    "explicit",
    [
        NOTHING,
        argument(**KEYS),
        argument(**KEYS, aws_session_token="t"),
        argument(aws_access_key_id="ARGUMENT"),
        argument(aws_secret_access_key="s"),
    ],
    ids=["no argument", "a pair", "a pair and a token", "half a pair", "the other half"],
)
def test_the_same_keys_are_used(compare: Compare, explicit: Told) -> None:
    pair = {"AWS_ACCESS_KEY_ID": "VARIABLE", "AWS_SECRET_ACCESS_KEY": "s"}
    compare(
        every(
            [explicit + argument(region_name="us-east-1")],
            [
                NOTHING,
                environ(**pair),
                environ(**pair, AWS_SESSION_TOKEN="t"),
                environ(AWS_ACCESS_KEY_ID="VARIABLE"),
                environ(AWS_SECRET_ACCESS_KEY="s"),
            ],
            [Told(config_file=NAMED)],
            [NOTHING, argument(profile_name="named")],
            [NOTHING, environ(AWS_PROFILE="other")],
            [NOTHING, profile(keys("CONFIG"))],
            [
                NOTHING,
                Told(credentials_file=f"[default]\n{keys('CREDENTIALS')}aws_session_token = t\n"),
                Told(credentials_file=f"[named]\n{keys('CREDENTIALS-NAMED')}"),
            ],
        )
    )


def test_half_a_pair_in_a_file_is_the_same_error(compare: Compare) -> None:
    half = "aws_access_key_id = HALF\n"
    compare(
        every(
            [argument(region_name="us-east-1")],
            [NOTHING, profile(half), profile("aws_secret_access_key = s"), profile(keys("CONFIG"))],
            [NOTHING, Told(credentials_file=f"[default]\n{half}")],
        )
    )


def test_the_same_profile_is_used_or_missed(compare: Compare) -> None:
    named = "".join(f"[profile {n}]\nregion = {r}\n" for n, r in (("one", "eu-west-1"), ("two", "eu-west-2")))
    names = ("one", "two", "keys", "gone")
    compare(
        every(
            [argument(**KEYS) + Told(config_file=named), argument(**KEYS)],
            [Told(credentials_file="[keys]\nregion = eu-west-3\n[one]\nregion = eu-north-1\n")],
            [NOTHING, *(argument(profile_name=name) for name in names)],
            [NOTHING, *(environ(AWS_DEFAULT_PROFILE=name) for name in names)],
            [NOTHING, *(environ(AWS_PROFILE=name) for name in names)],
        )
    )


def test_the_same_certificates_are_asked_for(compare: Compare) -> None:
    compare(
        every(
            [argument(region_name="us-east-1", **KEYS)],
            [NOTHING, *(argument(verify=verify) for verify in (True, False, "/argument.pem"))],
            [NOTHING, environ(AWS_CA_BUNDLE="/variable.pem")],
            [NOTHING, profile("ca_bundle = /profile.pem")],
            [NOTHING, environ(REQUESTS_CA_BUNDLE="/requests.pem")],
            [NOTHING, argument(use_ssl=False)],
        )
    )
