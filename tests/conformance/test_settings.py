"""What is told in arguments, environment and profile, alone and together, means what it means to boto3.

Both libraries are told the same, then asked for a page. Compared is what came of it: the request that would
have been sent (its URL, its keys, its region), how often, and the certificates that would have been asked
for; or the error.
"""

from __future__ import annotations

import contextlib
import copy
import itertools
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import boto3
import botocore.config
import httpx
import pytest
from botocore.awsrequest import AWSResponse
from botocore.exceptions import (
    ClientError,
    EndpointVariantError,
    InvalidMaxRetryAttemptsError,
    NoRegionError,
    PartialCredentialsError,
)

import lambda_event_invoke_configs as eic
from lambda_event_invoke_configs.exceptions import InvalidConfigError

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
PSEUDO_REGIONS = ("fips-us-east-1", "us-east-1-fips", "fips-us-gov-west-1")


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


def together(*places: list[Told]) -> list[Told]:
    """Any two places with all that they may say, and any number of them with the first that each may say."""
    found = every(*([NOTHING, may_say[0]] for may_say in places))
    for one, other in itertools.combinations(places, 2):
        found += every([NOTHING, *one], [NOTHING, *other])
    return list({str(told): told for told in found}.values())


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
        host = parts.netloc.lower().removesuffix({"http": ":80", "https": ":443"}[parts.scheme])
        text = {
            name.lower(): value.decode() if isinstance(value, bytes) else value
            for name, value in headers.items()
        }
        credential = re.search(r"Credential=([^/]*)/\d+/([^/]*)/lambda/", text["authorization"])
        mode = re.search(r"cfg/retry-mode#(\w+)", text["user-agent"])
        assert credential
        assert mode
        return cls(
            f"{parts.scheme}://{host}{parts.path}",
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
Outcomes = Callable[..., tuple[list[Outcome], Outcome]]
Compare = Callable[..., None]


class _Body:
    def stream(self) -> Iterator[bytes]:
        yield b"{}"


@pytest.fixture
def outcomes(tmp_path: Path, new_boto3_session: Callable[..., boto3.session.Session]) -> Outcomes:
    """Tells both libraries the same, has each ask for a page, and returns what came of it: ours, boto3's.

    Where they are told in a Config, ours comes twice: of its own Config and of botocore's.
    """

    def theirs(told: Told, status: int) -> Came:
        options = dict(told.argument)
        session = new_boto3_session(options.pop("profile_name", None))
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
        return Came(client.meta.region_name, client._settings.verify, tuple(sent))

    def ask(client: Any) -> None:
        with contextlib.suppress(ClientError):
            client.list_function_event_invoke_configs(FunctionName="f")

    def outcome(run: Callable[..., Came], *arguments: Any) -> Outcome:
        try:
            return run(*arguments)
        except Exception as raised:
            return raised

    def outcomes_of(told: Told, status: int = 200) -> tuple[list[Outcome], Outcome]:
        files = {"AWS_CONFIG_FILE": tmp_path / "config", "AWS_SHARED_CREDENTIALS_FILE": tmp_path / "keys"}
        files["AWS_CONFIG_FILE"].write_text(f"[default]\n{told.profile}{told.config_file}")
        files["AWS_SHARED_CREDENTIALS_FILE"].write_text(told.credentials_file)
        with pytest.MonkeyPatch.context() as patch:
            for name, value in {**files, **told.environ}.items():
                patch.setenv(name, str(value))
            config_classes = (eic.Config, botocore.config.Config) if told.config else (eic.Config,)
            return (
                [outcome(mine, told, status, config_class) for config_class in config_classes],
                outcome(theirs, told, status),
            )

    return outcomes_of


@pytest.fixture
def compare(outcomes: Outcomes) -> Compare:
    """Expects the same to come of each of these in both libraries."""

    def compare_all(combinations: list[Told], *, status: int = 200) -> None:
        differ = []
        for told in combinations:
            mine, theirs = outcomes(told, status)
            differ += [
                f"{told}\n  here:  {came!r}\n  boto3: {theirs!r}" for came in mine if not agree(came, theirs)
            ]
        assert not differ, f"{len(differ)} of {len(combinations)} differ\n" + "\n".join(differ)

    return compare_all


def agree(mine: Outcome, theirs: Outcome) -> bool:
    """Whether both are equal, or errors of which ours is caught where boto3's is, and says what it says."""
    if isinstance(mine, Exception) and isinstance(theirs, Exception):
        # Ours may go on and name the setting that is to be corrected.
        return isinstance(mine, type(theirs)) and str(mine).startswith(str(theirs))
    return mine == theirs


def test_the_region_is_the_same(compare: Compare) -> None:
    places = together(
        [
            argument(region_name=region)
            for region in ("eu-west-1", *PSEUDO_REGIONS, "a b", "evil.example/", "-a", "new-region-9")
        ],
        [config(region_name="eu-west-3"), config(region_name="us-east-1-fips")],
        [environ(AWS_DEFAULT_REGION=region) for region in ("eu-central-1", "fips-us-west-2", "a/b")],
        [profile("region = eu-north-1"), profile("region = a b")],
    )
    compare(every([argument(**KEYS)], places))


SERVICES = Told(config_file="[services local]\nlambda =\n  endpoint_url = http://services.example:81/base/\n")
OTHER_SERVICES = Told(config_file="[services local]\ns3 =\n  endpoint_url = http://s3.example\n")
ENDPOINTS = (
    [environ(AWS_ENDPOINT_URL_LAMBDA="https://lambda-variable.example:8443")],
    [environ(AWS_ENDPOINT_URL="http://variable.example/v")],
    [profile("services = local") + SERVICES, profile("services = local") + OTHER_SERVICES],
    [profile("endpoint_url = http://profile.example")],
)


def test_a_configured_endpoint_is_used_or_ignored_alike(compare: Compare) -> None:
    ignored = together(
        [config(ignore_configured_endpoint_urls=ignore) for ignore in (True, False)],
        [environ(AWS_IGNORE_CONFIGURED_ENDPOINT_URLS=word) for word in ("true", "False")],
        [profile("ignore_configured_endpoint_urls = true")],
    )
    all_of_them = every(*ENDPOINTS)
    compare(every([argument(region_name="us-east-1", **KEYS)], ignored, all_of_them))
    compare(every([argument(region_name="us-east-1", **KEYS)], ignored[:2], together(*ENDPOINTS)))


def test_an_endpoint_that_is_given_outright_wins_alike(compare: Compare) -> None:
    given = argument(region_name="us-east-1", endpoint_url="http://argument.example:8080/base/", **KEYS)
    compare(every([given], together([config(ignore_configured_endpoint_urls=True)], *ENDPOINTS)))


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


def test_an_endpoint_variable_that_is_set_to_nothing_is_not_set_in_either(compare: Compare) -> None:
    compare(
        every(
            [argument(region_name="us-east-1", **KEYS)],
            [environ(AWS_ENDPOINT_URL_LAMBDA=""), environ(AWS_ENDPOINT_URL="")],
            [NOTHING, environ(AWS_ENDPOINT_URL="http://variable.example")],
            [NOTHING, profile("endpoint_url = http://profile.example")],
        )
    )


def test_a_services_section_that_is_none_is_taken_alike(compare: Compare) -> None:
    compare(
        every(
            [argument(region_name="us-east-1", **KEYS)],
            [profile("services = local")],
            [NOTHING, Told(config_file="[services other]\n")],
            [NOTHING, environ(AWS_ENDPOINT_URL="http://variable.example")],
            [NOTHING, profile("endpoint_url = http://profile.example")],
        )
    )


# boto3 has no host for FIPS and dual-stack together in these: see the differences below.
NOT_BOTH = ("eu-isoe-west-1", "us-isof-south-1")


@pytest.mark.parametrize("region", REGIONS + PSEUDO_REGIONS)
def test_the_host_is_the_same_in_every_partition(compare: Compare, region: str) -> None:
    fips = [NOTHING, config(use_fips_endpoint=True), environ(AWS_USE_FIPS_ENDPOINT="false")]
    variants = every(fips, [NOTHING, config(use_dualstack_endpoint=True)])
    if region in NOT_BOTH:
        variants = [told for told in variants if told.config is None or len(told.config) == 1]
    given = argument(region_name=region, **KEYS)
    compare(every([given], variants))
    compare(
        every([given], variants[:3], [argument(use_ssl=False), argument(endpoint_url="http://c.example")])
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
    places = together(
        [config(**{option: True}), config(**{option: False})],
        [environ(**{variable: word}) for word in ("TRUE", "false", "1")],
        [profile(f"{option} = {word}") for word in ("True", "yes")],
        [profile(f"{other} = true")],
    )
    compare(every([argument(region_name="us-gov-west-1", **KEYS)], places))


def test_as_many_attempts_are_made_in_the_same_mode(compare: Compare) -> None:
    explicit: list[Any] = [{"max_attempts": 4, "mode": "standard"}, None, {}, {"mode": "adaptive"}]
    explicit += [{"total_max_attempts": 5}, {"max_attempts": 0}, {"max_attempts": 8, "total_max_attempts": 1}]
    places = together(
        [config(retries=retries) for retries in explicit],
        [environ(AWS_MAX_ATTEMPTS="6"), environ(AWS_MAX_ATTEMPTS="0")],
        [environ(AWS_RETRY_MODE="adaptive"), environ(AWS_RETRY_MODE="eager")],
        [profile("max_attempts = 2")],
        [profile("retry_mode = adaptive"), profile("retry_mode = eager")],
    )
    compare(every([argument(region_name="us-east-1", **KEYS)], places), status=503)


@pytest.mark.parametrize(
    "explicit",
    [
        {"mode": "eager"},
        {"mode": None},
        {"total_max_attempts": 0},
        {"max_attempts": -1},
        {"attempts": 3},
    ],
    ids=str,
)
def test_retries_that_cannot_be_are_taken_or_refused_alike(
    compare: Compare, explicit: dict[str, Any]
) -> None:
    compare(
        every(
            [argument(region_name="us-east-1", **KEYS) + config(retries=explicit)],
            [NOTHING, environ(AWS_MAX_ATTEMPTS="6", AWS_RETRY_MODE="adaptive")],
        ),
        status=503,
    )


def keys(name: str) -> str:
    return f"aws_access_key_id = {name}\naws_secret_access_key = s\n"


NAMED = "".join(f"[profile {name}]\n{keys(name.upper())}" for name in ("named", "other"))


def test_the_same_keys_are_used(compare: Compare) -> None:
    pair = {"AWS_ACCESS_KEY_ID": "VARIABLE", "AWS_SECRET_ACCESS_KEY": "s"}
    places = together(
        [
            argument(**KEYS),
            argument(**KEYS, aws_session_token="t"),
            argument(aws_access_key_id="ARGUMENT"),
            argument(aws_secret_access_key="s"),
        ],
        [profile(keys("CONFIG"))],
        [
            environ(**pair),
            environ(**pair, AWS_SESSION_TOKEN="t"),
            environ(AWS_ACCESS_KEY_ID="VARIABLE"),
            environ(AWS_SECRET_ACCESS_KEY="s"),
        ],
        [argument(profile_name="named")],
        [environ(AWS_PROFILE="other")],
        [
            Told(credentials_file=f"[default]\n{keys('CREDENTIALS')}aws_session_token = t\n"),
            Told(credentials_file=f"[named]\n{keys('CREDENTIALS-NAMED')}"),
        ],
    )
    compare(every([argument(region_name="us-east-1") + Told(config_file=NAMED)], places))


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
    named = "[profile one]\nregion = eu-west-1\n"
    names = ("one", "keys", "gone")
    compare(
        every(
            [argument(**KEYS) + Told(config_file=named), argument(**KEYS)],
            [Told(credentials_file="[keys]\nregion = eu-west-3\n[one]\nregion = eu-north-1\n")],
            together(
                [argument(profile_name=name) for name in names],
                [environ(AWS_DEFAULT_PROFILE=name) for name in names],
                [environ(AWS_PROFILE=name) for name in names],
            ),
        )
    )


def test_the_same_certificates_are_asked_for(compare: Compare) -> None:
    places = together(
        [argument(verify=verify) for verify in ("/argument.pem", True, False)],
        [environ(AWS_CA_BUNDLE="/variable.pem")],
        [profile("ca_bundle = /profile.pem")],
        [environ(REQUESTS_CA_BUNDLE="/requests.pem")],
        [argument(use_ssl=False)],
    )
    compare(every([argument(region_name="us-east-1", **KEYS)], places))


class TestADifferenceIs:
    """One test for each: what is left out above."""

    HERE = argument(region_name="us-east-1", **KEYS)

    @staticmethod
    def only(outcomes: Outcomes, told: Told, status: int = 200) -> tuple[Outcome, Outcome]:
        (mine, *same), theirs = outcomes(told, status)
        assert all(agree(other, mine) for other in same)
        return mine, theirs

    def test_that_aws_region_is_read_here(self, outcomes: Outcomes) -> None:
        told = argument(**KEYS) + environ(AWS_REGION="eu-west-2")
        mine, theirs = self.only(outcomes, told)
        assert mine.region == mine.sent[0].scope_region == "eu-west-2"
        assert isinstance(theirs, NoRegionError)
        mine, theirs = self.only(outcomes, told + profile("region = eu-north-1"))
        assert (mine.region, theirs.region) == ("eu-west-2", "eu-north-1")
        mine, theirs = self.only(outcomes, told + environ(AWS_DEFAULT_REGION="eu-west-1"))
        assert mine == theirs

    @pytest.mark.parametrize(
        ("variable", "there"),
        [
            ("AWS_DEFAULT_REGION", profile("region = eu-north-1")),
            ("AWS_USE_FIPS_ENDPOINT", profile("use_fips_endpoint = true")),
            ("AWS_USE_DUALSTACK_ENDPOINT", profile("use_dualstack_endpoint = true")),
            ("AWS_CA_BUNDLE", profile("ca_bundle = /profile.pem")),
            ("REQUESTS_CA_BUNDLE", NOTHING),
            ("AWS_MAX_ATTEMPTS", profile("max_attempts = 2")),
            ("AWS_RETRY_MODE", profile("retry_mode = adaptive")),
            ("AWS_PROFILE", NOTHING),
            ("AWS_DEFAULT_PROFILE", NOTHING),
        ],
    )
    def test_that_a_variable_set_to_nothing_is_not_set_here(
        self, outcomes: Outcomes, variable: str, there: Told
    ) -> None:
        """With what is in the profile, it comes to what comes of the profile alone."""
        told = there + (argument(**KEYS) if "region =" in there.profile else self.HERE)
        mine, theirs = self.only(outcomes, told + environ(**{variable: ""}), 503)
        assert mine == self.only(outcomes, told, 503)[0]
        assert not agree(mine, theirs)

    @pytest.mark.parametrize(
        "told",
        [
            environ(AWS_MAX_ATTEMPTS="ten"),
            profile("max_attempts = ten"),
        ],
        ids=str,
    )
    def test_that_a_number_of_attempts_that_is_none_has_a_typed_error_here(
        self, outcomes: Outcomes, told: Told
    ) -> None:
        mine, theirs = self.only(outcomes, self.HERE + told)
        assert isinstance(mine, InvalidMaxRetryAttemptsError)
        assert type(theirs) is ValueError

    def test_that_a_token_alone_is_half_a_set_of_keys_here(self, outcomes: Outcomes) -> None:
        told = argument(region_name="us-east-1", aws_session_token="t") + profile(keys("CONFIG"))
        mine, theirs = self.only(outcomes, told)
        assert isinstance(mine, PartialCredentialsError)
        assert (theirs.sent[0].access_key, theirs.sent[0].token) == ("CONFIG", None)

    @pytest.mark.parametrize(
        "told",
        [
            config(retries={"mode": "legacy"}),
            environ(AWS_RETRY_MODE="legacy"),
            profile("retry_mode = legacy"),
        ],
        ids=str,
    )
    def test_that_retry_mode_legacy_means_standard_here(self, outcomes: Outcomes, told: Told) -> None:
        mine, theirs = self.only(outcomes, self.HERE + told, 503)
        assert (len(mine.sent), len(theirs.sent)) == (3, 5)

    @pytest.mark.parametrize("region", NOT_BOTH)
    def test_that_fips_and_dual_stack_go_together_in_every_partition_here(
        self, outcomes: Outcomes, region: str
    ) -> None:
        """botocore's rules have that host; its older table of endpoints, which boto3 asks too, has not."""
        told = config(use_fips_endpoint=True, use_dualstack_endpoint=True)
        told += argument(region_name=region, **KEYS)
        mine, theirs = self.only(outcomes, told)
        assert mine.sent[0].url.startswith(f"https://lambda-fips.{region}.api.")
        assert isinstance(theirs, EndpointVariantError)

    def test_that_text_for_lambda_in_a_services_section_has_a_typed_error_here(
        self, outcomes: Outcomes
    ) -> None:
        told = profile("services = local", "endpoint_url = http://profile.example")
        told += Told(config_file="[services local]\nlambda = http://misplaced.example\n")
        mine, theirs = self.only(outcomes, self.HERE + told)
        assert type(mine) is InvalidConfigError
        assert type(theirs) is AttributeError
