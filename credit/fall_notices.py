"""Who is told when a grade falls: commissioner and grid workers, each once a run, however many fell."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime

from django.db import connection

from credit.grade_changes import GradeMove
from kernel.deadlines.arrays import literal
from kernel.notices import outbox, templates
from kernel.notices.outbox import Draft
from kernel.notices.policy import Urgency

FELL = "credit.fell"
NAMED = 5
"""So many businesses are named in one notice; the rest are counted."""

# Whoever holds the seat, and while he is away who stands in for him; closed accounts are nobody.
_PEOPLE = """
SELECT DISTINCT e.id, e.name, t.person
  FROM grids_businessentity e
  JOIN grids_posting p ON p.grid_id = e.grid_id AND p.role IN ('COMMISSIONER', 'GRID_WORKER')
   AND p.starts_at <= %(at)s AND (p.ends_at IS NULL OR p.ends_at > %(at)s)
  LEFT JOIN grids_absence a ON a.user_id = p.user_id AND a.starts_at <= %(at)s AND a.ends_at > %(at)s
 CROSS JOIN LATERAL (VALUES
       (p.user_id), (CASE WHEN a.id IS NOT NULL THEN COALESCE(a.stand_in_id, p.backup_id) END)) t(person)
  JOIN accounts_user u ON u.id = t.person AND u.is_active
 WHERE e.id = ANY(%(ids)s::bigint[])
 ORDER BY t.person, e.id
"""


def tell(fallen: Sequence[GradeMove], *, at: datetime, run: str = "") -> int:
    """Tell of these falls, in the caller's transaction; how many people were told. Two statements.

    `run` names the run over the whole register; told again for the same run, nothing is added.
    """
    if not fallen:
        return 0
    moves = {one.entity_id: one for one in fallen}
    with connection.cursor() as cursor:
        cursor.execute(_PEOPLE, {"ids": literal(moves), "at": at})
        concerned: dict[int, list[tuple[int, str]]] = defaultdict(list)
        for entity_id, name, person in cursor.fetchall():
            concerned[person].append((entity_id, name))
    key = run or f"{at:%Y%m%d%H%M%S%f}:{min(moves)}"
    return outbox.post(
        [
            Draft(
                dedupe_key=f"credit:fell:{key}:user:{person}",
                template=FELL,
                params={
                    "count": len(theirs),
                    "names": _names([(name, moves[entity_id]) for entity_id, name in theirs]),
                },
                subject_kind="entity",
                subject_id=theirs[0][0],
                recipient_id=person,
            )
            for person, theirs in concerned.items()
        ],
        at=at,
    )


def _names(fallen: Sequence[tuple[str, GradeMove]]) -> str:
    named = "、".join(f"{name}（{move.before}→{move.after}）" for name, move in fallen[:NAMED])
    return f"{named}等{len(fallen)}家" if len(fallen) > NAMED else named


def register() -> None:
    templates.register(
        FELL,
        "信用等级下降提醒：{count}家",
        "{names}，执行等级已下降，巡查任务随之调整，扣分依据见主体信用页。",
        urgency=Urgency.NEWS,
    )
