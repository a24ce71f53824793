"""What a failure of the command says, and the status it exits with: the AWS CLI's.

Source: https://docs.aws.amazon.com/cli/latest/userguide/cli-usage-returncodes.html
"""

from __future__ import annotations

import logging
import sys
from contextlib import suppress

PROG = "lambda-event-invoke-configs"

PARTIAL_FAILURE = 1  # of many functions, as with `aws s3` of many files
USAGE = 252
CONFIGURATION = 253
SERVICE = 254
OTHER = 255
INTERRUPTED = 130

logger: logging.Logger = logging.getLogger(__name__)


def report(error: BaseException) -> int:
    """Say what went wrong in one line; returns the exit code."""
    if isinstance(error, KeyboardInterrupt):
        code, text = INTERRUPTED, "interrupted"
    elif isinstance(error, BrokenPipeError):
        return OTHER  # whoever read from us has seen enough
    else:
        code, text = _exit_status(error), one_line(error)
    logger.debug("failed", exc_info=error)
    print_error(f"{PROG}: {text}")
    return code


def print_error(line: str) -> None:
    """Write a line to standard error; if that takes none, nobody can be told."""
    with suppress(OSError):
        sys.stderr.write(f"{line}\n")


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


def one_line(error: BaseException) -> str:
    return " ".join(str(error).split()) or type(error).__name__
