"""阶段反馈: meets `feedback`, arms `final`, signs nothing (DESIGN.md §3)."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from grids.demo import World
from kernel import approvals, clock
from kernel.approvals.models import Approval
from kernel.deadlines.models import Deadline
from kernel.errors import Conflict, Malformed, NotAllowed
from leads import interim, lifecycle, supervision
from leads.interim import Interim
from leads.models import InterimFeedback, Lead, Signature, SupervisionOrder
from tests.factories import leads as made
from tests.factories.leads import GUIDED, take_any

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)


def give(world: World, lead: Lead, days: float = 5, done: str = "已查阅进货票据") -> Lead:
    said = Interim(done, "等候检验结果", clock.now() + timedelta(days=days))
    return interim.give(lead_id=lead.pk, by=world.commissioner(1), expect=take_any, interim=said)


def deadline(lead: Lead, kind: str, cycle: int = 1) -> Deadline:
    return Deadline.objects.get(subject_kind="lead", subject_id=lead.pk, kind=kind, cycle=cycle)


def test_it_meets_feedback_arms_final_and_signs_nothing(world: World) -> None:
    lead = made.responded(world)
    signed = Signature.objects.filter(lead=lead).count()
    lead = give(world, lead)
    due_at = clock.now() + 5 * DAY
    assert (deadline(lead, "feedback").state, deadline(lead, "final").due_at) == ("met", due_at)
    assert deadline(lead, "final_80").due_at == clock.now() + 4 * DAY
    assert (lead.first_interim_at, lead.final_due_at, lead.closing_due_at) == (
        clock.now(), due_at, due_at + DAY,
    )  # fmt: skip
    assert Signature.objects.filter(lead=lead).count() == signed
    lead = lifecycle.feed_back(lead_id=lead.pk, by=world.commissioner(1), expect=take_any, outcome=GUIDED)
    assert deadline(lead, "final").state == "met"


def test_the_same_words_again_change_nothing(world: World) -> None:
    lead = give(world, made.responded(world))
    assert give(world, lead).version == lead.version
    assert InterimFeedback.objects.count() == 1


def test_when_final_runs_out_an_order_is_raised(world: World) -> None:
    lead = give(world, made.responded(world), days=2)
    assert lead.final_due_at is not None
    made.pass_time(until=lead.final_due_at)
    order = SupervisionOrder.objects.get(lead=lead)
    assert order.cause == "final"
    assert not supervision.moved_on(lead, order)
    lead = lifecycle.feed_back(lead_id=lead.pk, by=world.commissioner(1), expect=take_any, outcome=GUIDED)
    assert supervision.moved_on(lead, order)
    assert deadline(lead, "final").state == "breached"


def test_a_late_one_launders_nothing(world: World) -> None:
    """Feedback breached, closing time past: neither breach nor closing time moves."""
    lead = made.responded(world)
    closing = lead.closing_due_at
    made.pass_time(until=closing)
    order = SupervisionOrder.objects.get(lead=lead)
    lead = give(world, lead)
    assert deadline(lead, "feedback").state == "breached"
    assert lead.closing_due_at == closing
    assert lead.first_interim_at is not None
    assert lead.first_interim_at > lead.feedback_due_at
    assert supervision.moved_on(lead, order)


def test_a_food_hazard_is_controlled_first(world: World) -> None:
    lead = made.responded(world, category="F03")
    with pytest.raises(Conflict) as refused:
        give(world, lead)
    assert refused.value.code == "control_first"
    lifecycle.control(lead_id=lead.pk, by=world.commissioner(1), expect=take_any, note="已封存")
    assert give(world, lead).first_interim_at


@pytest.mark.parametrize("days", [0, -1, 61])
def test_only_a_day_to_come(world: World, days: float) -> None:
    with pytest.raises(Malformed):
        give(world, made.responded(world), days=days)


def asked() -> Approval:
    return Approval.objects.get(kind=interim.KIND)


def decide(world: World, approve: bool) -> Approval:
    return approvals.decide(approval_id=asked().pk, by=world.head_of(1), approve=approve, expect=take_any)


def test_a_longer_one_waits_for_the_head_and_meanwhile_the_clock_runs(world: World) -> None:
    lead = give(world, made.responded(world), days=20)
    assert (InterimFeedback.objects.count(), deadline(lead, "feedback").state) == (0, "running")
    with pytest.raises(NotAllowed):
        approvals.decide(approval_id=asked().pk, by=world.commissioner(1), approve=True, expect=take_any)
    decide(world, approve=True)
    lead.refresh_from_db()
    row = InterimFeedback.objects.get()
    assert (row.by_id, row.approved_by_id) == (world.commissioner(1).pk, world.head_of(1).pk)
    assert (deadline(lead, "feedback").state, lead.final_due_at) == ("met", row.final_due_at)


def test_refused_nothing_happens(world: World) -> None:
    lead = give(world, made.responded(world), days=20)
    decide(world, approve=False)
    lead.refresh_from_db()
    assert (lead.first_interim_at, deadline(lead, "feedback").state) == (None, "running")


def test_a_second_one_needs_the_head_and_has_a_clock_of_its_own(world: World) -> None:
    lead = give(world, made.responded(world), days=2)
    first: datetime | None = lead.first_interim_at
    give(world, lead, days=6, done="检验已送出")
    decide(world, approve=True)
    lead.refresh_from_db()
    assert deadline(lead, "final").state == "cancelled"
    again = deadline(lead, "final", 1001)
    assert (again.state, again.due_at) == ("running", lead.final_due_at)
    assert lead.first_interim_at == first
    made.pass_time(until=lead.final_due_at)
    order = SupervisionOrder.objects.get(lead=lead)
    assert (order.cause, order.cycle) == ("final", 1001)
    assert not supervision.moved_on(lead, order)
    made.pass_time(timedelta(minutes=1))
    rows = [one.number for one in InterimFeedback.objects.order_by("id")]
    assert rows == [1, 2]


def test_rework_forgets_the_promise_of_the_old_round(world: World) -> None:
    lead = give(world, made.responded(world), days=2)
    lifecycle.feed_back(lead_id=lead.pk, by=world.commissioner(1), expect=take_any, outcome=GUIDED)
    lead = lifecycle.rework(lead_id=lead.pk, by=world.worker(1, 2), expect=take_any, reason="不实")
    assert lead.final_due_at is None
    made.pass_time(3 * DAY)
    assert list(SupervisionOrder.objects.filter(lead=lead).values_list("cause", "cycle")) == [("feedback", 2)]
    assert Lead.objects.overdue(clock.now()).filter(pk=lead.pk).exists()
