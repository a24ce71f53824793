"""Base class of the sync and async clients: arguments, `meta`, `exceptions`."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from types import CodeType
from typing import TYPE_CHECKING, Any, ClassVar, Generic, NamedTuple, NoReturn, TypedDict, TypeVar

from .. import exceptions as errors
from .._protocol.call import CallFlow
from .._protocol.request import METHOD_NAME
from .._protocol.response import MODELED_ERRORS
from .._settings import credentials as credential_sources
from .._settings import resolve as settings
from .._settings.config import Config, invalid_setting
from .._settings.endpoint import partition_of
from .._settings.resolve import masked
from .._typing import LazyModule
from . import http

if TYPE_CHECKING:
    from .._settings import arguments
else:
    arguments = LazyModule(".._settings.arguments", __package__)

TransportT = TypeVar("TransportT")

# Seconds. A throttled request goes again every other second at least, so one that is still refused after this
# time shares its quota with something that uses it up.
THROTTLING_TIMEOUT = 300.0


class ClientOptions(TypedDict, total=False):
    """The keyword arguments of a client, except `region_name` and `transport`."""

    profile_name: str | None
    endpoint_url: str | None
    use_ssl: bool
    verify: bool | str | os.PathLike[str] | None
    aws_access_key_id: str | None
    aws_secret_access_key: str | None
    aws_session_token: str | None
    credentials: arguments.CredentialsArgument | None
    config: arguments.ConfigArgument | None


class ClientMeta(NamedTuple):
    """The resolved settings of a client."""

    region_name: str
    """Such as "us-east-1"."""
    endpoint_url: str
    """The endpoint URL, including its base path."""
    partition: str
    """Such as "aws" or "aws-cn"."""
    config: Config
    """The given config, as this library's `Config`."""


class Exceptions:
    """The exceptions of the operation, as in boto3's `client.exceptions`."""

    ClientError = errors.ClientError
    InvalidParameterValueException = errors.InvalidParameterValueException
    ResourceNotFoundException = errors.ResourceNotFoundException
    ServiceException = errors.ServiceException
    TooManyRequestsException = errors.TooManyRequestsException

    def from_code(self, code: str) -> type[errors.ClientError]:
        """The class for an error code; ClientError for an unknown code."""
        return MODELED_ERRORS.get(code, (errors.ClientError, ()))[0]

    def __getattr__(self, name: str) -> NoReturn:
        raise AttributeError(
            f"{self!r} object has no attribute {name}. "
            f"Valid exceptions are: ClientError, {', '.join(MODELED_ERRORS)}"
        )


class ClientBase(Generic[TransportT]):
    """Base class of the sync and async clients: everything except sending and waiting."""

    _make_transport: Callable[..., TransportT]
    _send: Callable[..., Any]
    _send_method: ClassVar[str]
    _environ: ClassVar[Mapping[str, str] | None] = None
    """Replaces `os.environ`, for the command's --local."""

    def __init__(
        self,
        region_name: str | None = None,
        *,
        profile_name: str | None = None,
        endpoint_url: str | None = None,
        use_ssl: bool = True,
        verify: bool | str | os.PathLike[str] | None = None,
        aws_access_key_id: str | None = None,
        aws_secret_access_key: str | None = None,
        aws_session_token: str | None = None,
        credentials: arguments.CredentialsArgument | None = None,
        config: arguments.ConfigArgument | None = None,
        transport: TransportT | None = None,
    ) -> None:
        environ = os.environ if self._environ is None else self._environ
        self._settings = settings.resolve(
            region_name=region_name,
            profile_name=profile_name,
            endpoint_url=endpoint_url,
            use_ssl=use_ssl,
            verify=verify,
            config=config,
            environ=environ,
        )
        self._call_flow = CallFlow(self._settings)
        self._credentials = credential_sources.resolve_credentials(
            access_key=aws_access_key_id,
            secret_key=aws_secret_access_key,
            token=aws_session_token,
            credentials=credentials,
            profile_name=profile_name,
            region=self._settings.region,
            environ=environ,
        )
        if transport is not None and not hasattr(transport, self._send_method):
            raise invalid_setting(
                "transport", type(transport).__name__, f"an httpx transport with {self._send_method}()"
            )
        # The user closes a transport that the user passed: other clients may share it.
        self._owns_transport = transport is None
        self._transport = (
            self._make_transport(**http.transport_options(self._settings)) if transport is None else transport
        )
        # For error messages, so the password is masked.
        proxy = self._settings.proxy if self._owns_transport else None
        self._proxy = masked(proxy) if proxy else None
        self.exceptions: Exceptions = Exceptions()
        """The exceptions of the operation, as in boto3: `except client.exceptions.ClientError`."""

    @property
    def meta(self) -> ClientMeta:
        """The resolved `region_name`, `endpoint_url`, `partition` and `config`."""
        resolved = self._settings
        return ClientMeta(
            resolved.region, resolved.endpoint.url, partition_of(resolved.region).name, resolved.config
        )

    @property
    def _frames_to_keep(self) -> CodeType | None:
        # Exceptions of a user's transport keep the transport's frames, so that the user can find the mistake.
        return None if self._owns_transport else type(self)._send.__code__

    def __reduce__(self) -> NoReturn:
        """Raises TypeError: connections and locks cannot be sent to another process."""
        raise TypeError(f"{type(self).__name__} cannot be pickled: make a client in each process")

    def can_paginate(self, operation_name: str) -> bool:
        """Whether `get_paginator()` has a paginator for an operation of this name."""
        return operation_name == METHOD_NAME

    def _check_pageable(self, operation_name: str) -> None:
        if not self.can_paginate(operation_name):
            raise errors.OperationNotPageableError(operation_name=operation_name)

    def __repr__(self) -> str:
        # A traceback may show a client whose constructor failed and which has no settings.
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
