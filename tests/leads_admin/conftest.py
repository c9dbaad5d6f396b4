"""A world, and people signed in to the admin."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from django.core.cache import cache
from django.db import transaction
from django.test import Client
from pytest_django import DjangoDbBlocker

from grids.demo import World
from tests.factories.grids import make_world

SignedIn = Callable[[str], Client]


@pytest.fixture(scope="module")
def standing_world(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[World]:
    """The house and its people, built once a module in a transaction that is never committed."""
    with django_db_blocker.unblock(), transaction.atomic():
        yield make_world(entities=4)
        transaction.set_rollback(True)


@pytest.fixture
def world(standing_world: World, db: None) -> World:
    """That world; each test in a savepoint of its own."""
    return standing_world


@pytest.fixture(autouse=True)
def _no_snapshot_of_another_test() -> Iterator[None]:
    cache.clear()
    yield
    cache.clear()


@pytest.fixture
def signed_in(world: World) -> SignedIn:
    def sign_in(username: str) -> Client:
        client = Client()
        user = world.user(username)
        if not user.is_staff:
            type(user).objects.filter(pk=user.pk).update(is_staff=True)
        client.force_login(user)
        return client

    return sign_in
