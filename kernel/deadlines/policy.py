"""Pure arithmetic of time limits: plain values in, plain values out (DOMAIN.md §3).

No queries, no clock. Moments are aware; days are Shanghai calendar days.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

import chinese_calendar

SHANGHAI = ZoneInfo("Asia/Shanghai")
DUTY_WINDOWS = ((time(8, 30), time(12, 0)), (time(13, 30), time(17, 30)))
DAY_STARTS = time(8, 30)
DAY_ENDS = time(17, 30)


class Unit(StrEnum):
    """DAYS are calendar days: as of working days, the first is not counted and the last ends at 24:00."""

    MINUTES = "MINUTES"
    DAYS = "DAYS"
    WORKING_DAYS = "WORKING_DAYS"


class Counting(StrEnum):
    """NATURAL runs around the clock; DUTY only 08:30–12:00 and 13:30–17:30 of working days."""

    NATURAL = "NATURAL"
    DUTY = "DUTY"


@dataclass(frozen=True, slots=True)
class Limit:
    """One version of one time limit."""

    kind: str
    version: int
    amount: int
    unit: Unit = Unit.MINUTES
    counting: Counting = Counting.NATURAL
    warn_percent: int | None = None


@dataclass(frozen=True, slots=True)
class Pause:
    """A stretch in which the clock stood still; `until` None while it still does."""

    since: datetime
    until: datetime | None


@dataclass(frozen=True, slots=True)
class WorkingCalendar:
    """Working days of China with the bureau's own overrides (`CalendarDay`).

    Years that `chinesecalendar` does not know fall back to Monday–Friday; `guesses` says so, and
    whoever shows a due time computed that way must show the warning too.
    """

    overrides: Mapping[date, bool] = field(default_factory=dict)

    def is_working(self, day: date) -> bool:
        if day in self.overrides:
            return self.overrides[day]
        try:
            return bool(chinese_calendar.is_workday(day))
        except NotImplementedError:
            return day.weekday() < 5

    def guesses(self, day: date) -> bool:
        """True where nothing is known of this day's year and Monday–Friday was assumed."""
        if day in self.overrides:
            return False
        try:
            chinese_calendar.is_workday(day)
        except NotImplementedError:
            return True
        return False

    def unknown_years(self, today: date) -> list[int]:
        """This year and the next, as far as neither the national calendar nor the bureau has said a day
        of them: their holidays are guessed, and whoever keeps the calendar must be told."""
        said = {day.year for day in self.overrides}
        years = (today.year, today.year + 1)
        return [year for year in years if year not in said and self.guesses(date(year, 1, 1))]

    def next_working(self, day: date) -> date:
        """The first working day after `day`."""
        for ahead in range(1, 400):
            if self.is_working(day + timedelta(days=ahead)):
                return day + timedelta(days=ahead)
        raise ValueError("no working day within 400 days")


def local(moment: datetime) -> datetime:
    return moment.astimezone(SHANGHAI)


def at_local(day: date, clock: time) -> datetime:
    return datetime.combine(day, clock, tzinfo=SHANGHAI)


def end_of_day(day: date) -> datetime:
    """24:00 of a Shanghai day."""
    return at_local(day + timedelta(days=1), time(0))


def due(limit: Limit, start: datetime, calendar: WorkingCalendar, pauses: Sequence[Pause] = ()) -> datetime:
    """When a clock that started at `start` runs out.

    Days and working days exclude the starting day and end at 24:00 of the last one. A pause moves a natural
    clock, and one of days or working days, by its whole length; a DUTY clock loses only the duty time in it.
    Pauses do not overlap; one that is still open counts as if it ended where it began: the due time
    then is a lower bound.
    """
    span = timedelta(minutes=limit.amount)
    if limit.unit is Unit.MINUTES and limit.counting is Counting.DUTY:
        return _duty(start, span, calendar, pauses)
    lost = sum((p.until - p.since for p in pauses if p.until is not None), timedelta())
    if limit.unit is Unit.WORKING_DAYS:
        return _working_days(start, limit.amount, calendar) + lost
    if limit.unit is Unit.DAYS:
        return end_of_day(local(start).date() + timedelta(days=limit.amount)) + lost
    return start + span + lost


def warning(limit: Limit, start: datetime, due_at: datetime) -> datetime | None:
    """When the 催办 goes out: `warn_percent` of the way from start to due."""
    if limit.warn_percent is None:
        return None
    return start + (due_at - start) * limit.warn_percent / 100


def is_duty_time(moment: datetime, calendar: WorkingCalendar) -> bool:
    """Within office hours of a working day."""
    here = local(moment)
    return calendar.is_working(here.date()) and any(a <= here.time() < b for a, b in DUTY_WINDOWS)


def next_morning(moment: datetime) -> datetime:
    """The next 08:30 in Shanghai, strictly after `moment`."""
    here = local(moment)
    today = at_local(here.date(), DAY_STARTS)
    return today if moment < today else at_local(here.date() + timedelta(days=1), DAY_STARTS)


def by_day(start: datetime, span: timedelta, *, pages_at_night: bool) -> datetime:
    """A limit that runs from 08:30 to 17:30 only, unless the matter pages at night (DOMAIN.md §3).

    What is left at 17:30 runs on from the next 08:30. Every day of the week has its day: an order of
    Saturday is answered on Saturday, by who is on duty.
    """
    if pages_at_night:
        return start + span
    begin, left = start, span
    if not DAY_STARTS <= local(start).time() < DAY_ENDS:
        begin = next_morning(start)
    while left > (rest := at_local(local(begin).date(), DAY_ENDS) - begin):
        begin, left = next_morning(begin), left - rest
    return begin + left


def _working_days(start: datetime, amount: int, calendar: WorkingCalendar) -> datetime:
    day = local(start).date()
    for _ in range(amount):
        day = calendar.next_working(day)
    return end_of_day(day)


def _duty(start: datetime, span: timedelta, calendar: WorkingCalendar, pauses: Sequence[Pause]) -> datetime:
    left = span
    for ahead in range(400):
        day = local(start).date() + timedelta(days=ahead)
        if not calendar.is_working(day):
            continue
        for opens, closes in DUTY_WINDOWS:
            for begin, end in _running(max(start, at_local(day, opens)), at_local(day, closes), pauses):
                if end - begin >= left:
                    return begin + left
                left -= end - begin
    raise ValueError("no duty time within 400 days")


def _running(begin: datetime, end: datetime, pauses: Sequence[Pause]) -> Iterator[tuple[datetime, datetime]]:
    """The parts of a window in which no pause lies, in order."""
    for pause in sorted(pauses, key=lambda one: one.since):
        if pause.until is None or pause.until <= begin or pause.since >= end:
            continue
        if pause.since > begin:
            yield begin, pause.since
        begin = pause.until
    if begin < end:
        yield begin, end
