"""Writing the walking order of days into `PatrolTask.sequence`. Two statements, however many days."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable
from datetime import date
from typing import NamedTuple

from django.db import connection

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


def write(walks: Iterable[Walk]) -> None:
    """Order the tasks of these walks that are still to be done, from 1."""
    wanted = sorted(set(walks), key=lambda walk: (walk.day, walk.person or 0, walk.grid or 0))
    if not wanted:
        return
    groups = [
        {"place": place, "person": walk.person, "grid": walk.grid, "day": walk.day.isoformat()}
        for place, walk in enumerate(wanted)
    ]
    stops: dict[int, list[Stop]] = defaultdict(list)
    before: dict[int, int] = {}
    with connection.cursor() as cursor:
        cursor.execute(plan_sql.OF_A_DAY, {"groups": json.dumps(groups)})
        for place, task_id, sequence, lon, lat, address in cursor.fetchall():
            stops[place].append(Stop(task_id, lon, lat, address))
            before[task_id] = sequence
        now = {key: number for group in stops.values() for number, key in enumerate(order(group), 1)}
        changed = [key for key in now if now[key] != before[key]]
        if changed:
            cursor.execute(
                plan_sql.WALK, {"ids": literal(changed), "places": literal(now[key] for key in changed)}
            )
