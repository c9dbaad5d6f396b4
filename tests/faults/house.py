"""The house that is struck: a PostgreSQL and a Redis of its own, the demo's people, every process."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from pathlib import Path
from typing import Any

from django.db import connections

from grids import demo
from grids.duty import duty_day
from grids.models import WorkGroup
from kernel import clock
from kernel.clock import SHANGHAI
from kernel.notices.models import Robot
from suoshe import embedded
from tests.factories.accounts import token_for
from tests.factories.grids import make_world
from tests.faults.load import Town
from tests.faults.robots import Robots, loopback
from tests.stack import Stack

GRIDS = range(1, 22)
ROTA_DAYS = 60
ONE_OF_EACH = {name: name for name in ("web", "worker", "beat", "clock")}
SECONDS = {f"{name}-2": name for name in ONE_OF_EACH}
SERVERS = {"redis": "redis", "postgres": "postgres"}


@dataclass
class House:
    """The running house: its stack, its groups' robots, and whose tokens the phones have."""

    stack: Stack
    robots: Robots
    tokens: dict[str, str]
    points: dict[int, tuple[float, float]]

    def town(self, webs: list[str]) -> Town:
        """The phones' view of it, over these webs."""
        return Town(self.tokens, self.points, [self.stack.url_of(name) for name in webs])


@contextlib.contextmanager
def running(
    home: Path, *, migrate: Callable[[Stack], None], tuning: dict[str, str] | None = None
) -> Iterator[House]:
    """Start the house under `home` (a short path that others may reach), one process of each kind.

    Inside, `connections["default"]` means its database. `migrate` makes the schema in the empty one.
    """
    with contextlib.ExitStack() as held:
        robots = held.enter_context(loopback())
        env = {"SUOSHE_WECOM_BASE_URL": robots.url, "NO_PROXY": "127.0.0.1"}
        stack = held.enter_context(
            Stack(
                database=embedded.DATABASE, folder=home / "stack", own_redis=True, own_postgres=home,
                tuning=tuning, env=env,
            )
        )  # fmt: skip
        migrate(stack)
        held.enter_context(pointed_at(home))
        world = _furnish()
        tokens = {
            name: token_for(user)
            for name, user in world.users.items()
            if name.startswith(("worker-", "commissioner-", "duty-"))
        }
        held.callback(lambda: stack.kill(*(name for name in stack.pids.copy() if name not in SERVERS)))
        stack.start(*ONE_OF_EACH)
        yield House(stack, robots, tokens, {number: world.point_in(number) for number in GRIDS})


def _furnish() -> Any:
    """The demo's people on a working day at 09:00, and a robot in every grid's work group."""
    clock.set_to(_next_working_morning(clock.now()))
    world = make_world()
    last = duty_day(clock.now()) + timedelta(days=demo.ROTA_DAYS_AHEAD)
    demo.extend_rota(world, last + timedelta(days=1), last + timedelta(days=ROTA_DAYS))
    for number in GRIDS:
        key = f"grid-{number:02d}"
        robot = Robot.objects.create(name=f"{key}工作群", url=f"/cgi-bin/webhook/send?key={key}")
        assert WorkGroup.objects.filter(grid=world.grid(number)).update(robot=robot) == 1
    return world


def _next_working_morning(now: datetime) -> datetime:
    day = now.astimezone(SHANGHAI).date() + timedelta(days=1)
    while day.weekday() >= 5:
        day += timedelta(days=1)
    return datetime.combine(day, time(9), SHANGHAI)


@contextlib.contextmanager
def pointed_at(home: Path) -> Iterator[None]:
    """Have `connections["default"]` mean the database of the server under `home`."""
    connection = connections["default"]
    connection.close()
    before = {key: connection.settings_dict[key] for key in ("HOST", "PORT", "USER", "PASSWORD", "NAME")}
    connection.settings_dict.update(
        HOST=str(embedded.socket_dir(home) / "pg"), PORT="", USER="suoshe", PASSWORD="",
        NAME=embedded.DATABASE,
    )  # fmt: skip
    try:
        yield
    finally:
        connections.close_all()
        connection.settings_dict.update(before)
