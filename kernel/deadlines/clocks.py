"""Arming, meeting, cancelling and pausing clocks. Callers hold the lock order of DESIGN.md §4:
the subject's live deadline rows by id, then the subject row, then all else.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, models
from django.db.models import F, Q
from django.db.models.functions import Greatest

from kernel.deadlines.models import CalendarDay, Deadline, LimitPolicy, Segment
from kernel.deadlines.policy import Limit, WorkingCalendar

LIVE = (Deadline.State.RUNNING, Deadline.State.PAUSED)
LOCK_TIMEOUT = "5s"
WARNING = "_80"
"""Ends the kind of a warning (API.md: `respond_80`), whatever share of the way a later policy asks for: it is
the name under which its handler is known."""


class Overdue(Exception):
    """A running clock of these subjects is past its due time and has not fired yet."""

    def __init__(self, subjects: Iterable[tuple[str, int]] = ()) -> None:
        super().__init__()
        self.subjects = frozenset(subjects)


def cap_waits() -> None:
    """Let no statement of this transaction wait longer than `LOCK_TIMEOUT` for a lock from now on: who waits
    longer is refused, tried once more (`contention.retried`) and then told 503, rather than left hanging."""
    with connection.cursor() as cursor:
        cursor.execute(f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT}'")


def lock_live(subject_kind: str, subject_id: int) -> list[Deadline]:
    """Lock the live clocks of a subject, by id: the first lock of every act.

    The wait is capped (`cap_waits`).
    """
    return lock_live_of(subject_kind, [subject_id])


def lock_live_of(subject_kind: str, subject_ids: Sequence[int]) -> list[Deadline]:
    """Lock the live clocks of several subjects, by id."""
    cap_waits()
    found = Deadline.objects.select_for_update().filter(
        subject_kind=subject_kind, subject_id__in=subject_ids, state__in=LIVE
    )
    return list(found.order_by("id"))


def refuse_overdue(live: Iterable[Deadline], at: datetime) -> None:
    """Raise `Overdue` where a clock ran out that no sweep has fired yet ("a late close")."""
    late = {(one.subject_kind, one.subject_id) for one in live if one.is_overdue(at)}
    if late:
        raise Overdue(late)


def arm(rows: Sequence[Deadline]) -> None:
    """Start clocks. One statement; a clock of the same kind and cycle that exists stays as it is."""
    if rows:
        Deadline.objects.bulk_create(rows, ignore_conflicts=True)


def running(
    subject_kind: str,
    subject_id: int,
    kind: str,
    *,
    cycle: int,
    armed_at: datetime,
    due_at: datetime,
    version: int = 1,
) -> Deadline:
    """One running clock without a reminder, not saved yet. `version`: of the policy behind it."""
    return Deadline(
        subject_kind=subject_kind,
        subject_id=subject_id,
        kind=kind,
        cycle=cycle,
        parent_kind="",
        state=Deadline.State.RUNNING,
        armed_at=armed_at,
        due_at=due_at,
        policy_version=version,
    )


def with_warning(
    limit: Limit,
    *,
    subject_kind: str,
    subject_id: int,
    kind: str,
    cycle: int,
    armed_at: datetime,
    due_at: datetime,
) -> list[Deadline]:
    """The clock and, where the policy asks for one, its 催办 at `warn_percent`."""
    from kernel.deadlines.policy import warning

    common = {
        "subject_kind": subject_kind,
        "subject_id": subject_id,
        "cycle": cycle,
        "armed_at": armed_at,
        "policy_version": limit.version,
        "state": Deadline.State.RUNNING,
    }
    rows = [Deadline(kind=kind, due_at=due_at, parent_kind="", **common)]
    warn_at = warning(limit, armed_at, due_at)
    if warn_at is not None:
        rows.append(Deadline(kind=f"{kind}{WARNING}", due_at=warn_at, parent_kind=kind, **common))
    return rows


def _of(subject_kind: str, subject_id: int, kinds: Sequence[str]) -> models.QuerySet[Deadline]:
    return Deadline.objects.filter(
        Q(kind__in=kinds) | Q(parent_kind__in=kinds),
        subject_kind=subject_kind,
        subject_id=subject_id,
        state__in=LIVE,
    )


def meet(subject_kind: str, subject_id: int, kinds: Sequence[str], *, at: datetime) -> None:
    """The clocks of these kinds are met; their warnings are cancelled. One statement."""
    _of(subject_kind, subject_id, kinds).update(
        state=models.Case(
            models.When(kind__in=kinds, then=models.Value(Deadline.State.MET)),
            default=models.Value(Deadline.State.CANCELLED),
        ),
        closed_at=at,
        remaining=None,
        row_version=F("row_version") + 1,
    )


def cancel(subject_kind: str, subject_id: int, kinds: Sequence[str] | None, *, at: datetime) -> None:
    """The clocks of these kinds (None: all live ones) no longer apply. One statement."""
    found = (
        Deadline.objects.filter(subject_kind=subject_kind, subject_id=subject_id, state__in=LIVE)
        if kinds is None
        else _of(subject_kind, subject_id, kinds)
    )
    found.update(
        state=Deadline.State.CANCELLED, closed_at=at, remaining=None, row_version=F("row_version") + 1
    )


def cancel_of(subject_kind: str, subject_ids: Sequence[int], *, at: datetime) -> None:
    """No clock of these subjects applies any longer. One statement."""
    found = Deadline.objects.filter(subject_kind=subject_kind, subject_id__in=subject_ids, state__in=LIVE)
    found.update(
        state=Deadline.State.CANCELLED, closed_at=at, remaining=None, row_version=F("row_version") + 1
    )


def pause(
    subject_kind: str, subject_id: int, kinds: Sequence[str], *, at: datetime, reason: str, by_id: int
) -> None:
    """Stop these clocks; what is left is kept, and the pause is a segment with reason and approver."""
    rows = list(_of(subject_kind, subject_id, kinds).filter(state=Deadline.State.RUNNING).order_by("id"))
    Deadline.objects.filter(id__in=[r.pk for r in rows]).update(
        state=Deadline.State.PAUSED,
        remaining=Greatest(F("due_at") - models.Value(at), models.Value(timedelta())),
        row_version=F("row_version") + 1,
    )
    Segment.objects.bulk_create(
        [Segment(deadline=row, paused_at=at, reason=reason, approved_by_id=by_id) for row in rows]
    )


def resume(subject_kind: str, subject_id: int, kinds: Sequence[str], *, at: datetime) -> None:
    """Let these clocks run on with what was left."""
    rows = list(_of(subject_kind, subject_id, kinds).filter(state=Deadline.State.PAUSED).order_by("id"))
    ids = [r.pk for r in rows]
    Segment.objects.filter(deadline_id__in=ids, resumed_at__isnull=True).update(resumed_at=at)
    Deadline.objects.filter(id__in=ids).update(
        state=Deadline.State.RUNNING,
        due_at=models.ExpressionWrapper(
            models.Value(at) + F("remaining"), output_field=models.DateTimeField()
        ),
        remaining=None,
        row_version=F("row_version") + 1,
    )


def revive(ids: Sequence[int], *, at: datetime) -> None:
    """Let clocks run again that an act had cancelled and another takes back, each to its own due time; what
    is past is due at once, a reminder that is past stays cancelled. The caller holds the subject's row."""
    over = Deadline.objects.filter(id__in=ids, state=Deadline.State.CANCELLED)
    over.filter(Q(parent_kind="") | Q(due_at__gt=at)).update(
        state=Deadline.State.RUNNING,
        closed_at=None,
        due_at=Greatest(F("due_at"), models.Value(at)),
        row_version=F("row_version") + 1,
    )


def move_due(
    subject_kind: str, subject_id: int, due_by_kind: Mapping[str, datetime], *, at: datetime
) -> None:
    """Give running clocks of the first cycle another due time (at once where past); their reminders follow,
    as far along the way as they were. The caller holds their locks."""
    rows = list(
        _of(subject_kind, subject_id, list(due_by_kind)).filter(state=Deadline.State.RUNNING, cycle=1)
    )
    whole = {row.kind: row for row in rows if not row.parent_kind}
    moved = []
    for row in rows:
        parent = whole.get(row.parent_kind or row.kind)
        if parent is None:
            continue
        due_at = max(due_by_kind[parent.kind], at)
        if row.parent_kind:
            way = parent.due_at - parent.armed_at
            share = (row.due_at - row.armed_at) / way if way else 1.0
            due_at = row.armed_at + (due_at - row.armed_at) * share
        moved.append((row, due_at))
    for row, due_at in moved:
        row.due_at, row.row_version = due_at, row.row_version + 1
    Deadline.objects.bulk_update([row for row, _ in moved], ["due_at", "row_version"])


STAND_STILL = """
WITH stopped AS (
    UPDATE deadlines_deadline SET due_at = due_at + (%(until)s - %(at)s), row_version = row_version + 1
     WHERE id = ANY(%(ids)s::bigint[]) RETURNING id)
INSERT INTO deadlines_segment (deadline_id, paused_at, resumed_at, reason, approved_by_id)
SELECT id, %(at)s, %(until)s, %(reason)s, %(by)s FROM stopped ORDER BY id
"""
RUN_ON = """
WITH ended AS (
    UPDATE deadlines_segment s SET resumed_at = %(at)s
      FROM deadlines_segment old
     WHERE old.id = s.id AND s.deadline_id = ANY(%(ids)s::bigint[])
       AND s.paused_at <= %(at)s AND s.resumed_at > %(at)s
    RETURNING s.deadline_id, old.resumed_at - %(at)s AS unused)
UPDATE deadlines_deadline d SET due_at = d.due_at - e.unused, row_version = d.row_version + 1
  FROM ended e WHERE d.id = e.deadline_id
"""


def stand_still(
    subject_kind: str,
    subject_id: int,
    kinds: Sequence[str],
    *,
    at: datetime,
    until: datetime,
    reason: str,
    by_id: int | None,
) -> None:
    """Stop these running clocks (and their warnings) from `at` to `until`: a pause whose end is known.

    The due times move on by the whole pause now, and the rows keep running: nothing has to happen when the
    pause ends, so nothing can be missed. The pause is a segment; `Deadline.shown_state` calls a clock paused
    while one lies around now. The caller holds the clocks' locks. Two statements.
    """
    rows = _of(subject_kind, subject_id, kinds).filter(state=Deadline.State.RUNNING)
    ids = list(rows.order_by("id").values_list("id", flat=True))
    if ids:
        with connection.cursor() as cursor:
            values: dict[str, Any] = {
                "ids": ids, "at": at, "until": until, "reason": reason[:200], "by": by_id,
            }  # fmt: skip
            cursor.execute(STAND_STILL, values)


def run_on(subject_kind: str, subject_id: int, kinds: Sequence[str], *, at: datetime) -> None:
    """End pauses of a known end early: what was not used of them is taken back. Two statements."""
    rows = _of(subject_kind, subject_id, kinds).filter(state=Deadline.State.RUNNING)
    ids = list(rows.order_by("id").values_list("id", flat=True))
    if ids:
        with connection.cursor() as cursor:
            cursor.execute(RUN_ON, {"ids": ids, "at": at})


def put_off(rows: Sequence[Deadline], by: timedelta) -> None:
    """Move these running clocks' due times on by a span. One statement; the caller holds their locks."""
    Deadline.objects.filter(pk__in=[row.pk for row in rows], state=Deadline.State.RUNNING).update(
        due_at=F("due_at") + models.Value(by), row_version=F("row_version") + 1
    )


def limits(at: datetime) -> dict[str, Limit]:
    """Every limit in force at `at`, by kind. One statement."""
    return {row.kind: row.as_limit() for row in LimitPolicy.objects.in_force(at)}


def calendar() -> WorkingCalendar:
    """The working calendar with the bureau's overrides. One statement."""
    return WorkingCalendar(dict(CalendarDay.objects.values_list("day", "is_working")))
