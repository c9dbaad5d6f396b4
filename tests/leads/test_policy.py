"""The arithmetic of a lead's times, without a database (DOMAIN.md §3)."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel.clock import SHANGHAI
from kernel.deadlines.policy import Counting, Limit, WorkingCalendar
from leads import policy

NOON = datetime(2026, 3, 10, 12, 0, tzinfo=SHANGHAI)
GRACE = Limit("same_day", 1, 240)
CALENDAR = WorkingCalendar()


def minutes(number: float) -> timedelta:
    return timedelta(minutes=number)


@pytest.mark.parametrize(
    ("ahead", "at", "late", "doubted"),
    [
        (None, NOON, False, False),
        (minutes(0), NOON, False, False),
        (minutes(-10), NOON - minutes(10), False, False),
        (minutes(-10.1), NOON - minutes(10.1), True, False),
        (timedelta(days=-5), NOON - timedelta(days=5), True, False),
        (timedelta(days=-5, seconds=-1), NOON, False, True),
        (minutes(10), NOON + minutes(10), False, False),
        (minutes(10.1), NOON, False, True),
        (timedelta(days=400), NOON, False, True),
    ],
)
def test_when_it_was_discovered(ahead: timedelta | None, at: datetime, late: bool, doubted: bool) -> None:
    found = policy.discovery(None if ahead is None else NOON + ahead, NOON)
    assert (found.at, found.synced_late, found.clock_doubted) == (at, late, doubted)


@given(st.one_of(st.none(), st.timedeltas(timedelta(days=-3000), timedelta(days=3000))))
def test_a_discovery_is_never_far_from_its_receipt(ahead: timedelta | None) -> None:
    found = policy.discovery(None if ahead is None else NOON + ahead, NOON)
    assert NOON - policy.OLDEST_CAPTURE <= found.at <= NOON + policy.AHEAD


@pytest.mark.parametrize(
    ("found_at", "received_at", "due"),
    [
        ("2026-03-10 09:00", "2026-03-10 09:00", "2026-03-11 00:00"),
        ("2026-03-10 20:00", "2026-03-10 20:00", "2026-03-11 00:00"),
        ("2026-03-10 20:30", "2026-03-10 20:30", "2026-03-11 00:30"),
        ("2026-03-10 23:59", "2026-03-10 23:59", "2026-03-11 03:59"),
        # found two days ago, synced only now: four hours from receipt
        ("2026-03-08 09:00", "2026-03-10 09:00", "2026-03-10 13:00"),
        # found at nine, synced in the afternoon of the same day: midnight is later
        ("2026-03-10 09:00", "2026-03-10 15:00", "2026-03-11 00:00"),
    ],
)
def test_the_same_day_clock(found_at: str, received_at: str, due: str) -> None:
    received = moment(received_at)
    found = policy.discovery(moment(found_at), received)
    assert policy.same_day_due(found, received, GRACE) == moment(due)


@given(
    st.timedeltas(timedelta(), timedelta(days=300)),
    st.timedeltas(timedelta(), timedelta(days=5)),
)
def test_nobody_gets_less_than_four_hours_from_discovery_or_late_receipt(
    since_noon: timedelta, later: timedelta
) -> None:
    discovered = NOON + since_noon
    received = discovered + later
    seen = policy.discovery(discovered, received)
    due = policy.same_day_due(seen, received, GRACE)
    assert due >= discovered + timedelta(hours=4)
    assert due > discovered.replace(hour=23, minute=59, second=59)
    if later > policy.LATE_SYNC:
        assert due >= received + timedelta(hours=4)


@pytest.mark.parametrize(
    ("severity", "food", "counting"),
    [
        ("MINOR", False, Counting.DUTY),
        ("MODERATE", False, Counting.DUTY),
        ("MODERATE", True, Counting.NATURAL),
        ("SERIOUS", False, Counting.NATURAL),
        ("URGENT", False, Counting.NATURAL),
    ],
)
def test_office_hours_serve_lesser_leads_without_food_only(
    severity: str, food: bool, counting: Counting
) -> None:
    limit = Limit("respond", 2, 30, counting=Counting.DUTY, warn_percent=80)
    got = policy.respond_limit(limit, severity=severity, food=food)
    assert (got.counting, got.amount, got.version, got.warn_percent) == (counting, 30, 2, 80)


@pytest.mark.parametrize(
    ("at", "night"),
    [
        ("2026-03-10 08:29", True),
        ("2026-03-10 08:30", False),
        ("2026-03-10 12:10", False),
        ("2026-03-10 17:29", False),
        ("2026-03-10 17:30", True),
        ("2026-03-10 03:00", True),
        ("2026-03-14 10:00", True),  # a Saturday
        ("2026-02-14 10:00", False),  # a Saturday worked for the Spring Festival
        ("2026-10-01 10:00", True),
    ],
)
def test_night(at: str, night: bool) -> None:
    assert policy.is_night(moment(at), CALENDAR) is night


def test_the_bureaus_own_word_on_a_day_counts() -> None:
    closed = WorkingCalendar({date(2026, 3, 10): False})
    assert policy.is_night(moment("2026-03-10 10:00"), closed)


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=SHANGHAI)
