"""When a report is due and when it is told (DESIGN.md §10). Plain values in, plain values out."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta

from kernel.clock import SHANGHAI, local_date

READY_AFTER = timedelta(minutes=10)
"""A day's report is made from 00:10 of the next day on: what began before midnight has ended."""
RECENT_DAYS = 7


def parse_time(said: str) -> time:
    """`"07:30"` as a time of day. Raises ValueError for anything else."""
    return datetime.strptime(said, "%H:%M").time()  # noqa: DTZ007 - a time of day has no zone


def day_starts(day: date) -> datetime:
    """00:00 of a Shanghai day."""
    return datetime.combine(day, time(), SHANGHAI)


def day_ends(day: date) -> datetime:
    """24:00 of a Shanghai day: the moment as of which its report is computed."""
    return day_starts(day + timedelta(days=1))


def recent(day: date) -> tuple[date, date]:
    """First and last day of the seven that end with `day`."""
    return day - timedelta(days=RECENT_DAYS - 1), day


def latest_due(at: datetime) -> date:
    """The last day whose report may exist at `at`."""
    return local_date(at - READY_AFTER) - timedelta(days=1)


def latest_told(at: datetime, push_at: time) -> date:
    """The last day whose report may be told at `at`: from `push_at` of the next day on."""
    return local_date(at - timedelta(hours=push_at.hour, minutes=push_at.minute)) - timedelta(days=1)
