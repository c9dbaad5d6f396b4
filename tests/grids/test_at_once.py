"""Two at once: the database holds the maximum, nobody deadlocks."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
from django.db import connection

from grids import postings, rota
from grids.demo import World
from grids.duty import duty_day
from grids.models import DutyShift, Posting
from grids.roles import Role
from kernel import clock
from kernel.accounts.models import User
from kernel.errors import Conflict
from tests.factories.accounts import make_user
from tests.factories.grids import make_world


def at_once(acts: list[Callable[[], Any]]) -> list[Any]:
    """Start all in threads of their own; what each gave, or the refusal it met."""
    barrier = Barrier(len(acts))

    def run(act: Callable[[], Any]) -> Any:
        try:
            barrier.wait()
            return act()
        except Conflict as refused:
            return refused.code
        finally:
            connection.close()

    with ThreadPoolExecutor(len(acts)) as pool:
        return list(pool.map(run, acts))


@pytest.fixture
def world(committed_db: str) -> World:
    return make_world()


def appointing(world: World, role: str, users: list[User]) -> list[Callable[[], Any]]:
    def one(user: User) -> Callable[[], Any]:
        return lambda: postings.appoint(
            user=user, role=role, grid=world.grid(1), by=world.user("bureau"), at=clock.now()
        )

    return [one(user) for user in users]


def test_one_of_four_becomes_commissioner(world: World) -> None:
    postings.end(posting=world.posting_of("commissioner-01"), at=clock.now(), by=world.user("bureau"))
    found = at_once(appointing(world, Role.COMMISSIONER, [make_user() for _ in range(4)]))
    assert found.count("posting_one_commissioner") == 3
    assert Posting.objects.active(clock.now()).filter(grid=world.grid(1), role=Role.COMMISSIONER).count() == 1


def test_two_workers_get_two_seats(world: World) -> None:
    for person in (2, 3):
        postings.end(posting=world.posting_of(f"worker-01-{person}"), at=clock.now(), by=world.user("bureau"))
    found = at_once(appointing(world, Role.GRID_WORKER, [make_user() for _ in range(3)]))
    assert found.count("posting_seats_full") == 1
    seats = Posting.objects.active(clock.now()).filter(grid=world.grid(1), role=Role.GRID_WORKER)
    assert sorted(seats.values_list("seat", flat=True)) == [1, 2, 3]


def test_swaps_of_one_office_come_one_after_the_other(world: World) -> None:
    today = duty_day(world.at)
    rows = DutyShift.objects.filter(office=world.offices[0], role="DUTY_OFFICER", day__gt=today)
    shifts = list(rows.order_by("day")[:4])
    pairs = [(shifts[0], shifts[1]), (shifts[1], shifts[2]), (shifts[2], shifts[3]), (shifts[3], shifts[0])]

    def one(first: DutyShift, second: DutyShift) -> Callable[[], Any]:
        return lambda: rota.swap(first=first, second=second, by=world.user("bureau"), at=clock.now())

    found = at_once([one(*pair) for pair in pairs])
    assert all(isinstance(swapped, tuple) for swapped in found)
