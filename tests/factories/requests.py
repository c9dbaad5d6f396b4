"""Leads on the side roads that somebody approves, made through the services."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from grids.demo import World
from kernel import approvals, clock
from kernel.approvals.models import Approval
from leads import pauses
from leads.models import Lead, SuspendReason
from tests.factories import leads as make
from tests.factories.leads import take_any

__all__ = ["asked_to_suspend", "decided", "suspended"]


def asked_to_suspend(
    world: World, number: int = 1, *, span: timedelta = timedelta(days=3), **fields: Any
) -> Approval:
    """The grid's commissioner asks to suspend a lead that he has taken."""
    lead = make.responded(world, number, **fields)
    pauses.suspend(
        lead_id=lead.pk,
        by=world.commissioner(number),
        expect=take_any,
        reason_kind=SuspendReason.TEST_RESULT,
        until=clock.now() + span,
        note="样品已送检",
    )
    return Approval.objects.get(kind=pauses.SUSPEND, subject_id=lead.pk)


def decided(row: Approval, by: Any, *, approve: bool = True) -> Approval:
    return approvals.decide(approval_id=row.pk, by=by, approve=approve, expect=take_any)


def suspended(world: World, number: int = 1, **fields: Any) -> Lead:
    """One whose clocks stand still, with the word of the office's head."""
    row = asked_to_suspend(world, number, **fields)
    decided(row, world.head_of(number))
    return Lead.objects.get(pk=row.subject_id)
