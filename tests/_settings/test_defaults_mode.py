"""`defaults_mode` means what it means in boto3, and a time limit that is not given is never "no limit"."""

from __future__ import annotations

import copy
import json
import os
import pickle
from dataclasses import replace
from pathlib import Path
from typing import Any

import boto3
import botocore
import pytest
from aws import Home
from botocore.config import Config as BotocoreConfig

from lambda_event_invoke_configs._settings import resolve as settings
from lambda_event_invoke_configs._settings.config import CONNECT_TIMEOUTS, Config
from lambda_event_invoke_configs.exceptions import InvalidDefaultsMode

REGION = "us-east-1"
# What a botocore Config is made with. {} and None are two things: the first has a limit of its own.
GIVEN: list[dict[str, Any] | None] = [
    None,
    {},
    {"defaults_mode": "standard"},
    {"defaults_mode": "Standard"},
    {"defaults_mode": "in-region"},
    {"defaults_mode": "cross-region"},
    {"defaults_mode": "mobile"},
    {"defaults_mode": "auto"},
    {"defaults_mode": "legacy"},
    {"defaults_mode": "mobile", "connect_timeout": 7},
    {"defaults_mode": "mobile", "connect_timeout": None},
    {"connect_timeout": None},
    {"connect_timeout": 7, "read_timeout": None},
    {"defaults_mode": "nope"},
]
ENVIRONMENTS = [None, "standard", "MOBILE", "legacy", "auto", " standard", "nope"]


def ours(config: object) -> Any:
    return settings.resolve(region_name=REGION, config=config, environ=os.environ).config


def theirs(config: Any) -> Any:
    session = boto3.session.Session(aws_access_key_id="A", aws_secret_access_key="s", region_name=REGION)
    return session.client("lambda", config=config).meta.config


def timeouts(of: Any, config: Any) -> object:
    try:
        found = of(config)
    except Exception as error:
        return type(error), str(error)
    return found.connect_timeout, found.read_timeout


@pytest.mark.parametrize("environment", ENVIRONMENTS)
@pytest.mark.parametrize("by_profile", [False, True])
def test_time_limits_are_boto3s(environment: str | None, by_profile: bool, home: Home) -> None:
    if environment is not None and by_profile:
        home.write(f"[default]\ndefaults_mode ={environment}\n")
    elif environment is not None:
        home.setenv("AWS_DEFAULTS_MODE", environment)
    for given in GIVEN:
        config = None if given is None else BotocoreConfig(**given)
        assert timeouts(ours, config) == timeouts(theirs, config), given


@pytest.mark.parametrize(
    ("environ", "seconds"),
    [
        ({}, 3.1),
        ({"AWS_REGION": REGION}, 3.1),
        ({"AWS_EXECUTION_ENV": "AWS_Lambda_python3.12", "AWS_REGION": REGION}, 1.1),
        ({"AWS_EXECUTION_ENV": "AWS_Lambda_python3.12", "AWS_DEFAULT_REGION": REGION}, 1.1),
        ({"AWS_EXECUTION_ENV": "AWS_ECS_FARGATE", "AWS_REGION": "eu-west-3"}, 3.1),
        ({"AWS_EXECUTION_ENV": "AWS_ECS_FARGATE"}, 3.1),
    ],
)
def test_auto_goes_by_the_environments_region(environ: dict[str, str], seconds: float, home: Home) -> None:
    for name, value in environ.items():
        home.setenv(name, value)
    for make in ours, theirs:
        config = Config(defaults_mode="auto") if make is ours else BotocoreConfig(defaults_mode="auto")
        assert make(config).connect_timeout == seconds


def test_auto_asks_no_metadata_service(home: Home) -> None:
    """botocore does, for up to a second."""
    home.keys("instance")
    assert ours(Config(defaults_mode="auto")).connect_timeout == 3.1
    assert home.aws.asked == []


@pytest.mark.parametrize("given", [{"defaults_mode": None}, {"defaults_mode": ""}])
def test_not_given_is_never_no_limit(given: dict[str, Any]) -> None:
    """With boto3 it is, for a mode of None."""
    assert theirs(BotocoreConfig(**given)).connect_timeout is None
    assert ours(BotocoreConfig(**given)).connect_timeout == 60


class TestOurConfig:
    @pytest.mark.parametrize(
        ("options", "seconds"),
        [
            ({}, 3.1),  # with botocore's: 60, as if that had been given
            ({"defaults_mode": "mobile"}, 30),
            ({"defaults_mode": "legacy"}, 60),
            ({"connect_timeout": 60}, 60),
            ({"connect_timeout": 60, "defaults_mode": "mobile"}, 60),
            ({"connect_timeout": None}, None),
        ],
    )
    def test_gives_way_where_no_timeout_was_given(
        self, options: dict[str, Any], seconds: float | None, home: Home
    ) -> None:
        home.setenv("AWS_DEFAULTS_MODE", "standard")
        config = Config(**options)
        for same in config, copy.deepcopy(config), pickle.loads(pickle.dumps(config)), replace(config):
            assert ours(same).connect_timeout == seconds
            assert ours(same).read_timeout == 60

    def test_has_the_default_to_be_seen(self) -> None:
        assert Config().connect_timeout == 60
        assert repr(Config().connect_timeout) == "60.0"

    @pytest.mark.parametrize("mode", ["nope", " standard", 5])
    def test_has_no_other_mode(self, mode: Any) -> None:
        with pytest.raises(InvalidDefaultsMode, match="Client configured with invalid defaults mode"):
            Config(defaults_mode=mode)


def test_the_table_is_botocores() -> None:
    file = Path(botocore.__file__).parent / "data" / "sdk-default-configuration.json"
    data = json.loads(file.read_text())
    base = data["base"]["connectTimeoutInMillis"]
    expected = {
        mode: changed.get("connectTimeoutInMillis", {}).get("override", base) / 1000
        for mode, changed in data["modes"].items()
    }
    assert expected == CONNECT_TIMEOUTS


class TestANumberOfAttempts:
    @pytest.mark.parametrize("text", ["5", "5\r", " 5 ", "+5", "1_0", "\uff15", "1" * 10])
    def test_is_read_as_boto3_reads_it(self, text: str, home: Home) -> None:
        home.setenv("AWS_MAX_ATTEMPTS", text)
        found = settings.resolve(region_name=REGION, environ=os.environ)
        assert found.max_attempts == theirs(None).retries["total_max_attempts"]

    @pytest.mark.parametrize("text", ["five", "0", "-1", "5.0", "9" * 5000])
    def test_is_a_typed_error_else(self, text: str, home: Home) -> None:
        from lambda_event_invoke_configs.exceptions import InvalidMaxRetryAttemptsError

        home.setenv("AWS_MAX_ATTEMPTS", text)
        with pytest.raises(InvalidMaxRetryAttemptsError):
            settings.resolve(region_name=REGION, environ=os.environ)
