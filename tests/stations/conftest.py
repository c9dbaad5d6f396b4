"""The world of the stations' tests: a Tuesday at 10:00, by the house's own clock."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.db import transaction
from django.test import Client
from pytest_django import DjangoDbBlocker

from grids.demo import World
from tests.factories import stations as made
from tests.factories.grids import make_world
from tests.factories.leads import TUESDAY, stand_at
from tests.factories.stations import Place
from tests.leads.calls import Api


@pytest.fixture(scope="module")
def standing_world(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[World]:
    """4 offices, 21 grids and all their people, built once a module in a transaction never committed."""
    with django_db_blocker.unblock(), transaction.atomic():
        stand_at(TUESDAY)
        yield make_world(at=TUESDAY)
        transaction.set_rollback(True)


@pytest.fixture
def world(standing_world: World, db: None) -> World:
    """That world on Tuesday, 10 March 2026, 10:00 in Shanghai; each test in a savepoint of its own."""
    return standing_world


@pytest.fixture
def around(world: World) -> Place:
    """Shop, circle and community station around grid 1."""
    return made.place(world, 1, circle=True)


@pytest.fixture
def api(client: Client, world: World) -> Api:
    return Api(client)
