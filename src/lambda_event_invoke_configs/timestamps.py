"""Timestamps, in any of the forms botocore reads: epoch seconds, ISO 8601, RFC 822.

Epoch seconds come in the machine's own time zone, in dateutil's `tzlocal()`, as with boto3. dateutil
takes 10 microseconds to find the offset of one moment, which is half of what a page costs; the same
rule, asked of the C library directly, takes one.

Source: botocore 1.44, `utils.parse_timestamp()`; dateutil 2.9, `tz.tzlocal` and `tz._common`.
"""

from __future__ import annotations

import time
from datetime import datetime, timedelta, timezone
from functools import lru_cache
from typing import Any

from dateutil.parser import parse as parse_date
from dateutil.tz import tzlocal, tzutc

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


def parse(value: Any) -> datetime:
    """The moment that a value of a JSON body stands for.

    Raises TypeError, ValueError, ArithmeticError or AttributeError, the last two for text that dateutil
    takes for a date and is none.
    """
    try:
        if not isinstance(value, str):
            return _local(value)
        try:
            return _local(float(value))
        except ValueError:
            # No number, or one that is no year of the calendar: "20231114221320" is a date.
            # dateutil would read "GMT" as the machine's zone where that is London.
            return parse_date(value, tzinfos={"GMT": tzutc()})
    except (OSError, OverflowError):
        # Beyond what the C library's localtime() knows on some platforms.
        return _EPOCH.astimezone(tzlocal()) + timedelta(seconds=float(value))


def _local(seconds: float) -> datetime:
    """`datetime.fromtimestamp(seconds, tzlocal())`."""
    moment = datetime.fromtimestamp(seconds, timezone.utc)
    zone, standard, saved = _zone(time.timezone, time.altzone, time.daylight, time.tzname)
    if saved:
        if time.localtime(seconds).tm_isdst:
            standard += saved
        elif time.localtime(seconds - saved.total_seconds()).tm_isdst:
            # The clocks have been put back since: this hour comes a second time.
            return (moment + standard).replace(tzinfo=zone, fold=1)
    local = moment + standard
    return datetime.combine(local, local.time(), zone)  # a fifth of the time that replace() takes


@lru_cache(maxsize=8)
def _zone(
    west: int, west_in_summer: int, has_summer: int, _names: tuple[str, str]
) -> tuple[tzlocal, timedelta, timedelta]:
    """The machine's zone, its offset, and what its summer time adds; anew when `time.tzset()` changes it.

    The names are for that only: `tzlocal()` takes them from the time module itself.
    """
    summer = west_in_summer if has_summer else west
    return tzlocal(), timedelta(seconds=-west), timedelta(seconds=west - summer)
