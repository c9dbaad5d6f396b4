"""How much a plan gives each person to do, and what a credit scheme would change in it (DESIGN.md §8).

Visits count: 季度评 is confirmed by list. A worker's day holds the month's patrols planned for it and the
daily patrols of now; a commissioner's week its checks.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any, Protocol

from django.db import connection

from credit.grade_changes import GradeMove
from credit.scheme import Scheme
from grids.roles import Role
from kernel import clock
from kernel.accounts.models import User
from kernel.deadlines import clocks
from kernel.deadlines.arrays import literal
from patrols import demand, rosters
from patrols.kinds import TaskKind
from patrols.models import PatrolPolicy, PlanRun
from patrols.periods import Ahead, month_of, working_days

SHOWN = 10
"""So many of the fullest stand in a plan's record."""

_COUNTED = """
SELECT t.assignee_id, u.name, string_agg(DISTINCT g.code, '、'), t.kind, t.planned_on, count(*)
  FROM patrols_patroltask t JOIN accounts_user u ON u.id = t.assignee_id JOIN grids_grid g ON g.id = t.grid_id
 WHERE t.planned_on BETWEEN %(first)s AND %(last)s AND t.kind <> 'QUARTERLY_REVIEW'
   AND t.state IN ('PLANNED', 'ASKS', 'DONE')
 GROUP BY 1, 2, 4, 5
"""
_RHYTHMS = f"""
WITH {demand.GRADED}
SELECT w.grid_id, g.code, w.rhythm, count(*) FROM wanted w JOIN grids_grid g ON g.id = w.grid_id
 GROUP BY 1, 2, 3
"""  # noqa: S608 - only constants are put together
_MOVED = f"WITH {demand.GRADED} SELECT id, grid_id, rhythm FROM wanted"  # noqa: S608


class Planned(Protocol):
    """What `of_plan` reads of a planning."""

    ahead: dict[str, Ahead]


def of_plan(on: date, walk: Planned) -> dict[str, list[dict[str, Any]]]:
    """The fullest day of each worker and the coming week of each commissioner, fullest first."""
    week = walk.ahead[TaskKind.WEEKLY_CHECK].period
    first_day = walk.ahead[TaskKind.DAILY_PATROL].days[0]
    people: dict[int, dict[str, Any]] = {}
    monthly: dict[int, Counter[date]] = defaultdict(Counter)
    daily: Counter[int] = Counter()
    checks: Counter[int] = Counter()
    last = max(month_of(on).last, week.last, walk.ahead[TaskKind.MONTHLY_PATROL].period.last)
    with connection.cursor() as cursor:
        cursor.execute(_COUNTED, {"first": min(on, week.first), "last": last})
        for person, name, grids, kind, day, many in cursor.fetchall():
            people.setdefault(person, {"name": name, "grids": grids})
            if kind == TaskKind.MONTHLY_PATROL and day >= on:
                monthly[person][day] += many
            elif kind == TaskKind.DAILY_PATROL and day == first_day:
                daily[person] += many
            elif kind == TaskKind.WEEKLY_CHECK and day in week:
                checks[person] += many
    workers = []
    for person in {*monthly, *daily}:
        days = monthly[person] or Counter({first_day: 0})
        day, many = min(days.items(), key=lambda one: (-one[1], one[0]))
        workers.append(people[person] | {"day": day.isoformat(), "tasks": many + daily[person]})
    commissioners = [
        people[person] | {"week": week.first.isoformat(), "tasks": many} for person, many in checks.items()
    ]
    return {"workers": _fullest(workers), "commissioners": _fullest(commissioners)}


def _fullest(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return sorted(rows, key=lambda row: (-row["tasks"], row["grids"], row["name"]))[:SHOWN]


def most(load: dict[str, list[dict[str, Any]]]) -> tuple[int, int]:
    """Tasks of the fullest worker's day, checks of the fullest commissioner's week."""
    workers, commissioners = load.get("workers") or [], load.get("commissioners") or []
    return (workers[0]["tasks"] if workers else 0, commissioners[0]["tasks"] if commissioners else 0)


def asks_for_consent(run: PlanRun, policy: PatrolPolicy) -> bool:
    """Is a limit passed, and by more than the bureau has agreed to this month? One statement at most."""
    now = most(run.load)
    limits = (policy.worker_daily_limit, policy.commissioner_weekly_limit)
    if all(many <= limit for many, limit in zip(now, limits, strict=True)):
        return False
    month = month_of(run.for_date)
    agreed = PlanRun.objects.filter(for_date__range=(month.first, month.last), consented_at__isnull=False)
    fullest = [most(one) for one in agreed.exclude(pk=run.pk).values_list("load", flat=True)]
    allowed = [max(limit, *(one[place] for one in fullest), 0) for place, limit in enumerate(limits)]
    return any(many > limit for many, limit in zip(now, allowed, strict=True))


# --- the trial of a credit scheme ------------------------------------------------------------------


def effect(moves: Sequence[GradeMove], scheme: Scheme, on: date) -> dict[str, list[dict[str, Any]]]:
    """Tasks per worker and day, and checks per commissioner and week, before and after these moves of a day
    under a scheme.

    On a month's average, shared evenly in each grid: a trial says how much work, not on which day. Seven
    statements, whatever the number of moves.
    """
    parameters = demand.parameters()
    others = set(demand.parameters(scheme)["other_caps"])
    before, codes = _rhythms(parameters)
    with connection.cursor() as cursor:
        cursor.execute(_MOVED, {**parameters, "ids": literal(sorted(one.entity_id for one in moves))})
        stands = {entity_id: (grid_id, rhythm) for entity_id, grid_id, rhythm in cursor.fetchall()}
    after = {grid_id: Counter(counts) for grid_id, counts in before.items()}
    for move in moves:
        if move.entity_id in stands:
            grid_id, rhythm = stands[move.entity_id]
            after[grid_id][rhythm] -= 1
            after[grid_id][demand.rhythm_of(move.after, only_abnormal=_only_abnormal(move, others))] += 1
    return _on_average(before, after, codes, on)


def of_now(on: date) -> dict[str, list[dict[str, Any]]]:
    """The same of the grades of now: `before_per_day` all of a working day, `after_per_day` the daily patrols
    alone – what a day of rest would hold. Six statements."""
    counts, codes = _rhythms(demand.parameters())
    daily = {grid_id: Counter({"DAILY": found["DAILY"]}) for grid_id, found in counts.items()}
    return _on_average(counts, daily, codes, on)


Counts = dict[int, Counter[str]]


def _rhythms(parameters: dict[str, Any]) -> tuple[Counts, dict[int, str]]:
    """How many businesses of each grid are called on in which rhythm, and the grids' codes. One statement."""
    counts: Counts = defaultdict(Counter)
    codes: dict[int, str] = {}
    with connection.cursor() as cursor:
        cursor.execute(_RHYTHMS, {**parameters, "ids": None})
        for grid_id, code, rhythm, many in cursor.fetchall():
            counts[grid_id][rhythm] += many
            codes[grid_id] = code
    return counts, codes


def _on_average(
    before: Counts, after: Counts, codes: dict[int, str], on: date
) -> dict[str, list[dict[str, Any]]]:
    """Shared among who is there on the first working day from `on`, spread over its month's working days."""
    roster = rosters.read(before, clock.now())
    calendar = clocks.calendar()
    days = max(working_days(month_of(on), calendar), 1)
    counted_on = calendar.next_working(on - timedelta(days=1))
    return _shared(before, after, codes, roster, counted_on, days)


def _only_abnormal(move: GradeMove, other_caps: set[str]) -> bool:
    """Is it C by 经营异常 alone? As `demand` asks of rows."""
    caps = {*move.caps}
    return move.after == "C" and move.cause == "CAP" and "ABNORMAL" in caps and not caps & other_caps


def _shared(
    before: Counts, after: Counts, codes: dict[int, str], roster: rosters.Roster, day: date, days: int
) -> dict[str, list[dict[str, Any]]]:
    """Each grid's work on its people; who has several grids has the sum, with all their codes."""
    workers: dict[int, dict[str, Any]] = {}
    commissioners: dict[int, dict[str, Any]] = {}
    for grid_id in sorted(codes, key=codes.__getitem__):
        pairs = (before[grid_id], after[grid_id])
        visits = [one["MONTHLY"] / days + one["DAILY"] for one in pairs]
        checks = [float(one["DAILY"]) for one in pairs]
        for role, work, found, unit in (
            (Role.GRID_WORKER, visits, workers, "day"),
            (Role.COMMISSIONER, checks, commissioners, "week"),
        ):
            there = roster.present(grid_id, role, day)
            for person in there:
                row = found.setdefault(
                    person, {"grid": [], f"before_per_{unit}": 0.0, f"after_per_{unit}": 0.0}
                )
                row["grid"].append(codes[grid_id])
                row[f"before_per_{unit}"] += work[0] / len(there)
                row[f"after_per_{unit}"] += work[1] / len(there)
    names = dict(User.objects.filter(pk__in=[*workers, *commissioners]).values_list("pk", "name"))
    return {
        label: [
            {
                "name": names[person],
                **{key: "、".join(it) if key == "grid" else round(it, 1) for key, it in row.items()},
            }
            for person, row in found.items()
        ]
        for label, found in (("workers", workers), ("commissioners", commissioners))
    }
