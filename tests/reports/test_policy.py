"""When a report is due and when it is told."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

import pytest

from reports import policy
from tests.factories.reports import DAY, moment


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("23:59", DAY - timedelta(days=1)),
        ("24:00", DAY - timedelta(days=1)),
        ("24:09", DAY - timedelta(days=1)),
        ("24:10", DAY),
        ("33:00", DAY),
        ("48:09", DAY),
    ],
)
def test_a_day_is_due_from_ten_past_midnight_in_shanghai(said: str, expected: date) -> None:
    assert policy.latest_due(moment(said).astimezone(UTC)) == expected


def test_a_day_is_told_from_half_past_seven() -> None:
    half_past_seven = policy.parse_time("07:30")
    assert half_past_seven == time(7, 30)
    assert policy.latest_told(moment("31:29"), half_past_seven) == DAY - timedelta(days=1)
    assert policy.latest_told(moment("31:30"), half_past_seven) == DAY


def test_a_shanghai_day_ends_at_sixteen_utc() -> None:
    assert policy.day_ends(DAY) == datetime(2026, 6, 10, 16, tzinfo=UTC)
    assert policy.day_starts(DAY) == datetime(2026, 6, 9, 16, tzinfo=UTC)


def test_recent_is_seven_days_with_the_day_itself() -> None:
    assert policy.recent(DAY) == (date(2026, 6, 4), DAY)


@pytest.mark.parametrize("said", ["", "7.30", "24:00", "07:30:00", "half past seven"])
def test_no_time_of_day_is_refused(said: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        policy.parse_time(said)
