"""Resolves the settings of a client from arguments, environment, profile and defaults.

`resolve()` looks up each setting in the arguments, then in the environment, then in the profile of the shared
config files, and returns the complete `Settings`. It reads files through botocore's config loader, and
performs no other I/O.
"""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, cast
from urllib.parse import urlsplit

from ..exceptions import (
    BotocoreConfigParseError,
    ConfigParseError,
    InvalidConfigError,
    NoRegionError,
    ProfileNotFound,
)
from . import endpoint as endpoints
from .config import (
    AUTO_DEFAULTS,
    CONNECT_TIMEOUTS,
    DEFAULT_MAX_ATTEMPTS,
    LEGACY_DEFAULTS,
    Config,
    DefaultTimeout,
    invalid_setting,
    user_agent,
    validate_defaults_mode,
    validate_retries,
)
from .endpoint import Endpoint
from .identity import profile_of, shared_files
from .redaction import config_file_reason

logger: logging.Logger = logging.getLogger(__name__)

_PROXY_URL = r"(https?://)(?:[^/?#\t\r\n\ud800-\udfff]*@)?([^@]+)"
_PROXY_ALLOWED = (
    "http:// or https://, a host, and optionally a port; in a password, / ? # % must be percent-encoded"
)
_SCHEME = r"[a-z][a-z0-9+.-]*"
_HOST_AND_PORT = r"(\[[0-9a-fA-F:.]*\]|[A-Za-z0-9._-]*)(:[0-9]{1,5}(?![^/]))?/?"


class Settings:
    """The resolved settings of a client. Not a tuple, because the proxy's URL may contain a password."""

    __slots__ = (
        "adaptive",
        "config",
        "endpoint",
        "environ",
        "max_attempts",
        "parameter_validation",
        "proxy",
        "region",
        "tcp_keepalive",
        "user_agent",
        "verify",
    )

    def __init__(
        self,
        *,
        region: str,
        endpoint: Endpoint,
        config: Config,
        verify: bool | str,
        proxy: str | None,
        max_attempts: int,
        adaptive: bool,
        parameter_validation: bool,
        tcp_keepalive: bool,
        user_agent: str,
        environ: Mapping[str, str],
    ) -> None:
        self.region = region
        self.endpoint = endpoint
        self.config = config
        self.verify = verify
        self.proxy = proxy
        self.max_attempts = max_attempts
        self.adaptive = adaptive
        self.parameter_validation = parameter_validation
        self.tcp_keepalive = tcp_keepalive
        self.user_agent = user_agent
        self.environ = environ


class Lookup:
    """Environment, then profile.

    Raises ProfileNotFound or ConfigParseError.
    """

    def __init__(self, environ: Mapping[str, str], profile_name: str | None) -> None:
        self.environ = environ
        self.profile_name = profile_name or profile_of(environ)
        self._files = _read_files(environ)
        profiles = self._files["profiles"]
        if self.profile_name is not None and self.profile_name not in profiles:
            raise ProfileNotFound(profile=self.profile_name)
        self._profile: Mapping[str, Any] = profiles.get(self.profile_name or "default", {})

    def env(self, *names: str) -> str | None:
        # Empty variables are treated as unset, as in other AWS SDKs.
        return next((value for name in names if (value := self.environ.get(name))), None)

    def profile(self, key: str) -> str | None:
        value = self._profile.get(key)
        if isinstance(value, dict):
            raise invalid_setting(f"{key} in the profile", "a nested section", "one value")
        return value or None

    def find(self, env: str, key: str) -> str | None:
        return self.env(env) or self.profile(key)

    def flag(self, explicit: bool | None, env: str, key: str) -> bool:
        # Only "true" (in upper or lower case) is true, as in boto3.
        return explicit if explicit is not None else (self.find(env, key) or "").lower() == "true"

    def service_endpoint_url(self) -> str | None:
        """The `endpoint_url` for lambda in the profile's `services` section."""
        section = self.profile("services")
        if section is None:
            return None
        services = self._files["services"].get(section)
        if not services:
            raise InvalidConfigError(
                error_msg=f"The profile is configured to use the services section but the "
                f'"{section}" services configuration does not exist.'
            )
        service = services.get("lambda", {})
        if not isinstance(service, dict):
            raise invalid_setting(f"lambda in services {section}", service, "a nested section")
        return service.get("endpoint_url")


def _read_files(environ: Mapping[str, str]) -> dict[str, dict[str, Any]]:
    config_file, credentials_file = shared_files(environ)
    found: dict[str, dict[str, Any]] = {"profiles": {}, "services": {}}
    if os.path.isfile(config_file):
        found.update(_read(_loader().load_config, config_file))
    if os.path.isfile(credentials_file):
        # The credentials file takes precedence over the config file, as in boto3.
        for name, values in _read(_loader().raw_config_parse, credentials_file).items():
            found["profiles"].setdefault(name, {}).update(values)
    return found


def _read(read: Callable[[str], dict[str, Any]], path: str) -> dict[str, Any]:
    try:
        return read(path)
    except BotocoreConfigParseError as error:
        found = cast("Any", error).kwargs["error"]
    except OSError as error:
        found = error
    raise ConfigParseError(path=path, error=config_file_reason(found))


def _loader() -> Any:
    from botocore import configloader

    return configloader


def resolve(
    *,
    region_name: str | None = None,
    profile_name: str | None = None,
    endpoint_url: str | None = None,
    use_ssl: bool = True,
    verify: bool | str | os.PathLike[str] | None = None,
    config: object = None,
    environ: Mapping[str, str],
) -> Settings:
    """Look up all settings.

    Raises NoRegionError, InvalidRegionError, ProfileNotFound, ConfigParseError, InvalidEndpointError,
    InvalidConfigError or one of botocore's InvalidRetry... errors.
    """
    of_botocore = not isinstance(config, Config)
    config = Config.of(config)
    lookup = Lookup(environ, profile_name)
    region, pseudo_fips = _region(region_name or config.region_name, lookup)
    config = _with_defaults(config, of_botocore, region, lookup)
    endpoint = _endpoint(endpoint_url, region, use_ssl, config, pseudo_fips, lookup)
    max_attempts, mode = _retries(config, lookup)
    validation = lookup.profile("parameter_validation")
    return Settings(
        region=region,
        endpoint=endpoint,
        config=config,
        verify=_verify(verify, lookup),
        proxy=_proxy(config, endpoint),
        max_attempts=max_attempts,
        adaptive=mode == "adaptive",
        parameter_validation=config.parameter_validation
        and (validation is None or validation.lower() == "true"),
        tcp_keepalive=lookup.flag(config.tcp_keepalive, "BOTOCORE_TCP_KEEPALIVE", "tcp_keepalive"),
        user_agent=user_agent(
            mode,
            config.user_agent_appid or lookup.find("AWS_SDK_UA_APP_ID", "sdk_ua_app_id"),
            config.user_agent_extra,
        ),
        environ=environ,
    )


def _with_defaults(config: Config, of_botocore: bool, region: str, lookup: Lookup) -> Config:
    mode = validate_defaults_mode(
        config.defaults_mode or lookup.find("AWS_DEFAULTS_MODE", "defaults_mode") or LEGACY_DEFAULTS
    )
    if mode == AUTO_DEFAULTS:
        mode = _auto_mode(region, lookup)
    given = config.connect_timeout
    if mode == LEGACY_DEFAULTS or not (isinstance(given, DefaultTimeout) or (given is None and of_botocore)):
        return config
    return replace(config, connect_timeout=CONNECT_TIMEOUTS[mode])


def _auto_mode(region: str, lookup: Lookup) -> str:
    """The mode that "auto" stands for.

    If the environment does not name the region, botocore queries the instance metadata service. This library
    does not, because creating a client performs no I/O.
    """
    if not lookup.env("AWS_EXECUTION_ENV"):
        return "standard"
    here = lookup.env("AWS_REGION", "AWS_DEFAULT_REGION")
    if here is None:
        return "standard"
    return "in-region" if here == region else "cross-region"


def _region(explicit: str | None, lookup: Lookup) -> tuple[str, bool]:
    region = explicit or lookup.env("AWS_DEFAULT_REGION", "AWS_REGION") or lookup.profile("region")
    if not region:
        raise NoRegionError()
    endpoints.validate_region(region)
    real = region.replace("fips-", "").replace("-fips", "")
    if real != region:
        logger.warning("%s is taken for region %s with FIPS: use use_fips_endpoint", region, real)
        endpoints.validate_region(real)
    return real, real != region


def _endpoint(
    explicit: str | None, region: str, use_ssl: bool, config: Config, fips: bool, lookup: Lookup
) -> Endpoint:
    fips = lookup.flag(fips or config.use_fips_endpoint, "AWS_USE_FIPS_ENDPOINT", "use_fips_endpoint")
    dual_stack = lookup.flag(
        config.use_dualstack_endpoint, "AWS_USE_DUALSTACK_ENDPOINT", "use_dualstack_endpoint"
    )
    url, source = explicit, "endpoint_url"
    if url is None and not lookup.flag(
        config.ignore_configured_endpoint_urls,
        "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS",
        "ignore_configured_endpoint_urls",
    ):
        url, source = _configured_url(lookup)
    regional = endpoints.regional(region, fips=fips, dual_stack=dual_stack, use_ssl=use_ssl)
    if url is None:
        return regional
    if (fips or dual_stack) and url != regional.url:  # the same one, in a client of another process
        logger.warning("FIPS and dual-stack are ignored: %s gives a custom endpoint", source)
    return endpoints.custom(url, source)


def _configured_url(lookup: Lookup) -> tuple[str | None, str]:
    for variable in ("AWS_ENDPOINT_URL_LAMBDA", "AWS_ENDPOINT_URL"):
        if url := lookup.env(variable):
            return url, variable
    if url := lookup.service_endpoint_url():
        return url, "endpoint_url of lambda in the profile's services section"
    return lookup.profile("endpoint_url"), "endpoint_url in the profile"


def _retries(config: Config, lookup: Lookup) -> tuple[int, str]:
    retries = dict(config.retries or {})
    mode = retries.get("mode") or lookup.find("AWS_RETRY_MODE", "retry_mode") or "standard"
    if "total_max_attempts" in retries:
        attempts = retries["total_max_attempts"]
    elif "max_attempts" in retries:
        attempts = cast("int", retries["max_attempts"]) + 1
    else:
        text = lookup.find("AWS_MAX_ATTEMPTS", "max_attempts")
        attempts = DEFAULT_MAX_ATTEMPTS if text is None else _number(text)
    validate_retries({"total_max_attempts": attempts, "mode": mode})
    return cast("int", attempts), cast("str", mode)


def _number(text: str) -> int | str:
    """A number as botocore parses it: white space around it is allowed, such as the CR of a Windows file."""
    try:
        return int(text)
    except ValueError:
        return text


def _verify(explicit: bool | str | os.PathLike[str] | None, lookup: Lookup) -> bool | str:
    if isinstance(explicit, os.PathLike):
        explicit = os.fspath(explicit)
    if explicit is not None:
        # boto3 takes an empty path for False.
        if not isinstance(explicit, (bool, str)) or explicit == "":
            raise invalid_setting("verify", explicit, "True, False, or the path of a CA bundle")
        return explicit
    return lookup.find("AWS_CA_BUNDLE", "ca_bundle") or lookup.env("REQUESTS_CA_BUNDLE") or True


def _proxy(config: Config, endpoint: Endpoint) -> str | None:
    if config.proxies is not None:
        proxy, source = config.proxies.get(endpoint.scheme), f"proxies[{endpoint.scheme!r}]"
    else:
        proxy, source = _configured_proxy(endpoint)
    if not proxy:
        return None
    if isinstance(proxy, str) and "://" not in proxy:
        proxy = f"http://{proxy.removeprefix('//')}"
    match = re.fullmatch(_PROXY_URL, proxy) if isinstance(proxy, str) else None
    try:
        endpoints.custom(f"{match[1]}{match[2]}" if match else "")
    except InvalidConfigError:
        shown = masked(proxy) if isinstance(proxy, str) else type(proxy).__name__
        raise invalid_setting(source, shown, _PROXY_ALLOWED) from None
    return proxy


def _configured_proxy(endpoint: Endpoint) -> tuple[str | None, str]:
    """The proxy from the environment or the system, and the name of the setting."""
    from urllib.request import getproxies, proxy_bypass

    # As in botocore: with the port, if the endpoint's URL has one.
    if proxy_bypass(urlsplit(endpoint.url).netloc):
        return None, ""
    proxy = getproxies().get(endpoint.scheme)
    name = f"{endpoint.scheme}_proxy"
    set_to = [variable for variable in (name, name.upper()) if os.environ.get(variable) == proxy]
    return proxy, next(iter(set_to), "the system's proxy settings")


def masked(proxy: str) -> str:
    """The URL of a proxy without its password: scheme, host and port. The URL may be invalid."""
    scheme, separator, rest = proxy.partition("://")
    _, at, place = rest.rpartition("@")
    shown = cast("re.Match[str]", re.match(_HOST_AND_PORT, place))[0]
    if not re.fullmatch(_SCHEME, scheme):
        scheme = "***"
    return f"{scheme}{separator}{'***:***@' if at else ''}{shown}{'' if shown == place else '***'}"
