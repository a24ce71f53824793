"""Timestamps; botocore's own reading of them, and dateutil's, beside ours."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from botocore.utils import parse_timestamp
from dateutil.tz import tzlocal

from lambda_event_invoke_configs._protocol import response as timestamps

ZONES = [
    "UTC",
    "America/New_York",
    "America/St_Johns",  # its clocks used to change at one minute past midnight
    "Europe/London",
    "Europe/Dublin",  # its winter time is the one that is "saved"
    "Europe/Volgograd",
    "Asia/Kolkata",
    "Asia/Almaty",
    "Australia/Lord_Howe",  # its summer time adds half an hour
    "America/Nuuk",
    "Africa/Casablanca",
    "Pacific/Apia",
    "EST5EDT,M3.2.0,M11.1.0",
]


def moments() -> Iterator[float]:
    chance = random.Random(1)
    day = 86_400
    for n in range(0, 60 * 365, 3):  # 1970 to 2030
        yield n * day + chance.randrange(day) + chance.choice([0, 0.5, 0.123456789])
    # Every hour and minute around where the clocks change in one zone or another.
    for change in (
        1572760800,
        1604210400,
        1615708800,
        1616893200,
        1635642000,
        1667696400,
        1709222400,
        1711846800,
    ):
        for minute in range(-180, 180):
            yield change + 60 * minute
    yield from (0, -1, -0.5, -1.5, 1e9, 4e9, 1e10, -1e9, -5e9, 253402214399)


@pytest.mark.parametrize("zone", ZONES, indirect=True)
def test_epoch_seconds_are_what_dateutil_makes_of_them(zone: str) -> None:
    for seconds in moments():
        ours, theirs = (
            timestamps.parse_timestamp(seconds, timestamps.machine_zone()),
            datetime.fromtimestamp(seconds, tzlocal()),
        )
        # Not ours == theirs: to Python, two moments in an hour that comes twice are never equal unless
        # they share one tzinfo object, and dateutil makes one for each.
        assert as_written(ours) == as_written(theirs)


@pytest.mark.parametrize("zone", ["Europe/London", "America/New_York"], indirect=True)
@pytest.mark.parametrize(
    "text",
    [
        "1700000000.125",
        "0",
        "2023-11-14T22:13:20.125Z",
        "2023-07-14T22:13:20+05:30",
        "2023-07-14T22:13:20",
        "20231114221320",
        "Tue, 14 Nov 2023 22:13:20 GMT",
        "Fri, 14 Jul 2023 22:13:20 GMT",
    ],
)
def test_text_is_what_botocore_makes_of_it_wherever_the_machine_is(zone: str, text: str) -> None:
    assert as_written(timestamps.parse_timestamp(text, timestamps.machine_zone())) == as_written(
        parse_timestamp(text)
    )


def test_text_that_is_too_long_for_a_date_is_none() -> None:
    """dateutil would take hours for what fits into a response."""
    zone = timestamps.machine_zone()
    padded = "2023-11-14T22:13:20Z".ljust(128)
    assert timestamps.parse_timestamp(padded, zone) == datetime(2023, 11, 14, 22, 13, 20, tzinfo=timezone.utc)
    for text in (padded + " ", "1." * 8_000_000, "1" * 8_000_000):
        with pytest.raises(ValueError, match=f"^{len(text)} characters are no date$"):
            timestamps.parse_timestamp(text, zone)


@pytest.mark.parametrize("zone", ["Asia/Kolkata"], indirect=True)
def test_text_of_the_year_0_is_counted_from_the_epoch_where_it_is_the_year_1_already(zone: str) -> None:
    text = "-62135596801"
    assert as_written(timestamps.parse_timestamp(text, timestamps.machine_zone())) == as_written(
        parse_timestamp(text)
    )


def as_written(moment: datetime) -> tuple[object, ...]:
    return repr(moment), moment.fold, moment.utcoffset(), moment.dst(), moment.tzname(), type(moment.tzinfo)


def test_a_moment_beyond_the_c_librarys_is_counted_from_the_epoch(monkeypatch: pytest.MonkeyPatch) -> None:
    class NoLocaltime(datetime):
        @classmethod
        def fromtimestamp(cls, *_: object) -> Any:
            raise OSError

    monkeypatch.setattr(timestamps, "datetime", NoLocaltime)
    epoch = datetime(1970, 1, 1, tzinfo=timezone.utc)
    assert timestamps.parse_timestamp(-1e10, timestamps.machine_zone()) == epoch + timedelta(seconds=-1e10)
    assert timestamps.parse_timestamp(5, timestamps.machine_zone()).tzinfo == tzlocal()
