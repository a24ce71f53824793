"""Which keys sign the requests: explicit ones, the environment's, or those botocore's chain finds.

The chain is role, web identity, SSO, shared files, process, container and instance metadata; it does
I/O, so it is asked on the first request, and it needs `botocore.session`, which takes a while to load
and is left alone where explicit keys or the environment have what is needed. Temporary keys are
refreshed by botocore before they expire, once, however many threads ask.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from inspect import iscoroutinefunction
from typing import TYPE_CHECKING, Any, Union, cast

from .._fork import reset_after_fork
from ..exceptions import (
    BotocoreClientError,
    BotoCoreError,
    CredentialRetrievalError,
    InvalidConfigError,
    NoCredentialsError,
    PartialCredentialsError,
    with_hint,
)

if TYPE_CHECKING:
    from botocore.credentials import Credentials

    CredentialsArgument = Union[Credentials, Callable[[], Union[Credentials, None]]]
import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

# What botocore logs at DEBUG while it asks STS or SSO: whole responses, keys included.
_LOGGERS_WITH_SECRETS = (
    "botocore.auth",
    "botocore.endpoint",
    "botocore.parsers",
    "botocore.hooks",
    "botocore.utils",
)


class _BelowWarning(logging.Filter):
    """Drops what botocore logs below WARNING in threads that are fetching keys."""

    def __init__(self) -> None:
        super().__init__()
        self.fetching = threading.local()

    def filter(self, record: logging.LogRecord) -> bool:
        return record.levelno >= logging.WARNING or not getattr(self.fetching, "now", False)


class _ErrorsByName(logging.Filter):
    """Keeps the kind of a logged error, not its text, which may quote an answer that holds keys."""

    def filter(self, record: logging.LogRecord) -> bool:
        if record.exc_info and record.exc_info[0] and getattr(_below_warning.fetching, "now", False):
            record.msg = f"{record.getMessage()} ({record.exc_info[0].__name__})"
            record.args, record.exc_info = (), None
        return True


_below_warning = _BelowWarning()
_errors_by_name = _ErrorsByName()


@contextmanager
def redact_botocore_logs() -> Iterator[None]:
    """While this thread fetches keys: botocore logs nothing that holds them."""
    # No-ops from the second time on.
    for name in _LOGGERS_WITH_SECRETS:
        logging.getLogger(name).addFilter(_below_warning)
    logging.getLogger("botocore.credentials").addFilter(_errors_by_name)
    before = getattr(_below_warning.fetching, "now", False)
    _below_warning.fetching.now = True
    try:
        yield
    finally:
        _below_warning.fetching.now = before


_HEADER_TEXT = re.compile(r"[!-~]+")
_SURROGATE = re.compile(r"[\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class FrozenCredentials:
    """What one request is signed with, under the names that botocore's signer reads."""

    access_key: str
    secret_key: str = field(repr=False)
    token: str | None = field(repr=False)


class StaticCredentials:
    """FrozenCredentials that stay the same."""

    def __init__(self, keys: FrozenCredentials, source: str) -> None:
        self._keys = validated(keys, source)

    def needs_io(self) -> bool:
        return False

    def frozen(self) -> FrozenCredentials:
        return self._keys

    cached = frozen


def validated(keys: FrozenCredentials, source: str) -> FrozenCredentials:
    """The same keys.

    Raises NoCredentialsError for half a pair, and CredentialRetrievalError for what no request may hold.
    """
    if not keys.access_key or not keys.secret_key:
        raise NoCredentialsError()
    for name in ("access_key", "secret_key", "token"):
        if complaint := _complaint(name, getattr(keys, name)):
            raise CredentialRetrievalError(provider=source, error_msg=f"the {name} {complaint}")
    return keys


def _complaint(name: str, value: object) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str):
        return "is no text"
    if name == "secret_key":
        return "is no text that UTF-8 can encode" if _SURROGATE.search(value) else None
    # The HTTP library would refuse it too, but with the whole value in its message.
    if not _HEADER_TEXT.fullmatch(value):
        return "has a character that no header may have, such as a line break"
    return None


_MUST_REFRESH = 10 * 60  # seconds before they expire; botocore tries to from 15 minutes on


class ChainCredentials:
    """Credentials that botocore's chain finds on first use and refreshes as they expire."""

    def __init__(self, load: Callable[[], Credentials | None], *, is_chain: bool = False) -> None:
        self._load = load
        self._is_chain = is_chain  # the errors of the user's own are raised as they are
        self._found: Any = None  # botocore's, or what has their get_frozen_credentials()
        self.reset()
        reset_after_fork(self)

    def reset(self) -> None:
        """Replace the locks: in a forked process no thread fetches keys."""
        self._lock = threading.Lock()
        if hasattr(self._found, "_refresh_lock"):  # botocore's, of credentials that expire
            self._found._refresh_lock = threading.Lock()

    def needs_io(self) -> bool:
        """Whether `frozen()` may do I/O now: nothing was found yet, or what was found is to be refreshed."""
        if self._found is None:
            return True
        from botocore.credentials import Credentials, RefreshableCredentials

        if isinstance(self._found, RefreshableCredentials):
            return bool(self._found.refresh_needed())
        return type(self._found) is not Credentials

    def cached(self) -> FrozenCredentials | None:
        """The keys found last, as long as they need not be refreshed, though botocore may have begun to."""
        found = self._found
        # botocore's own: whoever else uses the object may have refreshed them since frozen() was called here.
        if hasattr(found, "_frozen_credentials") and not found.refresh_needed(_MUST_REFRESH):
            return validated(_frozen(found._frozen_credentials), found.method)
        return None

    def frozen(self) -> FrozenCredentials:
        """The keys to sign with now. May do I/O and take long.

        Raises NoCredentialsError, PartialCredentialsError, CredentialRetrievalError or what else
        botocore's providers raise.
        """
        try:
            return validated(self._fetched(), getattr(self._found, "method", None) or "explicit")
        except Exception as error:
            if not self._is_chain:
                raise
            raise _typed(error) from None

    def _fetched(self) -> FrozenCredentials:
        with redact_botocore_logs():
            with self._lock:
                if self._found is None:
                    self._found = self._load()
            if self._found is None:
                raise NoCredentialsError()
            return _frozen(self._found.get_frozen_credentials())


CredentialSource = Union[StaticCredentials, ChainCredentials]


def _frozen(frozen: Any) -> FrozenCredentials:
    try:
        return FrozenCredentials(frozen.access_key, frozen.secret_key, frozen.token or None)
    except AttributeError:
        kind = type(frozen).__name__
        del frozen  # the repr of botocore's tuple, or of what is there in its place, shows them
    raise InvalidConfigError(
        error_msg=f"Invalid value for credentials: get_frozen_credentials() returned {kind}, "
        "must have access_key, secret_key and token"
    )


def _typed(error: Exception) -> Exception:
    """What a provider of botocore's failed with, as one of botocore's errors.

    Of any other error only the kind is kept: the text may quote an answer that holds keys.
    """
    if not isinstance(error, (BotoCoreError, BotocoreClientError)):
        error = CredentialRetrievalError(
            provider="the credential chain",
            error_msg=f"what was found cannot be read ({type(error).__name__})",
        )
    return with_hint(error) if isinstance(error, BotoCoreError) else error


def resolve_credentials(
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
        return ChainCredentials(_given(credentials))
    if access_key is not None or secret_key is not None or token is not None:
        return StaticCredentials(_explicit(access_key, secret_key, token), "explicit")
    # A profile named by argument wins over the environment's keys, one named there does not.
    if profile_name is None and environ.get("AWS_ACCESS_KEY_ID"):
        return _environment(environ)
    return ChainCredentials(lambda: _load_chain(profile_name, region, environ), is_chain=True)


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
        if _are_credentials(found):
            return cast("Credentials", found)
        kind = type(found).__name__
        del found  # it may be the keys themselves
        raise InvalidConfigError(
            error_msg=f"Invalid value for credentials: the callable returned {kind}, "
            "must be a botocore Credentials object"
        )

    return load


def _are_credentials(found: object) -> bool:
    # aiobotocore's have a coroutine function there.
    frozen = getattr(found, "get_frozen_credentials", None)
    return callable(frozen) and not iscoroutinefunction(frozen)


def _explicit(access_key: str | None, secret_key: str | None, token: str | None) -> FrozenCredentials:
    # A token without its keys is half a set too; boto3 drops it and signs as somebody else.
    for name, value in (("aws_access_key_id", access_key), ("aws_secret_access_key", secret_key)):
        if value is None:
            raise PartialCredentialsError(provider="explicit", cred_var=name)
        if not isinstance(value, str) or not value:
            raise InvalidConfigError(error_msg=f"Invalid value for {name}: must be a str, 1 or more long")
    if not isinstance(token, (str, type(None))):
        raise InvalidConfigError(error_msg="Invalid value for aws_session_token: must be a str, or None")
    return FrozenCredentials(cast("str", access_key), cast("str", secret_key), token or None)


def _environment(environ: Mapping[str, str]) -> CredentialSource:
    """The keys of an environment that has AWS_ACCESS_KEY_ID."""
    if not environ.get("AWS_SECRET_ACCESS_KEY"):
        raise PartialCredentialsError(provider="env", cred_var="AWS_SECRET_ACCESS_KEY")
    if environ.get("AWS_CREDENTIAL_EXPIRATION"):
        from botocore.credentials import EnvProvider

        # It looks there again when they expire.
        return ChainCredentials(EnvProvider(environ).load, is_chain=True)
    # AWS_SECURITY_TOKEN is its old name, which botocore too looks for first.
    token = environ.get("AWS_SECURITY_TOKEN") or environ.get("AWS_SESSION_TOKEN") or None
    return StaticCredentials(
        FrozenCredentials(environ["AWS_ACCESS_KEY_ID"], environ["AWS_SECRET_ACCESS_KEY"], token), "env"
    )


def _load_chain(profile_name: str | None, region: str, environ: Mapping[str, str]) -> Credentials | None:
    from botocore.session import Session

    def set_ones(*variables: str) -> list[str]:
        return [variable for variable in variables if environ.get(variable)]

    # Not as `profile`, which would rule out the environment's web identity; and none that is set to nothing,
    # which would be a profile without a name.
    looked_up = {
        "profile": (None, set_ones("AWS_DEFAULT_PROFILE", "AWS_PROFILE"), None, None),
        "config_file": (None, set_ones("AWS_CONFIG_FILE"), "~/.aws/config", None),
        "credentials_file": (None, set_ones("AWS_SHARED_CREDENTIALS_FILE"), "~/.aws/credentials", None),
    }
    session = Session(looked_up, profile=profile_name)
    session.set_config_variable("region", region)  # for STS, which boto3 too asks in the client's region
    return session.get_credentials()
