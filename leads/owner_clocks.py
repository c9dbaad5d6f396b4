"""Clocks that begin with an owner: who joins him on an URGENT lead, when a night's lead is handed on."""

from __future__ import annotations

from datetime import datetime

from kernel.deadlines import policy as arithmetic
from kernel.deadlines.models import Deadline
from kernel.deadlines.policy import Limit, WorkingCalendar
from leads.models import Lead


def urgent_clocks(lead: Lead, limits: dict[str, Limit], at: datetime) -> list[Deadline]:
    """Who does not answer an URGENT lead is joined by the backup, then by the duty officer."""
    return [
        Deadline(
            subject_kind="lead",
            subject_id=lead.pk,
            kind=kind,
            cycle=lead.owner_cycle,
            parent_kind="",
            state=Deadline.State.RUNNING,
            armed_at=at,
            policy_version=limits[kind].version,
            due_at=arithmetic.due(limits[kind], at, WorkingCalendar()),
        )
        for kind in ("urgent_backup", "urgent_duty")
    ]


def morning_clock(lead: Lead, at: datetime, hands_on_at: datetime, *, cycle: int | None = None) -> Deadline:
    """The clock that hands a night's lead on at 08:30 (交班); its cycle is the owner's unless given."""
    return Deadline(
        subject_kind="lead",
        subject_id=lead.pk,
        kind="morning",
        cycle=cycle or lead.owner_cycle,
        parent_kind="",
        state=Deadline.State.RUNNING,
        armed_at=at,
        due_at=hands_on_at,
        policy_version=1,
    )
