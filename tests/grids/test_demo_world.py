"""The builder of the demo world."""

from __future__ import annotations

import time

import pytest

from grids.locate import locate
from grids.staffing import routing_facts
from tests.factories.grids import make_world

pytestmark = pytest.mark.django_db


def test_it_is_built_fast_and_whole() -> None:
    make_world_began = time.monotonic()
    world = make_world(entities=30)
    took = time.monotonic() - make_world_began
    assert (len(world.offices), len(world.communities), len(world.grids)) == (4, 17, 21)
    facts = routing_facts(world.grid(3).id, world.at)
    assert facts is not None
    assert facts.commissioner_id == world.users["commissioner-03"].id
    assert len(facts.worker_ids) == 3
    assert locate(*world.point_in(3)).code == world.grid(3).code
    print(took)
