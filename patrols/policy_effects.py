"""What a new version of the plan's rules would change: tasks per person and day, who passes the limits, and
how many shops stand at the yearly cap (DESIGN.md §8: shown before it takes effect)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any, NamedTuple

from django.db import connection

from grids.models.contacts import INSPECTIONS
from patrols import load
from patrols.models import PatrolPolicy
from patrols.policy_versions import Terms

_AT_CAP = """
SELECT count(*) FILTER (WHERE many >= %(before)s), count(*) FILTER (WHERE many >= %(after)s) FROM (
    SELECT count(*) AS many FROM grids_entitycontact c
      LEFT JOIN grids_samebusiness s ON s.entity_id = c.entity_id AND s.until_at IS NULL
     WHERE c.purpose = ANY(%(inspections)s) AND c.entered AND c."on" BETWEEN %(first)s AND %(last)s
     GROUP BY coalesce(s.survivor_id, c.entity_id)) entered
"""
"""As `plan_sql.ENTERED`: what was entered at an entry that another stands for counts there."""


class Person(NamedTuple):
    """One person's tasks, on a month's average: of a worker a working day and a day of rest before and after,
    of a commissioner a week (the same before and after). `over_*`: beyond the limit of that version?"""

    name: str
    grids: str
    tasks: float
    rest_before: float
    rest_after: float
    over_before: bool
    over_after: bool


@dataclass(frozen=True, slots=True)
class Effect:
    """Of all people with work. `at_cap_*`: shops that have been entered as often as may be in that year."""

    workers: list[Person]
    commissioners: list[Person]
    year: int
    at_cap_before: int
    at_cap_after: int

    @property
    def over(self) -> tuple[int, int]:
        """How many people pass a limit, before and after."""
        people = [*self.workers, *self.commissioners]
        return sum(one.over_before for one in people), sum(one.over_after for one in people)


def of(terms: Terms, before: PatrolPolicy, on: date) -> Effect:
    """Compare with the version `before`, by the grades and people of `on`. Seven statements."""
    now = load.of_now(on)
    workers = [
        Person(
            row["name"],
            row["grid"],
            row["before_per_day"],
            row["after_per_day"] if before.daily_on_rest_days else 0.0,
            row["after_per_day"] if terms.daily_on_rest_days else 0.0,
            row["before_per_day"] > before.worker_daily_limit,
            row["before_per_day"] > terms.worker_daily_limit,
        )
        for row in now["workers"]
    ]
    commissioners = [
        Person(
            row["name"],
            row["grid"],
            row["before_per_week"],
            0.0,
            0.0,
            row["before_per_week"] > before.commissioner_weekly_limit,
            row["before_per_week"] > terms.commissioner_weekly_limit,
        )
        for row in now["commissioners"]
    ]
    year = terms.in_force_on.year
    at_cap = _at_cap(before.inspections_a_year, terms.inspections_a_year, year)
    return Effect(_fullest(workers), _fullest(commissioners), year, *at_cap)


def _fullest(rows: list[Person]) -> list[Person]:
    return sorted(rows, key=lambda row: (not row.over_after, row.grids, row.name))


def _at_cap(before: int, after: int, year: int) -> tuple[int, int]:
    given: dict[str, Any] = {
        "before": before, "after": after, "inspections": sorted(INSPECTIONS),
        "first": date(year, 1, 1), "last": date(year, 12, 31),
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(_AT_CAP, given)
        then, now = cursor.fetchone()
        return int(then), int(now)
