"""What a client is besides sending: its arguments, `meta`, `exceptions`, and what there is to call."""

from __future__ import annotations

import inspect
import logging
import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any, ClassVar, Generic, NoReturn, TypedDict, TypeVar

from .. import exceptions as errors
from .._fork import importing
from .._protocol.call import Caller
from .._protocol.request import METHOD_NAME
from .._protocol.response import MODELED_ERRORS
from .._settings import credentials as credential_sources
from .._settings import resolve as settings
from .._settings.config import Config, invalid
from .._settings.endpoint import partition_of
from . import http

if TYPE_CHECKING:
    from typing_extensions import Self

    from .._settings.config import ConfigArgument
    from .._settings.credentials import CredentialsArgument

logger: logging.Logger = logging.getLogger(__name__)

TransportT = TypeVar("TransportT")


class ClientOptions(TypedDict, total=False):
    """The keyword arguments that a client takes besides `region_name` and `transport`."""

    profile_name: str | None
    endpoint_url: str | None
    use_ssl: bool
    verify: bool | str | None
    aws_access_key_id: str | None
    aws_secret_access_key: str | None
    aws_session_token: str | None
    credentials: CredentialsArgument | None
    config: ConfigArgument | None


@dataclass(frozen=True, slots=True)
class ClientMeta:
    """What a client was made with, resolved."""

    region_name: str
    """Such as "us-east-1"."""
    endpoint_url: str
    """Where requests go, with the base path if it has one."""
    partition: str
    """Such as "aws" or "aws-cn"."""
    config: Config
    """As it was given, in this library's class."""


class Exceptions:
    """The operation's exceptions, as `client.exceptions` of boto3 has them."""

    ClientError = errors.ClientError
    InvalidParameterValueException = errors.InvalidParameterValueException
    ResourceNotFoundException = errors.ResourceNotFoundException
    ServiceException = errors.ServiceException
    TooManyRequestsException = errors.TooManyRequestsException

    def from_code(self, code: str) -> type[errors.ClientError]:
        """The class for an error code; ClientError for one the operation does not know."""
        return MODELED_ERRORS.get(code, (errors.ClientError, ()))[0]

    def __getattr__(self, name: str) -> NoReturn:
        raise AttributeError(
            f"{self!r} object has no attribute {name}. "
            f"Valid exceptions are: ClientError, {', '.join(MODELED_ERRORS)}"
        )


class ClientBase(Generic[TransportT]):
    """All of a client that neither sends nor waits."""

    _make_transport: Callable[..., TransportT]
    _send_method: ClassVar[str]
    _unpickle: ClassVar[Callable[..., Any]]

    def __init__(
        self,
        region_name: str | None = None,
        *,
        profile_name: str | None = None,
        endpoint_url: str | None = None,
        use_ssl: bool = True,
        verify: bool | str | None = None,
        aws_access_key_id: str | None = None,
        aws_secret_access_key: str | None = None,
        aws_session_token: str | None = None,
        credentials: CredentialsArgument | None = None,
        config: ConfigArgument | None = None,
        transport: TransportT | None = None,
    ) -> None:
        self._settings = settings.resolve(
            region_name=region_name,
            profile_name=profile_name,
            endpoint_url=endpoint_url,
            use_ssl=use_ssl,
            verify=verify,
            config=config,
            environ=os.environ,
        )
        self._caller = Caller(self._settings)
        self._credentials = credential_sources.source(
            access_key=aws_access_key_id,
            secret_key=aws_secret_access_key,
            token=aws_session_token,
            credentials=credentials,
            profile_name=profile_name,
            region=self._settings.region,
            environ=os.environ,
        )
        if transport is not None and not hasattr(transport, self._send_method):
            raise invalid(
                "transport", type(transport).__name__, f"an httpx transport with {self._send_method}()"
            )
        # A transport that was handed over may serve others too: it is closed by whoever made it.
        self._owns_transport = transport is None
        self._transport = (
            self._make_transport(**http.options(self._settings)) if transport is None else transport
        )
        self._proxy = self._settings.proxy if self._owns_transport else None
        self.exceptions: Exceptions = Exceptions()
        """The operation's exceptions, as with boto3: `except client.exceptions.ClientError`."""
        resolved = self._settings
        # A function, and not its result, so that no repr shows the keys.
        self._pickled_arguments = cache(
            lambda: _pickle_arguments(
                # The same region and endpoint there, whatever the environment is there.
                region_name=resolved.region,
                endpoint_url=resolved.endpoint.url,
                profile_name=profile_name,
                use_ssl=use_ssl,
                verify=verify,
                aws_access_key_id=aws_access_key_id,
                aws_secret_access_key=aws_secret_access_key,
                aws_session_token=aws_session_token,
                credentials=credentials,
                config=config,
                transport=transport,
            )
        )

    @property
    def meta(self) -> ClientMeta:
        """`region_name`, `endpoint_url`, `partition` and `config`, resolved."""
        resolved = self._settings
        return ClientMeta(
            resolved.region, resolved.endpoint.url, partition_of(resolved.region).name, resolved.config
        )

    def __reduce__(self) -> tuple[Callable[..., Self], tuple[type[Self], bytes]]:
        """What a client of another process is made from: the arguments, which may hold credentials.

        Raises TypeError for one of a class whose own `__init__()` may take others.
        """
        if inspect.unwrap(type(self).__init__) is not ClientBase.__init__:
            kind = type(self).__name__
            raise TypeError(f"{kind} has an __init__() of its own: to be pickled it needs a __reduce__() too")
        try:
            return self._unpickle, (type(self), self._pickled_arguments())
        except BaseException as error:
            failed = errors.without_frames(error)
        raise failed

    def can_paginate(self, operation_name: str) -> bool:
        """Whether `get_paginator()` has a paginator for an operation of this name."""
        return operation_name == METHOD_NAME

    def _check_pageable(self, operation_name: str) -> None:
        if not self.can_paginate(operation_name):
            raise errors.OperationNotPageableError(operation_name=operation_name)

    def __repr__(self) -> str:
        # One that could not be made has none, and is in the traceback.
        settings: Any = vars(self).get("_settings")
        if settings is None:
            return f"<{type(self).__name__}>"
        return f"<{type(self).__name__} of {settings.endpoint.url} in {settings.region}>"

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            raise AttributeError(
                f"{type(self).__name__!r} object has no attribute {name!r}; "
                f"its only operation is {METHOD_NAME!r}"
            )


def _pickle_arguments(**arguments: object) -> bytes:
    import pickle  # here, as below: few clients are sent to other processes, and it takes a while

    if arguments["aws_access_key_id"] or arguments["credentials"]:
        logger.warning("the client's credentials are pickled with it: they were given as arguments")
    for name, value in arguments.items():
        try:
            pickle.dumps(value)
        except Exception:  # pickle's own, or whatever the object raises
            allowed = "one that can be pickled, to be used in other processes"
            raise invalid(name, type(value).__name__, allowed) from None
    return pickle.dumps(arguments)


def shared(client_class: Callable[..., Any], arguments: bytes) -> Any:
    """One client for all that a process is sent, with its connections and its pace."""
    try:
        with importing:  # so that its threads do not make one each
            return _made_once(client_class, arguments)
    finally:
        arguments = b""  # a traceback with locals would show the keys


def made(client_class: Callable[..., Any], arguments: bytes) -> Any:
    """A client like the one that was pickled."""
    import pickle

    try:
        return client_class(**pickle.loads(arguments))  # noqa: S301 - it is part of a pickle itself
    except BaseException as error:
        failed = errors.without_frames(error)
    finally:
        arguments = b""
    raise failed


_made_once = lru_cache(maxsize=8)(made)
