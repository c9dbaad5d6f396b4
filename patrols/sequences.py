"""Writing the walking order of days into `PatrolTask.sequence`. Two statements, however many days.

0 is a visit that has no place in its day yet: made by a run over the register, where every batch would
number the same days anew. `settle` (each minute) and the night's plan give it one.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable
from datetime import date
from typing import Any, NamedTuple

from django.db import connection, transaction

from kernel.deadlines.arrays import literal
from patrols import plan_sql
from patrols.walking import Stop, order


class Walk(NamedTuple):
    """The visits of one person on one day; of a grid's unassigned ones where there is no person."""

    person: int | None
    grid: int | None
    day: date


def walk_of(person: int | None, grid_id: int, day: date) -> Walk:
    return Walk(person, None if person is not None else grid_id, day)


def unordered() -> set[Walk]:
    """The days that hold a visit without a place. One statement."""
    return _walks(plan_sql.UNORDERED, {})


def of_day(on: date) -> set[Walk]:
    """All walks of a day: shops may have been put right on the map since it was planned. One statement."""
    return _walks(plan_sql.WALKS_OF, {"on": on})


def _walks(statement: str, given: dict[str, Any]) -> set[Walk]:
    with connection.cursor() as cursor:
        cursor.execute(statement, given)
        return {walk_of(*row) for row in cursor.fetchall()}


@transaction.atomic
def settle() -> int:
    """Order the days that hold a visit without a place; how many. Waits for nobody: where a plan is being
    made, the next call does it."""
    with connection.cursor() as cursor:
        cursor.execute(plan_sql.LOCK_UNLESS_HELD)
        if not cursor.fetchone()[0]:
            return 0
    walks = unordered()
    write(walks)
    return len(walks)


def write(walks: Iterable[Walk]) -> None:
    """Order the tasks of these walks that are still to be done: from 1, or after those that are done."""
    wanted = sorted(set(walks), key=lambda walk: (walk.day, walk.person or 0, walk.grid or 0))
    if not wanted:
        return
    groups = [
        {"place": place, "person": walk.person, "grid": walk.grid, "day": walk.day.isoformat()}
        for place, walk in enumerate(wanted)
    ]
    stops: dict[int, list[Stop]] = defaultdict(list)
    before: dict[int, int] = {}
    behind: Counter[int] = Counter()
    with connection.cursor() as cursor:
        cursor.execute(plan_sql.OF_A_DAY, {"groups": json.dumps(groups)})
        for place, is_done, sequence, *stop in cursor.fetchall():
            if is_done:
                behind[place] = max(behind[place], sequence)
            else:
                stops[place].append(Stop(*stop))
                before[stop[0]] = sequence
        now = {
            key: number
            for place, group in stops.items()
            for number, key in enumerate(order(group), behind[place] + 1)
        }
        changed = [key for key in now if now[key] != before[key]]
        if changed:
            cursor.execute(
                plan_sql.WALK, {"ids": literal(changed), "places": literal(now[key] for key in changed)}
            )
