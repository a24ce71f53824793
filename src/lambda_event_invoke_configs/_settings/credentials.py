"""Which credentials sign the requests: explicit ones, the environment's, or those botocore's chain finds.

The chain is role, web identity, SSO, shared files, process, container and instance metadata; it does
I/O, so it is asked on the first request, and it needs `botocore.session`, which takes a while to load
and is left alone where explicit keys or the environment have what is needed.

One source for an identity. A role with an MFA code prompts, a `credential_process` may open a window, a
container's endpoint is limited to so many requests a second. So:

1. The clients of one identity share one source, sync and async ones, in all threads and event loops of a
   process (`_SharedSources`). A source lives as long as one of its clients, which hold it; the registry does
   not.
2. At any time a source fetches once (`ChainCredentials.frozen`). The first caller that needs a fetch makes
   it, in its own thread, where a prompt can read the terminal and Ctrl-C works. The others wait for its
   result, or sign with what is there as long as it lasts. An `AsyncClient` calls from a thread, one for all
   its tasks.
3. A failure is shared too: those who waited get it, each as an error object of its own. A call that comes
   later asks again, since the reason may be gone by then. Where the caller that fetches is interrupted, one
   of the others fetches in its place.
4. A forked process keeps what its parent had found. Its locks are new, and a fetch that a thread of the
   parent was making is dropped along with what it was working on: botocore's own locks in there would never
   be released. The child's first call finds the credentials again.
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
    """What one request is signed with, under the names that botocore's signer reads."""

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
    """Credentials that stay the same."""

    def __init__(self, keys: FrozenCredentials, source: str) -> None:
        self._keys = validated(keys, source)
        logger.debug("credentials from %s", source)

    def needs_io(self) -> bool:
        return False

    def frozen(self) -> FrozenCredentials:
        return self._keys

    cached = frozen


def validated(keys: FrozenCredentials, source: str) -> FrozenCredentials:
    """The same credentials.

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
        return "is not a string"
    if name == "secret_key":
        encodable = value.isascii() or not re.search("[\ud800-\udfff]", value)
        return None if encodable else "has a character that UTF-8 cannot encode"
    # The HTTP library would refuse it too, but with the whole value in its message.
    if not (value and value.isascii() and value.isprintable()) or " " in value:
        return "has a character that is not allowed in a header, such as a line break"
    return None


_CHAIN = "the credential chain"
_MUST_REFRESH = 10 * 60  # seconds before they expire; botocore tries to from 15 minutes on


class ChainCredentials:
    """Credentials that are found on first use, and refreshed by botocore as they expire.

    load: finds them: botocore's credentials, or what has their get_frozen_credentials().
    is_chain: whether a provider of botocore's does. What else a load of the user's raises is raised as it is.
    """

    def __init__(self, load: Callable[[], Any], *, is_chain: bool = False) -> None:
        self._load = load
        self._is_chain = is_chain
        self._found: Any = None
        self._fetch: Future[FrozenCredentials] | None = None  # the one that is being made
        self._ever_fetched = False
        self.reset()
        reset_after_fork(self)

    def reset(self) -> None:
        """Replace the locks: in a forked process no thread fetches credentials."""
        self._lock = threading.Lock()
        if self._fetch is not None and self._is_chain:
            self._found = None
        self._fetch = None
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
        """The credentials found last, while they need no refresh, even if botocore has begun one early."""
        found = self._found
        if getattr(found, "_frozen_credentials", None) is None or found.refresh_needed(_MUST_REFRESH):
            return None
        return self._current()

    def frozen(self) -> FrozenCredentials:
        """The credentials to sign with now. May do I/O and take long.

        Raises NoCredentialsError, PartialCredentialsError, CredentialRetrievalError or what else
        botocore's providers raise.
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
                continue  # who fetched was interrupted
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
            # An MFA code is asked for once by botocore's object, even if it was mistyped.
            if not self._ever_fetched or isinstance(error, RefreshWithMFAUnsupportedError):
                self._found = None

    def _current(self) -> FrozenCredentials:
        # botocore's own, without another look at the time, and so without I/O: whoever else uses the object
        # may have refreshed it since frozen() was called here.
        frozen = getattr(self._found, "_frozen_credentials", None)
        return self._validated(frozen or self._found.get_frozen_credentials())

    def _validated(self, frozen: Any) -> FrozenCredentials:
        return validated(_frozen(frozen), self._method())

    def _method(self) -> str:
        """botocore's name for where they came from, such as "assume-role"."""
        return getattr(self._found, "method", None) or "explicit"


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


class _SharedSources:
    """The sources of this process, by identity, as long as their clients hold them."""

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
    """Where a client's credentials come from; `profile_name` is the argument, not the environment's.

    Raises PartialCredentialsError for half a pair, in the arguments or in the environment, and
    InvalidConfigError for `credentials` of another kind.
    """
    if credentials is not None:
        return ChainCredentials(_given(credentials))
    if access_key is not None or secret_key is not None or token is not None:
        return StaticCredentials(_explicit(access_key, secret_key, token), "explicit")
    # A profile named by argument wins over the environment's keys, one named there does not.
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


def _expiring(environ: Mapping[str, str]) -> ChainCredentials:
    from botocore.credentials import EnvProvider

    # Now, since they are what is meant; botocore looks there again when they expire.
    try:
        found = EnvProvider(environ).load()
    except ValueError:
        pass
    else:
        return ChainCredentials(lambda: found, is_chain=True)
    raise CredentialRetrievalError(provider="env", error_msg="AWS_CREDENTIAL_EXPIRATION is not a time")


def _environment(environ: Mapping[str, str]) -> CredentialSource:
    """The keys of an environment that has AWS_ACCESS_KEY_ID."""
    if not environ.get("AWS_SECRET_ACCESS_KEY"):
        raise PartialCredentialsError(provider="env", cred_var="AWS_SECRET_ACCESS_KEY")
    if environ.get("AWS_CREDENTIAL_EXPIRATION"):
        return _expiring(environ)
    # AWS_SECURITY_TOKEN is its old name, which botocore too looks for first.
    token = environ.get("AWS_SECURITY_TOKEN") or environ.get("AWS_SESSION_TOKEN") or None
    return StaticCredentials(
        FrozenCredentials(environ["AWS_ACCESS_KEY_ID"], environ["AWS_SECRET_ACCESS_KEY"], token), "env"
    )
