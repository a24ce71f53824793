"""The errors, each of them botocore's class or derived from it.

An `except` written for boto3 keeps working, and the messages begin as boto3's do. "+" marks the classes that
this library adds. The others have the names of botocore's classes, and are these or derive from these. "*"
marks the classes whose message ends with a hint about what to do next (HINTS).

       ClientError                         a service returned an error: Lambda, or STS for credentials
    +*   LambdaClientError                 Lambda returned status 300 or above
    +*     ServiceException                500
    +*     ResourceNotFoundException       404
    +*     InvalidParameterValueException  400
    +*     TooManyRequestsException        429
     * ResponseParserError                 a status below 300 with a body that is not a page
    +*   ResponseTooLargeError             more than Config's max_response_size
       BotoCoreError                       everything else
         ParamValidationError              a parameter of the operation
    +      PaginationConfigError           a member of PaginationConfig; also a ValueError
    +    StartingTokenError                PaginationConfig's StartingToken; also a ValueError
         PaginationError                   the service returned the same NextMarker twice in a row
         OperationNotPageableError         get_paginator() with another name
         UnknownServiceError               client() with another service
     *   NoRegionError                     no region
         InvalidRegionError                a region that is not a host label
     *   ProfileNotFound                   a profile that is in no file
     *   ConfigParseError                  a config file that cannot be parsed
         InvalidConfigError                any other setting; also a ValueError
    +      InvalidEndpointError            an endpoint URL
         InvalidRetryConfigurationError    Config's retries
           InvalidRetryModeError
           InvalidMaxRetryAttemptsError
         InvalidDefaultsMode               Config's defaults_mode
         UnsupportedSignatureVersionError  Config's signature_version
     *   NoCredentialsError                no credentials
         PartialCredentialsError           the access key id or the secret access key is missing
     *   CredentialRetrievalError          a credential provider failed
         SSOError
     *     SSOTokenLoadError               nobody has logged in to the SSO session
     *   TokenRetrievalError               the token of the SSO session has expired
         MetadataRetrievalError
         MissingDependencyException
         RefreshWithMFAUnsupportedError
         HTTPClientError                   the connection failed during the exchange, after retries
     *     ConnectionClosedError
     *     ReadTimeoutError
         ConnectionError                   there was no connection, after retries
     *     EndpointConnectionError
     *     ConnectTimeoutError
     *     ProxyConnectionError
     *     SSLError
"""

from __future__ import annotations

from typing import Any, cast

from botocore import exceptions as _botocore
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectionError,  # noqa: A004 - botocore's name for it
    HTTPClientError,
    InvalidDefaultsMode,
    InvalidMaxRetryAttemptsError,
    InvalidRegionError,
    InvalidRetryConfigurationError,
    InvalidRetryModeError,
    MetadataRetrievalError,
    MissingDependencyException,
    PaginationError,
    ParamValidationError,
    PartialCredentialsError,
    RefreshWithMFAUnsupportedError,
    SSOError,
    UnknownServiceError,
    UnsupportedSignatureVersionError,
)
from botocore.exceptions import ClientError as BotocoreClientError
from botocore.exceptions import ConfigParseError as BotocoreConfigParseError
from botocore.exceptions import InvalidConfigError as BotocoreInvalidConfigError
from botocore.parsers import ResponseParserError as _ResponseParserError

UNKNOWN_HOST = "unknown host"
NOT_HTTP = "the response is not HTTP"
TOO_MANY_FILES = "too many open files"
PROXY_AUTHENTICATION = "the proxy requires authentication"
PROXY_DENIED = "the proxy refused to connect"
STRICT_TLS = "the certificate failed Python's strict checks"
NOT_LAMBDA = "the response is not from Lambda"

_ENDPOINT = "the endpoint URL (endpoint_url, --endpoint-url, AWS_ENDPOINT_URL_LAMBDA, AWS_ENDPOINT_URL)"
_NOT_FROM_LAMBDA = (
    f"The response did not come from Lambda. Check {_ENDPOINT} and anything in between, such as a proxy or a "
    "captive portal."
)
_DENIED = (
    "Grant lambda:ListFunctionEventInvokeConfigs on this function in an IAM policy, or use another identity "
    "(profile_name, --profile, AWS_PROFILE)."
)
_EXPIRED = (
    "The temporary credentials have expired. Obtain new ones (for example, aws sso login) and set all three "
    "values, including AWS_SESSION_TOKEN."
)
_UNKNOWN_KEY = (
    "Check the access key id (AWS_ACCESS_KEY_ID). Temporary credentials also need AWS_SESSION_TOKEN, and "
    "credentials are valid in one partition only (aws, aws-cn, aws-us-gov)."
)
_WRONG_SIGNATURE = (
    "Check the secret access key (AWS_SECRET_ACCESS_KEY), the clock of this machine, and that the region "
    "(region_name, --region) matches the endpoint."
)

_ROLE = (
    "Check the role's settings in the profile (role_arn, source_profile, credential_source, mfa_serial) and "
    "the connection to STS."
)
_SSO_LOGIN = "Log in again with the same profile: aws sso login."
_PROXY_USER_INFO = (
    "Put the proxy's user name and password into its URL (http://user:password@host:port) and percent-encode "
    "special characters."
)

HINTS = {
    "407": _PROXY_USER_INFO,
    "AccessDenied": _DENIED,
    "AccessDeniedException": _DENIED,
    "ConfigParseError": (
        "Correct the file, or set another path (AWS_CONFIG_FILE, AWS_SHARED_CREDENTIALS_FILE)."
    ),
    "ConnectTimeoutError": (
        "Check the network: a firewall, a required proxy (HTTPS_PROXY), or a VPC with neither a NAT gateway "
        "nor an endpoint for Lambda."
    ),
    "EndpointConnectionError": f"Check {_ENDPOINT} and the network.",
    "ExpiredToken": _EXPIRED,
    "ExpiredTokenException": _EXPIRED,
    "InvalidClientTokenId": _UNKNOWN_KEY,
    "InvalidSignatureException": _WRONG_SIGNATURE,
    "NoCredentialsError": (
        "Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or select a profile with credentials "
        "(profile_name, --profile, AWS_PROFILE). Without an AWS account, try LocalLambda (--local)."
    ),
    "NoRegionError": (
        "Pass region_name (--region), set AWS_DEFAULT_REGION, or add a line such as region = us-east-1 to "
        "the profile in ~/.aws/config."
    ),
    "ProfileNotFound": (
        "Check the profile name (profile_name, --profile, AWS_PROFILE). It must be a section [profile NAME] "
        "in ~/.aws/config or [NAME] in ~/.aws/credentials."
    ),
    "ProxyConnectionError": (
        "Check the proxy (HTTPS_PROXY, HTTP_PROXY, Config's proxies), or bypass it (NO_PROXY)."
    ),
    "ResourceNotFoundException": (
        "Check the function name and the region (region_name, --region), and that the credentials belong to "
        "the function's account (profile_name, --profile)."
    ),
    "ResponseParserError": _NOT_FROM_LAMBDA,
    "SSLError": (
        "If the endpoint or the proxy uses a private certificate authority, pass the file with its "
        "certificate (verify, --ca-bundle, AWS_CA_BUNDLE). If it does not use TLS, its URL must start with "
        "http://."
    ),
    "SignatureDoesNotMatch": _WRONG_SIGNATURE,
    "UnknownOperationException": _NOT_FROM_LAMBDA,
    "UnrecognizedClientException": _UNKNOWN_KEY,
    # The names of botocore's credential providers.
    "assume-role": _ROLE,
    "assume-role-with-web-identity": (
        "Check web_identity_token_file and role_arn (AWS_WEB_IDENTITY_TOKEN_FILE, AWS_ROLE_ARN) and the "
        "connection to STS."
    ),
    "container-role": (
        "Check AWS_CONTAINER_CREDENTIALS_FULL_URI or AWS_CONTAINER_CREDENTIALS_RELATIVE_URI and, if set, "
        "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE."
    ),
    "custom-process": (
        "Run the profile's credential_process by hand. It must print JSON with Version 1, AccessKeyId, "
        "SecretAccessKey and, for temporary credentials, an Expiration in the future."
    ),
    "iam-role": "Check the instance's role and its metadata service (AWS_EC2_METADATA_SERVICE_ENDPOINT).",
    "login": "Log in again with the same profile: aws login.",
    "sso": _SSO_LOGIN,
    NOT_HTTP: f"The response is not HTTP. Check {_ENDPOINT}: the scheme (http:// or https://) and the port.",
    NOT_LAMBDA: _NOT_FROM_LAMBDA,
    PROXY_AUTHENTICATION: _PROXY_USER_INFO,
    PROXY_DENIED: (
        "The proxy refused to connect to this host. Allow the host in the proxy, or bypass the proxy "
        "(NO_PROXY)."
    ),
    STRICT_TLS: (
        "Since version 3.13, Python rejects certificate authorities that do not conform to RFC 5280. To "
        "accept this one, pass a file with its certificate (verify, --ca-bundle, AWS_CA_BUNDLE)."
    ),
    TOO_MANY_FILES: (
        "Raise the limit of open files (ulimit -n), or close unused clients: each opens up to "
        "max_pool_connections sockets."
    ),
    UNKNOWN_HOST: (
        "The host name could not be resolved. Check the region (region_name, --region) or the endpoint URL "
        "for a typing error, and the network. If a proxy is required, set HTTPS_PROXY."
    ),
}


_STATUSES_OF_REFUSALS = frozenset(map(str, range(300, 500)))

__all__ = [
    "BotoCoreError",
    "BotocoreClientError",
    "BotocoreConfigParseError",
    "BotocoreInvalidConfigError",
    "ClientError",
    "ConfigParseError",
    "ConnectTimeoutError",
    "ConnectionClosedError",
    "ConnectionError",
    "CredentialRetrievalError",
    "EndpointConnectionError",
    "HTTPClientError",
    "InvalidConfigError",
    "InvalidDefaultsMode",
    "InvalidEndpointError",
    "InvalidMaxRetryAttemptsError",
    "InvalidParameterValueException",
    "InvalidRegionError",
    "InvalidRetryConfigurationError",
    "InvalidRetryModeError",
    "LambdaClientError",
    "MetadataRetrievalError",
    "MissingDependencyException",
    "NoCredentialsError",
    "NoRegionError",
    "OperationNotPageableError",
    "PaginationConfigError",
    "PaginationError",
    "ParamValidationError",
    "PartialCredentialsError",
    "ProfileNotFound",
    "ProxyConnectionError",
    "ReadTimeoutError",
    "RefreshWithMFAUnsupportedError",
    "ResourceNotFoundException",
    "ResponseParserError",
    "ResponseTooLargeError",
    "SSLError",
    "SSOError",
    "SSOTokenLoadError",
    "ServiceException",
    "StartingTokenError",
    "TokenRetrievalError",
    "TooManyRequestsException",
    "UnknownServiceError",
    "UnsupportedSignatureVersionError",
]


class _WithHint(Exception):
    """An error whose message ends with a hint about what to do next.

    Only str() contains the hint: `args`, `fmt` and `response` are as in boto3.
    """

    def _reason(self) -> str | None:
        return None

    def _hint_key(self) -> str:
        # A failure of a credential provider needs the hint for that provider, not for the error class.
        provider = getattr(self, "kwargs", {}).get("provider")
        return provider if provider in HINTS else type(self).__name__

    def __str__(self) -> str:
        said = [super().__str__().rstrip(), self._reason(), HINTS.get(self._hint_key())]
        *first, last = [text for text in said if text] or [""]
        # boto3's message ends with a colon if the service's error has no message.
        first = [text if text.endswith(":") else f"{text.removesuffix('.')}." for text in first]
        return " ".join([*first, last])


class _NetworkError(_WithHint):
    """A request without a response. boto3's message names the peer; this class adds the reason.

    `kwargs` holds `reason`, the message of the operating system or of the peer, and `hint`, a key of HINTS.
    """

    def _reason(self) -> str | None:
        reason: str | None = cast("Any", self).kwargs.get("reason")
        return reason

    def _hint_key(self) -> str:
        hint: str | None = cast("Any", self).kwargs.get("hint")
        return hint or super()._hint_key()


class LambdaClientError(_WithHint, ClientError):
    """The Lambda service returned an error.

    `ClientError` is botocore's class. `except ClientError` and `except client.exceptions.ClientError`
    therefore also catch errors from STS and SSO, as with boto3.

    `response` holds `Error` (`Code`, `Message`), `ResponseMetadata` and the modeled members of the
    error, as in boto3; `operation_name` is "ListFunctionEventInvokeConfigs".
    """

    def _hint_key(self) -> str:
        code = str(self.response.get("Error", {}).get("Code"))
        # The status replaces a missing code. Lambda sends a code with every error of a client (3xx, 4xx).
        return NOT_LAMBDA if code in _STATUSES_OF_REFUSALS and code not in HINTS else code

    def __reduce__(self) -> tuple[type[LambdaClientError], tuple[object, str]]:
        # boto3 creates its classes at run time, so its errors unpickle as a plain ClientError.
        return type(self), (self.response, self.operation_name)


# boto3's name for an error whose code is not in the model, for reprs and code that compares names.
# Pickles and tracebacks use the qualified name.
LambdaClientError.__name__ = "ClientError"


class ServiceException(LambdaClientError):
    """The Lambda service encountered an internal error (500)."""


class ResourceNotFoundException(LambdaClientError):
    """The function does not exist (404)."""


class InvalidParameterValueException(LambdaClientError):
    """One of the parameters in the request is not valid (400)."""


class TooManyRequestsException(LambdaClientError):
    """The request throughput limit was exceeded (429).

    `response` may hold `retryAfterSeconds` (a string: the Retry-After header), `Reason` and `Type`.
    """


class ResponseParserError(_WithHint, _ResponseParserError):
    """A response with status 200 that is not a page: not JSON, or the wrong shape. The message says where."""


class ResponseTooLargeError(ResponseParserError):
    """A response larger than `Config`'s `max_response_size`; the client did not read the rest."""


class NoRegionError(_WithHint, _botocore.NoRegionError):
    """No region was found in the arguments, the environment or the profile."""


class NoCredentialsError(_WithHint, _botocore.NoCredentialsError):
    """No credentials were found in the arguments, the environment or botocore's provider chain."""


class CredentialRetrievalError(_WithHint, _botocore.CredentialRetrievalError):
    """A credential provider failed. The message names the provider and the reason."""


class SSOTokenLoadError(_WithHint, _botocore.SSOTokenLoadError):
    """There is no token for the SSO session, because nobody has logged in."""


class TokenRetrievalError(_WithHint, _botocore.TokenRetrievalError):
    """The token of an SSO session has expired and could not be refreshed."""


class ConfigParseError(_WithHint, BotocoreConfigParseError):
    """A shared config file could not be parsed. The message gives the kind of error and the line number."""

    fmt = "Unable to parse config file: {path} ({error})"


class ProfileNotFound(_WithHint, _botocore.ProfileNotFound):
    """The selected profile is not in the shared config files."""


class EndpointConnectionError(_NetworkError, _botocore.EndpointConnectionError):
    """No connection to the endpoint."""


class ConnectTimeoutError(_NetworkError, _botocore.ConnectTimeoutError):
    """No connection to the endpoint within `connect_timeout`."""


class ReadTimeoutError(_NetworkError, _botocore.ReadTimeoutError):
    """No data arrived within `read_timeout`, or the request exceeded both timeouts added together."""


class ConnectionClosedError(_NetworkError, _botocore.ConnectionClosedError):
    """The connection was closed before the response was complete, or the response is not HTTP."""


class ProxyConnectionError(_NetworkError, _botocore.ProxyConnectionError):
    """The proxy could not be reached, or it refused to connect to the endpoint."""


class SSLError(_NetworkError, _botocore.SSLError):
    """The TLS handshake with the endpoint or the proxy failed, usually because of its certificate."""


def with_hint(error: BotoCoreError) -> BotoCoreError:
    """Convert an error of botocore's to the class of the same name in this module, which has a hint."""
    ours = globals().get(type(error).__name__)
    if isinstance(ours, type) and issubclass(ours, _WithHint) and type(error) in ours.__bases__:
        return cast("BotoCoreError", ours(**cast("Any", error).kwargs))
    return error


class PaginationConfigError(ParamValidationError, ValueError):
    """A member of `PaginationConfig` is invalid."""


class StartingTokenError(BotoCoreError, ValueError):
    """A `StartingToken` that was not created by this library, by boto3 or by the service."""

    fmt = (
        "Bad starting token: {token}. PaginationConfig's StartingToken must be a NextToken or "
        "resume_token of an earlier pagination, or a marker of the service"
    )


class OperationNotPageableError(_botocore.OperationNotPageableError):
    """`get_paginator` was called for an operation other than "list_function_event_invoke_configs"."""

    fmt = (
        "Operation cannot be paginated: {operation_name}, must be one of: list_function_event_invoke_configs"
    )


class InvalidConfigError(BotocoreInvalidConfigError, ValueError):
    """A setting is invalid. The message names the setting and the allowed values."""


class InvalidEndpointError(InvalidConfigError):
    """An endpoint URL is invalid."""

    fmt = "Invalid endpoint: {endpoint_url}. {source} must be {allowed}"
