"""The world of the patrols' tests: a Tuesday at 10:00, by the house's own clock."""

from __future__ import annotations

import pytest
from django.test import Client

from grids.demo import World
from tests.leads.calls import Api
from tests.leads.conftest import standing_world, world

__all__ = ["api", "standing_world", "world"]


@pytest.fixture
def api(client: Client, world: World) -> Api:
    return Api(client)
