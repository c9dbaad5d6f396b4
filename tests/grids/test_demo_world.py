"""The builder of the demo world."""

from __future__ import annotations

import pytest
from django.contrib.auth.hashers import check_password
from stdnum.cn import uscc

from grids import demo
from grids.demo import World
from grids.locate import locate
from grids.models import Posting
from grids.shortages import shortages
from kernel.journal.models import Entry
from tests.factories.grids import make_world

pytestmark = pytest.mark.django_db


@pytest.fixture
def world() -> World:
    return make_world(entities=60, stations=True)


def test_it_is_whole(world: World) -> None:
    assert (len(world.offices), len(world.communities), len(world.grids)) == (4, 17, 21)
    assert shortages(world.at) == []
    assert not Posting.objects.filter(backup=None).exists()
    assert Entry.objects.filter(stream__startswith="posting:").count() == len(world.postings)
    assert {grid.lead_community_id for grid in world.grids} <= {one.id for one in world.communities}
    held = set(world.grids[0].communities.through.objects.values_list("community_id", flat=True))
    assert held == {one.id for one in world.communities}


def test_accounts_are_named_as_the_contract_says(world: World) -> None:
    wanted = {"bureau", "police", "citymgmt", "auditor", "admin"}
    wanted |= {f"{kind}-{n:02d}" for kind in ("office", "clerk", "duty") for n in range(1, 5)}
    wanted |= {f"commissioner-{n:02d}" for n in range(1, 22)}
    wanted |= {f"worker-{n:02d}-{person}" for n in range(1, 22) for person in (1, 2, 3)}
    wanted |= {f"community-{n:02d}" for n in range(1, 18)} | {f"station-{n:02d}" for n in range(1, 26)}
    assert wanted <= set(world.users)
    assert check_password(demo.DEMO_PASSWORD, world.users["worker-21-3"].password)
    assert not world.users["worker-21-3"].is_staff
    assert world.users["office-01"].is_staff


def test_who_answers_for_a_grid(world: World) -> None:
    assert world.office_of(7) == world.offices[1]
    assert world.head_of(7).username == "office-02"
    assert world.clerk_of(7).username == "clerk-02"
    assert world.duty_of(7).username == "duty-02"
    assert world.community_head_of(2).username == "community-01"


def test_businesses_lie_in_their_grids(world: World) -> None:
    for entity in world.entities:
        assert entity.lon is not None
        assert entity.lat is not None
        assert locate(entity.lon, entity.lat).grid_id == entity.grid_id
        assert uscc.is_valid(entity.uscc)
        assert entity.is_demo
