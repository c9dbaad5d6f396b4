"""The world of the leads' tests: a Tuesday at 10:00, by the house's own clock."""

from __future__ import annotations

import pytest
from django.test import Client

from grids.demo import World
from tests.factories.grids import make_world
from tests.factories.leads import TUESDAY, stand_at
from tests.leads.calls import Api


@pytest.fixture
def world(db: None) -> World:
    """4 offices, 21 grids and all their people on Tuesday, 10 March 2026, 10:00 in Shanghai."""
    stand_at(TUESDAY)
    return make_world(at=TUESDAY)


@pytest.fixture
def api(client: Client, world: World) -> Api:
    return Api(client)
