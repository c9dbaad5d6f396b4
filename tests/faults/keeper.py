"""The supervisor of a run, and who kills: one thread does both, so the harness itself never races.

A kill is by one pid with −9, without a word to the rest; whatever the dead left behind is then ended and
the process started again a moment later, as `manage.py up`, compose or systemd would.
"""

from __future__ import annotations

import contextlib
import os
import random
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import redis
from django.db import Error, connection

from kernel import clock
from tests.faults.robots import Robots
from tests.stack import Stack

TICK_S = 0.05
STARTS_AGAIN_AFTER_S = (0.1, 1.0)
CATCHES_WITHIN_S = 4.0
STRIKES_WITHIN_S = 30.0
KINDS = (
    "web",
    "web-child",
    "worker",
    "worker-child",
    "beat",
    "clock",
    "redis",
    "flush",
    "postgres",
    "backend",
)
"""What can be struck. A child is one that a web or worker has forked; a backend, one of PostgreSQL's."""


@dataclass
class Keeper:
    """Keeps the processes of a stack running, and strikes them.

    `kills` counts by kind what was struck; `ended_alone` names processes that ended though nobody struck
    them or, before, their children (a parent may take a while to follow).
    """

    stack: Stack
    robots: Robots
    kinds: dict[str, str]
    dice: random.Random
    kills: dict[str, int] = field(default_factory=dict)
    ended_alone: list[str] = field(default_factory=list)
    _struck: set[str] = field(default_factory=set)
    _start_at: dict[str, float] = field(default_factory=dict)

    # -- keeping

    def tick(self) -> None:
        """Bury who has died, and start again whose moment has come."""
        now = time.monotonic()
        for name, kind in self.kinds.items():
            if name in self._start_at:
                if now >= self._start_at[name]:
                    del self._start_at[name]
                    self.stack.spawn(name, kind)
            elif self.stack.has_ended(name):
                code = self.stack.bury(name)
                if name not in self._struck:
                    self.ended_alone.append(f"{name} ended by itself ({code}):\n{self._last_words(name)}")
                self._struck.discard(name)
                self._start_at[name] = now + self.dice.uniform(*STARTS_AGAIN_AFTER_S)

    def until(self, true: Callable[[], bool], *, within_s: float) -> bool:
        """Keep the processes until `true()`, which may find the database away; False after `within_s`."""
        end = time.monotonic() + within_s
        while time.monotonic() < end:
            self.tick()
            try:
                if true():
                    return True
            except Error:
                connection.close()
            time.sleep(TICK_S)
        return False

    def keep_for(self, seconds: float) -> None:
        """Keep the processes for some time."""
        self.until(lambda: False, within_s=seconds)

    def all_well(self) -> bool:
        """Does every process run and do its work? Raises where the database does not answer."""
        if self._start_at or any(self.stack.has_ended(name) for name in self.kinds):
            return False
        clock.now()
        return all(self.stack.is_ready(name, kind) for name, kind in self.kinds.items())

    def travel(self, by: timedelta) -> None:
        """Move the house's clock, as soon as there is a database to move it in."""

        def moved() -> bool:
            clock.travel(by)
            return True

        if not self.until(moved, within_s=60):
            raise AssertionError("there was no database to move the clock in")

    # -- killing

    def strike(self, kind: str) -> None:
        """Kill one of a kind by its pid, or flush Redis. Waits a while for one that is up."""
        done = {
            "flush": self._flush, "backend": self._backend, "worker": self._worker_in_the_act,
        }.get(kind, lambda: self._kill(kind))()  # fmt: skip
        if done:
            self.kills[kind] = self.kills.get(kind, 0) + 1

    def _kill(self, kind: str) -> bool:
        whose, _, child = kind.partition("-")
        victims: list[tuple[str, int]] = []

        def found() -> bool:
            up = [name for name, its in self.kinds.items() if its == whose and name in self.stack.pids]
            pids = {name: self.stack.pid(name) for name in up if self._may_be_struck(name)}
            victims[:] = [
                (name, one) for name, pid in pids.items() for one in (_children(pid) if child else [pid])
            ]
            return bool(victims)

        if not self.until(found, within_s=STRIKES_WITHIN_S):
            return False
        name, pid = self.dice.choice(victims)
        self._struck.add(name)
        return _kill(pid)

    def _may_be_struck(self, name: str) -> bool:
        """A web only once it answers: else one that starts slowly would never get to take a report."""
        if self.stack.has_ended(name):
            return False
        return self.kinds[name] != "web" or self.stack.is_ready(name, "web")

    def _worker_in_the_act(self) -> bool:
        """Kill a worker, where it can be had, between its sending to a group and the group's answer."""
        self.robots.hold()
        try:
            self.until(lambda: self.robots.has_caught, within_s=CATCHES_WITHIN_S)
            up = set(self.stack.pids.values())
            killed = self._kill("worker")  # and let nobody whom it forked hear the answer
            return killed and self.until(lambda: bool(up - set(self.stack.pids.values())), within_s=10)
        finally:
            self.robots.let_go()

    def _flush(self) -> bool:
        def flushed() -> bool:
            with contextlib.suppress(redis.RedisError), redis.from_url(self.stack.redis_url) as client:
                return bool(client.flushall())
            return False

        return self.until(flushed, within_s=STRIKES_WITHIN_S)

    def _backend(self) -> bool:
        """One backend killed has PostgreSQL end all others and recover as after a crash."""
        pids: list[int] = []

        def found() -> bool:
            with connection.cursor() as cursor:
                cursor.execute(
                    "SELECT pid FROM pg_stat_activity WHERE backend_type = 'client backend'"
                    " AND pid <> pg_backend_pid() AND datname = current_database() ORDER BY pid"
                )
                pids[:] = [pid for (pid,) in cursor.fetchall()]
            return bool(pids)

        return self.until(found, within_s=STRIKES_WITHIN_S) and _kill(self.dice.choice(pids))

    def _last_words(self, name: str) -> str:
        return "" if name == "postgres" else self.stack.log(name)[-1500:]


def _kill(pid: int) -> bool:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
        return True
    return False


def _children(pid: int) -> list[int]:
    """Who was forked by this process (the resource tracker of multiprocessing is nobody)."""
    found = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [int(one) for one in found if b"resource_tracker" not in Path(f"/proc/{one}/cmdline").read_bytes()]


def say(words: str) -> None:
    """Progress, on standard error."""
    print(f"{time.strftime('%H:%M:%S')} {words}", file=sys.stderr, flush=True)
