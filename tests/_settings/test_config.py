"""`Config`: botocore's names and meanings, and errors that say what is allowed."""

from __future__ import annotations

import dataclasses
import inspect
import pickle
import sys
from threading import TIMEOUT_MAX
from typing import Any

import botocore
import botocore.config
import pytest

from lambda_event_invoke_configs._settings.config import Config, reject_unknown_arguments, user_agent
from lambda_event_invoke_configs._version import __version__
from lambda_event_invoke_configs.exceptions import (
    BotoCoreError,
    InvalidConfigError,
    InvalidMaxRetryAttemptsError,
    InvalidRetryConfigurationError,
    InvalidRetryModeError,
)

OPTIONS = {
    "region_name": "eu-west-1",
    "signature_version": botocore.UNSIGNED,
    "user_agent_extra": "app-of-ours/1.0 (test)",
    "user_agent_appid": "ours",
    "connect_timeout": 0.5,
    "read_timeout": 7,
    "parameter_validation": False,
    "max_pool_connections": 3,
    "proxies": {"https": "http://user:hidden@proxy.example:3128"},
    "retries": {"total_max_attempts": 5, "mode": "adaptive"},
    "client_cert": ("/cert.pem", "/key.pem"),
    "use_dualstack_endpoint": True,
    "use_fips_endpoint": False,
    "ignore_configured_endpoint_urls": True,
    "tcp_keepalive": True,
}
OWN = {"max_response_size": 1024}  # what botocore's Config has not


def values_of(config: Config) -> dict[str, object]:
    return {field.name: getattr(config, field.name) for field in dataclasses.fields(config)}


class TestOptions:
    def test_are_all_kept_as_given(self) -> None:
        assert values_of(Config(**OPTIONS, **OWN)) == {**OPTIONS, **OWN}

    def test_have_botocores_defaults(self) -> None:
        theirs = botocore.config.Config()
        assert {**values_of(Config()), **OWN} == {name: getattr(theirs, name) for name in OPTIONS} | OWN

    def test_have_botocores_names(self) -> None:
        named_by_botocore = set(botocore.config.Config.OPTION_DEFAULTS)
        assert set(inspect.signature(Config).parameters) - named_by_botocore == set(OWN)

    @pytest.mark.parametrize("name", ["connect_timeout", "read_timeout"])
    def test_may_be_none_for_a_timeout_without_limit(self, name: str) -> None:
        assert getattr(Config(**{name: None}), name) is None

    def test_may_be_the_least_and_the_most_there_is(self) -> None:
        config = Config(max_pool_connections=1, max_response_size=1, read_timeout=TIMEOUT_MAX)
        assert (config.max_pool_connections, config.max_response_size) == (1, 1)
        assert config.read_timeout == TIMEOUT_MAX

    def test_cannot_be_changed(self) -> None:
        config = Config()
        with pytest.raises(dataclasses.FrozenInstanceError):
            config.read_timeout = 1  # type: ignore[misc]

    def test_of_configs_that_are_the_same_make_them_equal(self) -> None:
        assert Config(**OPTIONS) == Config(**OPTIONS)
        assert Config(**OPTIONS) != Config()

    def test_outlive_a_pickle(self) -> None:
        config = Config(read_timeout=7, retries={"mode": "adaptive"})
        assert pickle.loads(pickle.dumps(config)) == config

    def test_that_are_unknown_are_answered_with_those_there_are(self) -> None:
        with pytest.raises(TypeError) as caught:
            Config(read_timeout=1, timeout=5)  # type: ignore[call-arg]
        assert str(caught.value) == (
            "Config() got an unexpected keyword argument 'timeout', must be one of: "
            + ", ".join(OPTIONS | OWN)
        )


class TestABadValue:
    @pytest.mark.parametrize("name", ["connect_timeout", "read_timeout"])
    @pytest.mark.parametrize("seconds", [0, -1, "60", True, (1, 2), float("nan"), float("inf")])
    def test_of_a_timeout_is_no_number_of_seconds(self, name: str, seconds: object) -> None:
        with pytest.raises(InvalidConfigError) as caught:
            Config(**{name: seconds})
        assert str(caught.value) == (
            f"Invalid value for {name}: {seconds!r}, must be a number of seconds above 0, or None"
        )

    @pytest.mark.parametrize("size", [0, -1, 2.0, "10", None, True])
    def test_of_the_pool_size_is_no_int_from_1(self, size: object) -> None:
        with pytest.raises(InvalidConfigError) as caught:
            Config(max_pool_connections=size)  # type: ignore[arg-type]
        assert str(caught.value) == (
            f"Invalid value for max_pool_connections: {size!r}, must be an int, 1 or more"
        )

    @pytest.mark.parametrize("name", ["user_agent_extra", "user_agent_appid"])
    @pytest.mark.parametrize("text", ["a\nX-Other: b", "a\r", "naïve", "\t", b"bytes", 5])
    def test_of_a_user_agent_could_not_be_sent(self, name: str, text: object) -> None:
        with pytest.raises(InvalidConfigError) as caught:
            Config(**{name: text})
        assert str(caught.value) == f"Invalid value for {name}: {text!r}, must be printable ASCII text"

    def test_of_the_proxies_is_no_dict_and_is_not_shown(self) -> None:
        with pytest.raises(InvalidConfigError) as caught:
            Config(proxies="http://user:hidden@proxy.example")  # type: ignore[arg-type]
        assert str(caught.value) == (
            "Invalid value for proxies: 'str', must be a dict of proxy URLs by scheme"
        )

    def test_of_a_retry_option_is_none_of_the_three(self) -> None:
        with pytest.raises(
            InvalidRetryConfigurationError, match=r'"attempts".*max_attempts.*mode.*total_max_'
        ):
            Config(retries={"attempts": 5})

    def test_of_the_retry_mode_is_none_of_the_three(self) -> None:
        with pytest.raises(InvalidRetryModeError, match=r'"eager".*legacy.*standard.*adaptive'):
            Config(retries={"mode": "eager"})

    @pytest.mark.parametrize(
        ("name", "count", "least"),
        [
            ("max_attempts", -1, 0),
            ("total_max_attempts", 0, 1),
            ("total_max_attempts", "3", 1),
            ("total_max_attempts", 2.5, 1),
            ("total_max_attempts", True, 1),
        ],
    )
    def test_of_a_number_of_attempts_says_the_least(self, name: str, count: object, least: int) -> None:
        with pytest.raises(InvalidMaxRetryAttemptsError, match=rf"{count}.*{least}"):
            Config(retries={"mode": "standard", name: count})  # type: ignore[dict-item]

    def test_of_the_retries_is_no_dict(self) -> None:
        with pytest.raises(InvalidConfigError) as caught:
            Config(retries=5)  # type: ignore[arg-type]
        assert str(caught.value) == (
            "Invalid value for retries: 5, must be a dict of max_attempts, mode, total_max_attempts"
        )

    def test_is_boto3s_error_and_a_value_error(self) -> None:
        with pytest.raises(BotoCoreError) as caught:
            Config(read_timeout=0)
        assert isinstance(caught.value, ValueError)


@pytest.mark.parametrize("mode", ["legacy", "standard", "adaptive"])
def test_each_of_botocores_retry_modes_is_taken(mode: str) -> None:
    assert Config(retries={"mode": mode, "max_attempts": 0}).retries == {"mode": mode, "max_attempts": 0}


class TestABotocoreConfig:
    def test_is_accepted_in_its_place(self) -> None:
        theirs = botocore.config.Config(**OPTIONS)
        assert values_of(Config.of(theirs)) == values_of(Config(**{**OPTIONS, "retries": theirs.retries}))

    def test_with_nothing_set_gives_the_defaults(self) -> None:
        assert Config.of(botocore.config.Config()) == Config()

    @pytest.mark.parametrize(
        ("name", "value", "instead"),
        [
            ("user_agent", "mine/1.0", "user_agent_extra"),
            ("proxies_config", {"proxy_ca_bundle": "/ca.pem"}, "transport"),
        ],
    )
    def test_with_an_option_that_would_be_lost_is_refused(
        self, name: str, value: object, instead: str
    ) -> None:
        with pytest.raises(InvalidConfigError) as caught:
            Config.of(botocore.config.Config(**{name: value}))
        assert str(caught.value) == (
            f"Invalid value for {name}: 'set', must be None in a botocore Config: use `{instead}`"
        )

    def test_has_its_values_checked_too(self) -> None:
        with pytest.raises(InvalidConfigError, match="max_pool_connections"):
            Config.of(botocore.config.Config(max_pool_connections=0))

    def test_is_not_a_dict(self) -> None:
        with pytest.raises(InvalidConfigError) as caught:
            Config.of({"read_timeout": 5})
        assert str(caught.value) == (
            "Invalid value for config: 'dict', must be a Config, or a botocore.config.Config"
        )


def test_none_means_the_defaults_and_a_config_stands_for_itself() -> None:
    config = Config(read_timeout=1)
    assert Config.of(None) == Config()
    assert Config.of(config) is config


def test_the_repr_shows_every_option_but_the_proxies() -> None:
    shown = repr(Config(**OPTIONS))
    assert "hidden" not in shown
    assert "proxies" not in shown
    assert all(f"{name}=" in shown for name in OPTIONS if name != "proxies")


@pytest.mark.parametrize(
    "name",
    ["use_fips_endpoint", "use_dualstack_endpoint", "ignore_configured_endpoint_urls", "tcp_keepalive"],
)
@pytest.mark.parametrize("value", ["false", 0, 1])
def test_a_flag_is_true_false_or_none(name: str, value: Any) -> None:
    """boto3 takes the text "false" for true."""
    with pytest.raises(
        InvalidConfigError, match=f"Invalid value for {name}: {value!r}, must be True, False or None"
    ):
        Config(**{name: value})


@pytest.mark.parametrize("value", ["false", None, 0])
def test_parameter_validation_is_true_or_false(value: Any) -> None:
    with pytest.raises(InvalidConfigError) as caught:
        Config(parameter_validation=value)
    assert str(caught.value) == f"Invalid value for parameter_validation: {value!r}, must be True or False"


class TestAClassThatSaysWhatThereIs:
    @pytest.fixture
    def make(self) -> Any:
        @reject_unknown_arguments
        class Thing:
            def __init__(self, size: int, *, color: str = "red") -> None:
                self.made_of = size / size, color

        return Thing

    def test_takes_the_arguments_it_took(self, make: Any) -> None:
        assert make(1).made_of == (1, "red")
        assert make(size=1, color="blue").made_of == (1, "blue")

    def test_answers_an_unknown_argument_with_those_there_are(self, make: Any) -> None:
        with pytest.raises(TypeError) as caught:
            make(size=1, colour="blue")
        assert str(caught.value) == (
            "Thing() got an unexpected keyword argument 'colour', must be one of: size, color"
        )

    def test_fails_as_it_failed_without_showing_what_it_was_given(self, make: Any) -> None:
        """Error trackers show the locals of every frame."""
        with pytest.raises(ZeroDivisionError) as caught:
            make(0, color="hidden")
        frames = [entry.frame for entry in caught.traceback]
        assert not any("hidden" in repr(frame.f_locals) for frame in frames[1:])
        assert caught.value.__context__ is None

    def test_keeps_its_signature(self, make: Any) -> None:
        assert list(inspect.signature(make).parameters) == ["size", "color"]


class TestTheUserAgent:
    PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}.{sys.version_info.micro}"
    LEAST = (
        f"lambda-event-invoke-configs/{__version__} ua/2.1 os/{sys.platform} lang/python#{PYTHON} "
        "cfg/retry-mode#standard"
    )

    def test_names_library_system_python_and_retry_mode(self) -> None:
        assert user_agent("standard", None, None) == self.LEAST

    def test_ends_with_the_applications_id_and_what_else_there_is(self) -> None:
        assert user_agent("standard", "ours", "more/1 of it ") == f"{self.LEAST} app/ours more/1 of it"

    def test_has_no_character_in_the_id_that_would_end_it(self) -> None:
        assert user_agent("standard", "a b/c", None) == f"{self.LEAST} app/a-b-c"

    def test_takes_a_longer_id_than_aws_asks_for_with_a_warning(
        self, caplog: pytest.LogCaptureFixture
    ) -> None:
        assert user_agent("standard", "a" * 50, None).endswith(" app/" + "a" * 50)
        assert not caplog.messages
        assert user_agent("standard", "a" * 51, None).endswith(" app/" + "a" * 51)
        assert caplog.messages == ["user_agent_appid is longer than 50 characters"]
