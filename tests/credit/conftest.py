"""The world of credit's tests: a Tuesday at 10:00, by the house's own clock."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.db import transaction
from pytest_django import DjangoDbBlocker

from grids.demo import World
from tests.factories.grids import make_world
from tests.factories.leads import TUESDAY, stand_at


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
