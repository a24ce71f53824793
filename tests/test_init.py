"""The package's own names: the whole public surface as text, and how its modules depend on each other."""

from __future__ import annotations

import ast
import inspect
import typing
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path
from types import ModuleType
from typing import Any

import botocore.config
import botocore.credentials
import jmespath.parser
import processes
import pytest

import lambda_event_invoke_configs as eic
from lambda_event_invoke_configs import exceptions, types
from lambda_event_invoke_configs._client.base import ClientMeta, Exceptions

PACKAGE = Path(eic.__file__).parent
WIDTH = 100  # characters of a signature on one line
PROTOCOLS = ("__enter__", "__exit__", "__iter__", "__next__")
PROTOCOLS += tuple(name.replace("__", "__a", 1) for name in PROTOCOLS)

# A change here is a change for users: docs/reference.md and docs/changelog.md have to tell it.
SURFACE = """\
class AsyncClient(
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
) -> None
    async __aenter__(self) -> Self
    async __aexit__(self, *_: object) -> None
    async aclose(self) -> None
    can_paginate(self, operation_name: str) -> bool
    get_paginator(self, operation_name: str) -> AsyncPaginator
    async list_for_function(
        self,
        function_name: str,
        starting_token: str | None = None,
        *,
        throttling_timeout: float | None = 300.0,
    ) -> FunctionOutcome
    list_for_functions(
        self,
        names: Iterable[str] | AsyncIterable[str],
        *,
        max_concurrency: int = 10,
        throttling_timeout: float | None = 300.0,
    ) -> AbstractAsyncContextManager[AsyncIterator[FunctionOutcome]]
    async list_function_event_invoke_configs(
        self,
        **params: Unpack[types.ListRequest],
    ) -> types.ListFunctionEventInvokeConfigsResponse
    meta: ClientMeta

class AsyncItems(pages: PagesT) -> None
    __aiter__(self) -> AsyncIterator[types.FunctionEventInvokeConfig]

class AsyncPageIterator(list_page: ListT, planned: PaginationPlan) -> None
    __aiter__(self) -> AsyncIterator[types.ListFunctionEventInvokeConfigsResponse]
    async build_full_result(self) -> types.FullResult
    items(self) -> AsyncItems
    non_aggregate_part: dict[str, object]
    result_key_iters(self) -> list[AsyncItems]
    result_keys: list[jmespath_parser.ParsedResult]
    resume_token: str | None
    search(self, expression: str) -> AsyncIterator[Any]

class AsyncPaginator(list_page: ListT, *, parameter_validation: bool) -> None
    paginate(self, **params: Unpack[types.PaginateRequest]) -> PagesT

class Client(
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
) -> None
    __enter__(self) -> Self
    __exit__(self, *_: object) -> None
    can_paginate(self, operation_name: str) -> bool
    close(self) -> None
    get_paginator(self, operation_name: str) -> Paginator
    list_for_function(
        self,
        function_name: str,
        starting_token: str | None = None,
        *,
        throttling_timeout: float | None = 300.0,
    ) -> outcome.FunctionOutcome
    list_for_functions(
        self,
        names: Iterable[str],
        *,
        max_concurrency: int = 10,
        throttling_timeout: float | None = 300.0,
    ) -> Generator[outcome.FunctionOutcome, None, None]
    list_function_event_invoke_configs(
        self,
        **params: Unpack[types.ListRequest],
    ) -> types.ListFunctionEventInvokeConfigsResponse
    meta: ClientMeta

class Config(
    region_name: str | None = None,
    signature_version: object = None,
    user_agent_extra: str | None = None,
    user_agent_appid: str | None = None,
    connect_timeout: float | None = 60.0,
    read_timeout: float | None = 60,
    parameter_validation: bool = True,
    max_pool_connections: int = 10,
    proxies: Mapping[str, str] | None = None,
    retries: Mapping[str, int | str] | None = None,
    client_cert: str | os.PathLike[str] | tuple[str, str] | None = None,
    use_dualstack_endpoint: bool | None = None,
    use_fips_endpoint: bool | None = None,
    ignore_configured_endpoint_urls: bool | None = None,
    tcp_keepalive: bool | None = None,
    defaults_mode: str | None = None,
    max_response_size: int = 1048576,
) -> None
    client_cert: str | os.PathLike[str] | tuple[str, str] | None
    connect_timeout: float | None
    defaults_mode: str | None
    ignore_configured_endpoint_urls: bool | None
    max_pool_connections: int
    max_response_size: int
    classmethod of(config: object) -> Config
    parameter_validation: bool
    proxies: Mapping[str, str] | None
    read_timeout: float | None
    region_name: str | None
    retries: Mapping[str, int | str] | None
    signature_version: object
    tcp_keepalive: bool | None
    use_dualstack_endpoint: bool | None
    use_fips_endpoint: bool | None
    user_agent_appid: str | None
    user_agent_extra: str | None

class FunctionOutcome(
    function_name: str,
    configurations: list[types.FunctionEventInvokeConfig],
    error: Exception | None = None,
    resume_token: str | None = None,
) -> None
    configurations: list[types.FunctionEventInvokeConfig]
    error: Exception | None
    function_name: str
    resume_token: str | None

class Items(pages: PagesT) -> None
    __iter__(self) -> Iterator[types.FunctionEventInvokeConfig]

class LocalLambda(
    functions: Mapping[str, Configurations],
    *,
    region_name: str = us-east-1,
    account_id: str = 123456789012,
) -> None
    __enter__(self) -> Self
    __exit__(self, *_: object) -> None
    access_key = 'AKIDLOCAL'
    client_options: LocalClientOptions
    endpoint_url: str
    secret_key = 'local-secret-key'

class PageIterator(list_page: ListT, planned: PaginationPlan) -> None
    __iter__(self) -> Iterator[types.ListFunctionEventInvokeConfigsResponse]
    build_full_result(self) -> types.FullResult
    items(self) -> Items
    non_aggregate_part: dict[str, object]
    result_key_iters(self) -> list[Items]
    result_keys: list[jmespath_parser.ParsedResult]
    resume_token: str | None
    search(self, expression: str) -> Iterator[Any]

class Paginator(list_page: ListT, *, parameter_validation: bool) -> None
    paginate(self, **params: Unpack[types.PaginateRequest]) -> PagesT

__version__: str

client(service_name: str, region_name: str | None = None, **options: Unpack[Options]) -> Client

exceptions
    BotoCoreError = botocore.exceptions.BotoCoreError
    BotocoreClientError = botocore.exceptions.ClientError
    BotocoreConfigParseError = botocore.exceptions.ConfigParseError
    BotocoreInvalidConfigError = botocore.exceptions.InvalidConfigError
    ClientError = botocore.exceptions.ClientError
    class ConfigParseError(botocore.exceptions.ConfigParseError)
    class ConnectTimeoutError(botocore.exceptions.ConnectTimeoutError)
    class ConnectionClosedError(botocore.exceptions.ConnectionClosedError)
    ConnectionError = botocore.exceptions.ConnectionError
    class CredentialRetrievalError(botocore.exceptions.CredentialRetrievalError)
    class EndpointConnectionError(botocore.exceptions.EndpointConnectionError)
    HTTPClientError = botocore.exceptions.HTTPClientError
    class InvalidConfigError(botocore.exceptions.InvalidConfigError, ValueError)
    InvalidDefaultsMode = botocore.exceptions.InvalidDefaultsMode
    class InvalidEndpointError(InvalidConfigError)
    InvalidMaxRetryAttemptsError = botocore.exceptions.InvalidMaxRetryAttemptsError
    class InvalidParameterValueException(ClientError)
    InvalidRegionError = botocore.exceptions.InvalidRegionError
    InvalidRetryConfigurationError = botocore.exceptions.InvalidRetryConfigurationError
    InvalidRetryModeError = botocore.exceptions.InvalidRetryModeError
    class LambdaClientError(botocore.exceptions.ClientError)
    MetadataRetrievalError = botocore.exceptions.MetadataRetrievalError
    MissingDependencyException = botocore.exceptions.MissingDependencyException
    class NoCredentialsError(botocore.exceptions.NoCredentialsError)
    class NoRegionError(botocore.exceptions.NoRegionError)
    class OperationNotPageableError(botocore.exceptions.OperationNotPageableError)
    class PaginationConfigError(botocore.exceptions.ParamValidationError, ValueError)
    PaginationError = botocore.exceptions.PaginationError
    ParamValidationError = botocore.exceptions.ParamValidationError
    PartialCredentialsError = botocore.exceptions.PartialCredentialsError
    class ProfileNotFound(botocore.exceptions.ProfileNotFound)
    class ProxyConnectionError(botocore.exceptions.ProxyConnectionError)
    class ReadTimeoutError(botocore.exceptions.ReadTimeoutError)
    RefreshWithMFAUnsupportedError = botocore.exceptions.RefreshWithMFAUnsupportedError
    class ResourceNotFoundException(ClientError)
    class ResponseParserError(botocore.parsers.ResponseParserError)
    class ResponseTooLargeError(ResponseParserError)
    class SSLError(botocore.exceptions.SSLError)
    SSOError = botocore.exceptions.SSOError
    class SSOTokenLoadError(botocore.exceptions.SSOTokenLoadError)
    class ServiceException(ClientError)
    class StartingTokenError(botocore.exceptions.BotoCoreError, ValueError)
    class TokenRetrievalError(botocore.exceptions.TokenRetrievalError)
    class TooManyRequestsException(ClientError)
    UnknownServiceError = botocore.exceptions.UnknownServiceError
    UnsupportedSignatureVersionError = botocore.exceptions.UnsupportedSignatureVersionError

types
    class DestinationConfig
        OnFailure: OnFailure (optional)
        OnSuccess: OnSuccess (optional)
    class FullResult
        FunctionEventInvokeConfigs: list[FunctionEventInvokeConfig] (optional)
        NextToken: str (optional)
    class FunctionEventInvokeConfig
        DestinationConfig: DestinationConfig (optional)
        FunctionArn: str (optional)
        LastModified: datetime (optional)
        MaximumEventAgeInSeconds: int (optional)
        MaximumRetryAttempts: int (optional)
    class ListFunctionEventInvokeConfigsResponse
        FunctionEventInvokeConfigs: list[FunctionEventInvokeConfig]
        NextMarker: str (optional)
        ResponseMetadata: ResponseMetadata
    class ListRequest
        FunctionName: str
        Marker: str (optional)
        MaxItems: int (optional)
    class OnFailure
        Destination: str (optional)
    class OnSuccess
        Destination: str (optional)
    class PaginateRequest
        FunctionName: str
        Marker: str (optional)
        MaxItems: int (optional)
        PaginationConfig: PaginatorConfig | _Boto3PaginatorConfig | None (optional)
    class PaginatorConfig
        MaxItems: int | str | None (optional)
        PageSize: int | str | None (optional)
        StartingToken: str | None (optional)
    class ResponseMetadata
        HTTPHeaders: dict[str, str]
        HTTPStatusCode: int
        HostId: str (optional)
        RequestId: str
        RetryAttempts: int
"""


def surface() -> Iterator[str]:
    for name in eic.__all__:
        found = getattr(eic, name)
        if isinstance(found, ModuleType):
            continue
        yield ""
        if not callable(found):
            yield f"{name}: {type(found).__name__}"
        elif not isinstance(found, type):
            yield from signature(name, found)
        else:
            yield from signature(f"class {name}", found)
            for member in sorted({*dir(found)} - {*dir(object)}):
                if not member.startswith("_") or member in PROTOCOLS:
                    yield from (f"    {line}" for line in described(found, member))
    yield from ("", "exceptions")
    for name in exceptions.__all__:
        found = getattr(exceptions, name)
        if found.__module__ == exceptions.__name__:
            bases = (qualified(base) for base in found.__bases__ if not base.__name__.startswith("_"))
            yield f"    class {name}({', '.join(bases)})"
        else:
            yield f"    {name} = {qualified(found)}"
    yield from ("", "types")
    for name in types.__all__:
        found = getattr(types, name)
        yield f"    class {name}"
        for member, annotation in sorted(found.__annotations__.items()):
            text = getattr(annotation, "__forward_arg__", annotation)
            yield f"        {member}: {text}{'' if member in found.__required_keys__ else ' (optional)'}"


def qualified(found: type) -> str:
    own = found.__module__ in (exceptions.__name__, "builtins")
    return found.__name__ if own else f"{found.__module__}.{found.__name__}"


def described(found: type, member: str) -> list[str]:
    value = inspect.getattr_static(found, member)
    if isinstance(value, property):
        return [f"{member}: {typing.cast('Any', value.fget).__annotations__['return']}"]
    if isinstance(value, (classmethod, staticmethod)):
        return signature(f"{type(value).__name__} {member}", getattr(found, member))
    if inspect.isfunction(value):
        return signature(("async " if inspect.iscoroutinefunction(value) else "") + member, value)
    if inspect.ismemberdescriptor(value):
        return [f"{member}: {found.__annotations__[member]}"]
    return [f"{member} = {value!r}"]


def signature(name: str, called: Any) -> list[str]:
    found = inspect.signature(called)
    line = f"{name}{found}".replace("'", "")
    if len(line) <= WIDTH:
        return [line]
    empty = found.replace(parameters=(), return_annotation=inspect.Signature.empty)
    assert str(empty) == "()"
    text = str(found.replace(return_annotation=inspect.Signature.empty)).replace("'", "")
    returned = line.removeprefix(f"{name}{text}")
    return [f"{name}(", *(f"    {each}," for each in split(text[1:-1])), f"){returned}"]


def split(parameters: str) -> Iterator[str]:
    """At the commas that are in no brackets."""
    depth, start = 0, 0
    for at, letter in enumerate(parameters):
        depth += (letter in "[(") - (letter in ")]")
        if letter == "," and not depth:
            yield parameters[start:at].strip()
            start = at + 1
    yield parameters[start:].strip()


def test_the_public_surface_is_this() -> None:
    assert "\n".join(surface()).strip() == SURFACE.strip()


def annotated() -> Iterator[tuple[str, Any]]:
    """Every public class, function, method and property that can have annotations."""
    for home in (eic, exceptions, types):
        for name in home.__all__:
            found = getattr(home, name)
            if not getattr(found, "__module__", "").startswith(eic.__name__):
                continue
            yield name, found
            for member in dir(found) if inspect.isclass(found) else ():
                value = inspect.getattr_static(found, member)
                called = getattr(value, "fget", None) or getattr(value, "__func__", value)
                if inspect.isfunction(called) and called.__module__.startswith(eic.__name__):
                    yield f"{name}.{member}", called


ANNOTATED = {**dict(annotated()), "ClientMeta": ClientMeta, "Exceptions.from_code": Exceptions.from_code}


@pytest.mark.parametrize("name", ANNOTATED)
def test_the_type_hints_of_everything_public_can_be_evaluated(name: str) -> None:
    found = ANNOTATED[name]
    assert {*typing.get_type_hints(found)} >= {*getattr(found, "__annotations__", ())}


def test_type_hints_are_the_types_themselves() -> None:
    hints = typing.get_type_hints(eic.Client.__init__)
    assert hints["config"] == eic.Config | botocore.config.Config | None
    assert botocore.credentials.Credentials in typing.get_args(hints["credentials"])
    hints = typing.get_type_hints(eic.Client.list_function_event_invoke_configs)
    assert typing.get_args(hints["params"]) == (types.ListRequest,)
    assert hints["return"] is types.ListFunctionEventInvokeConfigsResponse
    hints = typing.get_type_hints(inspect.getattr_static(eic.PageIterator, "result_keys").fget)
    assert hints["return"] == list[jmespath.parser.ParsedResult]


def test_a_first_page_imports_what_only_annotations_name_no_earlier_than_needed() -> None:
    code = (
        "import sys, httpx, lambda_event_invoke_configs as eic\n"
        "answer = httpx.MockTransport(lambda request: httpx.Response(200, json={}))\n"
        "client = eic.Client('us-east-1', transport=answer, config=eic.Config(parameter_validation=True),"
        " aws_access_key_id='a', aws_secret_access_key='b')\n"
        "list(client.get_paginator('list_function_event_invoke_configs').paginate(FunctionName='f'))\n"
        "print([n for n in ('types', '_settings.arguments') if f'{eic.__name__}.{n}' in sys.modules],"
        " *[n for n in ('botocore.config', 'jmespath') if n in sys.modules])"
    )
    assert processes.python("-c", code).strip() == "[]"


def test_the_package_says_what_it_has_and_has_not() -> None:
    assert set(dir(eic)) >= {"Client", "Config", "LocalLambda", "client", "exceptions", "types"}
    for name in dir(eic):
        assert getattr(eic, name)
    # As it is before anything else has imported the module.
    assert eic.__getattr__("exceptions") is exceptions
    with pytest.raises(AttributeError, match="has no attribute 'resource'"):
        eic.resource  # noqa: B018 - to look it up fails


def imported_by(module: Path) -> set[str]:
    """The package's modules that one imports anywhere in its text: in functions, and for type checkers too.

    `__getattr__` of the package imports by name, which is no edge here.
    """
    package = module.relative_to(PACKAGE).parent.parts
    found: set[str] = set()
    for node in ast.walk(ast.parse(module.read_text())):
        if not isinstance(node, ast.ImportFrom) or not node.level:
            continue
        base = [*package[: len(package) - node.level + 1], *(node.module.split(".") if node.module else [])]
        for alias in node.names:
            # `from . import exceptions` names a module, `from .exceptions import ClientError` does not.
            whole = PACKAGE.joinpath(*base, alias.name)
            is_module = whole.with_suffix(".py").exists() or whole.is_dir()
            found.add(".".join([*base, alias.name] if is_module else base))
    return found


def test_no_import_goes_round_in_a_circle() -> None:
    graph = {
        ".".join(module.relative_to(PACKAGE).with_suffix("").parts).removesuffix(".__init__"): imported_by(
            module
        )
        for module in PACKAGE.rglob("*.py")
        if module != PACKAGE / "__init__.py"  # above all the others: it only hands out their names
    }
    assert sum(map(len, graph.values())) > len(graph)
    assert {name for found in graph.values() for name in found} <= {*graph}
    TopologicalSorter(graph).prepare()  # raises CycleError, with the circle
