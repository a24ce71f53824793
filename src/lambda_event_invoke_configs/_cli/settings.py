"""The AWS CLI's own settings, in the environment and the profile: the format of output and of timestamps.

They apply to the output of one function; the lines of many functions have one format only.

Source: https://docs.aws.amazon.com/cli/latest/userguide/cli-configure-files.html
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from .output import FORMATS

_EPOCH = ("wire", "none")  # two names for one format
_TIMESTAMP_FORMATS = ("iso8601", *_EPOCH)


class OutputSettings(NamedTuple):
    """`epoch`: timestamps as the service sends them, in seconds, in place of ISO 8601 text."""

    format: str
    epoch: bool = False


def output_settings(
    explicit_format: str | None, profile_name: str | None, environ: Mapping[str, str]
) -> OutputSettings:
    """The settings, with the format from `explicit_format`, `AWS_DEFAULT_OUTPUT` or the profile.

    Raises InvalidConfigError for a value that cannot be used, ProfileNotFound or ConfigParseError.
    """
    from .._settings.config import invalid_setting
    from .._settings.resolve import Lookup

    lookup = Lookup(environ, profile_name)
    timestamps = lookup.profile("cli_timestamp_format") or _TIMESTAMP_FORMATS[0]
    if timestamps not in _TIMESTAMP_FORMATS:
        raise invalid_setting("cli_timestamp_format in the profile", timestamps, "iso8601, wire or none")
    if explicit_format is None:
        source, found = "AWS_DEFAULT_OUTPUT", lookup.env("AWS_DEFAULT_OUTPUT")
        if found is None:
            source, found = "output in the profile", lookup.profile("output")
        explicit_format = found or FORMATS[0]
        if explicit_format not in FORMATS:
            allowed = f"one of {', '.join(FORMATS)}; or use --output"
            raise invalid_setting(source, explicit_format, allowed)
    return OutputSettings(explicit_format, timestamps in _EPOCH)
