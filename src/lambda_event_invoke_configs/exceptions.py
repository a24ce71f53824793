"""The errors, each of them botocore's class or derived from it.

An `except` written for boto3 goes on working, and the texts begin as boto3's do. "+" marks the classes
this library adds; all others have the names of botocore's, and are these or derived from these. "*"
marks those whose text ends with a hint about what to do next (HINTS).

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

UNKNOWN_HOST = "no host of this name"
NOT_HTTP = "a response that is not HTTP"
TOO_MANY_FILES = "too many open files"
PROXY_AUTHENTICATION = "the proxy wants a password"
PROXY_DENIED = "the proxy does not connect to the host"
STRICT_TLS = "a certificate that Python's strict checks refuse"
NOT_LAMBDA = "an answer that is not Lambda's"

_ENDPOINT = "the endpoint URL (endpoint_url, --endpoint-url, AWS_ENDPOINT_URL_LAMBDA, AWS_ENDPOINT_URL)"
_ANSWERS = f"What answered is not Lambda. Check {_ENDPOINT}, and what is between: proxy, login page."
_DENIED = (
    "Have lambda:ListFunctionEventInvokeConfigs on this function allowed by an IAM policy, or use another "
    "identity (profile_name, --profile, AWS_PROFILE)."
)
_EXPIRED = (
    "These temporary keys are too old. Get new ones where they came from (such as: aws sso login), and set "
    "all three, AWS_SESSION_TOKEN included."
)
_UNKNOWN_KEY = (
    "Check the access key id (AWS_ACCESS_KEY_ID). Temporary keys need AWS_SESSION_TOKEN too, and each "
    "partition has keys of its own."
)
_WRONG_SIGNATURE = (
    "Check the secret key (AWS_SECRET_ACCESS_KEY), the machine's clock, and that the region (region_name, "
    "--region) is the endpoint's."
)

_ROLE = (
    "Check the role's settings in the profile (role_arn, source_profile, credential_source, mfa_serial), and "
    "that STS can be reached."
)
_SSO_LOGIN = "Log in again: aws sso login, with the same profile."
_PROXY_USER_INFO = (
    "Put the user name and the password of the proxy into its URL (http://user:password@host:port, with "
    "special characters percent-encoded)."
)

HINTS = {
    "407": _PROXY_USER_INFO,
    "AccessDenied": _DENIED,
    "AccessDeniedException": _DENIED,
    "ConfigParseError": (
        "Correct the file, or name another one (AWS_CONFIG_FILE, AWS_SHARED_CREDENTIALS_FILE)."
    ),
    "ConnectTimeoutError": (
        "Check the network: a firewall, a proxy that has to be used (HTTPS_PROXY), or a VPC that has "
        "neither a NAT gateway nor an endpoint for Lambda."
    ),
    "EndpointConnectionError": f"Check {_ENDPOINT}, and the network.",
    "ExpiredToken": _EXPIRED,
    "ExpiredTokenException": _EXPIRED,
    "InvalidClientTokenId": _UNKNOWN_KEY,
    "InvalidSignatureException": _WRONG_SIGNATURE,
    "NoCredentialsError": (
        "Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or name a profile that has credentials "
        "(profile_name, --profile, AWS_PROFILE). Without an account, try LocalLambda (--local)."
    ),
    "NoRegionError": (
        "Give region_name (--region), set AWS_DEFAULT_REGION, or put a line such as region = us-east-1 "
        "into the profile in ~/.aws/config."
    ),
    "ProfileNotFound": (
        "Check its name (profile_name, --profile, AWS_PROFILE): a section [profile NAME] of ~/.aws/config, "
        "or [NAME] of ~/.aws/credentials."
    ),
    "ProxyConnectionError": (
        "Check the proxy (HTTPS_PROXY, HTTP_PROXY, Config's proxies), or go without one (NO_PROXY)."
    ),
    "ResourceNotFoundException": (
        "Check the function's name, the region (region_name, --region), and that the credentials are of "
        "the function's account (profile_name, --profile)."
    ),
    "ResponseParserError": _ANSWERS,
    "SSLError": (
        "For an endpoint or a proxy with an authority of its own, name the file of its certificate (verify, "
        "--ca-bundle, AWS_CA_BUNDLE). One without TLS has a URL with http://."
    ),
    "SignatureDoesNotMatch": _WRONG_SIGNATURE,
    "UnknownOperationException": _ANSWERS,
    "UnrecognizedClientException": _UNKNOWN_KEY,
    # What botocore's providers are called.
    "assume-role": _ROLE,
    "assume-role-with-web-identity": (
        "Check web_identity_token_file and role_arn (AWS_WEB_IDENTITY_TOKEN_FILE, AWS_ROLE_ARN), and that "
        "STS can be reached."
    ),
    "container-role": (
        "Check AWS_CONTAINER_CREDENTIALS_FULL_URI or AWS_CONTAINER_CREDENTIALS_RELATIVE_URI, and "
        "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE where it is set."
    ),
    "custom-process": (
        "Check credential_process in the profile: run it by hand. It must print JSON with Version 1, "
        "AccessKeyId, SecretAccessKey and, for temporary credentials, an Expiration in the future."
    ),
    "iam-role": "Check the instance's role and its metadata service (AWS_EC2_METADATA_SERVICE_ENDPOINT).",
    "login": "Log in again: aws login, with the same profile.",
    "sso": _SSO_LOGIN,
    NOT_HTTP: f"The response is not HTTP. Check {_ENDPOINT}: http:// or https://, and the port.",
    NOT_LAMBDA: _ANSWERS,
    PROXY_AUTHENTICATION: _PROXY_USER_INFO,
    PROXY_DENIED: (
        "The proxy refuses to connect to this host. Have the host allowed there, or go without a proxy "
        "(NO_PROXY)."
    ),
    STRICT_TLS: (
        "From 3.13 on, Python refuses a certificate authority that is not made by the rules of RFC 5280. One "
        "in a file that you name (verify, --ca-bundle, AWS_CA_BUNDLE) is accepted all the same."
    ),
    TOO_MANY_FILES: (
        "Raise the process's limit of open files (ulimit -n), or close what is no longer used: a client has "
        "up to max_pool_connections sockets."
    ),
    UNKNOWN_HOST: (
        "The host's name was not found. Check the region (region_name, --region) or the endpoint URL for a "
        "mistake, and the network; where a proxy has to be used, set HTTPS_PROXY."
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
    """An error whose text goes on with what to do next.

    Only str() does: `args`, `fmt` and `response` are as with boto3, which has the first part only.
    """

    def _reason(self) -> str | None:
        return None

    def _hint_key(self) -> str:
        # A failure of one of botocore's providers needs that source's hint, whatever its kind.
        provider = getattr(self, "kwargs", {}).get("provider")
        return provider if provider in HINTS else type(self).__name__

    def __str__(self) -> str:
        said = [super().__str__().rstrip(), self._reason(), HINTS.get(self._hint_key())]
        *first, last = [text for text in said if text] or [""]
        return ". ".join([*(text.removesuffix(".") for text in first), last])


class _NetworkError(_WithHint):
    """An exchange without a response. boto3's text says with whom; what follows says why.

    Its `kwargs` hold `reason`, the operating system's or the other side's words, and `hint`, a key of HINTS.
    """

    def _reason(self) -> str | None:
        reason: str | None = cast("Any", self).kwargs.get("reason")
        return reason

    def _hint_key(self) -> str:
        hint: str | None = cast("Any", self).kwargs.get("hint")
        return hint or super()._hint_key()


class LambdaClientError(_WithHint, ClientError):
    """The Lambda service answered with an error.

    `ClientError` itself is botocore's class, so that an `except` for it, or for
    `client.exceptions.ClientError`, catches a refusal of STS or SSO too, as with boto3.

    `response` holds `Error` (`Code`, `Message`), `ResponseMetadata` and the modeled members of the
    error, as with boto3; `operation_name` is "ListFunctionEventInvokeConfigs".
    """

    def _hint_key(self) -> str:
        code = str(self.response.get("Error", {}).get("Code"))
        # The status stands for a code that is missing. Lambda sends one, except for some failures of its own.
        return NOT_LAMBDA if code in _STATUSES_OF_REFUSALS and code not in HINTS else code

    def __reduce__(self) -> tuple[type[LambdaClientError], tuple[object, str]]:
        # boto3's pickles come back as a bare ClientError: its classes are made at run time.
        return type(self), (self.response, self.operation_name)


# boto3's name for an error with a code that the model does not know, in reprs and where code compares names.
# Pickles and tracebacks go by the qualified name.
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
    """A response with status 200 that is not a page: not JSON, or of the wrong shape; the text says where."""


class ResponseTooLargeError(ResponseParserError):
    """A response of more bytes than `Config`'s `max_response_size`; the rest of it was not read."""


class NoRegionError(_WithHint, _botocore.NoRegionError):
    """No region: neither in the arguments, nor in the environment, nor in the profile."""


class NoCredentialsError(_WithHint, _botocore.NoCredentialsError):
    """No credentials: neither in the arguments, nor in the environment, nor anywhere in botocore's chain."""


class CredentialRetrievalError(_WithHint, _botocore.CredentialRetrievalError):
    """A source of credentials failed; the text names it, and what is wrong with it."""


class SSOTokenLoadError(_WithHint, _botocore.SSOTokenLoadError):
    """No token of an SSO session: nobody has logged in."""


class TokenRetrievalError(_WithHint, _botocore.TokenRetrievalError):
    """The token of an SSO session has expired, and could not be refreshed."""


class ConfigParseError(_WithHint, BotocoreConfigParseError):
    """A shared config file that cannot be read; the text names the kind of mistake and the line number."""

    fmt = "Unable to parse config file: {path} ({error})"


class ProfileNotFound(_WithHint, _botocore.ProfileNotFound):
    """A profile was named that is in none of the shared config files."""


class EndpointConnectionError(_NetworkError, _botocore.EndpointConnectionError):
    """No connection to the endpoint."""


class ConnectTimeoutError(_NetworkError, _botocore.ConnectTimeoutError):
    """No connection to the endpoint within `connect_timeout`."""


class ReadTimeoutError(_NetworkError, _botocore.ReadTimeoutError):
    """No response within `read_timeout`, or no whole one within both timeouts together."""


class ConnectionClosedError(_NetworkError, _botocore.ConnectionClosedError):
    """The connection ended before the response did, or what came is not HTTP."""


class ProxyConnectionError(_NetworkError, _botocore.ProxyConnectionError):
    """No connection to or through the proxy."""


class SSLError(_NetworkError, _botocore.SSLError):
    """No TLS with the endpoint or the proxy; most often a certificate that cannot be verified."""


def with_hint(error: BotoCoreError) -> BotoCoreError:
    """What botocore's own code raised, as the class of the same name here, so that one `except` has both."""
    ours = globals().get(type(error).__name__)
    if isinstance(ours, type) and issubclass(ours, _WithHint) and type(error) in ours.__bases__:
        return cast("BotoCoreError", ours(**cast("Any", error).kwargs))
    return error


class PaginationConfigError(ParamValidationError, ValueError):
    """A member of `PaginationConfig` that cannot be used."""


class StartingTokenError(BotoCoreError, ValueError):
    """A `StartingToken` that neither this library, boto3 nor the service can have made."""

    fmt = (
        "Bad starting token: {token}. PaginationConfig's StartingToken must be a NextToken or "
        "resume_token of an earlier pagination, or a marker of the service"
    )


class OperationNotPageableError(_botocore.OperationNotPageableError):
    """`get_paginator` was asked for an operation other than the one there is."""

    fmt = (
        "Operation cannot be paginated: {operation_name}, must be one of: list_function_event_invoke_configs"
    )


class InvalidConfigError(BotocoreInvalidConfigError, ValueError):
    """A setting that cannot be used; the text names it and what is allowed."""


class InvalidEndpointError(InvalidConfigError):
    """An endpoint URL that cannot be used."""

    fmt = "Invalid endpoint: {endpoint_url}. {source} must be {allowed}"
