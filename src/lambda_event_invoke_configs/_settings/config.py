"""`Config`: the settings that are not arguments of the client, with botocore's names."""

from __future__ import annotations

import functools
import logging
import os
import string
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from threading import TIMEOUT_MAX
from typing import Any, TypeVar

from .._version import __version__
from ..exceptions import (
    InvalidConfigError,
    InvalidDefaultsMode,
    InvalidMaxRetryAttemptsError,
    InvalidRetryConfigurationError,
    InvalidRetryModeError,
)
from .redaction import strip_traceback

logger: logging.Logger = logging.getLogger(__name__)

C = TypeVar("C", bound=type)

DEFAULT_MAX_ATTEMPTS = 3
LEGACY_DEFAULTS = "legacy"
AUTO_DEFAULTS = "auto"
# Seconds; of botocore's sdk-default-configuration. Its other members have no effect in botocore, or only on
# other services. With "legacy", which is the default, it is Config's.
CONNECT_TIMEOUTS = {"standard": 3.1, "in-region": 1.1, "cross-region": 3.1, "mobile": 30.0}
_MODES = ("legacy", "standard", "adaptive")
_RETRY_OPTIONS = ("max_attempts", "mode", "total_max_attempts")
_APP_ID_CHARACTERS = frozenset(string.ascii_letters + string.digits + "!#$%&'*+-.^_`|~")
_MAX_APP_ID = 50
_FLAGS = (
    "use_dualstack_endpoint",
    "use_fips_endpoint",
    "ignore_configured_endpoint_urls",
    "tcp_keepalive",
)
_EXTRA_OPTIONS = "max_response_size"  # botocore's Config has no such option
# Options of botocore's Config that would change the request, with their alternatives here.
_UNSUPPORTED = {"proxies_config": "`transport`", "user_agent": "`user_agent_extra`"}


class DefaultTimeout(float):
    """A default in seconds, which `defaults_mode` may replace."""


_DEFAULT_CONNECT_TIMEOUT = DefaultTimeout(60)


def reject_unknown_arguments(cls: C) -> C:
    """Class decorator: the TypeError for an unknown argument lists the valid ones."""
    init = cls.__init__  # type: ignore[misc]  # of this very class
    code = init.__code__
    # Not inspect.signature(), which takes as long as some modules; the first is self.
    known = code.co_varnames[1 : code.co_argcount + code.co_kwonlyargcount]

    @functools.wraps(init)
    def checked(self: object, *args: object, **options: object) -> None:
        try:
            if unknown := [name for name in options if name not in known]:
                raise TypeError(
                    f"{cls.__name__}() got an unexpected keyword argument {unknown[0]!r}, "
                    f"must be one of: {', '.join(known)}"
                )
            init(self, *args, **options)
            return
        except BaseException as error:  # Ctrl-C too
            failed = strip_traceback(error)
        finally:
            args, options = (), {}  # they may hold keys too
        raise failed

    cls.__init__ = checked  # type: ignore[misc]  # replaced on purpose
    return cls


@reject_unknown_arguments
@dataclass(frozen=True, slots=True)
class Config:
    """Settings of a client, with the names and the meanings of `botocore.config.Config`.

    connect_timeout, read_timeout: seconds (default 60 each; None for no limit). Their sum limits an attempt
        on an open connection, however slowly the response arrives.
    max_response_size: maximum bytes of a response body (default 1 MiB; a page of 50 has about 20 KiB). A
        larger one raises ResponseTooLargeError.
    retries: {"total_max_attempts": n} counts attempts, including the first (default 3); {"max_attempts":
        n} counts retries; {"mode": "standard" (default) or "adaptive"}. "legacy" is treated as
        "standard".
    max_pool_connections: maximum open connections (default 10).
    proxies: {"https": "http://proxy:3128"}, by the endpoint's scheme (default: HTTP_PROXY, HTTPS_PROXY
        and NO_PROXY of the environment; {} for none).
    client_cert: path of a PEM file, or (certificate, key).
    user_agent_extra: appended to the User-Agent header. user_agent_appid: `app/...` in it.
    use_fips_endpoint, use_dualstack_endpoint, ignore_configured_endpoint_urls, tcp_keepalive: None
        (default) defers to the environment and the profile.
    defaults_mode: "legacy" (default), "standard", "in-region", "cross-region", "mobile" or "auto". Sets
        connect_timeout if it is not given: "standard" and "cross-region" 3.1 seconds, "in-region" 1.1,
        "mobile" 30. "auto" is "in-region" or "cross-region" if the environment of an AWS service names the
        region, else "standard".
    parameter_validation: False sends parameters without validation (default True).
    signature_version: "v4" (default), or `botocore.UNSIGNED` for requests without credentials.
    region_name: the region; the client's argument takes precedence.

    Raises TypeError for an unknown name, and InvalidConfigError, InvalidDefaultsMode or one of botocore's
    InvalidRetry... errors for an invalid value.
    """

    region_name: str | None = None
    signature_version: object = None
    user_agent_extra: str | None = None
    user_agent_appid: str | None = None
    connect_timeout: float | None = _DEFAULT_CONNECT_TIMEOUT
    read_timeout: float | None = 60
    parameter_validation: bool = True
    max_pool_connections: int = 10
    proxies: Mapping[str, str] | None = field(default=None, repr=False)  # may hold a password
    retries: Mapping[str, int | str] | None = None
    client_cert: str | os.PathLike[str] | tuple[str, str] | None = None
    use_dualstack_endpoint: bool | None = None
    use_fips_endpoint: bool | None = None
    ignore_configured_endpoint_urls: bool | None = None
    tcp_keepalive: bool | None = None
    defaults_mode: str | None = None
    max_response_size: int = 1024 * 1024

    def __post_init__(self) -> None:
        for name in ("connect_timeout", "read_timeout"):
            seconds = getattr(self, name)
            if seconds is not None and not (_is_number(seconds) and 0 < seconds <= TIMEOUT_MAX):
                raise invalid_setting(name, seconds, "a number of seconds above 0, or None")
        for name in ("max_pool_connections", "max_response_size"):
            number = getattr(self, name)
            if type(number) is not int or number < 1:
                raise invalid_setting(name, number, "an int, 1 or more")
        for name in ("user_agent_extra", "user_agent_appid"):
            text = getattr(self, name)
            if text is not None and not (isinstance(text, str) and text.isascii() and text.isprintable()):
                raise invalid_setting(name, text, "printable ASCII text")
        validate_defaults_mode(self.defaults_mode or LEGACY_DEFAULTS)
        for name in _FLAGS:
            if not isinstance(getattr(self, name), (bool, type(None))):
                raise invalid_setting(name, getattr(self, name), "True, False or None")
        if not isinstance(self.parameter_validation, bool):
            raise invalid_setting("parameter_validation", self.parameter_validation, "True or False")
        if self.proxies is not None and not isinstance(self.proxies, Mapping):
            raise invalid_setting("proxies", type(self.proxies).__name__, "a dict of proxy URLs by scheme")
        if self.retries is not None and not isinstance(self.retries, Mapping):
            raise invalid_setting("retries", self.retries, f"a dict of {', '.join(_RETRY_OPTIONS)}")
        validate_retries(self.retries or {})

    @classmethod
    def of(cls, config: object) -> Config:
        """Convert the `config` argument: a Config, a botocore Config, or None for the defaults."""
        if config is None:
            return cls()
        if isinstance(config, cls):
            return config
        names = [f.name for f in fields(cls) if f.name != _EXTRA_OPTIONS]
        if not all(hasattr(config, name) for name in names):
            raise invalid_setting("config", type(config).__name__, "a Config, or a botocore.config.Config")
        for name, instead in _UNSUPPORTED.items():
            if getattr(config, name, None):
                raise invalid_setting(name, "set", f"None in a botocore Config: use {instead}")
        options = {name: getattr(config, name) for name in names}
        # In botocore's Config, None is "not given" with a defaults_mode, even one of None, and "no limit"
        # without. No public attribute tells the two apart.
        given = getattr(config, "_user_provided_options", options)
        if options["connect_timeout"] is None and "connect_timeout" not in given:
            options["connect_timeout"] = _DEFAULT_CONNECT_TIMEOUT
        return cls(**options)


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def invalid_setting(name: str, value: object, allowed: str) -> InvalidConfigError:
    return InvalidConfigError(error_msg=f"Invalid value for {name}: {value!r}, must be {allowed}")


def validate_defaults_mode(mode: object) -> str:
    """The mode in lower case."""
    valid = (LEGACY_DEFAULTS, AUTO_DEFAULTS, *CONNECT_TIMEOUTS)
    if not isinstance(mode, str) or mode.lower() not in valid:
        raise InvalidDefaultsMode(mode=str(mode), valid_modes=", ".join(valid))
    return mode.lower()


def validate_retries(retries: Mapping[str, Any]) -> None:
    for name, value in retries.items():
        if name not in _RETRY_OPTIONS:
            raise InvalidRetryConfigurationError(retry_config_option=name, valid_options=_RETRY_OPTIONS)
        if name == "mode":
            if value not in _MODES:
                raise InvalidRetryModeError(provided_retry_mode=value, valid_modes=_MODES)
            continue
        least = 0 if name == "max_attempts" else 1
        if type(value) is not int or value < least:
            raise InvalidMaxRetryAttemptsError(provided_max_attempts=value, min_value=least)


def user_agent(retry_mode: str, app_id: str | None, extra: str | None) -> str:
    """The User-Agent header, in the form that AWS's SDKs share."""
    python = ".".join(map(str, sys.version_info[:3]))
    parts = [
        f"lambda-event-invoke-configs/{__version__}",
        "ua/2.1",
        f"os/{sys.platform}",
        f"lang/python#{python}",
        f"cfg/retry-mode#{retry_mode}",
    ]
    if app_id:
        if len(app_id) > _MAX_APP_ID:
            logger.warning("user_agent_appid is longer than %d characters", _MAX_APP_ID)
        parts.append("app/" + "".join(c if c in _APP_ID_CHARACTERS else "-" for c in app_id))
    if extra:
        parts.append(extra)
    return " ".join(parts).strip()
