"""The first locks of every act on a subject about which somebody may be asking (DESIGN.md §4).

The clocks of a subject, of the approvals that wait about it, and of those about what hangs on it (`hang_on`)
are locked together, by id: an act may then end an approval, and a decision move the subject's clocks, without
two of them ever waiting for each other. Who finds that he needs one more when he holds rows already does not
wait for it (`lock_at_once`): he gives all back and begins again (`contention.retried`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from django.db import connection

from kernel.deadlines import clocks
from kernel.deadlines.arrays import literal
from kernel.deadlines.models import Deadline

_LIVE = """
SELECT d.* FROM deadlines_deadline d
 WHERE d.state IN ('running', 'paused')
   AND ((d.subject_kind = %(kind)s AND d.subject_id = ANY(%(ids)s::bigint[]))
     OR (d.subject_kind = %(also_kind)s AND d.subject_id = %(also_id)s)
     OR (d.subject_kind = 'approval' AND d.subject_id = ANY(ARRAY(
             SELECT a.id FROM approvals_approval a
              WHERE a.subject_kind = %(kind)s AND a.subject_id = ANY(%(ids)s::bigint[])
                AND a.state = 'waiting'))){hanging})
 ORDER BY d.id FOR UPDATE
"""
LIVE = _LIVE.format(hanging="")
WITH_HANGING = _LIVE.format(
    hanging="""
     OR (d.subject_kind = 'approval' AND d.subject_id = ANY(ARRAY(
             SELECT a.id FROM approvals_approval a
              WHERE a.subject_kind = %(hanging_kind)s AND a.subject_id = ANY(%(hanging_ids)s::bigint[])
                AND a.state = 'waiting')))"""
)

UNSEEN = """
SELECT EXISTS (SELECT 1 FROM approvals_approval a
                 JOIN deadlines_deadline d ON d.subject_kind = 'approval' AND d.subject_id = a.id
                WHERE a.subject_kind = %(kind)s AND a.subject_id = ANY(%(ids)s::bigint[])
                  AND a.state = 'waiting' AND d.state IN ('running', 'paused')
                  AND d.id <> ALL(%(seen)s::bigint[]))
"""


Find = Callable[[Sequence[int]], Sequence[int]]

_hanging: dict[str, tuple[str, Find]] = {}


def hang_on(subject_kind: str, hanging_kind: str, find: Find) -> None:
    """Things of `hanging_kind` hang on subjects: an act on a subject may end what is asked about them.

    `find(subject_ids)` gives those of them about which somebody is asking, in one statement. A second kind
    that hangs on the same subjects is a mistake.
    """
    if _hanging.setdefault(subject_kind, (hanging_kind, find))[0] != hanging_kind:
        raise ValueError(f"something hangs on {subject_kind} already")


def lock_live(subject_kind: str, subject_id: int, *, also: tuple[str, int] | None = None) -> list[Deadline]:
    """Lock the live clocks of a subject and of the approvals that wait about it, by id; with `also` those of
    one more thing that hangs on it (`("order", 7)`)."""
    return lock_live_of(subject_kind, [subject_id], also=also)


def lock_live_of(
    subject_kind: str, subject_ids: Sequence[int], *, also: tuple[str, int] | None = None
) -> list[Deadline]:
    """The same for several subjects of one kind. Two statements, and one where something may hang on them;
    the wait is capped."""
    also_kind, also_id = also or (None, None)
    clocks.cap_waits()
    hanging_kind, hanging_ids = _hanging_on(subject_kind, subject_ids)
    values: dict[str, Any] = {
        "kind": subject_kind, "ids": literal(subject_ids), "also_kind": also_kind, "also_id": also_id,
        "hanging_kind": hanging_kind, "hanging_ids": literal(hanging_ids),
    }  # fmt: skip
    return list(Deadline.objects.raw(WITH_HANGING if hanging_ids else LIVE, values))


def lock_hanging_on(subject_kind: str, subject_ids: Sequence[int]) -> None:
    """For who changes subjects but ends nothing that is asked about them: lock the clocks of what is asked
    about the things that hang on them, before their rows. One statement where nobody asks."""
    kind, found = _hanging_on(subject_kind, subject_ids)
    if found:
        lock_live_of(kind, found)


def lock_at_once(subject_kind: str, subject_ids: Sequence[int]) -> None:
    """Lock the clocks as `lock_live_of` does, when rows are held already: nobody is waited for. Those that
    were locked in time are had; for one that was asked only since, and is in other hands, the statement
    fails (`lock_not_available`) and the act begins again."""
    values = {"kind": subject_kind, "ids": literal(subject_ids), "also_kind": None, "also_id": None}
    with connection.cursor() as cursor:
        cursor.execute(LIVE + " NOWAIT", values)


def _hanging_on(subject_kind: str, subject_ids: Sequence[int]) -> tuple[str, Sequence[int]]:
    kind, find = _hanging.get(subject_kind, ("", None))
    return kind, find(subject_ids) if find is not None and subject_ids else ()


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
