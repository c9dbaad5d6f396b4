"""A new round: the result did not stand, or the lead is taken up again (DESIGN.md §3)."""

from __future__ import annotations

from datetime import datetime

from kernel.deadlines import clocks
from kernel.deadlines import policy as arithmetic
from kernel.deadlines.policy import WorkingCalendar
from leads import tip_offs
from leads.acts import Act


def start_clock(act: Act) -> datetime:
    """Arm the feedback clock of the round that `lead.round` names, with its 催办; of a tip-off (举报) the
    statutory one. By when it is due."""
    lead = act.lead
    if lead.restricted:
        return tip_offs.start_round(act)
    limit = act.limits["feedback"]
    due_at = arithmetic.due(limit, act.at, WorkingCalendar())
    clocks.arm(
        clocks.with_warning(
            limit,
            subject_kind="lead",
            subject_id=lead.pk,
            kind="feedback",
            cycle=lead.round,
            armed_at=act.at,
            due_at=due_at,
        )
    )
    return due_at
