"""Where two side roads meet: what one began and another ended, who may decide what is now his own."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from grids import absences
from grids.demo import World
from kernel import clock
from kernel.approvals.models import Approval
from kernel.errors import DomainError
from leads import dispatch, interim, pauses, recusal, rejection, reopening, supervision
from leads.interim import Interim
from leads.models import Extension, Instruction, Lead, RejectReason, SupervisionOrder
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
    give_to_head(world, lead)
    assert code(lambda: decided(row, world.head_of(1))) in ("own_request", "not_decider")
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
