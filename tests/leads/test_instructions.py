"""督办意见: each instruction has its effect, and none makes a lateness disappear."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from grids.demo import World
from kernel import clock
from kernel.approvals.models import Approval
from kernel.deadlines.models import Deadline, Event
from kernel.deadlines.policy import end_of_day, local
from kernel.errors import DomainError, NotAllowed
from kernel.notices.models import OutboxMessage
from leads import lifecycle, pauses, supervision
from leads.models import (
    Acknowledgement,
    Extension,
    Instruction,
    JointHandler,
    Lead,
    Signature,
    SupervisionOrder,
)
from leads.states import State
from tests.factories import leads as make
from tests.factories.leads import pass_time, take_any
from tests.leads.calls import Api

DAY = timedelta(days=1)


def say(order: SupervisionOrder, by: Any, instruction: Instruction, **more: Any) -> SupervisionOrder:
    return supervision.acknowledge(order_id=order.pk, by=by, expect=take_any, instruction=instruction, **more)


def late_feedback(world: World, **fields: Any) -> SupervisionOrder:
    lead = make.responded(world, **fields)
    pass_time(until=lead.feedback_due_at)
    return SupervisionOrder.objects.get(lead=lead, cause="feedback")


def clock_of(order: SupervisionOrder, kind: str) -> Deadline:
    return Deadline.objects.get(subject_kind="lead", subject_id=order.lead_id, kind=kind)


def told(template: str) -> set[int | None]:
    rows = OutboxMessage.objects.filter(template=f"leads.{template}")
    return set(rows.values_list("recipient_id", flat=True))


def test_finish_today_runs_until_midnight_and_tells_both_sides(world: World) -> None:
    order = late_feedback(world)
    say(order, world.head_of(1), Instruction.FINISH_TODAY)
    say(order, world.community_head_of(1), Instruction.FINISH_TODAY)
    due_at = end_of_day(local(clock.now()).date())
    row = clock_of(order, "finish_today")
    assert (row.state, row.due_at) == ("running", due_at)
    assert world.commissioner(1).pk in told("order_acknowledged")
    pass_time(until=due_at)
    assert clock_of(order, "finish_today").state == "breached"
    people = {world.commissioner(1).pk, world.head_of(1).pk, world.community_head_of(1).pk}
    assert told("finish_today") >= people
    assert SupervisionOrder.objects.filter(lead=order.lead).count() == 1, "no further order, no KPI"


def test_feedback_meets_what_was_to_be_finished_today(world: World) -> None:
    order = late_feedback(world)
    say(order, world.head_of(1), Instruction.FINISH_TODAY)
    lifecycle.feed_back(lead_id=order.lead_id, by=world.commissioner(1), expect=take_any, outcome=make.GUIDED)
    assert clock_of(order, "finish_today").state == "met"
    assert clock_of(order, "feedback").state == "breached"


def test_given_to_another_there_and_then(world: World) -> None:
    order = make.late_response(world)
    with pytest.raises(DomainError) as refused:
        say(order, world.head_of(1), Instruction.REASSIGN)
    assert refused.value.code == "assignee_required"
    assert not Acknowledgement.objects.exists(), "nothing of it was written"
    clerk = world.clerk_of(1)
    say(order, world.head_of(1), Instruction.REASSIGN, assignee_id=clerk.pk)
    lead = Lead.objects.get(pk=order.lead_id)
    assert (lead.assignee, lead.owner_cycle, lead.state) == (clerk, 2, State.DISPATCHED)
    assert clock_of(order, "respond").state == "breached"
    say(order, world.community_head_of(1), Instruction.REASSIGN)
    assert Lead.objects.get(pk=lead.pk).assignee == clerk, "the community's head asks, he does not dispatch"
    assert world.head_of(1).pk in told("reassign_wanted")


def test_agreeing_approves_the_request_that_waits(world: World) -> None:
    order = make.late_response(world)
    lifecycle.respond(lead_id=order.lead_id, by=world.commissioner(1), expect=take_any)
    lead = Lead.objects.get(pk=order.lead_id)
    until = lead.feedback_due_at + 2 * DAY
    pauses.extend(lead_id=lead.pk, by=world.commissioner(1), expect=take_any, until=until, reason="待检验")
    say(order, world.community_head_of(1), Instruction.AGREE_EXTENSION)
    assert Approval.objects.get(subject_id=lead.pk).state == "waiting"
    say(order, world.head_of(1), Instruction.AGREE_EXTENSION)
    assert Approval.objects.get(subject_id=lead.pk).state == "approved"
    now = Lead.objects.get(pk=lead.pk)
    assert now.feedback_due_at == until == clock_of(order, "feedback").due_at
    assert SupervisionOrder.objects.get(pk=order.pk).state == "lifted"


def test_agreeing_unasked_gives_a_day_and_keeps_the_breach(world: World) -> None:
    order = late_feedback(world)
    lead = order.lead
    say(order, world.head_of(1), Instruction.AGREE_EXTENSION)
    [kept] = Extension.objects.filter(lead=lead)
    assert (kept.keeps_breach, kept.approved_by, kept.order) == (True, world.head_of(1), order)
    assert clock_of(order, "feedback").state == "breached"
    now = Lead.objects.get(pk=lead.pk)
    assert now.feedback_due_at == lead.feedback_due_at
    assert Event.objects.filter(subject_id=lead.pk, kind="feedback").exists()
    grace = clock_of(order, "grace")
    assert grace.due_at == clock.now() + DAY
    pass_time(until=grace.due_at)
    assert told("grace") >= {world.commissioner(1).pk, world.head_of(1).pk, world.community_head_of(1).pk}


def test_agreeing_while_the_clock_runs_puts_it_off_once(world: World) -> None:
    order = make.late_response(world)
    lead = order.lead
    say(order, world.head_of(1), Instruction.AGREE_EXTENSION)
    now = Lead.objects.get(pk=lead.pk)
    assert now.feedback_due_at == lead.feedback_due_at + DAY == clock_of(order, "feedback").due_at
    assert now.feedback_strict_due_at == lead.feedback_due_at
    assert clock_of(order, "respond").state == "breached"
    lifecycle.respond(lead_id=lead.pk, by=world.commissioner(1), expect=take_any)
    with pytest.raises(DomainError) as refused:
        pauses.extend(
            lead_id=lead.pk,
            by=world.commissioner(1),
            expect=take_any,
            until=now.feedback_due_at + DAY,
            reason="再延",
        )
    assert refused.value.code == "extended_already"


def test_who_goes_himself_acts_beside_the_owner(world: World) -> None:
    order = late_feedback(world)
    head = world.head_of(1)
    with pytest.raises(NotAllowed):
        lifecycle.feed_back(lead_id=order.lead_id, by=head, expect=take_any, outcome=make.GUIDED)
    say(order, head, Instruction.GO_MYSELF)
    assert JointHandler.objects.get(lead=order.lead).person == head
    assert told("joined") == {world.commissioner(1).pk}
    lead = lifecycle.feed_back(lead_id=order.lead_id, by=head, expect=take_any, outcome=make.GUIDED)
    signed = Signature.objects.get(lead=lead, stage="result", side="office")
    assert (signed.signer, signed.on_behalf_of) == (head, world.commissioner(1))


def test_the_communitys_head_goes_along_and_signs_nothing(world: World) -> None:
    order = late_feedback(world)
    say(order, world.community_head_of(1), Instruction.GO_MYSELF)
    assert not JointHandler.objects.exists()
    with pytest.raises(NotAllowed):
        lifecycle.feed_back(
            lead_id=order.lead_id,
            by=world.community_head_of(1),
            expect=take_any,
            outcome=make.GUIDED,
        )


# --- many at once, over HTTP -----------------------------------------------------------------------


def test_many_at_once_each_with_its_own_answer(world: World, api: Api) -> None:
    orders = [make.late_response(world), make.late_response(world)]
    stranger = make.late_response(world, 21)
    body = {
        "orders": [
            {"id": orders[0].pk, "version": 1, "instruction": "finish_today"},
            {"id": orders[1].pk, "version": 9, "instruction": "finish_today"},
            {"id": stranger.pk, "version": 1, "instruction": "go_myself"},
            {"id": orders[1].pk, "version": 1, "instruction": "other"},
            {"id": orders[1].pk, "version": 1, "instruction": "other", "note": "已电话催办"},
        ]
    }
    answer = api.post(world.head_of(1), "supervision-orders/acknowledge/", body)
    assert answer.status_code == 200
    receipts = answer.json()["receipts"]
    assert [(r["result"], r["status"], r["code"]) for r in receipts] == [
        ("acknowledged", 200, None),
        ("refused", 412, "stale_version"),
        ("refused", 404, "not_found"),
        ("refused", 400, "note_required"),
        ("acknowledged", 200, None),
    ]
    assert Acknowledgement.objects.count() == 2
    assert api.post(world.head_of(1), "supervision-orders/acknowledge/", {"orders": []}).status_code == 400
