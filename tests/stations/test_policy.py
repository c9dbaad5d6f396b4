"""The arithmetic of disputes: working days over holidays, make-up days, the year's end (DOMAIN.md §3)."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from kernel.deadlines.policy import Limit, Pause, Unit, WorkingCalendar
from stations import policy
from stations.states import State, Tier

SHANGHAI = ZoneInfo("Asia/Shanghai")
SEVEN = Limit("dispute_accept", 1, 7, Unit.WORKING_DAYS)
FORTY_FIVE = Limit("dispute_mediation", 1, 45, Unit.WORKING_DAYS)
SIXTY = Limit("dispute_mediation", 2, 60, Unit.DAYS)
CALENDAR = WorkingCalendar()


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=SHANGHAI)


@pytest.mark.parametrize(
    ("filed", "ends"),
    [
        # An ordinary week: Monday 2 March is not counted; 3–6, 9, 10, 11 March.
        ("2026-03-02T09:00", "2026-03-12T00:00"),
        # The last minute of a day and the first of it count the same.
        ("2026-03-02T23:59", "2026-03-12T00:00"),
        # New Year 1–3 January off, Sunday 4 January made up: 29, 30, 31 December, 4, 5, 6, 7 January.
        ("2025-12-26T15:00", "2026-01-08T00:00"),
        # Spring Festival 15–23 February off, Saturday 14 and 28 made up: 11–14, 24–26 February.
        ("2026-02-10T10:00", "2026-02-27T00:00"),
        # The make-up Saturday 28 February counts: 24–28 February, 2 and 3 March.
        ("2026-02-23T10:00", "2026-03-04T00:00"),
        # Labour Day 1–5 May off, Saturday 9 May made up: 29, 30 April, 6–9, 11 May.
        ("2026-04-28T10:00", "2026-05-12T00:00"),
        # National Day 1–7 October off, Saturday 10 October made up: 30 September, 8–10, 12–14 October.
        ("2026-09-29T10:00", "2026-10-15T00:00"),
        # Mid-Autumn 25–27 September off, Sunday 20 made up: 20–24, 28, 29 September.
        ("2026-09-18T10:00", "2026-09-30T00:00"),
    ],
)
def test_seven_working_days_over_the_holidays_of_2026(filed: str, ends: str) -> None:
    due = policy.due(SEVEN, at(filed), CALENDAR)
    assert due == policy.Due(at(ends), guessed=False)


def test_over_the_end_of_the_year_into_2027_it_warns() -> None:
    due = policy.due(SEVEN, at("2026-12-28T10:00"), CALENDAR)
    assert due.at == at("2027-01-07T00:00"), "Monday to Friday, 1 January among them, until somebody says so"
    assert due.guessed


def test_the_bureaus_own_word_on_2027_ends_the_warning_for_its_days() -> None:
    off = {date(2027, 1, 1): False}
    due = policy.due(SEVEN, at("2026-12-28T10:00"), WorkingCalendar(off))
    assert due.at == at("2027-01-08T00:00"), "New Year's Day is no working day now"


def test_wholly_in_2027() -> None:
    due = policy.due(SEVEN, at("2027-03-01T10:00"), CALENDAR)
    assert due == policy.Due(at("2027-03-11T00:00"), guessed=True)


def test_sixty_days_are_calendar_days() -> None:
    due = policy.due(SIXTY, at("2026-04-15T00:00"), CALENDAR)
    assert due == policy.Due(at("2026-06-15T00:00"), guessed=False), "16 April is day 1, 14 June day 60"
    late = policy.due(SIXTY, at("2026-04-15T23:59"), CALENDAR)
    assert late.at == due.at
    assert not policy.due(SIXTY, at("2026-12-01T10:00"), CALENDAR).guessed, "no working day is counted"


def test_forty_five_working_days_before() -> None:
    due = policy.due(FORTY_FIVE, at("2026-04-14T17:00"), CALENDAR)
    days = [date(2026, 4, 15) + timedelta(days=n) for n in range(120)]
    working = [day for day in days if CALENDAR.is_working(day)]
    assert due.at == datetime.combine(working[44] + timedelta(days=1), datetime.min.time(), SHANGHAI)
    assert due.at == at("2026-06-19T00:00"), "12 in April, 19 in May with Saturday 9, 14 in June"


def test_testing_time_is_excluded() -> None:
    start = at("2026-05-11T10:00")
    pause = Pause(at("2026-05-20T09:00"), at("2026-05-30T15:00"))
    plain, paused = policy.due(SIXTY, start, CALENDAR), policy.due(SIXTY, start, CALENDAR, pauses=[pause])
    assert paused.at - plain.at == timedelta(days=10, hours=6)


def test_another_platforms_earlier_limit_rules() -> None:
    start = at("2026-05-11T10:00")
    theirs = at("2026-05-13T00:00")
    assert policy.due(SEVEN, start, CALENDAR, not_after=theirs).at == theirs
    assert policy.due(SEVEN, start, CALENDAR, not_after=at("2026-09-01T00:00")).at == at("2026-05-21T00:00")
    past = at("2026-05-01T00:00")
    assert policy.due(SEVEN, start, CALENDAR, not_after=past).at > start, "what is past rules nothing"


@pytest.mark.parametrize(
    ("state", "tier", "clock"),
    [
        (State.NEGOTIATING, Tier.SHOP, "shop"),
        (State.MEDIATING, Tier.CIRCLE, "circle"),
        (State.MEDIATING, Tier.COMMUNITY, "community"),
        (State.AGREED, Tier.CIRCLE, "perform"),
        (State.FILED, Tier.OFFICIAL, "accept"),
        (State.ACCEPTED, Tier.OFFICIAL, "mediation"),
        (State.SETTLED, Tier.SHOP, None),
    ],
)
def test_each_open_state_has_its_clock(state: State, tier: Tier, clock: str | None) -> None:
    assert policy.clock_of(state, tier) == clock


def test_on_the_spot_is_the_same_shanghai_day() -> None:
    assert policy.same_day(at("2026-05-11T00:00"), at("2026-05-11T23:59"))
    assert not policy.same_day(at("2026-05-11T23:59"), at("2026-05-12T00:00"))


def test_the_promised_day_ends_at_midnight() -> None:
    assert policy.perform_due(date(2026, 5, 11)) == at("2026-05-12T00:00")


def test_the_median() -> None:
    assert policy.median_days([]) is None
    assert policy.median_days([timedelta(days=3)]) == 3.0
    assert policy.median_days([timedelta(days=1), timedelta(days=4)]) == 2.5
    assert policy.median_days([timedelta(hours=6), timedelta(days=9), timedelta(days=2)]) == 2.0
