"""No side road makes a lateness disappear (DOMAIN.md §5): each is tried on a lead that is late already."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from grids.demo import World
from kernel import clock
from kernel.deadlines.models import Deadline, Event
from leads import interim, lifecycle, merging, recusal, reopening, settling
from leads.interim import Interim
from leads.models import Lead, SupervisionOrder
from tests.factories import leads as made
from tests.factories.after import rectify
from tests.factories.leads import GUIDED, take_any

pytestmark = pytest.mark.django_db

Road = Callable[[World, Lead], Any]


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
    young = made.reported(world)
    merging.merge(by=world.commissioner(1), into_id=young.pk, **common(lead))
    return young


def merge_and_back(world: World, lead: Lead) -> None:
    merge(world, lead)
    merging.unmerge(by=world.commissioner(1), reason="不是", **common(lead))


def absorb(world: World, lead: Lead) -> None:
    young = made.reported(world)
    merging.merge(by=world.commissioner(1), lead_id=young.pk, expect=take_any, into_id=lead.pk)


def close_and_reopen(world: World, lead: Lead) -> None:
    respond(world, lead)
    lifecycle.feed_back(by=world.commissioner(1), outcome=rectify(), **common(lead))
    lifecycle.verify(by=world.worker(1, 2), **common(lead))
    reopening.reopen(by=world.head_of(1), reason="又有问题", **common(lead))


ROADS: list[Road] = [settle, give_interim, recuse, merge, merge_and_back, absorb, close_and_reopen]
KEPT = ("respond_due_at", "feedback_due_at", "feedback_strict_due_at", "same_day_due_at", "closing_due_at")


@pytest.mark.parametrize("road", ROADS, ids=lambda road: road.__name__)
@pytest.mark.parametrize("late", ["respond", "closing"])
def test_late_before_late_after(world: World, road: Road, late: str) -> None:
    lead = made.reported(world, fixed_on_spot=True)
    made.pass_time(until=lead.respond_due_at if late == "respond" else lead.closing_due_at)
    breached = set(Event.objects.filter(subject_id=lead.pk).values_list("kind", flat=True))
    orders = set(SupervisionOrder.objects.filter(lead=lead).values_list("cause", flat=True))
    assert "respond" in breached & orders
    due = {name: getattr(lead, name) for name in KEPT}
    road(world, lead)
    now = Lead.objects.get(pk=lead.pk)
    for name, was in due.items():
        is_now = getattr(now, name)
        assert is_now == was or (was is not None and was > clock.now() and is_now is not None), name
        if was is not None and was <= clock.now():
            assert is_now is not None
            assert is_now <= was, f"{name} had passed, and was put off"
    for kind in breached:
        assert Deadline.objects.get(subject_id=lead.pk, kind=kind, cycle=1).state == "breached"
    assert orders <= set(SupervisionOrder.objects.filter(lead=lead).values_list("cause", flat=True))
    assert now.first_responded_at is None or now.first_responded_at > due["respond_due_at"]
    if late == "closing" and now.first_fed_back_at is not None:
        assert now.first_fed_back_at > now.feedback_strict_due_at


def test_the_survivor_of_a_late_lead_is_late_too(world: World) -> None:
    lead = made.reported(world)
    made.pass_time(until=lead.closing_due_at)
    young = Lead.objects.get(pk=merge(world, lead).pk)
    assert (young.reported_at, young.closing_due_at) == (lead.reported_at, lead.closing_due_at)
    made.pass_time(timedelta(seconds=1))
    assert Lead.objects.overdue(clock.now()).filter(pk=young.pk).exists()
    assert set(young.orders.values_list("cause", flat=True)) == {"respond", "feedback"}
