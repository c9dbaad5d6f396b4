"""Clocks of a department's call, only where a joint notice sets limits, and what happens when they run out.

Set-based, in the sweep's transaction: the call is marked late, its whistle's and its lead's journals say
so, and the department's head, the subdistrict and the caller are told (API.md, DESIGN.md §4).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection

from kernel import journal
from kernel.deadlines import clocks, handlers
from kernel.deadlines.arrays import literal
from kernel.deadlines.handlers import Fired
from kernel.deadlines.models import Deadline
from kernel.deadlines.policy import Limit, Unit
from leads import whistle_reminders
from leads.models import DepartmentPolicy, WhistleCall
from leads.whistle_acts import CLOCKS_OF
from leads.whistle_reminders import ANSWER, ON_SITE

LATE_COLUMN = {ANSWER: "answer_late", ON_SITE: "on_site_late"}
WARN_PERCENT = 80
"""催办 (DOMAIN.md §1), as for every other clock."""
SOON = {f"{kind}_{WARN_PERCENT}": kind for kind in LATE_COLUMN}
"""Reminders, and the clocks that they come before."""
LOCK = """
SELECT 1 FROM leads_whistle WHERE id IN (
       SELECT whistle_id FROM leads_whistlecall WHERE id = ANY(%(calls)s::bigint[]))
 ORDER BY id FOR NO KEY UPDATE
"""


@dataclass(frozen=True, slots=True)
class Dues:
    """By when a department has to answer and to be there; None where nothing was agreed."""

    answer: datetime | None
    on_site: datetime | None


def policies(department_ids: Sequence[int], at: datetime) -> dict[int, DepartmentPolicy]:
    """What is in force at `at`, by department. One statement."""
    found = DepartmentPolicy.objects.in_force(at).filter(department_id__in=department_ids)
    return {one.department_id: one for one in found}


def dues(policy: DepartmentPolicy | None, at: datetime) -> Dues:
    """Minutes count day and night from the call."""
    if policy is None:
        return Dues(None, None)
    return Dues(_after(at, policy.answer_minutes), _after(at, policy.on_site_minutes))


def _after(at: datetime, minutes: int | None) -> datetime | None:
    return None if minutes is None else at + timedelta(minutes=minutes)


def of_call(call: WhistleCall) -> list[Deadline]:
    """The clocks to arm for a call just made, each with its 催办 at 80 %."""
    policy = call.policy
    if policy is None:
        return []
    terms = (
        (ANSWER, policy.answer_minutes, call.answer_due_at),
        (ON_SITE, policy.on_site_minutes, call.on_site_due_at),
    )
    rows = []
    for kind, minutes, due_at in terms:
        if minutes is not None and due_at is not None:
            limit = Limit(kind, policy.version, minutes, Unit.MINUTES, warn_percent=WARN_PERCENT)
            rows += clocks.with_warning(
                limit,
                subject_kind=CLOCKS_OF,
                subject_id=call.pk,
                kind=kind,
                cycle=1,
                armed_at=call.called_at,
                due_at=due_at,
            )
    return rows


def lock_subjects(batch: Sequence[Fired]) -> None:
    """Lock the whistles of a batch by id; their leads are locked before, with all others of the batch
    (`clock_handlers.lock_subjects`). One statement, none where the batch holds no such clock."""
    calls = sorted({one.subject_id for one in batch if one.subject_kind == CLOCKS_OF})
    if calls:
        with connection.cursor() as cursor:
            cursor.execute(LOCK, {"calls": literal(calls)})


def run_out(batch: Sequence[Fired], at: datetime) -> None:
    """A department did not answer, or was not on the spot, in time."""
    kind = batch[0].kind
    calls = _calls(batch)
    WhistleCall.objects.filter(pk__in=calls).update(**{LATE_COLUMN[kind]: True})
    notes = []
    for one in sorted(batch, key=lambda fired: (fired.subject_id, fired.due_at)):
        call = calls[one.subject_id]
        told = {
            "due_at": one.due_at.isoformat(),
            "department": call.department.code,
            "name": call.department.name,
        }
        notes.append(journal.Note(call.whistle.stream, f"clock.{kind}", at, told))
        if call.whistle.lead is not None:
            on_lead = {"whistle": call.whistle_id, **told}
            notes.append(journal.Note(call.whistle.lead.stream, f"clock.{kind}", at, on_lead))
    journal.append_many(notes)
    whistle_reminders.tell_late([(one, calls[one.subject_id]) for one in batch], at, clock=kind)


def soon(batch: Sequence[Fired], at: datetime) -> None:
    """催办 at 80 %: the department is told; a reminder is only told."""
    calls, clock = _calls(batch), SOON[batch[0].kind]
    whistle_reminders.tell_soon([(one, calls[one.subject_id]) for one in batch], at, clock=clock)


def _calls(batch: Sequence[Fired]) -> dict[int, WhistleCall]:
    rows = WhistleCall.objects.filter(pk__in=[one.subject_id for one in batch])
    found = rows.select_related("department", "whistle__grid", "whistle__lead__category")
    return {call.pk: call for call in found}


def register() -> None:
    """Register the handlers of both clocks and their reminders (called once, at start-up)."""
    handlers.lock_first(lock_subjects)
    for kind in LATE_COLUMN:
        handlers.register(CLOCKS_OF, kind, run_out)
    for kind in SOON:
        handlers.register(CLOCKS_OF, kind, soon)
