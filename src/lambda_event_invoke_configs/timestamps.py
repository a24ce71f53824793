"""Timestamps, in any of the forms botocore reads: epoch seconds, ISO 8601, RFC 822.

Epoch seconds come in the machine's own time zone, in dateutil's `tzlocal()`, as with boto3. dateutil
takes 10 microseconds to find the offset of one moment, which is more than all the rest of a page; the
same rule, asked of the C library directly, takes one.

Source: botocore 1.44, `utils.parse_timestamp()`; dateutil 2.9, `tz.tzlocal` and `tz._common`.
"""

from __future__ import annotations

import time
from datetime import datetime, timedelta, timezone
from functools import lru_cache
from typing import Any, NamedTuple

from dateutil.parser import parse as parse_date
from dateutil.tz import tzlocal, tzutc

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_MAX_TEXT = 128  # characters; dateutil takes four times as long for twice as many


class Zone(NamedTuple):
    """The machine's time zone: as it is shown, and its offsets without and with summer time."""

    shown: tzlocal
    standard: timezone
    summer: timezone
    saved: float  # seconds that summer time adds


def machine_zone() -> Zone:
    """The machine's zone, as `time.tzset()` has left it."""
    return _zone(time.timezone, time.altzone, time.daylight, time.tzname)


@lru_cache(maxsize=8)
def _zone(west: int, west_in_summer: int, has_summer: int, _names: tuple[str, str]) -> Zone:
    # The names are there for the cache only: `tzlocal()` takes them from the time module itself.
    summer = west_in_summer if has_summer else west
    standard, saving = (timezone(timedelta(seconds=-seconds)) for seconds in (west, summer))
    return Zone(tzlocal(), standard, saving, west - summer)


def parse(value: Any, zone: Zone) -> datetime:
    """The moment that a value of a JSON body stands for; epoch seconds in the given zone.

    Raises TypeError, ValueError, ArithmeticError or AttributeError, the last two for text that dateutil
    takes for a date and is none.
    """
    try:
        if isinstance(value, str):
            if len(value) > _MAX_TEXT:
                raise ValueError(f"{len(value)} characters are no date")
            try:
                return parse(float(value), zone)
            except ValueError:
                # No number, or one that is no year of the calendar: "20231114221320" is a date.
                # dateutil would read "GMT" as the machine's zone where that is London.
                return parse_date(value, tzinfos={"GMT": tzutc()})
        # All of this is datetime.fromtimestamp(value, tzlocal()).
        moment = datetime.fromtimestamp(value, zone.standard)
        comes_again = False
        if zone.saved:
            if time.localtime(value).tm_isdst:
                moment = datetime.fromtimestamp(value, zone.summer)
            else:
                # If the clocks have been put back since, this hour comes a second time.
                comes_again = bool(time.localtime(value - zone.saved).tm_isdst)
        local = datetime.combine(moment, moment.time(), zone.shown)  # a third of what replace() takes
        return local.replace(fold=1) if comes_again else local
    except (OSError, OverflowError):
        # Beyond what the C library's localtime() knows on some platforms, or dateutil.
        return _EPOCH.astimezone(zone.shown) + timedelta(seconds=float(value))
