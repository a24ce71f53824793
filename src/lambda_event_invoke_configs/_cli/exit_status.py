"""The command's error messages and exit codes, which are the AWS CLI's.

`CredentialCheck` ends a run of many functions if the credentials are refused: every function would fail.

Source: https://docs.aws.amazon.com/cli/latest/userguide/cli-usage-returncodes.html
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable
from typing import TYPE_CHECKING

from .terminal import PROG, print_error

if TYPE_CHECKING:
    from .._client.outcome import FunctionOutcome

PARTIAL_FAILURE = 1  # of many functions, as with `aws s3` of many files
USAGE = 252
CONFIGURATION = 253
SERVICE = 254
OTHER = 255
INTERRUPTED = 130

# Not AccessDeniedException: a policy may allow the next function.
_REFUSED_CREDENTIALS = frozenset(
    {
        "ExpiredToken",
        "ExpiredTokenException",
        "IncompleteSignature",
        "IncompleteSignatureException",
        "InvalidClientTokenId",
        "InvalidSignatureException",
        "MissingAuthenticationToken",
        "MissingAuthenticationTokenException",
        "SignatureDoesNotMatch",
        "UnrecognizedClientException",
    }
)

# Only a caller with a verified signature gets these; a proxy may send others.
_ACCEPTED_CREDENTIALS = frozenset(
    {"AccessDeniedException", "InvalidParameterValueException", "ResourceNotFoundException"}
)

logger: logging.Logger = logging.getLogger(__name__)


def report(error: BaseException) -> int:
    """Say what went wrong in one line; returns the exit code."""
    if isinstance(error, KeyboardInterrupt):
        code, text = INTERRUPTED, "interrupted"
    elif isinstance(error, BrokenPipeError):
        return OTHER  # the reader has closed the pipe
    else:
        code, text = _exit_status(error), one_line(error)
    logger.debug("failed", exc_info=error)
    print_error(f"{PROG}: {text}")
    return code


def _exit_status(error: BaseException) -> int:
    from jmespath.exceptions import JMESPathError

    from .. import exceptions as errors

    if isinstance(error, (errors.ParamValidationError, errors.StartingTokenError, JMESPathError)):
        return USAGE
    if isinstance(
        error,
        (
            errors.BotocoreConfigParseError,
            errors.BotocoreInvalidConfigError,
            errors.InvalidDefaultsMode,
            errors.InvalidRegionError,
            errors.InvalidRetryConfigurationError,
            errors.NoCredentialsError,
            errors.NoRegionError,
            errors.ProfileNotFound,
        ),
    ):
        return CONFIGURATION
    # An error of a source of credentials names its provider. That there is no connection to it is another
    # matter.
    if "provider" in getattr(error, "kwargs", {}) and not isinstance(
        error, (errors.ConnectionError, errors.HTTPClientError)
    ):
        return CONFIGURATION
    return SERVICE if isinstance(error, errors.ClientError) else OTHER


class CredentialCheck:
    """Ends a run of many functions if its credentials are refused from the first function on.

    It does nothing after a region has accepted them. One region of several may refuse the credentials, if the
    account has not opted in to it.
    """

    def __init__(self, regions: Iterable[str]) -> None:
        self._not_refused = set(regions)
        self._accepted = False

    def add(self, region: str, outcome: FunctionOutcome) -> None:
        """Raises the outcome's error if all regions have refused the credentials."""
        error = outcome.error
        if error is None or outcome.configurations or error_code(error) in _ACCEPTED_CREDENTIALS:
            self._accepted = True
        if error is None or self._accepted or not _refuses_credentials(error):
            return
        self._not_refused.discard(region)
        if not self._not_refused:
            raise error


def _refuses_credentials(error: Exception) -> bool:
    """Whether the service refused the credentials, or none could be loaded."""
    from .. import exceptions as errors

    if not isinstance(error, errors.ClientError):
        return _exit_status(error) == CONFIGURATION
    # Any other ClientError comes from the service that issues the credentials.
    is_lambdas = isinstance(error, errors.LambdaClientError)
    return not is_lambdas or error_code(error) in _REFUSED_CREDENTIALS


def error_code(error: Exception) -> str:
    """The service's code, or the name of the error's class."""
    from ..exceptions import ClientError

    # Not by its `response`: botocore's errors of a connection have one too, which is None.
    if not isinstance(error, ClientError):
        return type(error).__name__
    return error.response.get("Error", {}).get("Code", "Unknown")


def one_line(error: BaseException) -> str:
    """The error's text, with white space folded, or the name of its class if it has none."""
    return re.sub(r"\s+", " ", str(error), flags=re.ASCII).strip() or type(error).__name__
