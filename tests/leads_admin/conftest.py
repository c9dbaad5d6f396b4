"""A world, and people signed in to the admin."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from django.core.cache import cache
from django.test import Client

from grids.demo import World
from tests.factories.grids import make_world

SignedIn = Callable[[str], Client]


@pytest.fixture
def world(db: None) -> World:
    return make_world(entities=4)


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
