"""Who is told when a clock runs out: never only a person who is not there (DESIGN.md §3)."""

from __future__ import annotations

from datetime import timedelta

import pytest

from grids.demo import World
from grids.models import Absence
from kernel import clock
from kernel.accounts.models import User
from kernel.deadlines.sweep import sweep
from kernel.notices.models import OutboxMessage
from leads.models import Lead
from tests.factories import leads as make
from tests.factories.grids import make_world

pytestmark = pytest.mark.django_db


@pytest.fixture
def world() -> World:
    clock.set_to(clock.now().astimezone(clock.SHANGHAI).replace(hour=10, minute=0))
    return make_world()


def away(person: User, stand_in: User | None) -> None:
    now = clock.now()
    Absence.objects.create(
        user=person,
        stand_in=stand_in,
        reason="请假",
        starts_at=now - timedelta(hours=1),
        ends_at=now + timedelta(days=2),
    )


def told(lead: Lead, template: str) -> set[str]:
    rows = OutboxMessage.objects.filter(subject_id=lead.pk, subject_kind="lead", template=template)
    return set(rows.values_list("recipient__username", flat=True))


def test_the_stand_ins_of_owner_and_heads_are_told_as_well(world: World) -> None:
    away(world.commissioner(1), world.user("commissioner-05"))
    away(world.head_of(1), None)
    away(world.community_head_of(1), world.user("vice-09"))
    lead = make.reported(world, 1)

    clock.travel(timedelta(minutes=25))
    sweep()
    assert told(lead, "leads.respond_80") == {"commissioner-01", "commissioner-05", "office-01", "deputy-01"}

    clock.travel(timedelta(minutes=10))
    sweep()
    community = world.community_head_of(1).username
    assert told(lead, "leads.order_respond") == {"office-01", "deputy-01", community, "vice-09"}


def test_a_closed_account_is_nobody_and_the_bureau_is_told_in_its_place(world: World) -> None:
    lead = make.fed_back(world, 1)
    User.objects.filter(username=world.community_head_of(1).username).update(is_active=False)
    clock.travel(timedelta(hours=49))
    sweep(look_back=None)
    assert "bureau" in told(lead, "leads.verify_stead")


def test_a_lead_that_no_worker_reported_is_told_to_the_workers_of_its_grid(world: World) -> None:
    lead = make.reported(world, 1, by="clerk-01")
    assert told(lead, "leads.told") == {"worker-01-1", "worker-01-2", "worker-01-3"}
    assert told(make.reported(world, 1), "leads.told") == set()
