"""Asking, and no longer asking. Runs in the transaction of the act that asks."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db.models import F

from kernel import journal
from kernel.accounts.models import User
from kernel.approvals import kinds, telling
from kernel.approvals.models import CLOCK, DECIDE, Approval, State
from kernel.deadlines import clocks
from kernel.deadlines import policy as arithmetic
from kernel.deadlines.models import Deadline
from kernel.deadlines.policy import Limit, Unit, WorkingCalendar
from kernel.errors import Conflict
from kernel.journal import Note
from kernel.notices.policy import masked

WAITS_ALREADY = "已有同样的申请在等待审批，请等候结果。"


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked. `about` names the subject in words; `by_id` None is the platform itself."""

    kind: str
    subject_kind: str
    subject_id: int
    by_id: int | None
    reason: str
    payload: dict[str, Any] = field(default_factory=dict)
    about: str = ""
    on_behalf_of_id: int | None = None


def ask(
    *,
    kind: str,
    subject_kind: str,
    subject_id: int,
    by: User | None,
    reason: str,
    at: datetime,
    payload: dict[str, Any] | None = None,
    about: str = "",
    on_behalf_of_id: int | None = None,
) -> Approval:
    """Put one question. The caller holds the locks of the subject (`lock_live`, then its row).

    Arms the clock `('approval', id, 'decide')`, writes both journals, tells who may decide.

    Raises:
        Conflict: `already_waiting` – the same question about this subject waits.
        KeyError: nobody registered the kind, or no policy of its clock is in force.
    """
    if Approval.objects.of(subject_kind, subject_id).waiting().filter(kind=kind).exists():
        raise Conflict(WAITS_ALREADY, code="already_waiting")
    question = Question(
        kind,
        subject_kind,
        subject_id,
        None if by is None else by.pk,
        reason,
        payload or {},
        about,
        on_behalf_of_id,
    )
    return ask_many([question], at=at, by=by)[0]


def ask_many(questions: Sequence[Question], *, at: datetime, by: User | None = None) -> list[Approval]:
    """Put several questions, set-based: a fixed number of statements whatever their number.

    `by` is written in the journal as who acts (None: the platform), `Question.by_id` as who asks.
    """
    if not questions:
        return []
    limits = clocks.limits(at)
    calendar = WorkingCalendar()
    if any(limits[kinds.of(q.kind).limit_kind].unit is Unit.WORKING_DAYS for q in questions):
        calendar = clocks.calendar()
    made = Approval.objects.bulk_create([_row(q, limits, calendar, at) for q in questions])
    clocks.arm([_clock(row, limits[kinds.of(row.kind).limit_kind]) for row in made])
    notes: list[Note] = []
    for row in made:
        data = {"approval": row.pk, "kind": row.kind, "reason": masked(row.reason), **_plain(row)}
        notes += both_streams(row, "approval.asked", at, data, by)
    journal.append_many(notes)
    telling.asked(made, at)
    return made


def ask_again(rows: Sequence[Approval], *, at: datetime, **payload: Any) -> list[Approval]:
    """Put what lapsed anew, word for word, with this added to its payload: for `Kind.lapsed`."""
    questions = [
        Question(
            kind=row.kind,
            subject_kind=row.subject_kind,
            subject_id=row.subject_id,
            by_id=row.asked_by_id,
            on_behalf_of_id=row.asked_on_behalf_of_id,
            reason=row.reason,
            payload={**row.payload, **payload},
            about=row.about,
        )
        for row in rows
    ]
    return ask_many(questions, at=at)


def _row(question: Question, limits: dict[str, Limit], calendar: WorkingCalendar, at: datetime) -> Approval:
    limit = limits[kinds.of(question.kind).limit_kind]
    return Approval(
        kind=question.kind,
        subject_kind=question.subject_kind,
        subject_id=question.subject_id,
        about=question.about[:120],
        asked_by_id=question.by_id,
        asked_on_behalf_of_id=question.on_behalf_of_id,
        asked_at=at,
        reason=question.reason,
        payload=question.payload,
        state=State.WAITING,
        due_at=arithmetic.due(limit, at, calendar),
        version=1,
    )


def _clock(row: Approval, limit: Limit) -> Deadline:
    return clocks.running(
        CLOCK, row.pk, DECIDE, cycle=1, armed_at=row.asked_at, due_at=row.due_at, version=limit.version
    )


def _plain(row: Approval) -> dict[str, Any]:
    return {
        "payload": masked(row.payload),
        "due_at": row.due_at.isoformat(),
        "for": row.asked_on_behalf_of_id,
    }


def both_streams(
    row: Approval, kind: str, at: datetime, data: dict[str, Any], by: User | None
) -> Iterable[Note]:
    """One fact in the approval's own chain and in its subject's."""
    return [Note(stream, kind, at, data, by) for stream in (row.stream, row.subject_stream)]


# --- no longer asking ------------------------------------------------------------------------------


def withdraw(rows: Sequence[Approval], *, by: User | None, at: datetime, why: str) -> list[Approval]:
    """End these waiting approvals undecided, in the caller's transaction; who may decide is told.

    The caller holds the subject's locks (`lock_live`). What waits no longer is left as it is.
    """
    ids = [row.pk for row in rows]
    found = list(Approval.objects.select_for_update().filter(pk__in=ids, state=State.WAITING).order_by("id"))
    if not found:
        return []
    gone = [row.pk for row in found]
    Approval.objects.filter(pk__in=gone).update(state=State.WITHDRAWN, ended_at=at, version=F("version") + 1)
    Deadline.objects.filter(subject_kind=CLOCK, subject_id__in=gone, state__in=clocks.LIVE).update(
        state=Deadline.State.CANCELLED, closed_at=at, remaining=None, row_version=F("row_version") + 1
    )
    notes: list[Note] = []
    for row in found:
        row.state, row.ended_at, row.version = State.WITHDRAWN, at, row.version + 1
        notes += both_streams(
            row, "approval.withdrawn", at, {"approval": row.pk, "kind": row.kind, "why": why}, by
        )
    journal.append_many(notes)
    for row in found:
        kinds.of(row.kind).withdrawn(row, at)
    telling.withdrawn(found, at, why)
    return found


def withdraw_moot(
    subject_kind: str, subject_id: int, *, state: str, by: User | None, at: datetime
) -> list[Approval]:
    """Withdraw what makes no sense any more now that the subject is in `state` (`Kind.stands_in`)."""
    waiting = Approval.objects.of(subject_kind, subject_id).waiting().order_by("id")
    moot = [row for row in waiting if state not in (kinds.of(row.kind).stands_in or {state})]
    return withdraw(moot, by=by, at=at, why="事项已有进展，不再需要审批")
