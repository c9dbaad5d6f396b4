"""退单: proposed, agreed by the other side, else decided by the head; a lateness stays."""

from __future__ import annotations

from typing import Any

import pytest

from grids.demo import World
from kernel import approvals
from kernel.approvals.models import Approval
from kernel.deadlines.models import Deadline, Event
from kernel.errors import Conflict, DomainError, NotAllowed
from kernel.notices.models import OutboxMessage
from leads import rejection
from leads.models import Lead, Rejection, RejectReason, SupervisionOrder
from leads.states import State
from tests.factories import leads as make
from tests.factories.leads import pass_time, take_any


def propose(lead: Lead, by: Any, *, note: str = "现场核查无此店", **more: Any) -> Approval:
    rejection.reject(
        lead_id=lead.pk,
        by=by,
        expect=take_any,
        reason_kind=more.pop("reason_kind", RejectReason.NO_SUCH_PLACE),
        note=note,
        **more,
    )
    return waiting(lead)


def waiting(lead: Lead) -> Approval:
    return Approval.objects.waiting().get(subject_kind="lead", subject_id=lead.pk)


def decide(row: Approval, by: Any, *, approve: bool = True, note: str = "") -> Approval:
    return approvals.decide(approval_id=row.pk, by=by, approve=approve, expect=take_any, note=note)


def fresh(lead: Lead) -> Lead:
    return Lead.objects.get(pk=lead.pk)


def states_of(lead: Lead) -> dict[str, str]:
    rows = Deadline.objects.filter(subject_kind="lead", subject_id=lead.pk)
    return dict(rows.values_list("kind", "state"))


def test_the_grid_worker_agrees_and_the_lead_ends(world: World) -> None:
    lead = make.reported(world)
    row = propose(lead, world.commissioner(1))
    assert (row.kind, fresh(lead).state) == (rejection.REJECT, State.DISPATCHED)
    assert states_of(lead)["respond"] == "running", "while it waits the clocks run on"
    decide(row, world.worker(1, 2))
    now = fresh(lead)
    assert (now.state, now.version) == (State.REJECTED, lead.version + 1)
    assert set(states_of(lead).values()) == {"cancelled"}
    kept = Rejection.objects.get(lead=lead)
    assert (kept.proposed_by, kept.agreed_by) == (world.commissioner(1), world.worker(1, 2))
    told = OutboxMessage.objects.get(template="leads.rejected", recipient=world.worker(1))
    assert "查无此地" in told.params["reason"]
    pass_time(until=lead.feedback_due_at)
    assert not SupervisionOrder.objects.filter(lead=lead).exists()


@pytest.mark.parametrize("silent", [True, False], ids=["silence", "refusal"])
def test_silence_or_refusal_brings_it_to_the_head(world: World, silent: bool) -> None:
    lead = make.responded(world)
    row = propose(lead, world.commissioner(1))
    if silent:
        pass_time(until=row.due_at)
    else:
        decide(row, world.worker(1), approve=False, note="店铺还在营业")
    second = waiting(lead)
    assert (second.kind, second.asked_by) == (rejection.REJECT_HEAD, world.commissioner(1))
    assert ("店铺还在营业" in second.reason) is not silent
    with pytest.raises(NotAllowed):
        decide(second, world.worker(1))
    decide(second, world.head_of(1))
    assert fresh(lead).state == State.REJECTED


def test_refused_by_the_head_it_is_handled_on(world: World) -> None:
    lead = make.responded(world)
    decide(propose(lead, world.commissioner(1)), world.worker(1), approve=False)
    decide(waiting(lead), world.head_of(1), approve=False)
    assert fresh(lead).state == State.RESPONDED
    assert not Rejection.objects.exists()
    again = propose(lead, world.commissioner(1))
    assert again.kind == rejection.REJECT


def test_nobody_on_the_office_side_agrees_for_the_community(world: World) -> None:
    lead = make.responded(world)
    row = propose(lead, world.commissioner(1))
    for by in (world.commissioner(1), world.head_of(1), world.clerk_of(1), world.community_head_of(1)):
        with pytest.raises(NotAllowed):
            decide(row, by)


def test_a_listed_reason_with_a_ground(world: World) -> None:
    lead = make.responded(world)
    with pytest.raises(DomainError) as refused:
        propose(lead, world.commissioner(1), note="")
    assert refused.value.code == "ground_required"
    row = propose(lead, world.commissioner(1))
    assert propose(lead, world.commissioner(1)) == row
    with pytest.raises(NotAllowed):
        propose(lead, world.worker(1))


def test_a_lead_that_was_late_stays_late(world: World) -> None:
    lead = make.reported(world)
    pass_time(until=lead.respond_due_at)
    decide(propose(lead, world.commissioner(1)), world.worker(1))
    now = fresh(lead)
    assert now.state == State.REJECTED
    assert states_of(lead)["respond"] == "breached"
    assert Event.objects.filter(subject_id=lead.pk, kind="respond").count() == 1
    assert SupervisionOrder.objects.get(lead=lead).cause == "respond"
    assert (now.respond_due_at, now.first_responded_at) == (lead.respond_due_at, None)


def test_it_becomes_late_while_it_waits(world: World) -> None:
    lead = make.reported(world)
    row = propose(lead, world.commissioner(1))
    pass_time(until=lead.respond_due_at)
    decide(row, world.worker(1))
    assert states_of(lead)["respond"] == "breached"


def test_what_is_fed_back_is_not_rejected(world: World) -> None:
    lead = make.fed_back(world)
    with pytest.raises(Conflict):
        propose(lead, world.commissioner(1))
