"""One town for all journeys: a stack of real processes whose clock only moves forward."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from datetime import timedelta

import pytest
from pytest_django import DjangoDbBlocker

from grids import demo
from grids.duty import duty_day
from kernel import clock
from tests import databases
from tests.factories import receiver
from tests.factories.grids import make_world
from tests.journeys import provider
from tests.journeys.invariants import faults
from tests.journeys.town import Town
from tests.stack import Stack, of_a_group

LAST = "test_credit_to_patrol.py"
"""Its shop waits months for a better grade: nobody else has to live through them."""
ROTA_DAYS = 85
"""How far the duty rota reaches; a token is good for 90 days, and no run of the journeys takes as long."""


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.nodeid.startswith("tests/journeys/") and "town" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.xdist_group("journeys"))  # one town a run, not one a worker
    items.sort(key=lambda item: item.path.name == LAST)


@pytest.fixture(scope="session")
def town(
    django_test_environment: None,
    django_db_blocker: DjangoDbBlocker,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Town]:
    """The demo's people on a database and a Redis of their own, with web, worker, beat and clock."""
    with contextlib.ExitStack() as held:
        robots = held.enter_context(provider.loopback())
        hotline = held.enter_context(receiver.listening())
        with django_db_blocker.unblock():
            name = held.enter_context(databases.fresh())
            with databases.pointed_at(name):
                world = make_world(stations=True)
                last = duty_day(clock.now()) + timedelta(days=demo.ROTA_DAYS_AHEAD)
                demo.extend_rota(world, last + timedelta(days=1), last + timedelta(days=ROTA_DAYS))
        folder = tmp_path_factory.mktemp("town")
        env = {
            "SUOSHE_WECOM_BASE_URL": robots.url,
            "SUOSHE_SMS_BASE_URL": f"{robots.url}/sms/send",
            "SUOSHE_SMS_KEY": "suoshe",
            "SUOSHE_SMS_SECRET": "gateway-secret",
            "SUOSHE_WEBHOOK_HOSTS": hotline.url,
            "NO_PROXY": "127.0.0.1",
        }
        stack = held.enter_context(Stack(database=name, folder=folder, own_redis=True, env=env))
        stack.start("web", "worker", "beat", "clock")
        of_a_group["journeys"] = stack
        built = Town(stack, world, robots, hotline)
        held.callback(built.close)
        yield built


@pytest.fixture(scope="module", autouse=True)
def in_order(town: Town, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """Tests of a module read the town's database; when they are done, everything in it is in order."""
    with django_db_blocker.unblock(), databases.pointed_at(town.stack.database):
        yield
        assert faults(town) == []
