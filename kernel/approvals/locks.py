"""The first locks of every act on a subject about which somebody may be asking (DESIGN.md §4).

The clocks of a subject and of the approvals that wait about it are locked together, by id: an act may
then end an approval, and a decision move the subject's clocks, without two of them ever waiting for
each other.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from django.db import connection

from kernel.deadlines import clocks
from kernel.deadlines.arrays import literal
from kernel.deadlines.models import Deadline

LIVE = """
SELECT d.* FROM deadlines_deadline d
 WHERE d.state IN ('running', 'paused')
   AND ((d.subject_kind = %(kind)s AND d.subject_id = ANY(%(ids)s::bigint[]))
     OR (d.subject_kind = %(also_kind)s AND d.subject_id = %(also_id)s)
     OR (d.subject_kind = 'approval' AND d.subject_id = ANY(ARRAY(
             SELECT a.id FROM approvals_approval a
              WHERE a.subject_kind = %(kind)s AND a.subject_id = ANY(%(ids)s::bigint[])
                AND a.state = 'waiting'))))
 ORDER BY d.id FOR UPDATE
"""

UNSEEN = """
SELECT EXISTS (SELECT 1 FROM approvals_approval a
                 JOIN deadlines_deadline d ON d.subject_kind = 'approval' AND d.subject_id = a.id
                WHERE a.subject_kind = %(kind)s AND a.subject_id = ANY(%(ids)s::bigint[])
                  AND a.state = 'waiting' AND d.state IN ('running', 'paused')
                  AND d.id <> ALL(%(seen)s::bigint[]))
"""


def lock_live(subject_kind: str, subject_id: int, *, also: tuple[str, int] | None = None) -> list[Deadline]:
    """Lock the live clocks of a subject and of the approvals that wait about it, by id; with `also` those of
    one more thing that hangs on it (`("order", 7)`)."""
    return lock_live_of(subject_kind, [subject_id], also=also)


def lock_live_of(
    subject_kind: str, subject_ids: Sequence[int], *, also: tuple[str, int] | None = None
) -> list[Deadline]:
    """The same for several subjects of one kind. Two statements; the wait is capped."""
    also_kind, also_id = also or (None, None)
    clocks.cap_waits()
    values = {
        "kind": subject_kind, "ids": literal(subject_ids), "also_kind": also_kind, "also_id": also_id,
    }  # fmt: skip
    return list(Deadline.objects.raw(LIVE, values))


def refuse_unseen(live: Iterable[Deadline], subject_kind: str, subject_ids: Sequence[int]) -> None:
    """Raise `clocks.Overdue` where something was asked about these subjects while the caller waited for their
    locks: its clock is not among `live`, and an act that does not know of it would leave it waiting.
    The act is tried again and finds it (`contention.retried`). Called with the subjects locked; one
    statement.
    """
    seen = literal(one.pk for one in live)
    with connection.cursor() as cursor:
        cursor.execute(UNSEEN, {"kind": subject_kind, "ids": literal(subject_ids), "seen": seen})
        if cursor.fetchone()[0]:
            raise clocks.Overdue
