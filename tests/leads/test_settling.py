"""即知即改: three acts in one tap, only where it was put right on the spot (DESIGN.md §3)."""

from __future__ import annotations

from typing import Any

import pytest

from grids.demo import World
from kernel import clock
from kernel.deadlines.models import Deadline
from kernel.errors import Conflict, NotAllowed
from kernel.journal.models import Entry
from leads import lifecycle, reopening, settling
from leads.lifecycle import Outcome
from leads.models import DisposalKind, Lead, Signature
from leads.states import State
from tests.factories import leads as made
from tests.factories.after import rectify
from tests.factories.leads import GUIDED, take_any

pytestmark = pytest.mark.django_db


def settle(world: World, lead: Lead, outcome: Outcome = GUIDED, by: str = "commissioner-01") -> Lead:
    return settling.settle(lead_id=lead.pk, by=world.user(by), expect=take_any, outcome=outcome)


def on_spot(world: World, **fields: Any) -> Lead:
    return made.reported(world, fixed_on_spot=True, **fields)


def test_one_tap_signs_all_slots_of_the_office_and_notes_each_act(world: World) -> None:
    lead = settle(world, on_spot(world, category="F04"))
    at = clock.now()
    assert lead.state == State.FED_BACK
    assert (lead.responded_at, lead.controlled_at, lead.fed_back_at, lead.settled_at) == (at, at, at, at)
    signed = Signature.objects.filter(lead=lead, side="office").values_list("stage", flat=True)
    assert sorted(signed) == ["discovery", "handover", "result"]
    kinds = list(Entry.objects.filter(stream=lead.stream).order_by("seq").values_list("kind", flat=True))
    assert kinds[-3:] == ["lead.responded", "lead.controlled", "lead.fed_back"]
    states = dict(Deadline.objects.filter(subject_id=lead.pk, cycle=1).values_list("kind", "state"))
    assert (states["respond"], states["feedback"], states["same_day"]) == ("met", "met", "met")
    assert states["verify"] == "running"
    closed = lifecycle.verify(lead_id=lead.pk, by=world.worker(1, 2), expect=take_any)
    assert closed.state == State.CLOSED


def test_the_same_tap_again_changes_nothing(world: World) -> None:
    lead = settle(world, on_spot(world))
    assert settle(world, lead).version == lead.version
    assert Signature.objects.filter(lead=lead, side="office").count() == 3


@pytest.mark.parametrize(
    ("fields", "outcome", "code"),
    [
        ({"fixed_on_spot": False}, GUIDED, "not_fixed_on_spot"),
        ({"severity": "SERIOUS"}, GUIDED, "too_severe"),
        ({}, Outcome(DisposalKind.PENALTY, "已立案"), "settle_kind"),
    ],
)
def test_refused(world: World, fields: dict[str, Any], outcome: Outcome, code: str) -> None:
    lead = made.reported(world, **{"fixed_on_spot": True, **fields})
    with pytest.raises(Conflict) as refused:
        settle(world, lead, outcome)
    assert refused.value.code == code
    assert Lead.objects.get(pk=lead.pk).state == State.DISPATCHED


def test_only_from_dispatched_by_the_assignee_and_never_to_rectify(world: World) -> None:
    lead = on_spot(world)
    with pytest.raises(NotAllowed):
        settle(world, lead, by="clerk-01")
    with pytest.raises(Conflict, match="提醒指导"):
        settle(world, lead, rectify())
    lifecycle.respond(lead_id=lead.pk, by=world.commissioner(1), expect=take_any)
    with pytest.raises(Conflict) as refused:
        settle(world, lead)
    assert refused.value.code == "wrong_state"


def test_a_late_tap_stays_late(world: World) -> None:
    lead = on_spot(world)
    made.pass_time(until=lead.respond_due_at)
    lead = settle(world, lead)
    assert lead.first_responded_at is not None
    assert lead.respond_due_at is not None
    assert lead.first_responded_at > lead.respond_due_at
    assert Deadline.objects.get(subject_id=lead.pk, kind="respond").state == "breached"
    assert lead.orders.get().cause == "respond"


def test_what_came_back_is_not_settled_again(world: World) -> None:
    lead = settle(world, on_spot(world))
    lifecycle.verify(lead_id=lead.pk, by=world.worker(1, 2), expect=take_any)
    reopening.reopen(lead_id=lead.pk, by=world.head_of(1), expect=take_any, reason="又见乱象")
    with pytest.raises(Conflict) as refused:
        settle(world, lead)
    assert refused.value.code in ("wrong_state", "not_fixed_on_spot")
