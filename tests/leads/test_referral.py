"""移交: 已移交 only with the receipt, the reply chased (DESIGN.md §3, DOMAIN.md §3)."""

from __future__ import annotations

from datetime import datetime

import pytest

from grids.demo import World
from kernel import clock
from kernel.clock import SHANGHAI
from kernel.deadlines.models import Deadline
from kernel.errors import Conflict, Malformed, NotAllowed, Refused
from kernel.notices.models import OutboxMessage
from leads import lifecycle, referral, reopening
from leads.lifecycle import Outcome
from leads.models import DisposalKind, Lead, Referral, Signature
from leads.states import State
from tests.factories import leads as made
from tests.factories.leads import take_any

pytestmark = pytest.mark.django_db

TO_POLICE = Outcome(
    DisposalKind.HANDED_OVER,
    "涉嫌传销，移交公安",
    department="police",
    document_number="肥市监移〔2026〕3号",
)


def handed_over(world: World, outcome: Outcome = TO_POLICE) -> Lead:
    return made.fed_back(world, category="A04", outcome=outcome)


def receipt(world: World, lead: Lead, number: str = "公受〔2026〕12号", by: str = "commissioner-01") -> Lead:
    return referral.enter_receipt(lead_id=lead.pk, by=world.user(by), expect=take_any, number=number)


def reply(world: World, lead: Lead, text: str = "已立案侦查") -> Lead:
    return referral.enter_reply(lead_id=lead.pk, by=world.clerk_of(1), expect=take_any, text=text)


def deadline(lead: Lead, kind: str) -> Deadline:
    return Deadline.objects.get(subject_kind="lead", subject_id=lead.pk, kind=kind)


def test_sent_with_the_feedback_and_signed(world: World) -> None:
    lead = handed_over(world)
    row = Referral.objects.get(lead=lead)
    assert (row.department.code, row.receipt_at, lead.handed_over_at) == ("police", None, None)
    assert deadline(lead, "referral_receipt").due_at == datetime(2026, 3, 13, tzinfo=SHANGHAI)
    signed = Signature.objects.get(lead=lead, stage="result", side="office").snapshot["signed"]
    assert signed["referral"] == {"department": "police", "document_number": "肥市监移〔2026〕3号"}


def test_the_department_belongs_to_handing_over_alone(world: World) -> None:
    for outcome, refusal in (
        (Outcome(DisposalKind.HANDED_OVER, "移交"), Malformed),
        (Outcome(DisposalKind.GUIDED, "已提醒", department="police"), Malformed),
        (Outcome(DisposalKind.HANDED_OVER, "移交", department="nobody"), Refused),
    ):
        with pytest.raises(refusal):
            handed_over(world, outcome)


def test_handed_over_with_the_receipt_and_answered_in_ten_working_days(world: World) -> None:
    lead = handed_over(world)
    lead = lifecycle.verify(lead_id=lead.pk, by=world.worker(1, 2), expect=take_any)
    assert (lead.state, lead.handed_over_at) == (State.CLOSED, None)
    assert deadline(lead, "referral_receipt").state == "running", "closing does not end it"
    lead = receipt(world, lead)
    assert lead.handed_over_at == clock.now()
    assert deadline(lead, "referral_receipt").state == "met"
    assert deadline(lead, "referral_reply").due_at == datetime(2026, 3, 25, tzinfo=SHANGHAI)
    assert receipt(world, lead).version == lead.version, "said again"
    with pytest.raises(Conflict):
        receipt(world, lead, "另一个编号")
    reply(world, lead)
    assert deadline(lead, "referral_reply").state == "met"
    assert reply(world, lead).pk == lead.pk
    with pytest.raises(Conflict):
        reply(world, lead, "又一份答复")


def test_without_a_receipt_there_is_no_reply(world: World) -> None:
    with pytest.raises(Conflict) as refused:
        reply(world, handed_over(world))
    assert refused.value.code == "receipt_missing"
    with pytest.raises(Conflict) as refused:
        receipt(world, made.closed(world))
    assert refused.value.code == "not_referred"


def test_who_enters_it(world: World) -> None:
    lead = handed_over(world)
    for nobody in ("worker-01-1", "leader"):
        with pytest.raises(NotAllowed):
            receipt(world, lead, by=nobody)
    receipt(world, lead, by="clerk-01")


def test_both_are_chased(world: World) -> None:
    lead = handed_over(world)
    made.pass_time(until=deadline(lead, "referral_receipt").due_at)

    def told(template: str) -> set[str]:
        rows = OutboxMessage.objects.filter(template=template, subject_id=lead.pk)
        return set(rows.values_list("recipient__username", flat=True))

    assert told("leads.referral_receipt_late") >= {"commissioner-01", world.head_of(1).username}
    receipt(world, lead)
    for kind in ("referral_reply_80", "referral_reply"):
        made.pass_time(until=deadline(lead, kind).due_at)
    assert told("leads.referral_reply_soon") >= {"commissioner-01"}
    assert told("leads.referral_reply_late") >= {"commissioner-01", world.head_of(1).username}
    assert deadline(lead, "referral_receipt").state == "breached", "a late receipt stays late"


def test_a_new_round_hands_over_anew(world: World) -> None:
    lead = handed_over(world)
    receipt(world, lead)
    lifecycle.verify(lead_id=lead.pk, by=world.worker(1, 2), expect=take_any)
    lead = reopening.reopen(lead_id=lead.pk, by=world.head_of(1), expect=take_any, reason="公安退回")
    assert (lead.handed_over_at, deadline(lead, "referral_reply").state) == (None, "cancelled")
    lifecycle.feed_back(lead_id=lead.pk, by=world.commissioner(1), expect=take_any, outcome=TO_POLICE)
    assert [one.round for one in Referral.objects.order_by("round")] == [1, 2]
