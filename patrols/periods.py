"""Which period of a kind of task holds a day, and on which of its days people work. Pure: no queries."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import NamedTuple

from kernel.deadlines.policy import DAY_ENDS, WorkingCalendar, local
from patrols.kinds import TaskKind

MONTHS_A_QUARTER = 3


class Period(NamedTuple):
    """A span of days, both included. `first` is its name (`PatrolTask.period`)."""

    first: date
    last: date

    def days(self) -> list[date]:
        return [self.first + timedelta(days=n) for n in range((self.last - self.first).days + 1)]

    def __contains__(self, day: object) -> bool:
        return isinstance(day, date) and self.first <= day <= self.last


def month_of(day: date) -> Period:
    first = day.replace(day=1)
    return Period(first, (first + timedelta(days=32)).replace(day=1) - timedelta(days=1))


def quarter_of(day: date) -> Period:
    first = date(day.year, day.month - (day.month - 1) % MONTHS_A_QUARTER, 1)
    return Period(first, (first + timedelta(days=95)).replace(day=1) - timedelta(days=1))


def week_of(day: date) -> Period:
    """The ISO week: Monday to Sunday."""
    first = day - timedelta(days=day.weekday())
    return Period(first, first + timedelta(days=6))


def day_of(day: date) -> Period:
    return Period(day, day)


_OF: dict[str, Callable[[date], Period]] = {
    TaskKind.MONTHLY_PATROL: month_of,
    TaskKind.QUARTERLY_REVIEW: quarter_of,
    TaskKind.DAILY_PATROL: day_of,
    TaskKind.WEEKLY_CHECK: week_of,
}


def period_of(kind: str, day: date) -> Period:
    """The period of this kind that holds the day."""
    return _OF[kind](day)


def begins(at: datetime) -> date:
    """The first day for which work that comes up at this moment may be planned: today until 17:30."""
    here = local(at)
    return here.date() + timedelta(days=here.time() >= DAY_ENDS)


class Ahead(NamedTuple):
    """A period with the days of it, from some day on, on which a task of its kind may be planned."""

    period: Period
    days: tuple[date, ...]


def ahead(kind: str, on: date, calendar: WorkingCalendar, *, rest_days: bool = False) -> Ahead:
    """The period of this kind that holds `on`, if a day is left in it to work on; else the next that has one.

    `rest_days`: 每日巡 is planned for weekends and holidays too. A fall on a Saturday thus gives Monday's
    patrol and next week's check, and on the last Sunday of a month the next month's patrol.

    Raises:
        ValueError: nobody works for more than a year.
    """
    every_day = rest_days and kind == TaskKind.DAILY_PATROL
    period = period_of(kind, on)
    while (period.first - on).days < 400:
        days = tuple(day for day in period.days() if day >= on and (every_day or calendar.is_working(day)))
        if days:
            return Ahead(period, days)
        period = period_of(kind, period.last + timedelta(days=1))
    raise ValueError("no working day within 400 days")


def working_days(period: Period, calendar: WorkingCalendar) -> int:
    return sum(calendar.is_working(day) for day in period.days())


def day_zh(day: date) -> str:
    """A day of this year in words: 11月3日."""
    return f"{day.month}月{day.day}日"
