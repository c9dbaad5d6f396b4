"""复查、销号: the ordered date, the office's recheck, the community's countersignature (DESIGN.md §3)."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from django.db import IntegrityError, transaction

from grids import postings
from grids.demo import World
from kernel import clock
from kernel.clock import SHANGHAI
from kernel.deadlines.models import Deadline
from kernel.errors import Conflict, Malformed, NotAllowed, NotVisible, Refused
from leads import lifecycle, rechecks, signing
from leads.models import Correction, Lead, LookBack, Recheck, Reopening, Side, SupervisionOrder
from leads.signing import SamePerson
from leads.states import State
from tests.factories import leads as made
from tests.factories.after import cleared, ordered, rechecked, rectify
from tests.factories.leads import GUIDED, take_any

pytestmark = pytest.mark.django_db


def state_of(lead: Lead, kind: str, cycle: int = 1) -> str:
    return Deadline.objects.get(subject_kind="lead", subject_id=lead.pk, kind=kind, cycle=cycle).state


def due_of(lead: Lead, kind: str) -> datetime:
    found = Deadline.objects.get(subject_kind="lead", subject_id=lead.pk, kind=kind)
    return found.due_at.astimezone(SHANGHAI)


def recheck(world: World, lead: Lead, passed: bool = True, **more: object) -> Lead:
    return rechecks.recheck(
        lead_id=lead.pk,
        by=world.commissioner(1),
        expect=take_any,
        passed=passed,
        note="到现场复查",
        **more,  # type: ignore[arg-type]
    )


def test_closing_begins_the_recheck_three_working_days_after_the_ordered_date(world: World) -> None:
    """Ordered on Tuesday for Friday 24:00: Monday, Tuesday, Wednesday."""
    lead = ordered(world, days=3)
    assert due_of(lead, "rectify") == datetime(2026, 3, 14, tzinfo=SHANGHAI)
    assert due_of(lead, "recheck") == datetime(2026, 3, 19, tzinfo=SHANGHAI)
    assert (state_of(lead, "rectify"), state_of(lead, "recheck")) == ("running", "running")
    assert state_of(lead, "verify_stead") == "cancelled"


def test_passed_takes_effect_with_the_countersignature(world: World) -> None:
    lead = rechecked(world)
    assert (lead.state, lead.cleared_at) == (State.CLOSED, None)
    assert LookBack.objects.filter(lead=lead).count() == 0
    assert state_of(lead, "recheck") == "met"
    lead = rechecks.countersign(lead_id=lead.pk, by=world.worker(1, 3), expect=take_any)
    assert lead.cleared_at == clock.now()
    assert (state_of(lead, "countersign"), state_of(lead, "rectify")) == ("met", "met")
    row = Recheck.objects.get(lead=lead)
    assert (row.state, row.by_id, row.countersigned_by_id) == (
        "passed", world.commissioner(1).pk, world.worker(1, 3).pk,
    )  # fmt: skip
    assert [(one.number, one.state) for one in LookBack.objects.filter(lead=lead)] == [
        (1, "scheduled"), (2, "scheduled"),
    ]  # fmt: skip


def test_failed_begins_a_new_round_at_once(world: World) -> None:
    lead = ordered(world)
    made.pass_time(until=due_of(lead, "rectify"))
    lead = recheck(world, lead, passed=False)
    lead.refresh_from_db()
    assert (lead.state, lead.round, lead.closed_at, lead.cleared_at) == (State.RESPONDED, 2, None, None)
    assert state_of(lead, "feedback", 2) == "running"
    assert Reopening.objects.get(lead=lead).cause == "recheck"
    assert recheck(world, lead, passed=False).round == 2, "asked again, nothing more happens"
    assert Recheck.objects.filter(lead=lead).count() == 1


def test_the_community_may_disagree(world: World) -> None:
    lead = rechecked(world)
    worker = world.worker(1, 3)
    with pytest.raises(Malformed, match="原因"):
        rechecks.countersign(lead_id=lead.pk, by=worker, expect=take_any, agree=False)
    lead = rechecks.countersign(lead_id=lead.pk, by=worker, expect=take_any, agree=False, note="油污还在")
    assert (lead.state, lead.round) == (State.RESPONDED, 2)
    assert Recheck.objects.get(lead=lead).state == "failed"
    assert LookBack.objects.count() == 0


def test_a_recheck_cannot_fail_before_the_ordered_date_unless_proof_came(world: World) -> None:
    lead = ordered(world)
    with pytest.raises(Conflict) as refused:
        recheck(world, lead, passed=False)
    assert refused.value.code == "too_early"
    rechecks.correct(lead_id=lead.pk, by=world.worker(1), expect=take_any, note="店主说已改好")
    assert recheck(world, lead, passed=False).round == 2


def test_proof_in_time_meets_the_ordered_date(world: World) -> None:
    lead = ordered(world)
    version = lead.version
    lead = rechecks.correct(lead_id=lead.pk, by=world.worker(1), expect=take_any, note="灶台已清洗")
    assert (state_of(lead, "rectify"), lead.version) == ("met", version + 1)
    assert Correction.objects.get(lead=lead).in_time
    late = ordered(world, 1)
    made.pass_time(until=due_of(late, "rectify"))
    rechecks.correct(lead_id=late.pk, by=world.commissioner(1), expect=take_any, note="灶台已清洗")
    assert state_of(late, "rectify") == "breached"
    assert not Correction.objects.get(lead=late).in_time


def test_nobody_stands_on_both_sides(world: World) -> None:
    lead = rechecked(world)
    for nobody in (world.commissioner(1), world.commissioner(2)):
        with pytest.raises(NotAllowed):
            rechecks.countersign(lead_id=lead.pk, by=nobody, expect=take_any)
    clerk_row = Recheck.objects.filter(lead=lead)
    with pytest.raises(IntegrityError, match="two_people"), transaction.atomic():
        clerk_row.update(countersigned_by=world.commissioner(1), countersigned_at=clock.now())
    other = made.closed(world, 2, by="commissioner-02")
    with pytest.raises(SamePerson):
        signing.refuse_other_side(other, Side.COMMUNITY, world.commissioner(2))


def test_only_what_was_ordered_is_rechecked(world: World) -> None:
    lead = made.closed(world)
    with pytest.raises(Conflict) as refused:
        recheck(world, lead)
    assert refused.value.code == "nothing_to_recheck"
    done = cleared(world, 1)
    with pytest.raises(Conflict) as refused:
        rechecks.correct(lead_id=done.pk, by=world.worker(1), expect=take_any, note="又拍一张")
    assert refused.value.code == "cleared_already"


def test_the_one_who_is_asked_is_a_worker_of_the_grid(world: World) -> None:
    lead = ordered(world)
    with pytest.raises(Refused):
        recheck(world, lead, countersigner_id=world.worker(2).pk)
    recheck(world, lead, countersigner_id=world.worker(1, 2).pk)
    assert Recheck.objects.get(lead=lead).state == "waiting"


def test_who_left_holds_nothing_up(world: World) -> None:
    """No owner: the office's desk rechecks; no workers: the secretary countersigns."""
    lead = ordered(world)
    for username in ("commissioner-01", "worker-01-1", "worker-01-2", "worker-01-3"):
        postings.end(posting=world.posting_of(username), at=clock.now(), by=None)
    with pytest.raises(NotVisible):
        rechecks.recheck(
            lead_id=lead.pk, by=world.commissioner(3), expect=take_any, passed=True, note="已整改"
        )
    clerk, head = world.clerk_of(1), world.community_head_of(1)
    rechecks.recheck(lead_id=lead.pk, by=clerk, expect=take_any, passed=True, note="已整改")
    with pytest.raises(Malformed):
        rechecks.countersign(lead_id=lead.pk, by=head, expect=take_any)
    lead = rechecks.countersign(lead_id=lead.pk, by=head, expect=take_any, note="网格员均已离岗")
    assert lead.cleared_at is not None


def test_the_secretary_waits_a_day_where_workers_are_there(world: World) -> None:
    lead = rechecked(world)
    head = world.community_head_of(1)
    with pytest.raises(NotAllowed) as refused:
        rechecks.countersign(lead_id=lead.pk, by=head, expect=take_any, note="代")
    assert refused.value.code == "too_early"
    made.pass_time(until=due_of(lead, "countersign"))
    assert rechecks.countersign(lead_id=lead.pk, by=head, expect=take_any, note="网格员外出").cleared_at


def test_a_late_recheck_is_supervised_and_moves_on_when_it_is_made(world: World) -> None:
    lead = ordered(world)
    made.pass_time(until=due_of(lead, "recheck"))
    order = SupervisionOrder.objects.get(lead=lead)
    assert (order.cause, order.cycle) == ("recheck", 1)
    from leads import supervision

    assert not supervision.moved_on(lead, order)
    recheck(world, lead)
    lead.refresh_from_db()
    assert supervision.moved_on(lead, order)
    assert state_of(lead, "recheck") == "breached"


def test_a_verification_that_came_late_is_not_charged_to_the_recheck(world: World) -> None:
    lead = made.fed_back(world, outcome=rectify(0))
    made.pass_time(timedelta(days=6))
    lead = lifecycle.verify(lead_id=lead.pk, by=world.worker(1, 2), expect=take_any)
    assert due_of(lead, "recheck") == datetime(2026, 3, 20, tzinfo=SHANGHAI)


def test_rework_takes_the_order_to_rectify_back(world: World) -> None:
    lead = made.fed_back(world, outcome=rectify())
    assert state_of(lead, "rectify") == "running"
    lifecycle.rework(lead_id=lead.pk, by=world.worker(1, 2), expect=take_any, reason="说明不清")
    assert state_of(lead, "rectify") == "cancelled"
    lifecycle.feed_back(lead_id=lead.pk, by=world.commissioner(1), expect=take_any, outcome=GUIDED)
    lifecycle.verify(lead_id=lead.pk, by=world.worker(1, 2), expect=take_any)
    assert not Deadline.objects.filter(subject_id=lead.pk, kind="recheck").exists()
