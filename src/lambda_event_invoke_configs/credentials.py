"""Which keys sign the requests: explicit ones, the environment's, or those botocore's chain finds.

The chain is role, web identity, SSO, shared files, process, container and instance metadata; it does
I/O, so it is asked on the first request, and it needs `botocore.session`, which takes a while to load
and is left alone where explicit keys or the environment have what is needed. Temporary keys are
refreshed by botocore before they expire, once, however many threads ask.
"""

from __future__ import annotations

import logging
import re
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from inspect import iscoroutinefunction
from typing import TYPE_CHECKING, Any, Union, cast

from .exceptions import (
    CredentialRetrievalError,
    InvalidConfigError,
    NoCredentialsError,
    PartialCredentialsError,
)

if TYPE_CHECKING:
    from botocore.credentials import Credentials

    CredentialsArgument = Union[Credentials, Callable[[], Credentials]]

_HEADER_TEXT = re.compile(r"[!-~]+")
# What botocore logs at DEBUG while it asks STS or SSO: whole responses, keys included.
_TALKATIVE = ("botocore.auth", "botocore.endpoint", "botocore.parsers", "botocore.hooks")


@dataclass(frozen=True, slots=True)
class Keys:
    """What one request is signed with, under the names that botocore's signer reads."""

    access_key: str
    secret_key: str = field(repr=False)
    token: str | None = field(repr=False)


class CredentialSource:
    """Keys whenever they are asked for; found once, then refreshed as they expire."""

    def __init__(self, load: Callable[[], Credentials | None]) -> None:
        self._load = load
        self._found: Credentials | None = None
        self._lock = threading.Lock()

    def may_block(self) -> bool:
        """Whether `keys()` may do I/O now: nothing was found yet, or what was found is to be refreshed."""
        if self._found is None:
            return True
        from botocore.credentials import Credentials, RefreshableCredentials

        if isinstance(self._found, RefreshableCredentials):
            return bool(self._found.refresh_needed())
        return type(self._found) is not Credentials

    def keys(self) -> Keys:
        """The keys to sign with now. May do I/O and take long.

        Raises NoCredentialsError, PartialCredentialsError, CredentialRetrievalError or what else
        botocore's providers raise.
        """
        with _quiet():
            with self._lock:
                if self._found is None:
                    self._found = self._load()
            if self._found is None:
                raise NoCredentialsError()
            frozen = self._found.get_frozen_credentials()
        return _checked(frozen, getattr(self._found, "method", None) or "explicit")


def _checked(frozen: Any, source: str) -> Keys:
    if not frozen.access_key or not frozen.secret_key:
        raise NoCredentialsError()
    for name in ("access_key", "token"):
        value = getattr(frozen, name)
        # The HTTP library would refuse it too, but with the whole value in its message.
        if value and not _HEADER_TEXT.fullmatch(value):
            raise CredentialRetrievalError(
                provider=source,
                error_msg=f"the {name} has a character that no header may have, such as a line break",
            )
    return Keys(frozen.access_key, frozen.secret_key, frozen.token or None)


def source(
    *,
    access_key: str | None,
    secret_key: str | None,
    token: str | None,
    credentials: CredentialsArgument | None,
    profile_name: str | None,
    region: str,
    environ: Mapping[str, str],
) -> CredentialSource:
    """Where a client's keys come from; `profile_name` is the argument, not the environment's.

    Raises PartialCredentialsError for half a pair, in the arguments or in the environment, and
    InvalidConfigError for `credentials` of another kind.
    """
    if credentials is not None:
        return CredentialSource(_given(credentials))
    if access_key is not None or secret_key is not None or token is not None:
        return CredentialSource(_explicit(access_key, secret_key, token))
    # A profile named by argument wins over the environment's keys, one named there does not.
    if profile_name is None and environ.get("AWS_ACCESS_KEY_ID"):
        from botocore.credentials import EnvProvider

        found = EnvProvider(environ).load()
        return CredentialSource(lambda: found)
    return CredentialSource(lambda: _chain(profile_name, region))


def _given(credentials: Any) -> Callable[[], Credentials]:
    if _are_credentials(credentials):
        return lambda: cast("Credentials", credentials)
    if not callable(credentials):
        raise InvalidConfigError(
            error_msg="Invalid value for credentials: must be a botocore Credentials object, "
            f"or a callable that returns one, not {type(credentials).__name__}"
        )

    def load() -> Credentials:
        found = credentials()
        if not _are_credentials(found):
            raise InvalidConfigError(
                error_msg="Invalid value for credentials: the callable returned "
                f"{type(found).__name__}, must be a botocore Credentials object"
            )
        return cast("Credentials", found)

    return load


def _are_credentials(found: object) -> bool:
    # aiobotocore's have a coroutine function there.
    frozen = getattr(found, "get_frozen_credentials", None)
    return callable(frozen) and not iscoroutinefunction(frozen)


def _explicit(access_key: str | None, secret_key: str | None, token: str | None) -> Callable[[], Credentials]:
    # A token without its keys is half a set too; boto3 drops it and signs as somebody else.
    for name, value in (("aws_access_key_id", access_key), ("aws_secret_access_key", secret_key)):
        if value is None:
            raise PartialCredentialsError(provider="explicit", cred_var=name)
        if not isinstance(value, str) or not value:
            raise InvalidConfigError(error_msg=f"Invalid value for {name}: must be a str, 1 or more long")
    if not isinstance(token, (str, type(None))):
        raise InvalidConfigError(error_msg="Invalid value for aws_session_token: must be a str, or None")
    from botocore.credentials import Credentials

    found = Credentials(cast("str", access_key), cast("str", secret_key), token)
    return lambda: found


def _chain(profile_name: str | None, region: str) -> Credentials | None:
    from botocore.session import Session

    # The environment's profile it finds itself: one that is named here would rule out the environment's
    # web identity, too.
    session = Session(profile=profile_name)
    # For STS, which the chain may have to ask; boto3 too asks it in the client's region.
    session.set_config_variable("region", region)
    found: Credentials | None = session.get_credentials()
    return found


class _BelowWarning(logging.Filter):
    """Drops what botocore logs below WARNING in threads that are fetching keys."""

    def __init__(self) -> None:
        super().__init__()
        self.fetching = threading.local()

    def filter(self, record: logging.LogRecord) -> bool:
        return record.levelno >= logging.WARNING or not getattr(self.fetching, "now", False)


_below_warning = _BelowWarning()


@contextmanager
def _quiet() -> Iterator[None]:
    for name in _TALKATIVE:
        logging.getLogger(name).addFilter(_below_warning)  # a no-op from the second time on
    before = getattr(_below_warning.fetching, "now", False)
    _below_warning.fetching.now = True
    try:
        yield
    finally:
        _below_warning.fetching.now = before
