"""Where two side roads meet: what one began and another ended, who may decide what is now his own."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from grids import absences
from grids.demo import World
from kernel import clock
from kernel.approvals.models import Approval
from kernel.deadlines.models import Deadline
from kernel.errors import DomainError
from leads import (
    acts,
    answers,
    dispatch,
    interim,
    lifecycle,
    merging,
    pauses,
    reclassification,
    recusal,
    rejection,
    reopening,
    supervision,
)
from leads.intake import Told
from leads.interim import Interim
from leads.models import Answer, Extension, Instruction, Lead, RejectReason, SupervisionOrder, SuspendReason
from leads.states import State
from tests.factories import leads as made
from tests.factories.leads import pass_time, take_any
from tests.factories.requests import asked_to_suspend, decided

pytestmark = pytest.mark.django_db

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


def on(lead: Lead, by: Any, **more: Any) -> dict[str, Any]:
    return {"lead_id": lead.pk, "by": by, "expect": take_any, **more}


def waiting(lead: Lead, kind: str) -> Approval:
    return Approval.objects.of("lead", lead.pk).waiting().get(kind=kind)


def code(road: Any) -> str:
    with pytest.raises(DomainError) as refused:
        road()
    return refused.value.code


def said(days: float = 5) -> Interim:
    return Interim("已查看", "待检验", clock.now() + timedelta(days=days))


# --- one road ends what another began --------------------------------------------------------------


def test_an_interim_feedback_withdraws_the_extension_of_what_it_meets(world: World) -> None:
    lead = made.responded(world)
    pauses.extend(**on(lead, world.commissioner(1), until=lead.feedback_due_at + DAY, reason="等待报告"))
    pass_time(HOUR)
    given = interim.give(**on(lead, world.commissioner(1), interim=said()))
    row = Approval.objects.get(subject_id=lead.pk, kind=pauses.EXTEND)
    assert row.state == "withdrawn"
    assert given.feedback_due_at == lead.feedback_due_at + HOUR, "it stood still while it waited"
    assert code(lambda: decided(row, world.head_of(1))) == "withdrawn"


def test_a_feedback_gives_back_what_an_undecided_extension_did_not_use(world: World) -> None:
    lead = made.responded(world)
    pauses.extend(**on(lead, world.commissioner(1), until=lead.feedback_due_at + DAY, reason="等待报告"))
    pass_time(HOUR)
    done = lifecycle.feed_back(**on(lead, world.commissioner(1), outcome=made.GUIDED))
    kept = Lead.objects.get(pk=lead.pk)
    assert (kept.feedback_due_at, kept.closing_due_at) == (
        lead.feedback_due_at + HOUR,
        lead.closing_due_at + HOUR,
    )
    assert done.closing_due_at == kept.closing_due_at
    assert not Approval.objects.of("lead", lead.pk).waiting().exists()


def test_an_approved_interim_withdraws_the_extension_of_the_whole_one(world: World) -> None:
    lead = made.responded(world)
    interim.give(**on(lead, world.commissioner(1), interim=said(2)))
    interim.give(**on(lead, world.commissioner(1), interim=said(6)))
    lead.refresh_from_db()
    pauses.extend(**on(lead, world.commissioner(1), until=lead.final_due_at + DAY, reason="等待报告"))
    decided(waiting(lead, interim.KIND), world.head_of(1))
    assert Approval.objects.get(subject_id=lead.pk, kind=pauses.EXTEND).state == "withdrawn"


def test_who_recuses_himself_asks_for_nothing_any_more(world: World) -> None:
    lead = made.responded(world)
    rejection.reject(**on(lead, world.commissioner(1), reason_kind=RejectReason.OTHER, note="不属本所"))
    recusal.recuse(**on(lead, world.commissioner(1), reason="亲属"))
    assert not Approval.objects.of("lead", lead.pk).waiting().exists()


def test_who_is_given_the_lead_inherits_no_request_of_the_owner_before(world: World) -> None:
    lead, other, third = (made.responded(world, number) for number in (1, 2, 3))
    rejection.reject(**on(lead, world.commissioner(1), reason_kind=RejectReason.OTHER, note="不属本所"))
    dispatch.dispatch(**on(lead, world.clerk_of(1), assignee_id=world.clerk_of(1).pk, reason="专员外出"))
    row = Approval.objects.get(subject_id=lead.pk)
    assert (row.state, code(lambda: decided(row, world.worker(1)))) == ("withdrawn", "withdrawn")
    reclassification.reclassify(**on(other, world.clerk_of(2), category="F03", reason="现场核实"))
    reclassification.reclassify(**on(other, world.clerk_of(2), category="L02", reason="现场核实"))
    dispatch.dispatch(**on(other, world.clerk_of(2), assignee_id=world.head_of(2).pk, reason="专员外出"))
    assert Approval.objects.get(subject_id=other.pk).state == "waiting", "the desk asked it, not the owner"
    rejection.reject(**on(third, world.commissioner(3), reason_kind=RejectReason.OTHER, note="不属本所"))
    assert Approval.objects.get(subject_id=third.pk).state == "waiting"


# --- nobody decides what is his own ----------------------------------------------------------------


def late(world: World, **fields: Any) -> SupervisionOrder:
    lead = made.responded(world, **fields)
    pass_time(until=lead.feedback_due_at)
    return SupervisionOrder.objects.get(lead=lead, cause="feedback")


def agree(order: SupervisionOrder, by: Any) -> Any:
    return supervision.acknowledge(
        order_id=order.pk, by=by, expect=take_any, instruction=Instruction.AGREE_EXTENSION
    )


def test_an_owner_gives_himself_no_more_time_as_the_heads_stand_in(world: World) -> None:
    order = late(world)
    at = clock.now()
    absences.record(
        user=world.head_of(1), stand_in=world.commissioner(1), starts_at=at, ends_at=at + DAY,
        reason="出差", by=world.user("bureau"), at=at,
    )  # fmt: skip
    assert code(lambda: agree(order, world.commissioner(1))) == "own_request"
    assert not Extension.objects.exists()


def give_to_head(world: World, lead: Lead) -> None:
    dispatch.dispatch(**on(lead, world.clerk_of(1), assignee_id=world.head_of(1).pk, reason="由所长办理"))


def test_a_head_who_owns_the_lead_neither_gives_nor_approves_time_for_it(world: World) -> None:
    order = late(world)
    give_to_head(world, order.lead)
    assert code(lambda: agree(order, world.head_of(1))) == "own_request"


def test_a_request_of_the_owner_before_is_not_decided_by_the_owner_now(world: World) -> None:
    lead = made.responded(world)
    rejection.reject(**on(lead, world.commissioner(1), reason_kind=RejectReason.OTHER, note="不属本所"))
    pass_time(DAY + HOUR)
    row = waiting(lead, rejection.REJECT_HEAD)
    head = world.head_of(1)
    acts.perform(lead.pk, None, lambda act: dispatch.hand_on(act, why="值班交接", to_id=head.pk))
    assert code(lambda: decided(row, head)) in ("own_request", "not_decider")
    assert decided(row, world.user("bureau")).state == "approved", "the bureau decides where nobody else may"


def test_a_head_who_has_recused_himself_decides_nothing_about_it(world: World) -> None:
    row = asked_to_suspend(world)
    lead = Lead.objects.get(pk=row.subject_id)
    recusal.recuse(**on(lead, world.head_of(1), reason="店主是亲属"))
    assert code(lambda: decided(row, world.head_of(1))) in ("recused", "not_decider")
    assert decided(row, world.user("bureau")).state == "approved"


def test_a_head_who_has_recused_himself_reopens_nothing(world: World) -> None:
    lead = made.closed(world)
    recusal.recuse(**on(lead, world.head_of(1), reason="店主是亲属"))
    assert code(lambda: reopening.reopen(**on(lead, world.head_of(1), reason="再查"))) == "recused"


def test_a_lead_is_not_reassigned_to_who_has_recused_himself(world: World) -> None:
    order = late(world)
    recusal.recuse(**on(order.lead, world.commissioner(2), reason="亲属"))
    to = world.commissioner(2).pk

    def reassign() -> Any:
        return supervision.acknowledge(
            order_id=order.pk, by=world.head_of(1), expect=take_any, instruction=Instruction.REASSIGN,
            assignee_id=to, note="改派",
        )  # fmt: skip

    assert code(reassign) == "recused"
    assert not order.acknowledgements.exists(), "the word and its effect are one"


# --- whoever told a lead ---------------------------------------------------------------------------


def test_who_told_a_merged_lead_hears_when_the_survivor_is_turned_away(world: World) -> None:
    told = made.told_by_office(world, told=Told("李四", "13800001111"))
    survivor = made.responded(world)
    merging.merge(**on(told, world.clerk_of(1), into_id=survivor.pk))
    rejection.reject(**on(survivor, world.commissioner(1), reason_kind=RejectReason.OTHER, note="不属本所"))
    assert answers.answer_merged() == 0
    decided(waiting(survivor, rejection.REJECT), world.worker(1))
    assert answers.answer_merged() == 1
    [owed] = Answer.objects.filter(lead=told)
    assert owed.state == "owed"
    assert answers.answer_merged() == 0


# --- the figures and the pause ---------------------------------------------------------------------


def test_interim_suspended_extended_and_late_all_the_same(world: World) -> None:
    lead = made.responded(world)
    interim.give(**on(lead, world.commissioner(1), interim=said(2)))
    lead.refresh_from_db()
    promised = lead.final_due_at
    pauses.suspend(
        **on(
            lead,
            world.commissioner(1),
            reason_kind=SuspendReason.TEST_RESULT,
            until=clock.now() + DAY,
            note="送检",
        )
    )
    decided(waiting(lead, pauses.SUSPEND), world.head_of(1))
    pass_time(until=Lead.objects.get(pk=lead.pk).suspended_until)
    lead.refresh_from_db()
    assert (lead.state, lead.final_due_at) == (State.RESPONDED, promised + DAY)
    pauses.extend(**on(lead, world.commissioner(1), until=lead.final_due_at + DAY, reason="等待报告"))
    decided(waiting(lead, pauses.EXTEND), world.head_of(1))
    lead.refresh_from_db()
    assert lead.final_due_at == promised + 2 * DAY
    pass_time(until=lead.final_due_at)
    [order] = SupervisionOrder.objects.filter(lead=lead)
    assert (order.cause, order.late_side) == ("final", "office")
    assert Deadline.objects.get(subject_id=lead.pk, kind="final").due_at == lead.final_due_at
    assert Lead.objects.overdue(clock.now()).filter(pk=lead.pk).exists()
