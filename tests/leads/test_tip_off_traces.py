"""A tip-off (举报) about a shop leaves no trace where its number, or its words, could be read."""

from __future__ import annotations

from typing import Any

import pytest

from grids.demo import World
from kernel.deadlines.models import Deadline
from kernel.journal.models import Entry
from leads import leniency, lifecycle, matters, reopening
from leads.lifecycle import Outcome
from leads.models import DisposalKind, Guidance, Lead, MatterKind, SupervisionOrder
from tests.factories import leads as made
from tests.factories import tip_offs
from tests.factories.grids import make_entity
from tests.factories.leads import pass_time, take_any
from tests.leads.calls import Api, code_of

pytestmark = pytest.mark.django_db
WORDS = "后厨回收油"


@pytest.fixture
def shop(world: World) -> Any:
    return make_entity(world, 1)


def done(world: World, shop: Any, kind: DisposalKind) -> Lead:
    """A tip-off about this shop, fed back by its owner."""
    given = tip_offs.given(world, 1, MatterKind.TIP_OFF, words=WORDS, entity_id=shop.pk)
    lead = matters.take(given, by=world.clerk_of(1)).matter.tip_off
    assert lead is not None
    common: dict[str, Any] = {"lead_id": lead.pk, "by": lead.assignee, "expect": take_any}
    lifecycle.respond(**common)
    return lifecycle.feed_back(**common, outcome=Outcome(kind, WORDS))


def test_guidance_that_it_came_to_is_seen_by_its_office_alone(world: World, api: Api, shop: Any) -> None:
    lead = done(world, shop, DisposalKind.GUIDED)
    [row] = Guidance.objects.all()
    assert row.lead == lead
    for name in ("worker-01-1", "bureau", "auditor", "leader", "section-price", "commissioner-21"):
        assert not Guidance.objects.visible_to(world.user(name)).exists(), name
    for person in (world.head_of(1), world.clerk_of(1), world.user("section-food")):
        assert Guidance.objects.visible_to(person).get() == row
    answer = api.get(world.worker(1), f"entities/{shop.pk}/guidance/")
    assert answer.json()["results"] == []
    kinds = Entry.objects.filter(kind="guidance.given").values_list("stream", flat=True)
    assert list(kinds) == [lead.stream], "the shop's own journal is read by everybody who keeps the register"


def test_a_violation_that_it_brought_to_light_counts_without_its_number(
    world: World, api: Api, shop: Any
) -> None:
    secret = done(world, shop, DisposalKind.PENALTY)
    lead = made.responded(world, 1, entity_id=shop.pk, category="F03")
    path = f"leads/{lead.pk}/first-offence/"
    told = api.get(world.commissioner(1), path).json()
    assert (told["is_first"], told["earlier"]) == (False, [])
    for person in (world.worker(1), world.community_head_of(1)):
        assert code_of(api.get(person, path)) == "not_in_office"
    found = leniency.history_of(lead, lead.reported_at)
    assert found is not None
    assert secret.number not in found.said()


def test_taken_up_again_it_has_its_own_clock_and_no_supervision_by_two(world: World, shop: Any) -> None:
    lead = done(world, shop, DisposalKind.NO_PROBLEM)
    second = world.head_of(1) if lead.assignee != world.head_of(1) else world.clerk_of(1)
    lifecycle.verify(lead_id=lead.pk, by=second, expect=take_any)
    reopening.reopen(lead_id=lead.pk, by=world.head_of(1), expect=take_any, reason="又有新情况")
    live = Deadline.objects.filter(subject_kind="lead", subject_id=lead.pk, state="running", cycle=2)
    assert set(live.values_list("kind", flat=True)) == {"tip_off", "tip_off_80"}
    pass_time(until=live.get(kind="tip_off").due_at)
    assert not SupervisionOrder.objects.filter(lead=lead).exists()
    assert Entry.objects.filter(stream=lead.stream, kind="clock.tip_off").exists()
