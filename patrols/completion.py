"""How much of the plan was done, per grid and kind – never per person (DOMAIN.md §5, §7).

巡查完成率 = tasks done in their period ÷ tasks due. Due is a task whose period has ended; what was called off
never was. Tasks of periods that still run are told beside, and enter no rate.
"""

from __future__ import annotations

from datetime import date
from typing import NamedTuple

from django.db import connection

from grids.access import scope_of
from grids.models import Grid
from kernel.accounts.models import User
from kernel.deadlines.arrays import literal
from patrols.kinds import TaskKind

_RATES = """
SELECT g.code, g.name, t.kind,
       count(*) FILTER (WHERE t.period_end < %(today)s) AS due,
       count(*) FILTER (WHERE t.period_end < %(today)s AND t.state = 'DONE'
         AND (t.done_at AT TIME ZONE 'Asia/Shanghai')::date <= t.period_end) AS done,
       count(*) FILTER (WHERE t.period_end >= %(today)s AND t.state = 'DONE') AS done_early,
       count(*) FILTER (WHERE t.period_end >= %(today)s AND t.state IN ('PLANNED', 'ASKS')) AS open
  FROM patrols_patroltask t JOIN grids_grid g ON g.id = t.grid_id
 WHERE t.period_end BETWEEN %(first)s AND %(last)s AND t.state <> 'CANCELLED'
   AND (%(grids)s::bigint[] IS NULL OR t.grid_id = ANY(%(grids)s::bigint[]))
 GROUP BY g.code, g.name, t.kind ORDER BY g.code, t.kind
"""
_SUPERVISIONS = """
SELECT count(*) FROM patrols_patroltask t
  LEFT JOIN LATERAL (
       SELECT a.effective_grade FROM credit_creditassessment a
        WHERE a.entity_id = t.entity_id AND a.at <= t.done_at ORDER BY a.id DESC LIMIT 1) stood ON true
 WHERE t.kind = 'WEEKLY_CHECK' AND t.state = 'DONE'
   AND (t.done_at AT TIME ZONE 'Asia/Shanghai')::date BETWEEN %(first)s AND %(last)s
   AND coalesce(stood.effective_grade, t.grade) IN ('C', 'D')
   AND NOT EXISTS (SELECT FROM patrols_patrolvisit v
                    WHERE v.task_id = t.id AND v.result IN ('closed_today', 'gone'))
   AND (%(grids)s::bigint[] IS NULL OR t.grid_id = ANY(%(grids)s::bigint[]))
"""


class Completed(NamedTuple):
    """One grid's tasks of one kind whose periods end within a span of days."""

    grid: str
    grid_name: str
    kind: str
    due: int
    done: int
    done_early: int
    open: int

    @property
    def rate(self) -> float | None:
        return rate(self.done, self.due)


def grids_of(user: User) -> str | None:
    """The grids whose figures a person is told, as an array; None: all.

    Those that he answers for or sees, grids that are out of use among them: what was due there was due.
    """
    if scope_of(user).sees_all:
        return None
    return literal(Grid.objects.served_by(user).order_by("id").values_list("id", flat=True))


def rate(done: int, due: int) -> float | None:
    """Four decimals; nothing due is no rate, never 100 %."""
    return round(done / due, 4) if due else None


def by_grid(first: date, last: date, *, today: date, grid_ids: str | None = None) -> list[Completed]:
    """One row per grid and kind of these grids (`arrays.literal`; None: all). One statement."""
    given = {"first": first, "last": last, "today": today, "grids": grid_ids}
    with connection.cursor() as cursor:
        cursor.execute(_RATES, given)
        return [Completed(*row) for row in cursor.fetchall()]


def by_kind(rows: list[Completed]) -> list[Completed]:
    """The same, all grids together."""
    sums = []
    for kind in TaskKind.values:
        some = [row for row in rows if row.kind == kind]
        if some:
            totals = [sum(getattr(row, name) for row in some) for name in Completed._fields[3:]]
            sums.append(Completed("", "", kind, *totals))
    return sums


def key_supervisions(first: date, last: date, *, grid_ids: str | None = None) -> int:
    """重点监管: 每周查 completed in these days at businesses that were C or D that day; not where nothing was
    inspected (关门, 搬走). One statement."""
    with connection.cursor() as cursor:
        cursor.execute(_SUPERVISIONS, {"first": first, "last": last, "grids": grid_ids})
        return int(cursor.fetchone()[0])
