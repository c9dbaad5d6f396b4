"""The arithmetic of time limits, on plain values (DOMAIN.md §3)."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel.deadlines.policy import (
    DUTY_WINDOWS,
    SHANGHAI,
    Counting,
    Limit,
    Pause,
    Unit,
    WorkingCalendar,
    at_local,
    by_day,
    due,
    end_of_day,
    is_duty_time,
    local,
    next_morning,
    warning,
)

CHINA = WorkingCalendar()
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


def at(text: str) -> datetime:
    """`2026-03-10 10:00` in Shanghai."""
    return datetime.fromisoformat(text).replace(tzinfo=SHANGHAI)


def natural(minutes: int, **more: Any) -> Limit:
    return Limit("feedback", 1, minutes, **more)


def duty(minutes: int) -> Limit:
    return Limit("respond", 1, minutes, counting=Counting.DUTY)


def working_days(amount: int) -> Limit:
    return Limit("accept", 1, amount, Unit.WORKING_DAYS)


# -- working days

OFF_2026 = [
    *("2026-01-01", "2026-01-02", "2026-02-16", "2026-02-20", "2026-02-23", "2026-04-06", "2026-05-01"),
    *("2026-05-04", "2026-05-05", "2026-06-19", "2026-09-25", "2026-10-01", "2026-10-05", "2026-10-07"),
]
MADE_UP_2026 = [
    *("2026-01-04", "2026-02-14", "2026-02-28", "2026-05-09", "2026-09-20", "2026-10-10"),
]


@pytest.mark.parametrize("day", OFF_2026)
def test_public_holidays_on_weekdays_are_off(day: str) -> None:
    assert date.fromisoformat(day).weekday() < 5
    assert not CHINA.is_working(date.fromisoformat(day))


@pytest.mark.parametrize("day", MADE_UP_2026)
def test_made_up_weekends_are_worked(day: str) -> None:
    assert date.fromisoformat(day).weekday() >= 5
    assert CHINA.is_working(date.fromisoformat(day))


@pytest.mark.parametrize(
    ("start", "amount", "last"),
    [
        ("2026-03-10 10:00", 1, "2026-03-11"),  # the starting day does not count
        ("2026-03-10 23:59", 1, "2026-03-11"),
        ("2026-03-13 09:00", 1, "2026-03-16"),  # over a weekend
        ("2026-02-13 09:00", 1, "2026-02-14"),  # a Saturday made up before the Spring Festival
        ("2026-02-14 09:00", 1, "2026-02-24"),  # then nine days off
        ("2026-02-13 09:00", 7, "2026-03-02"),  # 14, 24–28, 2 March
        ("2026-09-30 09:00", 1, "2026-10-08"),
        ("2026-10-09 09:00", 1, "2026-10-10"),  # a Saturday made up after the National Day
        ("2026-12-31 12:00", 1, "2027-01-01"),  # 2027 is not known: Monday to Friday is assumed
        ("2026-12-31 12:00", 10, "2027-01-14"),
    ],
)
def test_working_days_end_at_midnight_of_the_last(start: str, amount: int, last: str) -> None:
    assert due(working_days(amount), at(start), CHINA) == end_of_day(date.fromisoformat(last))


def test_what_is_not_known_is_guessed_and_says_so() -> None:
    assert not CHINA.guesses(date(2026, 12, 31))
    assert CHINA.guesses(date(2027, 1, 1))
    assert CHINA.is_working(date(2027, 1, 1))  # a holiday in truth: hence the warning
    told = WorkingCalendar({date(2027, 1, 1): False})
    assert not told.guesses(date(2027, 1, 1))
    assert told.guesses(date(2027, 1, 4))


def test_the_bureaus_word_outweighs_the_national_calendar() -> None:
    told = WorkingCalendar({date(2026, 3, 11): False, date(2026, 3, 14): True})
    assert due(working_days(1), at("2026-03-10 10:00"), told) == end_of_day(date(2026, 3, 12))
    assert due(working_days(3), at("2026-03-10 10:00"), told) == end_of_day(date(2026, 3, 14))


def test_a_calendar_without_working_days_is_refused() -> None:
    never = WorkingCalendar({date(2026, 3, 1) + n * DAY: False for n in range(500)})
    with pytest.raises(ValueError, match="400 days"):
        due(working_days(1), at("2026-03-10 10:00"), never)
    with pytest.raises(ValueError, match="400 days"):
        due(duty(30), at("2026-03-10 10:00"), never)


# -- natural and duty time


def test_natural_time_runs_through_nights_and_holidays() -> None:
    assert due(natural(30), at("2026-03-10 23:50"), CHINA) == at("2026-03-11 00:20")
    assert due(natural(1440), at("2026-02-16 12:00"), CHINA) == at("2026-02-17 12:00")
    assert due(natural(60), at("2026-12-31 23:30"), CHINA) == at("2027-01-01 00:30")


@pytest.mark.parametrize(
    ("start", "minutes", "end"),
    [
        ("2026-03-10 10:00", 30, "2026-03-10 10:30"),
        ("2026-03-10 11:50", 30, "2026-03-10 13:50"),  # over the midday break
        ("2026-03-10 11:30", 30, "2026-03-10 12:00"),  # up to its very end
        ("2026-03-10 12:10", 30, "2026-03-10 14:00"),
        ("2026-03-10 17:20", 30, "2026-03-11 08:50"),  # over the night
        ("2026-03-10 03:00", 30, "2026-03-10 09:00"),
        ("2026-03-13 17:20", 30, "2026-03-16 08:50"),  # over a weekend
        ("2026-02-14 17:20", 30, "2026-02-24 08:50"),  # over the Spring Festival
        ("2026-03-10 08:30", 450, "2026-03-10 17:30"),  # a whole day of 7½ hours
        ("2026-03-10 08:30", 451, "2026-03-11 08:31"),
    ],
)
def test_duty_time_counts_office_hours_only(start: str, minutes: int, end: str) -> None:
    assert due(duty(minutes), at(start), CHINA) == at(end)


@pytest.mark.parametrize(
    ("moment", "inside"),
    [
        ("2026-03-10 08:29", False),
        ("2026-03-10 08:30", True),
        ("2026-03-10 11:59", True),
        ("2026-03-10 12:00", False),
        ("2026-03-10 13:30", True),
        ("2026-03-10 17:30", False),
        ("2026-03-14 10:00", False),  # a Saturday
        ("2026-02-14 10:00", True),  # a Saturday made up
        ("2026-02-16 10:00", False),
    ],
)
def test_duty_time(moment: str, inside: bool) -> None:
    assert is_duty_time(at(moment), CHINA) is inside


# -- pauses


def test_a_pause_moves_a_natural_clock_by_its_length() -> None:
    pauses = [Pause(at("2026-03-10 11:00"), at("2026-03-10 13:00")), Pause(at("2026-03-11 08:00"), None)]
    assert due(natural(1440), at("2026-03-10 10:00"), CHINA, pauses) == at("2026-03-11 12:00")


def test_a_pause_by_night_moves_no_duty_clock() -> None:
    pauses = [Pause(at("2026-03-10 18:00"), at("2026-03-11 08:00"))]
    assert due(duty(30), at("2026-03-10 17:20"), CHINA, pauses) == at("2026-03-11 08:50")


def test_a_pause_in_duty_time_moves_a_duty_clock() -> None:
    pauses = [Pause(at("2026-03-10 17:25"), at("2026-03-11 08:35"))]
    assert due(duty(30), at("2026-03-10 17:20"), CHINA, pauses) == at("2026-03-11 09:00")
    twice = [
        Pause(at("2026-03-10 10:20"), at("2026-03-10 10:30")),
        Pause(at("2026-03-10 10:05"), at("2026-03-10 10:10")),
    ]
    assert due(duty(30), at("2026-03-10 10:00"), CHINA, twice) == at("2026-03-10 10:45")


# -- by day


@pytest.mark.parametrize(
    ("start", "pages", "end"),
    [
        ("2026-03-10 10:00", False, "2026-03-10 12:00"),
        ("2026-03-10 08:30", False, "2026-03-10 10:30"),
        ("2026-03-10 15:30", False, "2026-03-10 17:30"),
        ("2026-03-10 17:25", False, "2026-03-11 10:25"),
        ("2026-03-10 17:29", True, "2026-03-10 19:29"),
        ("2026-03-10 17:30", False, "2026-03-11 10:30"),
        ("2026-03-10 03:00", False, "2026-03-10 10:30"),
        ("2026-03-10 03:00", True, "2026-03-10 05:00"),
        ("2026-03-14 12:00", False, "2026-03-14 14:00"),  # weekends have their day too
        ("2026-03-13 17:00", False, "2026-03-14 10:00"),
    ],
)
def test_at_night_a_limit_stands_still_until_half_past_eight(start: str, pages: bool, end: str) -> None:
    assert by_day(at(start), 2 * HOUR, pages_at_night=pages) == at(end)


def test_the_next_morning_is_later() -> None:
    assert next_morning(at("2026-03-10 08:29:59")) == at("2026-03-10 08:30")
    assert next_morning(at("2026-03-10 08:30")) == at("2026-03-11 08:30")


# -- warnings


def test_a_warning_comes_at_its_share_of_the_way() -> None:
    start = at("2026-03-10 10:00")
    assert warning(natural(30, warn_percent=80), start, start + 30 * MINUTE) == start + 24 * MINUTE
    assert warning(natural(30), start, start + 30 * MINUTE) is None


# -- what holds for every limit

moments = st.datetimes(
    min_value=datetime(2025, 1, 1),  # noqa: DTZ001 - hypothesis adds the zone
    max_value=datetime(2027, 6, 30),  # noqa: DTZ001
    timezones=st.just(SHANGHAI),
).map(lambda moment: moment.replace(fold=0))
limits = st.one_of(
    st.integers(1, 20_000).map(natural), st.integers(1, 2_000).map(duty), st.integers(1, 60).map(working_days)
)


@st.composite
def some_pauses(draw: st.DrawFn) -> tuple[datetime, list[Pause]]:
    """A start, and up to four pauses after it that do not overlap."""
    start = draw(moments)
    edge, found = start, []
    for gap, length in draw(st.lists(st.tuples(st.integers(0, 3_000), st.integers(0, 3_000)), max_size=4)):
        since = edge + gap * MINUTE
        edge = since + length * MINUTE
        found.append(Pause(since, edge))
    return start, found


@given(limits, moments)
def test_a_clock_never_runs_out_before_it_began(limit: Limit, start: datetime) -> None:
    end = due(limit, start, CHINA)
    assert end > start
    assert start < (warning(Limit("x", 1, 1, warn_percent=80), start, end) or start) < end


@given(limits, some_pauses())
def test_a_pause_only_moves_later(limit: Limit, paused: tuple[datetime, list[Pause]]) -> None:
    start, pauses = paused
    plain = due(limit, start, CHINA)
    ends = [due(limit, start, CHINA, pauses[:count]) for count in range(len(pauses) + 1)]
    assert ends[0] == plain
    assert ends == sorted(ends)


@given(st.integers(1, 2_000), some_pauses())
def test_duty_time_until_due_is_the_limit(minutes: int, paused: tuple[datetime, list[Pause]]) -> None:
    start, pauses = paused
    end = due(duty(minutes), start, CHINA, pauses)
    worked = sum(
        (
            max(timedelta(), min(end, at_local(day, closes)) - max(start, at_local(day, opens)))
            for day in (local(start).date() + n * DAY for n in range((end - start).days + 2))
            if CHINA.is_working(day)
            for opens, closes in DUTY_WINDOWS
        ),
        timedelta(),
    )
    assert worked >= minutes * MINUTE
    if not pauses:
        assert worked == minutes * MINUTE


@given(st.integers(1, 60), moments)
def test_as_many_working_days_lie_between(amount: int, start: datetime) -> None:
    end = local(due(working_days(amount), start, CHINA))
    assert end.time() == time(0)
    days = [local(start).date() + n * DAY for n in range(1, (end.date() - local(start).date()).days)]
    assert sum(CHINA.is_working(day) for day in days) == amount
    assert CHINA.is_working(days[-1])


@given(moments, st.integers(1, 600), st.booleans())
def test_by_day_the_whole_span_lies_in_the_daytime(start: datetime, minutes: int, pages: bool) -> None:
    end = by_day(start, minutes * MINUTE, pages_at_night=pages)
    if pages:
        assert end == start + minutes * MINUTE
        return
    by_daylight = sum(
        (
            max(timedelta(), min(end, at_local(day, time(17, 30))) - max(start, at_local(day, time(8, 30))))
            for day in (local(start).date() + n * DAY for n in range((end - start).days + 2))
        ),
        timedelta(),
    )
    assert by_daylight == minutes * MINUTE
    assert time(8, 30) < local(end).time() <= time(17, 30)


@given(moments)
def test_the_later_it_starts_the_later_it_ends(start: datetime) -> None:
    for limit in (natural(30), duty(30), working_days(3)):
        assert due(limit, start, CHINA) <= due(limit, start + 7 * MINUTE, CHINA)
