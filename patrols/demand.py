"""Which tasks a business calls for: by its grade *and* its cause (DESIGN.md §8, DOMAIN.md §4).

A, B: 月度巡 and 季度评. C, D: 每日巡 and 每周查 – but C only by the cap of 经营异常 as A and B.
Ungraded: 月度巡 alone. Not trading, or without a grid in use: nothing.

"Only by the cap" asks what made the grade: where the computed grade is C, today's points and caps; where it
is better already and the business still waits for its time, those of the day on which it fell.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from django.db import connection

from credit import schemes_in_force
from credit.scheme import Scheme
from patrols.kinds import TaskKind

RHYTHMS: dict[str, tuple[TaskKind, ...]] = {
    "MONTHLY": (TaskKind.MONTHLY_PATROL, TaskKind.QUARTERLY_REVIEW),
    "DAILY": (TaskKind.DAILY_PATROL, TaskKind.WEEKLY_CHECK),
}

_ONLY_ABNORMAL = """('ABNORMAL' = ANY({0}.caps) AND cardinality({0}.vetoes) = 0
      AND NOT {0}.caps && %(other_caps)s::varchar[] AND {0}.total >= %(points_of_b)s)"""
_ONLY_NOW, _ONLY_THEN = _ONLY_ABNORMAL.format("s"), _ONLY_ABNORMAL.format("fall")

GRADED = f"""
graded AS (
  SELECT e.id, e.grid_id, e.lon, e.lat, e.address, coalesce(e.credit_grade, '') AS grade,
         CASE WHEN e.credit_grade IS NULL THEN 'UNGRADED'
              WHEN e.credit_grade = 'C' AND CASE WHEN s.computed_grade < 'C'
                   THEN coalesce(fall.previous_grade <> 'D' AND {_ONLY_THEN}, false)
                   ELSE coalesce({_ONLY_NOW}, false) END THEN 'ABNORMAL_ONLY'
              ELSE 'GRADE' END AS cause
    FROM grids_businessentity e JOIN grids_grid g ON g.id = e.grid_id AND g.is_active
    LEFT JOIN credit_creditstanding s ON s.entity_id = e.id AND e.credit_grade = 'C'
    LEFT JOIN LATERAL (
         SELECT a.caps, a.vetoes, a.total, a.previous_grade FROM credit_creditassessment a
          WHERE a.entity_id = e.id AND a.effective_grade = 'C' AND a.previous_grade <> 'C'
          ORDER BY a.id DESC LIMIT 1) fall ON e.credit_grade = 'C' AND s.computed_grade < 'C'
   WHERE e.status = 'ACTIVE' AND (%(ids)s::bigint[] IS NULL OR e.id = ANY(%(ids)s::bigint[]))
), wanted AS (
  SELECT graded.*, CASE WHEN grade IN ('C', 'D') AND cause = 'GRADE' THEN 'DAILY' ELSE 'MONTHLY' END AS rhythm
    FROM graded
)"""  # noqa: S608 - only constants are put together here
"""A CTE `wanted (id, grid_id, lon, lat, address, grade, cause, rhythm)`; takes `parameters()` and `ids`."""

_FREQUENCY = f"""
WITH {GRADED}
SELECT grade, cause, rhythm, count(*) FROM wanted
 WHERE (%(grids)s::bigint[] IS NULL OR grid_id = ANY(%(grids)s::bigint[]))
 GROUP BY 1, 2, 3 ORDER BY 1, 2
"""  # noqa: S608


def rhythm_of(grade: str, *, only_abnormal: bool = False) -> str:
    """How often a business of this grade is called on: `MONTHLY` or `DAILY`."""
    return "DAILY" if grade in ("C", "D") and not (grade == "C" and only_abnormal) else "MONTHLY"


def kinds_of(rhythm: str, grade: str) -> tuple[TaskKind, ...]:
    """The tasks of a rhythm. Without a grade there is nothing to review."""
    return tuple(kind for kind in RHYTHMS[rhythm] if grade or kind != TaskKind.QUARTERLY_REVIEW)


def parameters(scheme: Scheme | None = None) -> dict[str, Any]:
    """What the scheme says of caps and points. One statement, unless the scheme is given."""
    limits = (scheme or schemes_in_force.newest()[1]).limits
    caps = {"OVERDUE_SERIOUS": limits.overdue_serious, "NO_PATROL": limits.no_patrol, "NEW": limits.new}
    return {
        "other_caps": [code for code, grade in caps.items() if grade >= "C"],
        "points_of_b": limits.b,
    }


class Frequency(NamedTuple):
    """So many businesses of this grade, for this cause, are called on in this rhythm."""

    grade: str
    cause: str
    rhythm: str
    entities: int


def frequency(grid_ids: str | None) -> list[Frequency]:
    """How the register is divided, in these grids (`arrays.literal`; None: all). Two statements."""
    with connection.cursor() as cursor:
        cursor.execute(_FREQUENCY, {**parameters(), "ids": None, "grids": grid_ids})
        return [Frequency(*row) for row in cursor.fetchall()]
