"""The credentials that sign the requests: explicit, from the environment, or from botocore's provider chain.

The chain consists of role, web identity, SSO, shared files, process, container and instance metadata. It
performs I/O, so it runs on the first request. It needs `botocore.session`, which takes long to import and is
not imported if the arguments or the environment contain credentials.

Each identity has one source of credentials. A role with an MFA code prompts the user, a `credential_process`
may open a window, and a container's endpoint limits the rate of requests. Therefore:

1. All clients with the same identity share one source: sync and async clients, in all threads and event loops
   of a process (`_SharedSources`). The clients hold the references, so a source exists as long as one of its
   clients. The registry has only weak references.
2. A source performs one fetch at a time (`ChainCredentials.frozen`). The first caller that needs a fetch
   performs it in its thread, where a prompt can read the terminal and Ctrl-C works. The other callers wait
   for the result, or sign with the current credentials while these are valid. An `AsyncClient` uses one
   worker thread for all its tasks.
3. All waiting callers share a failure; each gets a separate error object. A later call tries again, because
   the cause may be gone. If the caller that fetches is interrupted, another caller fetches instead.
4. A forked process keeps the credentials that its parent has loaded. Its locks are new. If a thread of the
   parent was fetching, the child drops the fetch and the object that it was working on, because botocore's
   locks in that object would never be released. The child's first call loads the credentials again.
"""

from __future__ import annotations

import logging
import re
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import CancelledError, Future
from inspect import iscoroutinefunction
from time import monotonic
from typing import TYPE_CHECKING, Any, Union, cast
from weakref import WeakValueDictionary

from .._fork import reset_after_fork
from ..exceptions import (
    CredentialRetrievalError,
    InvalidConfigError,
    NoCredentialsError,
    PartialCredentialsError,
    RefreshWithMFAUnsupportedError,
)
from .identity import Identity, identify, load_credentials
from .redaction import redact_botocore_logs, redacted

if TYPE_CHECKING:
    from botocore.credentials import Credentials

    from .arguments import CredentialsArgument

logger: logging.Logger = logging.getLogger(__name__)


class FrozenCredentials:
    """The credentials for one request, with the attribute names of botocore's signer."""

    __slots__ = ("access_key", "secret_key", "token")

    def __init__(self, access_key: str, secret_key: str, token: str | None) -> None:
        self.access_key = access_key
        self.secret_key = secret_key
        self.token = token

    def __eq__(self, other: object) -> bool:
        return isinstance(other, FrozenCredentials) and all(
            getattr(self, name) == getattr(other, name) for name in self.__slots__
        )

    __hash__ = None  # type: ignore[assignment]  # nothing keeps them in a set

    def __repr__(self) -> str:
        return f"FrozenCredentials(access_key={self.access_key!r})"  # nothing that is secret


class StaticCredentials:
    """Credentials that do not expire."""

    def __init__(self, keys: FrozenCredentials, source: str) -> None:
        self._keys = validated(keys, source)
        logger.debug("credentials from %s", source)

    def needs_io(self) -> bool:
        return False

    def frozen(self) -> FrozenCredentials:
        return self._keys

    cached = frozen


def validated(keys: FrozenCredentials, source: str) -> FrozenCredentials:
    """Validate and return the credentials.

    Raises NoCredentialsError if one of the two is missing, and CredentialRetrievalError for values that a
    request cannot contain.
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
        return "is not a string"
    if name == "secret_key":
        encodable = value.isascii() or not re.search("[\ud800-\udfff]", value)
        return None if encodable else "has a character that UTF-8 cannot encode"
    # The HTTP library would reject it too, but its message would contain the value.
    if not (value and value.isascii() and value.isprintable()) or " " in value:
        return "has a character that is not allowed in a header, such as a line break"
    return None


_CHAIN = "the credential chain"
_MUST_REFRESH = 10 * 60  # seconds before the expiry; botocore starts to refresh 15 minutes before


class ChainCredentials:
    """Credentials that are loaded on first use, and refreshed by botocore before they expire.

    load: returns botocore's credentials, or an object with the method get_frozen_credentials().
    is_chain: whether `load` runs botocore's providers. Errors of a user's `load` are raised unchanged, except
        botocore's.
    """

    def __init__(self, load: Callable[[], Any], *, is_chain: bool = False) -> None:
        self._load = load
        self._is_chain = is_chain
        self._found: Any = None
        self._fetch: Future[FrozenCredentials] | None = None  # the fetch in progress
        self._ever_fetched = False
        self.reset()
        reset_after_fork(self)

    def reset(self) -> None:
        """Replace the locks: after a fork, no thread of the child is fetching credentials."""
        self._lock = threading.Lock()
        if self._fetch is not None and self._is_chain:
            self._found = None
        self._fetch = None
        if hasattr(self._found, "_refresh_lock"):  # botocore's temporary credentials
            self._found._refresh_lock = threading.Lock()

    def needs_io(self) -> bool:
        """Whether `frozen()` may perform I/O now: the credentials are not loaded, or need a refresh."""
        if self._found is None:
            return True
        from botocore.credentials import Credentials, RefreshableCredentials

        if isinstance(self._found, RefreshableCredentials):
            return bool(self._found.refresh_needed())
        return type(self._found) is not Credentials

    def cached(self) -> FrozenCredentials | None:
        """The current credentials while they are valid, even if botocore has started an early refresh."""
        found = self._found
        if getattr(found, "_frozen_credentials", None) is None or found.refresh_needed(_MUST_REFRESH):
            return None
        return self._current()

    def frozen(self) -> FrozenCredentials:
        """The credentials to sign with now. May perform I/O and block.

        Raises NoCredentialsError, PartialCredentialsError, CredentialRetrievalError, or another error of
        botocore's providers.
        """
        while self.needs_io():
            fetch: Future[FrozenCredentials] = Future()
            try:
                with self._lock:
                    current = self._fetch = self._fetch or fetch
                if current is fetch:
                    self._run(fetch)
                elif cached := self.cached():
                    return cached
                error = current.exception()  # waits
            except CancelledError:
                continue  # the caller that fetched was interrupted
            finally:
                if self._fetch is fetch:
                    self._fetch = None
                    fetch.cancel()
            if error is None:
                return current.result()
            raise redacted(error)
        return self._current()

    def _run(self, fetch: Future[FrozenCredentials]) -> None:
        started_at = monotonic()
        try:
            with redact_botocore_logs():
                if self._found is None:
                    self._found = self._load()
                fetch.set_result(self._validated(self._found.get_frozen_credentials()))
            self._ever_fetched = True
            logger.debug("credentials from %s, in %.3f s", self._method(), monotonic() - started_at)
        except Exception as error:
            source = getattr(self._found, "method", None) or _CHAIN
            fetch.set_exception(redacted(error, source if self._is_chain else None))
            name, seconds = type(error).__name__, monotonic() - started_at
            logger.debug("no credentials from %s: %s, in %.3f s", source, name, seconds)
            # botocore's object asks for an MFA code only once, even if the code was wrong: load a new object.
            if not self._ever_fetched or isinstance(error, RefreshWithMFAUnsupportedError):
                self._found = None

    def _current(self) -> FrozenCredentials:
        # Read the attribute, because get_frozen_credentials() checks the time and may perform I/O: another
        # user of the object may have refreshed it since frozen() was called here.
        frozen = getattr(self._found, "_frozen_credentials", None)
        return self._validated(frozen or self._found.get_frozen_credentials())

    def _validated(self, frozen: Any) -> FrozenCredentials:
        return validated(_frozen(frozen), self._method())

    def _method(self) -> str:
        """botocore's name for the provider, such as "assume-role"."""
        return getattr(self._found, "method", None) or "explicit"


CredentialSource = Union[StaticCredentials, ChainCredentials]


def _frozen(frozen: Any) -> FrozenCredentials:
    try:
        return FrozenCredentials(frozen.access_key, frozen.secret_key, frozen.token or None)
    except AttributeError:
        kind = type(frozen).__name__
        del frozen  # the repr of botocore's tuple, or of another object, shows the secrets
    raise InvalidConfigError(
        error_msg=f"Invalid value for credentials: get_frozen_credentials() returned {kind}, "
        "must have access_key, secret_key and token"
    )


class _SharedSources:
    """The sources of this process by identity, with weak references."""

    def __init__(self) -> None:
        self._sources: WeakValueDictionary[Identity, ChainCredentials] = WeakValueDictionary()
        self.reset()
        reset_after_fork(self)

    def reset(self) -> None:
        """Replace the lock."""
        self._lock = threading.Lock()

    def of(self, identity: Identity, region: str) -> ChainCredentials:
        with self._lock:
            source = self._sources.get(identity)
            if source is None:
                source = ChainCredentials(lambda: load_credentials(identity, region), is_chain=True)
                self._sources[identity] = source
            return source


_shared = _SharedSources()


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
    """The source of a client's credentials.

    profile_name: the argument, not the profile of the environment.

    Raises PartialCredentialsError if the access key id or the secret access key is missing in the arguments
    or the environment, and InvalidConfigError if `credentials` has the wrong type.
    """
    if credentials is not None:
        return ChainCredentials(_given(credentials))
    if access_key is not None or secret_key is not None or token is not None:
        return StaticCredentials(_explicit(access_key, secret_key, token), "explicit")
    # A profile from the argument takes precedence over credentials in the environment; a profile from the
    # environment does not.
    if not profile_name and environ.get("AWS_ACCESS_KEY_ID"):
        return _environment(environ)
    return _shared.of(identify(profile_name, region, environ), region)


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
        del found  # it may contain secrets
        raise InvalidConfigError(
            error_msg=f"Invalid value for credentials: the callable returned {kind}, "
            "must be a botocore Credentials object"
        )

    return load


def _are_credentials(found: object) -> bool:
    # In aiobotocore's credentials, this is a coroutine function.
    frozen = getattr(found, "get_frozen_credentials", None)
    return callable(frozen) and not iscoroutinefunction(frozen)


def _explicit(access_key: str | None, secret_key: str | None, token: str | None) -> FrozenCredentials:
    # A token alone is incomplete too; boto3 ignores it and signs with other credentials.
    for name, value in (("aws_access_key_id", access_key), ("aws_secret_access_key", secret_key)):
        if value is None:
            raise PartialCredentialsError(provider="explicit", cred_var=name)
        if not isinstance(value, str) or not value:
            raise InvalidConfigError(error_msg=f"Invalid value for {name}: must be a str, 1 or more long")
    if not isinstance(token, (str, type(None))):
        raise InvalidConfigError(error_msg="Invalid value for aws_session_token: must be a str, or None")
    return FrozenCredentials(cast("str", access_key), cast("str", secret_key), token or None)


def _expiring(environ: Mapping[str, str]) -> ChainCredentials:
    from botocore.credentials import EnvProvider

    # Read them now, because they belong to the identity; botocore reads the environment again when they
    # expire.
    try:
        found = EnvProvider(environ).load()
    except ValueError:
        pass
    else:
        return ChainCredentials(lambda: found, is_chain=True)
    raise CredentialRetrievalError(provider="env", error_msg="AWS_CREDENTIAL_EXPIRATION is not a time")


def _environment(environ: Mapping[str, str]) -> CredentialSource:
    """The credentials of an environment with AWS_ACCESS_KEY_ID."""
    if not environ.get("AWS_SECRET_ACCESS_KEY"):
        raise PartialCredentialsError(provider="env", cred_var="AWS_SECRET_ACCESS_KEY")
    if environ.get("AWS_CREDENTIAL_EXPIRATION"):
        return _expiring(environ)
    # AWS_SECURITY_TOKEN is the old name; botocore also reads it first.
    token = environ.get("AWS_SECURITY_TOKEN") or environ.get("AWS_SESSION_TOKEN") or None
    return StaticCredentials(
        FrozenCredentials(environ["AWS_ACCESS_KEY_ID"], environ["AWS_SECRET_ACCESS_KEY"], token), "env"
    )
