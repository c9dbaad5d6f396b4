"""关门 several times in a row: does the shop still exist? Asked once a streak, on the grid's task list."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection

from grids import task_lists
from grids.models import TaskItem
from grids.staffing import RoutingFacts
from grids.task_lists import Wish
from kernel.deadlines.arrays import literal
from patrols import policies
from patrols.kinds import Result
from patrols.models import PatrolVisit

SOURCE = "closed_streak"
TO_SETTLE = timedelta(days=3)
SPACE = uuid.UUID("6c8f1f0e-6a53-4f7e-9d0f-3b6f2f1f7a55")

STREAKS = """
SELECT v.entity_id, count(*), min(v.id)
  FROM patrols_patrolvisit v
  LEFT JOIN LATERAL (
       SELECT w.done_on, w.id FROM patrols_patrolvisit w
        WHERE w.entity_id = v.entity_id AND w.result <> 'closed_today' AND w.how <> 'RECORDS'
        ORDER BY w.done_on DESC, w.id DESC LIMIT 1) o ON true
 WHERE v.entity_id = ANY(%s::bigint[]) AND v.result = 'closed_today'
   AND (o.id IS NULL OR (v.done_on, v.id) > (o.done_on, o.id))
 GROUP BY v.entity_id ORDER BY v.entity_id
"""
"""What was looked up in records alone says nothing about the door."""


@dataclass(frozen=True, slots=True)
class Streak:
    """So many visits of one shop one after another found it shut, from the visit `first_id` on."""

    entity_id: int
    times: int
    first_id: int


def streaks(entity_ids: Sequence[int]) -> list[Streak]:
    """The streaks that run now. One statement."""
    with connection.cursor() as cursor:
        cursor.execute(STREAKS, [literal(sorted(set(entity_ids)))])
        return [Streak(*row) for row in cursor.fetchall()]


def ask(visits: Sequence[PatrolVisit], people: Mapping[int, RoutingFacts], at: datetime) -> int:
    """After visits were written: put the question to the commissioner of each shop whose streak is long
    enough (`closed_in_a_row`), where it was not put before. How many were asked.

    The task on the grid's list has a clock of three days and is told; no commissioner: the office's head.
    """
    shut = {visit.entity_id: visit for visit in visits if visit.result == Result.CLOSED_TODAY}
    if not shut:
        return 0
    needed = policies.in_force(at).closed_in_a_row
    found = [streak for streak in streaks(list(shut)) if streak.times >= needed]
    if not found:
        return 0
    asked = TaskItem.objects.filter(source_kind=SOURCE, source_id__in=[one.first_id for one in found])
    before = set(asked.values_list("source_id", flat=True))
    return sum(
        _put(shut[one.entity_id], one, people.get(shut[one.entity_id].grid_id), at)
        for one in found
        if one.first_id not in before
    )


def _put(visit: PatrolVisit, streak: Streak, people: RoutingFacts | None, at: datetime) -> bool:
    if people is None:
        return False
    owner = people.commissioner_id or next(iter(people.office_head_ids), None)
    if owner is None:
        return False
    title = f"核实是否仍在经营（连续{streak.times}次关门）：{visit.entity.name}"[:80]
    wish = Wish(
        title,
        owner,
        at + TO_SETTLE,
        note="核实后请在主体档案中变更状态；仍在经营的，填写营业时间后办结。",
        source=(SOURCE, streak.first_id),
    )
    uid = uuid.uuid5(SPACE, str(streak.first_id))
    return task_lists.add(grid=visit.grid, wish=wish, client_uid=uid, by=None, at=at).created
