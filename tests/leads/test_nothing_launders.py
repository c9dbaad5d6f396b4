"""No side road makes a lateness disappear (DOMAIN.md §5): each is tried on a lead that is late already."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any

import pytest

from grids import absences, postings
from grids.demo import World
from kernel import approvals, clock
from kernel.approvals.models import Approval
from kernel.deadlines.models import Deadline, Event
from kernel.errors import Conflict
from kernel.journal.models import Entry
from leads import (
    dispatch,
    interim,
    lifecycle,
    look_backs,
    merging,
    pauses,
    rechecks,
    reclassification,
    recusal,
    referral,
    rejection,
    reopening,
    settling,
    supervision,
)
from leads.interim import Interim
from leads.leniency import Proposal
from leads.lifecycle import Outcome
from leads.models import (
    DisposalKind,
    Extension,
    Instruction,
    Lead,
    LookBack,
    RejectReason,
    Route,
    SupervisionOrder,
    SuspendReason,
)
from leads.states import State
from reports import kpi, rollup
from reports.models import DailyGridStat
from tests.factories import leads as made
from tests.factories.after import rectify
from tests.factories.grids import make_entity
from tests.factories.leads import GUIDED, take_any

pytestmark = pytest.mark.django_db

Road = Callable[[World, Lead], Any]
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


def common(lead: Lead) -> dict[str, Any]:
    return {"lead_id": lead.pk, "expect": take_any}


def respond(world: World, lead: Lead) -> None:
    lifecycle.respond(by=world.commissioner(1), **common(lead))


def settle(world: World, lead: Lead) -> None:
    settling.settle(by=world.commissioner(1), outcome=GUIDED, **common(lead))


def give_interim(world: World, lead: Lead) -> None:
    respond(world, lead)
    said = Interim("已查看", "待检验", clock.now() + timedelta(days=5))
    interim.give(by=world.commissioner(1), interim=said, **common(lead))


def recuse(world: World, lead: Lead) -> None:
    recusal.recuse(by=world.commissioner(1), reason="亲属", **common(lead))


def merge(world: World, lead: Lead) -> Lead:
    young = made.reported(world, category=lead.category_id)
    merging.merge(by=world.commissioner(1), into_id=young.pk, **common(lead))
    return young


def merge_and_back(world: World, lead: Lead) -> None:
    merge(world, lead)
    merging.unmerge(by=world.commissioner(1), reason="不是", **common(lead))


def absorb(world: World, lead: Lead) -> None:
    young = made.reported(world, category=lead.category_id)
    merging.merge(by=world.commissioner(1), lead_id=young.pk, expect=take_any, into_id=lead.pk)


def close_and_reopen(world: World, lead: Lead) -> None:
    respond(world, lead)
    lifecycle.feed_back(by=world.commissioner(1), outcome=rectify(), **common(lead))
    lifecycle.verify(by=world.worker(1, 2), **common(lead))
    reopening.reopen(by=world.head_of(1), reason="又有问题", **common(lead))


def stand_in_acts(world: World, lead: Lead) -> None:
    at, away = clock.now(), world.commissioner(1)
    absences.record(user=away, stand_in=world.commissioner(2), starts_at=at, ends_at=at + DAY, by=away, at=at)
    lifecycle.respond(by=world.commissioner(2), **common(lead))
    lifecycle.feed_back(by=world.commissioner(2), outcome=GUIDED, **common(lead))


def redispatch(world: World, lead: Lead) -> None:
    other = world.commissioner(2)
    dispatch.dispatch(by=world.clerk_of(1), assignee_id=other.pk, reason="改派", **common(lead))
    lifecycle.respond(by=other, **common(lead))
    lifecycle.feed_back(by=other, outcome=GUIDED, **common(lead))


def hand_on(world: World, lead: Lead) -> None:
    postings.end(posting=world.posting_of("commissioner-01"), at=clock.now(), by=None)
    owner = Lead.objects.get(pk=lead.pk).assignee
    assert owner is not None
    assert owner != world.commissioner(1)
    lifecycle.respond(by=owner, **common(lead))


def given_to_another_by_the_order(world: World, lead: Lead) -> None:
    instruct(world, lead, Instruction.REASSIGN)


def supervisor_agrees_to_more_time(world: World, lead: Lead) -> None:
    """A date of his own for the owner: the breach is kept (`leads.pauses.grant`)."""
    respond(world, lead)
    instruct(world, lead, Instruction.AGREE_EXTENSION)
    given = Extension.objects.get(lead=lead)
    assert given.keeps_breach == is_breached(lead, "feedback")


def instruct(world: World, lead: Lead, instruction: Instruction) -> None:
    order = SupervisionOrder.objects.filter(lead=lead, state="open").latest("id")
    supervision.acknowledge(
        order_id=order.pk,
        by=world.head_of(1),
        expect=take_any,
        instruction=instruction,
        assignee_id=world.commissioner(2).pk,
    )


def extend(world: World, lead: Lead) -> None:
    """Asked after its clock ran out it is refused; a clock that still runs may be put off."""
    respond(world, lead)
    late = is_breached(lead, "feedback")
    until = lead.feedback_due_at + (3 if late else 1) * DAY
    asked = partial(pauses.extend, by=world.commissioner(1), until=until, reason="等报告", **common(lead))
    if late:
        with pytest.raises(Conflict) as refused:
            asked()
        assert refused.value.code == "clock_not_running"
    else:
        asked()
        agree(lead, world.head_of(1))
        assert Lead.objects.get(pk=lead.pk).feedback_due_at == until


def suspend_and_resume(world: World, lead: Lead) -> None:
    respond(world, lead)
    pauses.suspend(
        by=world.commissioner(1),
        reason_kind=SuspendReason.TEST_RESULT,
        until=clock.now() + 3 * DAY,
        **common(lead),
    )
    agree(lead, world.head_of(1))
    made.pass_time(HOUR)
    pauses.resume(by=world.commissioner(1), **common(lead))


def suspend_to_its_end(world: World, lead: Lead) -> None:
    respond(world, lead)
    until = clock.now() + DAY
    pauses.suspend(
        by=world.commissioner(1), reason_kind=SuspendReason.TEST_RESULT, until=until, **common(lead)
    )
    agree(lead, world.head_of(1))
    made.pass_time(until=until)
    assert Lead.objects.get(pk=lead.pk).state == State.RESPONDED


def reclassify(world: World, lead: Lead) -> None:
    reclassification.reclassify(by=world.commissioner(1), category="L04", reason="看错了", **common(lead))


def into_food_and_out(world: World, lead: Lead) -> None:
    said = partial(reclassification.reclassify, by=world.commissioner(1), reason="看错了", **common(lead))
    said(category="F03")
    said(category="L02")
    agree(lead, world.worker(1))
    assert not Lead.objects.get(pk=lead.pk).food


def reject(world: World, lead: Lead) -> None:
    rejection.reject(
        by=world.commissioner(1), reason_kind=RejectReason.UNTRUE, note="现场没有", **common(lead)
    )
    agree(lead, world.worker(1))
    assert Lead.objects.get(pk=lead.pk).state == State.REJECTED


def hand_over(world: World, lead: Lead) -> None:
    respond(world, lead)
    outcome = Outcome(DisposalKind.HANDED_OVER, "移交公安", department="police")
    lifecycle.feed_back(by=world.commissioner(1), outcome=outcome, **common(lead))
    referral.enter_receipt(by=world.commissioner(1), **common(lead))


def send_back(world: World, lead: Lead) -> None:
    respond(world, lead)
    for _ in range(2):
        lifecycle.feed_back(by=world.commissioner(1), outcome=GUIDED, **common(lead))
        lifecycle.rework(by=world.worker(1, 2), reason="没有改", **common(lead))


def lenient(world: World, lead: Lead) -> None:
    """Proposed, refused, proposed again and agreed to by everybody."""
    respond(world, lead)
    said = Proposal(Route.NO_FAULT, proof="已尽进货查验义务", guidance="已讲解规定")
    outcome = Outcome(DisposalKind.LENIENCY, "没有主观过错", leniency=said)
    for approve in (False, True):
        awaited = [str(int(approve)) * 64]
        lifecycle.feed_back(by=world.commissioner(1), outcome=outcome, awaited=awaited, **common(lead))
        agree(lead, world.head_of(1), approve=approve)
    for by in ("section-legal", "leader"):
        agree(lead, world.user(by))


def cleared(world: World, lead: Lead) -> None:
    respond(world, lead)
    lifecycle.feed_back(by=world.commissioner(1), outcome=rectify(), **common(lead))
    lifecycle.verify(by=world.worker(1, 2), **common(lead))
    rechecks.recheck(by=world.commissioner(1), passed=True, note="已改正", **common(lead))
    rechecks.countersign(by=world.worker(1, 2), **common(lead))


def recheck_fails(world: World, lead: Lead) -> None:
    respond(world, lead)
    lifecycle.feed_back(by=world.commissioner(1), outcome=rectify(1), **common(lead))
    lifecycle.verify(by=world.worker(1, 2), **common(lead))
    made.pass_time(3 * DAY)
    rechecks.recheck(by=world.commissioner(1), passed=False, note="未改正", **common(lead))
    assert Lead.objects.get(pk=lead.pk).round == 2


def look_back_fails(world: World, lead: Lead) -> None:
    cleared(world, lead)
    row = LookBack.objects.filter(lead=lead).earliest("number")
    made.pass_time(until=row.opens_at)
    look_backs.complete(look_back_id=row.pk, by=world.worker(1), expect=take_any, passed=False, note="又来了")
    assert Lead.objects.get(pk=lead.pk).round == 2


ROADS: list[Road] = [
    settle,
    give_interim,
    recuse,
    merge,
    merge_and_back,
    absorb,
    close_and_reopen,
    stand_in_acts,
    redispatch,
    hand_on,
    given_to_another_by_the_order,
    supervisor_agrees_to_more_time,
    extend,
    suspend_and_resume,
    suspend_to_its_end,
    reclassify,
    into_food_and_out,
    reject,
    hand_over,
    send_back,
    lenient,
    cleared,
    recheck_fails,
    look_back_fails,
]
KEPT = ("respond_due_at", "feedback_due_at", "feedback_strict_due_at", "same_day_due_at", "closing_due_at")
FIGURES = (
    ("respond_counted", "responded_on_time"),
    ("feedback_counted", "fed_back_on_time"),
    ("strict_counted", "strict_on_time"),
    ("closing_counted", "closed_on_time"),
)


def figures() -> dict[str, tuple[int, int]]:
    """By rate: how many the day's leads put into its denominator, and how many of them late."""
    day = clock.local_date(made.TUESDAY)
    rollup.rebuild([day], as_of=clock.now())
    found = kpi.total(row.counts() for row in DailyGridStat.objects.filter(day=day))
    return {whole: (found[whole], found[whole] - found[part]) for whole, part in FIGURES}


@pytest.mark.parametrize("road", ROADS, ids=lambda road: road.__name__)
@pytest.mark.parametrize("late", ["respond", "closing"])
def test_late_before_late_after(world: World, road: Road, late: str) -> None:
    """The breach stays: its clock, its event, its line in the journal, its order, and its place in the
    denominator of every rate."""
    shop = make_entity(world, 1)
    lead = made.reported(world, category="L02", entity_id=shop.pk, fixed_on_spot=True)
    made.pass_time(until=lead.respond_due_at if late == "respond" else lead.closing_due_at)
    made.pass_time(timedelta(seconds=1))
    breached = set(Event.objects.filter(subject_id=lead.pk).values_list("kind", flat=True))
    orders = set(SupervisionOrder.objects.filter(lead=lead).values_list("cause", flat=True))
    assert {"respond"} | ({"feedback"} if late == "closing" else set()) <= breached & orders
    due, before = {name: getattr(lead, name) for name in KEPT}, figures()
    assert before["respond_counted"] == (1, 1)
    assert before["closing_counted"] == ((1, 1) if late == "closing" else (0, 0))
    began = clock.now()
    road(world, lead)
    made.pass_time(timedelta(seconds=1))
    now = Lead.objects.get(pk=lead.pk)
    for name, was in due.items():
        if was is not None and was <= began:
            assert getattr(now, name) is not None, name
            assert getattr(now, name) <= was, f"{name} had passed, and was put off"
    for kind in breached:
        assert is_breached(lead, kind)
    for kind in breached & orders:
        assert Entry.objects.filter(stream=lead.stream, kind=f"clock.{kind}", data__cycle=1).exists()
    assert breached <= set(Event.objects.filter(subject_id=lead.pk).values_list("kind", flat=True))
    assert orders <= set(SupervisionOrder.objects.filter(lead=lead).values_list("cause", flat=True))
    assert now.first_responded_at is None or now.first_responded_at > due["respond_due_at"]
    if late == "closing" and now.first_fed_back_at is not None:
        assert now.first_fed_back_at > now.feedback_strict_due_at
    after = figures()
    for rate, (counted, too_late) in before.items():
        assert after[rate][0] >= counted, rate
        assert after[rate][1] >= too_late, rate


def is_breached(lead: Lead, kind: str) -> bool:
    return Deadline.objects.get(subject_id=lead.pk, kind=kind, cycle=1).state == Deadline.State.BREACHED


def agree(lead: Lead, by: Any, *, approve: bool = True) -> None:
    row = Approval.objects.of("lead", lead.pk).waiting().get()
    approvals.decide(approval_id=row.pk, by=by, approve=approve, expect=take_any, note="已阅")


def test_the_survivor_of_a_late_lead_is_late_too(world: World) -> None:
    lead = made.reported(world)
    made.pass_time(until=lead.closing_due_at)
    young = Lead.objects.get(pk=merge(world, lead).pk)
    assert (young.reported_at, young.closing_due_at) == (lead.reported_at, lead.closing_due_at)
    made.pass_time(timedelta(seconds=1))
    assert Lead.objects.overdue(clock.now()).filter(pk=young.pk).exists()
    assert set(young.orders.values_list("cause", flat=True)) == {"respond", "feedback"}
