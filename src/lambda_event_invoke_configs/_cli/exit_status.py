"""The command's error messages and exit codes, which are the AWS CLI's.

Source: https://docs.aws.amazon.com/cli/latest/userguide/cli-usage-returncodes.html
"""

from __future__ import annotations

import logging
import re

from .terminal import PROG, print_error

PARTIAL_FAILURE = 1  # of many functions, as with `aws s3` of many files
USAGE = 252
CONFIGURATION = 253
SERVICE = 254
OTHER = 255
INTERRUPTED = 130

logger: logging.Logger = logging.getLogger(__name__)


class UsageError(Exception):
    """An option's value that cannot be used, which shows only after the options are parsed."""


class RefusedCredentials(Exception):
    """Ends a run of many functions. `error` is that of the last function."""

    def __init__(self, error: Exception) -> None:
        self.error = error


def report(error: BaseException) -> int:
    """Print what went wrong in one line; returns the exit code."""
    if isinstance(error, BrokenPipeError):
        return OTHER  # the reader has closed the pipe
    if isinstance(error, RefusedCredentials):
        code = report(error.error)
        print_error(
            "The run ended, because all other functions would fail too. To list them anyway: --keep-going"
        )
        return code
    if isinstance(error, KeyboardInterrupt):
        code, text = INTERRUPTED, "interrupted"
    elif isinstance(error, UsageError):
        code, text = USAGE, f"error: {one_line(error)}"
    else:
        code, text = exit_code(error), one_line(error)
    logger.debug("failed", exc_info=error)
    print_error(f"{PROG}: {text}")
    return code


def exit_code(error: BaseException) -> int:
    """The exit code for an error."""
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
    # Errors of a credential provider name it. A failed connection to it is not a matter of configuration.
    if "provider" in getattr(error, "kwargs", {}) and not isinstance(
        error, (errors.ConnectionError, errors.HTTPClientError)
    ):
        return CONFIGURATION
    return SERVICE if isinstance(error, errors.ClientError) else OTHER


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
