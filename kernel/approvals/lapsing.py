"""What nobody decides in time lapses: the handler of the clock `('approval', id, 'decide')`. Set-based."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.db.models import F

from kernel import journal
from kernel.approvals import asking, kinds, telling
from kernel.approvals.models import CLOCK, DECIDE, Approval, State
from kernel.deadlines import handlers
from kernel.deadlines.handlers import Fired
from kernel.journal import Note


def lapse(batch: Sequence[Fired], at: datetime) -> None:
    """The approvals end undecided at their due time; their kinds carry on, askers and deciders are told.

    The subjects' rows were locked before (`handlers.lock_first` of the app that has them): the journal
    of the subject is written here.
    """
    events = {one.subject_id: one.deadline_id for one in batch}
    rows = list(
        Approval.objects.select_for_update().filter(pk__in=events, state=State.WAITING).order_by("id")
    )
    Approval.objects.filter(pk__in=[row.pk for row in rows]).update(
        state=State.LAPSED, ended_at=F("due_at"), version=F("version") + 1
    )
    notes: list[Note] = []
    for row in rows:
        row.state, row.ended_at, row.version = State.LAPSED, row.due_at, row.version + 1
        data = {"approval": row.pk, "kind": row.kind, "due_at": row.due_at.isoformat()}
        notes += asking.both_streams(row, "approval.lapsed", at, data, None)
    journal.append_many(notes)
    telling.lapsed(rows, events, at)
    for kind in sorted({row.kind for row in rows}):
        kinds.of(kind).lapsed([row for row in rows if row.kind == kind], at)


def register() -> None:
    """Register the handler (called once, at start-up)."""
    handlers.register(CLOCK, DECIDE, lapse)
