"""Clocks that begin with an owner: who joins him on an URGENT lead, when a night's lead is handed on."""

from __future__ import annotations

from datetime import datetime

from kernel.deadlines import clocks
from kernel.deadlines import policy as arithmetic
from kernel.deadlines.models import Deadline
from kernel.deadlines.policy import Limit, WorkingCalendar
from leads.models import Lead


def urgent_clocks(lead: Lead, limits: dict[str, Limit], at: datetime) -> list[Deadline]:
    """Who does not answer an URGENT lead is joined by the backup, then by the duty officer."""
    return [
        clocks.running(
            "lead",
            lead.pk,
            kind,
            cycle=lead.owner_cycle,
            armed_at=at,
            due_at=arithmetic.due(limits[kind], at, WorkingCalendar()),
            version=limits[kind].version,
        )
        for kind in ("urgent_backup", "urgent_duty")
    ]


def morning_clock(lead: Lead, at: datetime, hands_on_at: datetime, *, cycle: int | None = None) -> Deadline:
    """The clock that hands a night's lead on at 08:30 (交班); its cycle is the owner's unless given."""
    return clocks.running(
        "lead", lead.pk, "morning", cycle=cycle or lead.owner_cycle, armed_at=at, due_at=hands_on_at
    )
