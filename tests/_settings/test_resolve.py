"""Where each setting comes from: the argument, then the environment, then the profile, then the default."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any, ClassVar, Protocol

import botocore.config
import pytest

from lambda_event_invoke_configs._settings import resolve as settings
from lambda_event_invoke_configs._settings.config import Config
from lambda_event_invoke_configs._settings.resolve import Settings
from lambda_event_invoke_configs._version import __version__
from lambda_event_invoke_configs.exceptions import (
    ConfigParseError,
    InvalidConfigError,
    InvalidEndpointError,
    InvalidMaxRetryAttemptsError,
    InvalidRegionError,
    InvalidRetryModeError,
    NoRegionError,
    ProfileNotFound,
)


class Resolve(Protocol):
    def __call__(
        self,
        environ: dict[str, str] | None = None,
        *,
        profile: str = "",
        config_file: str = "",
        credentials_file: str = "",
        **arguments: Any,
    ) -> Settings: ...


@pytest.fixture
def resolve(tmp_path: Path) -> Resolve:
    """`settings.resolve()` in us-east-1, unless told another region, with shared files of these contents.

    `profile` is the text of the default profile.
    """

    def resolve_with(
        environ: dict[str, str] | None = None,
        *,
        profile: str = "",
        config_file: str = "",
        credentials_file: str = "",
        **arguments: Any,
    ) -> Settings:
        (tmp_path / "config").write_text(f"[default]\n{profile}\n{config_file}")
        (tmp_path / "credentials").write_text(credentials_file)
        files = {
            "AWS_CONFIG_FILE": str(tmp_path / "config"),
            "AWS_SHARED_CREDENTIALS_FILE": str(tmp_path / "credentials"),
        }
        return settings.resolve(
            **{"region_name": "us-east-1", **arguments}, environ={**files, **(environ or {})}
        )

    return resolve_with


def test_nothing_but_a_region_gives_the_defaults() -> None:
    found = settings.resolve(region_name="us-east-1", environ={})
    assert found.region == "us-east-1"
    assert found.endpoint.url == "https://lambda.us-east-1.amazonaws.com"
    assert found.config == Config()
    assert found.verify is True
    assert found.proxy is None
    assert found.max_attempts == 3
    assert found.adaptive is False
    assert found.parameter_validation is True
    assert found.tcp_keepalive is False
    assert found.environ == {}


def test_the_repr_hides_the_proxy_and_the_environment(resolve: Resolve) -> None:
    found = resolve(
        {"AWS_SECRET_ACCESS_KEY": "hidden"},
        config=Config(proxies={"https": "http://user:hidden@proxy.example:3128"}),
    )
    assert found.proxy is not None
    assert "hidden" not in repr(found)


class TestTheRegion:
    PROFILE = "region = eu-north-1"

    def test_is_the_arguments(self, resolve: Resolve) -> None:
        environ = {"AWS_DEFAULT_REGION": "eu-west-1", "AWS_REGION": "eu-west-2"}
        found = resolve(
            environ, profile=self.PROFILE, region_name="sa-east-1", config=Config(region_name="eu-west-3")
        )
        assert found.region == "sa-east-1"

    def test_else_the_configs(self, resolve: Resolve) -> None:
        environ = {"AWS_DEFAULT_REGION": "eu-west-1", "AWS_REGION": "eu-west-2"}
        config = Config(region_name="eu-west-3")
        found = resolve(environ, profile=self.PROFILE, region_name=None, config=config)
        assert found.region == "eu-west-3"

    def test_else_that_of_aws_default_region(self, resolve: Resolve) -> None:
        environ = {"AWS_DEFAULT_REGION": "eu-west-1", "AWS_REGION": "eu-west-2"}
        assert resolve(environ, profile=self.PROFILE, region_name=None).region == "eu-west-1"

    @pytest.mark.parametrize("unset", [{}, {"AWS_DEFAULT_REGION": ""}])
    def test_else_that_of_aws_region(self, resolve: Resolve, unset: dict[str, str]) -> None:
        environ = {**unset, "AWS_REGION": "eu-west-2"}
        assert resolve(environ, profile=self.PROFILE, region_name=None).region == "eu-west-2"

    def test_else_the_profiles(self, resolve: Resolve) -> None:
        assert resolve(profile=self.PROFILE, region_name=None).region == "eu-north-1"

    @pytest.mark.parametrize("profile", ["", "region ="])
    def test_else_there_is_none(self, resolve: Resolve, profile: str) -> None:
        with pytest.raises(NoRegionError, match="You must specify a region"):
            resolve(profile=profile, region_name=None)

    @pytest.mark.parametrize("region", ["evil.example/", "a b", "fips-", 5])
    def test_is_a_host_label(self, resolve: Resolve, region: object) -> None:
        with pytest.raises(InvalidRegionError):
            resolve(region_name=region)

    @pytest.mark.parametrize("region", ["fips-us-east-1", "us-east-1-fips"])
    def test_with_fips_in_it_means_that_region_with_fips(
        self, resolve: Resolve, caplog: pytest.LogCaptureFixture, region: str
    ) -> None:
        found = resolve(region_name=region)
        assert found.region == "us-east-1"
        assert found.endpoint.host == "lambda-fips.us-east-1.amazonaws.com"
        assert caplog.messages == [f"{region} is taken for region us-east-1 with FIPS: use use_fips_endpoint"]

    def test_with_fips_in_it_outweighs_a_false_elsewhere(self, resolve: Resolve) -> None:
        found = resolve(
            {"AWS_USE_FIPS_ENDPOINT": "false"},
            region_name="fips-us-east-1",
            config=Config(use_fips_endpoint=False),
        )
        assert found.endpoint.host == "lambda-fips.us-east-1.amazonaws.com"


class TestTheProfile:
    FILE = (
        "[profile argument]\nregion=eu-west-1\n[profile former]\nregion=eu-west-2\n"
        "[profile latter]\nregion=eu-west-3\n"
    )

    def test_is_the_arguments(self, resolve: Resolve) -> None:
        environ = {"AWS_DEFAULT_PROFILE": "former", "AWS_PROFILE": "latter"}
        found = resolve(environ, config_file=self.FILE, profile_name="argument", region_name=None)
        assert found.region == "eu-west-1"

    def test_else_that_of_aws_default_profile(self, resolve: Resolve) -> None:
        environ = {"AWS_DEFAULT_PROFILE": "former", "AWS_PROFILE": "latter"}
        found = resolve(environ, config_file=self.FILE, region_name=None)
        assert found.region == "eu-west-2"

    def test_else_that_of_aws_profile(self, resolve: Resolve) -> None:
        found = resolve({"AWS_PROFILE": "latter"}, config_file=self.FILE, region_name=None)
        assert found.region == "eu-west-3"

    def test_else_is_the_default_one_which_need_not_exist(self, resolve: Resolve) -> None:
        assert resolve(profile="region=eu-west-3", region_name=None).region == "eu-west-3"
        assert settings.resolve(region_name="us-east-1", environ={}).region == "us-east-1"

    @pytest.mark.parametrize("arguments", [{"profile_name": "gone"}, {"environ": {"AWS_PROFILE": "gone"}}])
    def test_that_was_named_must_exist(self, resolve: Resolve, arguments: dict[str, Any]) -> None:
        with pytest.raises(ProfileNotFound, match=r"The config profile \(gone\) could not be found"):
            resolve(**arguments)

    def test_may_be_in_the_credentials_file_alone(self, resolve: Resolve) -> None:
        found = resolve(profile_name="keys", credentials_file="[keys]\nregion=eu-west-1", region_name=None)
        assert found.region == "eu-west-1"

    def test_takes_the_credentials_files_settings_over_the_config_files(self, resolve: Resolve) -> None:
        found = resolve(
            profile="region=eu-west-1\nmax_attempts=7",
            credentials_file="[default]\nregion=eu-west-2",
            region_name=None,
        )
        assert (found.region, found.max_attempts) == ("eu-west-2", 7)

    def test_is_looked_for_in_the_home_directory(self, tmp_path: Path) -> None:
        folder = tmp_path / ".aws"
        folder.mkdir()
        (folder / "config").write_text("[default]\nregion = eu-west-1")
        (folder / "credentials").write_text("[keys]\nregion = eu-west-2")
        assert settings.resolve(environ={}).region == "eu-west-1"
        assert settings.resolve(profile_name="keys", environ={}).region == "eu-west-2"

    def test_may_be_in_a_file_whose_path_names_a_variable(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (tmp_path / "mine").write_text("[default]\nregion = eu-west-1")
        monkeypatch.setenv("FOLDER", str(tmp_path))
        assert settings.resolve(environ={"AWS_CONFIG_FILE": "$FOLDER/mine"}).region == "eu-west-1"

    def test_in_a_file_that_cannot_be_read_as_one_is_an_error(self, resolve: Resolve) -> None:
        with pytest.raises(ConfigParseError) as caught:
            resolve(config_file="[profile a\nno section")
        path = caught.value.kwargs["path"]
        assert Path(path).name == "config"
        assert str(caught.value) == (
            f"Unable to parse config file: {path} (neither a section header nor key = value, line 3). "
            "Correct the file, or set another path (AWS_CONFIG_FILE, AWS_SHARED_CREDENTIALS_FILE)."
        )

    @pytest.mark.parametrize(
        ("text", "mistake"),
        [
            ("key = hidden\n", "no section header, line 1"),
            ("[a]\nb = c\n[a]\n", "section occurs twice, line 3"),
            ("[a]\nb = c\nb = hidden\n", "key occurs twice in its section, line 3"),
            ("[a]\nb = hidden\xe9\n", "not UTF-8: invalid continuation byte, byte 14"),
            ("[a]\nb =\n  hidden\n", "an indented line is not key = value"),
        ],
    )
    def test_names_the_kind_of_mistake_and_the_line_without_the_line(
        self, resolve: Resolve, tmp_path: Path, text: str, mistake: str
    ) -> None:
        file = tmp_path / "broken"
        file.write_bytes(text.encode("latin-1"))
        with pytest.raises(ConfigParseError) as caught:
            resolve(environ={"AWS_CONFIG_FILE": str(file)})
        assert str(caught.value).startswith(f"Unable to parse config file: {file} ({mistake})")
        assert "hidden" not in f"{caught.value} {vars(caught.value)}"

    def test_in_a_file_that_cannot_be_opened_is_an_error_too(
        self, resolve: Resolve, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def no_access(path: str) -> None:
            raise PermissionError(13, "Permission denied", path)

        monkeypatch.setattr("botocore.configloader.raw_config_parse", no_access)
        with pytest.raises(ConfigParseError) as caught:
            resolve()
        assert caught.value.kwargs["error"] == "Permission denied"

    def test_has_one_value_for_each_setting(self, resolve: Resolve) -> None:
        with pytest.raises(InvalidConfigError) as caught:
            resolve(profile="retry_mode =\n  nested = standard")
        assert str(caught.value) == (
            "Invalid value for retry_mode in the profile: 'a nested section', must be one value"
        )


class TestTheEndpointURL:
    ENVIRON: ClassVar = {
        "AWS_ENDPOINT_URL_LAMBDA": "http://lambda-variable",
        "AWS_ENDPOINT_URL": "http://variable",
    }
    PROFILE = "services = local\nendpoint_url = http://profile"
    SERVICES = "[services local]\nlambda =\n  endpoint_url = http://services"

    def test_is_the_arguments(self, resolve: Resolve) -> None:
        found = resolve(
            self.ENVIRON, profile=self.PROFILE, config_file=self.SERVICES, endpoint_url="http://argument"
        )
        assert found.endpoint.url == "http://argument"

    def test_else_that_of_aws_endpoint_url_lambda(self, resolve: Resolve) -> None:
        found = resolve(self.ENVIRON, profile=self.PROFILE, config_file=self.SERVICES)
        assert found.endpoint.url == "http://lambda-variable"

    def test_else_that_of_aws_endpoint_url(self, resolve: Resolve) -> None:
        environ = {"AWS_ENDPOINT_URL": "http://variable"}
        found = resolve(environ, profile=self.PROFILE, config_file=self.SERVICES)
        assert found.endpoint.url == "http://variable"

    def test_else_that_of_lambda_in_the_profiles_services_section(self, resolve: Resolve) -> None:
        found = resolve(profile=self.PROFILE, config_file=self.SERVICES)
        assert found.endpoint.url == "http://services"

    def test_in_a_services_section_is_in_a_nested_one(self, resolve: Resolve) -> None:
        with pytest.raises(InvalidConfigError) as caught:
            resolve(profile=self.PROFILE, config_file="[services local]\nlambda = http://misplaced")
        assert str(caught.value) == (
            "Invalid value for lambda in services local: 'http://misplaced', must be a nested section"
        )

    @pytest.mark.parametrize("services", ["s3 =\n  endpoint_url = http://s3", "lambda =\n  retries = 5"])
    def test_else_the_profiles(self, resolve: Resolve, services: str) -> None:
        found = resolve(profile=self.PROFILE, config_file=f"[services local]\n{services}")
        assert found.endpoint.url == "http://profile"

    def test_else_is_the_services_own(self, resolve: Resolve) -> None:
        assert resolve(use_ssl=False).endpoint.url == "http://lambda.us-east-1.amazonaws.com"

    @pytest.mark.parametrize(
        ("environ", "profile", "config"),
        [
            ({}, "", Config(ignore_configured_endpoint_urls=True)),
            ({"AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true"}, "", None),
            ({}, "ignore_configured_endpoint_urls = True\n", None),
        ],
        ids=["config", "environment", "profile"],
    )
    def test_is_the_services_own_where_configured_ones_are_turned_off(
        self, resolve: Resolve, environ: dict[str, str], profile: str, config: Config | None
    ) -> None:
        arguments: dict[str, Any] = {
            "environ": {**self.ENVIRON, **environ},
            "profile": profile + self.PROFILE,
            "config_file": self.SERVICES,
            "config": config,
        }
        assert resolve(**arguments).endpoint.url == "https://lambda.us-east-1.amazonaws.com"
        assert resolve(**arguments, endpoint_url="http://argument").endpoint.url == "http://argument"

    def test_in_a_services_section_that_does_not_exist_is_an_error(self, resolve: Resolve) -> None:
        with pytest.raises(InvalidConfigError) as caught:
            resolve(profile="services = gone")
        assert str(caught.value) == (
            'The profile is configured to use the services section but the "gone" services configuration '
            "does not exist."
        )

    def test_in_a_services_section_has_its_place_in_the_config_file(self, tmp_path: Path) -> None:
        credentials = tmp_path / "credentials"
        credentials.write_text(
            "[default]\nservices = local\n[services local]\nlambda =\n  endpoint_url = http://h"
        )
        environ = {"AWS_SHARED_CREDENTIALS_FILE": str(credentials)}
        with pytest.raises(InvalidConfigError, match='"local" services configuration does not exist'):
            settings.resolve(region_name="us-east-1", environ=environ)

    @pytest.mark.parametrize(
        ("arguments", "source"),
        [
            ({"endpoint_url": "h"}, "endpoint_url"),
            ({"endpoint_url": ""}, "endpoint_url"),
            ({"environ": {"AWS_ENDPOINT_URL_LAMBDA": "h"}}, "AWS_ENDPOINT_URL_LAMBDA"),
            ({"environ": {"AWS_ENDPOINT_URL": "h"}}, "AWS_ENDPOINT_URL"),
            (
                {"profile": "services=s", "config_file": "[services s]\nlambda=\n  endpoint_url=h"},
                "endpoint_url of lambda in the profile's services section",
            ),
            ({"profile": "endpoint_url=h"}, "endpoint_url in the profile"),
        ],
    )
    def test_that_cannot_be_used_is_named_by_where_it_came_from(
        self, resolve: Resolve, arguments: dict[str, Any], source: str
    ) -> None:
        with pytest.raises(InvalidEndpointError) as caught:
            resolve(**arguments)
        assert f". {source} must be http:// or https://, a host" in str(caught.value)


class TestFipsAndDualStack:
    @pytest.mark.parametrize(
        ("option", "variable", "host"),
        [
            ("use_fips_endpoint", "AWS_USE_FIPS_ENDPOINT", "lambda-fips.us-east-1.amazonaws.com"),
            ("use_dualstack_endpoint", "AWS_USE_DUALSTACK_ENDPOINT", "lambda.us-east-1.api.aws"),
        ],
    )
    def test_are_asked_for_in_config_environment_and_profile_in_that_order(
        self, resolve: Resolve, option: str, variable: str, host: str
    ) -> None:
        plain = "lambda.us-east-1.amazonaws.com"
        on, off = Config(**{option: True}), Config(**{option: False})
        assert resolve({variable: "false"}, profile=f"{option}=false", config=on).endpoint.host == host
        assert resolve({variable: "true"}, profile=f"{option}=true", config=off).endpoint.host == plain
        assert resolve({variable: "TRUE"}, profile=f"{option}=false").endpoint.host == host
        assert resolve({variable: "false"}, profile=f"{option}=true").endpoint.host == plain
        assert resolve({variable: ""}, profile=f"{option}=true").endpoint.host == host
        assert resolve(profile=f"{option}=True").endpoint.host == host
        assert resolve().endpoint.host == plain

    @pytest.mark.parametrize("word", ["1", "yes", "on"])
    def test_are_asked_for_by_the_word_true_alone_as_with_boto3(self, resolve: Resolve, word: str) -> None:
        assert resolve({"AWS_USE_FIPS_ENDPOINT": word}).endpoint.host == "lambda.us-east-1.amazonaws.com"

    def test_go_together(self, resolve: Resolve) -> None:
        config = Config(use_fips_endpoint=True, use_dualstack_endpoint=True)
        found = resolve(region_name="us-gov-west-1", config=config)
        assert found.endpoint.host == "lambda-fips.us-gov-west-1.api.aws"

    @pytest.mark.parametrize("option", ["use_fips_endpoint", "use_dualstack_endpoint"])
    def test_are_ignored_beside_a_custom_endpoint_and_the_log_says_so(
        self, resolve: Resolve, caplog: pytest.LogCaptureFixture, option: str
    ) -> None:
        found = resolve({"AWS_ENDPOINT_URL": "http://custom"}, config=Config(**{option: True}))
        assert found.endpoint.url == "http://custom"
        assert caplog.messages == [
            "FIPS and dual-stack are ignored: AWS_ENDPOINT_URL gives a custom endpoint"
        ]

    def test_are_not_in_the_log_where_nobody_asked_for_them(
        self, resolve: Resolve, caplog: pytest.LogCaptureFixture
    ) -> None:
        resolve(endpoint_url="http://custom")
        assert not caplog.records


class TestTheCABundle:
    ENVIRON: ClassVar = {"AWS_CA_BUNDLE": "/variable.pem", "REQUESTS_CA_BUNDLE": "/requests.pem"}

    @pytest.mark.parametrize("verify", [True, False, "/argument.pem"])
    def test_is_the_arguments(self, resolve: Resolve, verify: bool | str) -> None:
        assert resolve(self.ENVIRON, profile="ca_bundle=/profile.pem", verify=verify).verify == verify

    def test_may_be_a_path_object(self, resolve: Resolve) -> None:
        assert resolve(self.ENVIRON, verify=Path("argument.pem")).verify == "argument.pem"

    def test_else_that_of_aws_ca_bundle(self, resolve: Resolve) -> None:
        assert resolve(self.ENVIRON, profile="ca_bundle=/profile.pem").verify == "/variable.pem"

    def test_else_the_profiles(self, resolve: Resolve) -> None:
        environ = {"REQUESTS_CA_BUNDLE": "/requests.pem"}
        assert resolve(environ, profile="ca_bundle=/profile.pem").verify == "/profile.pem"

    def test_else_that_of_requests_ca_bundle(self, resolve: Resolve) -> None:
        assert resolve({"REQUESTS_CA_BUNDLE": "/requests.pem"}).verify == "/requests.pem"

    @pytest.mark.parametrize("verify", [5, b"/ca.pem", ""])
    def test_is_no_other_object(self, resolve: Resolve, verify: object) -> None:
        with pytest.raises(InvalidConfigError) as caught:
            resolve(verify=verify)
        assert str(caught.value) == (
            f"Invalid value for verify: {verify!r}, must be True, False, or the path of a CA bundle"
        )

    def test_is_no_empty_path_which_openssl_would_take_for_the_systems(self, resolve: Resolve) -> None:
        with pytest.raises(InvalidConfigError, match="verify"):
            resolve(verify="")


class TestRetries:
    def test_have_a_number_of_attempts_from_config_environment_and_profile_in_that_order(
        self, resolve: Resolve
    ) -> None:
        environ, profile = {"AWS_MAX_ATTEMPTS": "6"}, "max_attempts = 7"
        config = Config(retries={"total_max_attempts": 5})
        assert resolve(environ, profile=profile, config=config).max_attempts == 5
        assert resolve(environ, profile=profile).max_attempts == 6
        assert resolve(profile=profile).max_attempts == 7
        assert resolve().max_attempts == 3

    def test_counted_as_retries_are_one_attempt_fewer(self, resolve: Resolve) -> None:
        assert resolve(config=Config(retries={"max_attempts": 0})).max_attempts == 1
        assert resolve(config=Config(retries={"max_attempts": 4})).max_attempts == 5

    def test_counted_both_ways_are_counted_in_attempts(self, resolve: Resolve) -> None:
        config = Config(retries={"max_attempts": 8, "total_max_attempts": 2})
        assert resolve(config=config).max_attempts == 2

    def test_of_a_botocore_config_are_counted_its_way(self, resolve: Resolve) -> None:
        config = botocore.config.Config(retries={"max_attempts": 4, "mode": "adaptive"})
        found = resolve(config=config)
        assert (found.max_attempts, found.adaptive) == (5, True)

    def test_have_a_mode_from_config_environment_and_profile_in_that_order(self, resolve: Resolve) -> None:
        environ, profile = {"AWS_RETRY_MODE": "adaptive"}, "retry_mode = adaptive"
        config = Config(retries={"mode": "standard"})
        assert not resolve(environ, profile=profile, config=config).adaptive
        assert resolve({"AWS_RETRY_MODE": "standard"}, profile=profile).adaptive is False
        assert resolve(environ).adaptive
        assert resolve(profile=profile).adaptive
        assert resolve(config=Config(retries={"mode": "adaptive"})).adaptive

    def test_of_the_legacy_mode_are_as_many_as_of_the_standard_one(self, resolve: Resolve) -> None:
        found = resolve({"AWS_RETRY_MODE": "legacy"})
        assert (found.max_attempts, found.adaptive) == (3, False)

    @pytest.mark.parametrize("count", ["0", "-1", "three", "2.5"])
    def test_are_not_made_a_wrong_number_of_times(self, resolve: Resolve, count: str) -> None:
        with pytest.raises(InvalidMaxRetryAttemptsError, match=f"{count}.*greater than or equal to 1"):
            resolve({"AWS_MAX_ATTEMPTS": count})
        with pytest.raises(InvalidMaxRetryAttemptsError, match=f"{count}.*greater than or equal to 1"):
            resolve(profile=f"max_attempts = {count}")

    def test_are_as_many_as_a_number_says_that_python_reads(self, resolve: Resolve) -> None:
        """Some programs set the largest number of 32 bits for no limit."""
        assert resolve({"AWS_MAX_ATTEMPTS": "2147483647"}).max_attempts == 2**31 - 1
        with pytest.raises(InvalidMaxRetryAttemptsError):
            resolve({"AWS_MAX_ATTEMPTS": "1" * 5000})

    def test_are_not_made_in_an_unknown_mode(self, resolve: Resolve) -> None:
        with pytest.raises(InvalidRetryModeError, match="eager"):
            resolve({"AWS_RETRY_MODE": "eager"})
        with pytest.raises(InvalidRetryModeError, match="eager"):
            resolve(profile="retry_mode = eager")


class TestParameterValidation:
    def test_is_on(self, resolve: Resolve) -> None:
        assert resolve().parameter_validation
        assert resolve(profile="parameter_validation = True").parameter_validation

    def test_is_turned_off_by_the_config_or_the_profile(self, resolve: Resolve) -> None:
        off = Config(parameter_validation=False)
        assert not resolve(profile="parameter_validation = true", config=off).parameter_validation
        assert not resolve(profile="parameter_validation = False").parameter_validation


def test_tcp_keepalive_comes_from_config_environment_and_profile_in_that_order(resolve: Resolve) -> None:
    environ, profile = {"BOTOCORE_TCP_KEEPALIVE": "true"}, "tcp_keepalive = true"
    assert not resolve(environ, profile=profile, config=Config(tcp_keepalive=False)).tcp_keepalive
    assert resolve(config=Config(tcp_keepalive=True)).tcp_keepalive
    assert not resolve({"BOTOCORE_TCP_KEEPALIVE": "false"}, profile=profile).tcp_keepalive
    assert resolve(environ).tcp_keepalive
    assert resolve(profile=profile).tcp_keepalive


class TestTheUserAgent:
    def test_says_what_asks_on_what_and_how_it_retries(self, resolve: Resolve) -> None:
        python = sys.version_info
        assert resolve().user_agent == (
            f"lambda-event-invoke-configs/{__version__} ua/2.1 os/{sys.platform} "
            f"lang/python#{python.major}.{python.minor}.{python.micro} cfg/retry-mode#standard"
        )
        assert "cfg/retry-mode#adaptive" in resolve({"AWS_RETRY_MODE": "adaptive"}).user_agent

    def test_ends_with_what_the_caller_adds(self, resolve: Resolve) -> None:
        config = Config(user_agent_appid="app", user_agent_extra="mine/1.0 (x)")
        assert resolve(config=config).user_agent.endswith("#standard app/app mine/1.0 (x)")

    @pytest.mark.parametrize("extra", ["mine/1.0 ", " "])
    def test_ends_with_no_space_which_no_header_may(self, resolve: Resolve, extra: str) -> None:
        """The HTTP library would refuse to send it."""
        found = resolve(config=Config(user_agent_extra=extra)).user_agent
        assert found == found.strip()

    def test_has_an_app_id_from_config_environment_and_profile_in_that_order(self, resolve: Resolve) -> None:
        environ, profile = {"AWS_SDK_UA_APP_ID": "variable"}, "sdk_ua_app_id = profile"
        found = resolve(environ, profile=profile, config=Config(user_agent_appid="config"))
        assert found.user_agent.endswith(" app/config")
        assert resolve(environ, profile=profile).user_agent.endswith(" app/variable")
        assert resolve(profile=profile).user_agent.endswith(" app/profile")
        assert "app/" not in resolve().user_agent

    def test_has_hyphens_for_what_an_app_id_may_not_have(self, resolve: Resolve) -> None:
        found = resolve({"AWS_SDK_UA_APP_ID": "a b/ü\n!#$%&'*+-.^_`|~"})
        assert found.user_agent.endswith(" app/a-b---!#$%&'*+-.^_`|~")

    def test_has_a_long_app_id_too_but_the_log_warns(
        self, resolve: Resolve, caplog: pytest.LogCaptureFixture
    ) -> None:
        assert resolve(config=Config(user_agent_appid="a" * 50)).user_agent.endswith("a" * 50)
        assert not caplog.records
        assert resolve(config=Config(user_agent_appid="a" * 51)).user_agent.endswith("a" * 51)
        assert "user_agent_appid is longer than 50 characters" in caplog.text


class TestTheProxy:
    PROXY = "http://user:p%40ss@proxy.example:3128"

    def test_is_the_configs_for_the_endpoints_scheme(self, resolve: Resolve) -> None:
        config = Config(proxies={"https": self.PROXY, "http": "http://other.example:3128"})
        assert resolve(config=config).proxy == self.PROXY
        assert resolve(config=config, use_ssl=False).proxy == "http://other.example:3128"
        assert resolve(config=Config(proxies={"http": self.PROXY})).proxy is None

    @pytest.mark.parametrize("variable", ["HTTPS_PROXY", "https_proxy"])
    def test_else_is_the_environments(
        self, resolve: Resolve, monkeypatch: pytest.MonkeyPatch, variable: str
    ) -> None:
        monkeypatch.setenv(variable, self.PROXY)
        assert resolve().proxy == self.PROXY
        assert resolve(use_ssl=False).proxy is None
        assert resolve(config=Config(proxies={})).proxy is None

    def test_is_that_of_http_proxy_for_an_http_endpoint(
        self, resolve: Resolve, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("HTTP_PROXY", self.PROXY)
        assert resolve(use_ssl=False).proxy == self.PROXY
        assert resolve().proxy is None

    @pytest.mark.parametrize(
        ("no_proxy", "url"),
        [
            ("*", "https://h.example"),
            ("localhost,h.example", "https://h.example"),
            (".example", "https://h.example:8443"),
            ("h.example:8443", "https://h.example:8443"),
            ("127.0.0.1", "https://127.0.0.1:8443/base"),
        ],
    )
    def test_of_the_environment_is_passed_by_for_a_host_in_no_proxy(
        self, resolve: Resolve, monkeypatch: pytest.MonkeyPatch, no_proxy: str, url: str
    ) -> None:
        monkeypatch.setenv("HTTPS_PROXY", self.PROXY)
        monkeypatch.setenv("NO_PROXY", no_proxy)
        assert resolve(endpoint_url=url).proxy is None
        assert resolve(endpoint_url=url, config=Config(proxies={"https": self.PROXY})).proxy == self.PROXY

    def test_of_the_environment_is_used_for_a_host_that_is_not_in_no_proxy(
        self, resolve: Resolve, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("HTTPS_PROXY", self.PROXY)
        monkeypatch.setenv("NO_PROXY", "other.example")
        assert resolve(endpoint_url="https://h.example").proxy == self.PROXY

    @pytest.mark.parametrize("url", ["proxy.example:3128", "user:p%40ss@proxy.example:3128"])
    @pytest.mark.parametrize("slashes", ["", "//"])
    def test_without_a_scheme_is_asked_in_http(self, resolve: Resolve, url: str, slashes: str) -> None:
        found = resolve(config=Config(proxies={"https": f"{slashes}{url}"}))
        assert found.proxy == f"http://{url}"

    @pytest.mark.parametrize(
        ("url", "shown"),
        [
            ("http://proxy.example:3128", "http://proxy.example:3128"),
            ("http://user:hidden@proxy.example:3128", "http://***:***@proxy.example:3128"),
            ("http://user:hid@den@[::1]:3128", "http://***:***@[::1]:3128"),
            ("http://user:hid://den@proxy.example", "http://***:***@proxy.example"),
            ("socks5://proxy.example", "socks5://proxy.example"),
            ("http://user:hidden", "http://user***"),
            ("hid@den://proxy.example", "***://proxy.example"),
        ],
    )
    def test_is_shown_without_its_password(self, url: str, shown: str) -> None:
        assert settings.masked(url) == shown

    @pytest.mark.parametrize("password", ["p@ss", "p ss", "p@:@ss", "p%40ss"])
    def test_may_have_a_password_with_an_at_sign_or_a_space(self, resolve: Resolve, password: str) -> None:
        url = f"http://user:{password}@proxy.example:3128"
        assert resolve(config=Config(proxies={"https": url})).proxy == url

    @pytest.mark.parametrize(
        ("url", "no_proxy", "passed_by"),
        [
            ("https://h.example:443", "h.example:443", True),
            ("https://h.example:443", "h.example", True),
            ("https://h.example", "h.example:443", False),
            ("https://h.example:8443", "h.example:443", False),
        ],
    )
    def test_of_the_environment_is_passed_by_for_the_port_in_no_proxy_as_with_boto3(
        self, resolve: Resolve, monkeypatch: pytest.MonkeyPatch, url: str, no_proxy: str, passed_by: bool
    ) -> None:
        monkeypatch.setenv("HTTPS_PROXY", self.PROXY)
        monkeypatch.setenv("NO_PROXY", no_proxy)
        assert botocore.utils.should_bypass_proxies(url) is passed_by
        assert (resolve(endpoint_url=url).proxy is None) is passed_by

    @pytest.mark.parametrize("nothing", ["", None])
    def test_that_is_nothing_is_none(self, resolve: Resolve, nothing: str) -> None:
        assert resolve(config=Config(proxies={"https": nothing})).proxy is None

    @pytest.mark.parametrize(
        "url",
        [
            "socks5://user:hidden@proxy.example",
            "http://user:hidden@",
            "http://user:hidden@proxy.example:port",
            "http://user:hid/hidden@proxy.example",
            "http://user:hid#hidden@proxy.example",
            "http://user:hid?hidden@proxy.example",
            "http://user:hidden",
            "http://user:1hidden",
            "hidden@hidden://proxy.example",
            "http://proxy.example/?hidden",
            "http://us\ner:hidden@proxy.example",
            "http://user:hidden@proxy.example:99999",
            5,
        ],
    )
    @pytest.mark.parametrize("told", ["config", "HTTPS_PROXY", "https_proxy"])
    def test_that_cannot_be_used_is_refused_by_the_name_of_its_setting_without_its_password(
        self, resolve: Resolve, url: Any, told: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        if told != "config":
            monkeypatch.setenv(told, str(url))
        with pytest.raises(InvalidConfigError) as caught:
            resolve(config=Config(proxies={"https": url} if told == "config" else None))
        name = "proxies['https']" if told == "config" else told
        shown = settings.masked(url if isinstance(url, str) else f"http://{url}")
        if url == 5 and told == "config":
            shown = "int"
        said = str(caught.value)
        assert said == (
            f"Invalid value for {name}: {shown!r}, must be http:// or https://, a host, "
            "and optionally a port; in a password, / ? # % must be percent-encoded"
        )
        assert "hid" not in said
        assert "a URL" not in said
        assert caught.value.__context__ is None or caught.value.__suppress_context__

    def test_of_the_system_that_cannot_be_used_is_refused_too(
        self, resolve: Resolve, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("urllib.request.getproxies", lambda: {"https": "ftp://proxy.example"})
        with pytest.raises(InvalidConfigError, match="Invalid value for the system's proxy settings: 'ftp:"):
            resolve()
