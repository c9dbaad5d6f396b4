"""Windows of calendar months: what still counts on a day, and until when. Pure.

A fact of day `h` counts on `on` while `h > on − N months`, the day clipped to the end of a shorter month, as
PostgreSQL's `date − interval` clips it. So nothing of a month's last day is forgotten early.
"""

from __future__ import annotations

from calendar import monthrange
from datetime import date, timedelta
from functools import lru_cache

ONE_DAY = timedelta(days=1)
MINUTES_A_DAY = 24 * 60


def whole_days(minutes: int) -> int:
    """A limit that is kept in minutes, in days."""
    return minutes // MINUTES_A_DAY


def appeal_ends(assessed_on: date, days: int) -> date:
    """The last day on which a grading of that day may be appealed against."""
    return assessed_on + timedelta(days=days)


@lru_cache(maxsize=4096)
def back(on: date, months: int) -> date:
    """The same day `months` months earlier, clipped. A window of `months` opens the day after."""
    year, month = divmod(on.year * 12 + on.month - 1 - months, 12)
    return date(year, month + 1, min(on.day, monthrange(year, month + 1)[1]))


@lru_cache(maxsize=65536)
def last_day(happened_on: date, months: int) -> date:
    """The last day on which a fact of `happened_on` stands in a window of `months`."""
    year, month = divmod(happened_on.year * 12 + happened_on.month - 1 + months, 12)
    if happened_on.day <= monthrange(year, month + 1)[1]:
        return date(year, month + 1, happened_on.day) - ONE_DAY
    return date(year, month + 1, monthrange(year, month + 1)[1])
