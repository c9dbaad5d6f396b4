"""How the house is: read from the database (and Redis) at each look, so that every worker says the same.

For `/healthz`, `/metrics` and the admin's page 系统运行状况 (DESIGN.md §4 "Watch"). Names no person, place or
lead.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import redis
from django.conf import settings
from django.db import DatabaseError, connection

from kernel.deadlines import audit_runs, jumps, lags
from kernel.deadlines.audit_runs import Run
from kernel.deadlines.jumps import Jumps
from kernel.deadlines.lags import Lags
from kernel.deadlines.sweep import lag_ms
from kernel.notices.selectors import Backlog, backlog

BEAT_WITHIN_S = 30.0
LAG_BELOW_S = 60.0
AUDIT_WITHIN_S = 9 * 3600.0  # two runs missed
QUEUE = "celery"


@dataclass(frozen=True)
class Clocks:
    """How the drivers of the clocks are.

    Attributes:
        lag_s: by how much the oldest overdue running clock is late; 0 where none is.
        beats: seconds since each driver of the last day last lived.
        lags: recorded − due of what fired lately.
        jumps: jumps of the database's clock within a day.
    """

    lag_s: float
    beats: dict[str, float]
    lags: Lags = field(default_factory=lambda: Lags(0, 0.0, 0.0))
    jumps: Jumps = field(default_factory=lambda: Jumps(0, 0.0))

    def are_driven(self) -> bool:
        """Does at least one driver live, and keep up? Either alone is enough."""
        return any(age < BEAT_WITHIN_S for age in self.beats.values()) and self.lag_s < LAG_BELOW_S


@dataclass(frozen=True)
class Vitals:
    """Everything in one look. `queued`: Celery tasks that wait in Redis; None where Redis is away."""

    clocks: Clocks
    notices: Backlog
    queued: int | None
    audit: Run | None
    audit_age_s: float | None

    @property
    def is_ready(self) -> bool:
        """May people be sent here? Redis does not decide: without it reporting, dispatch and clocks go on."""
        return self.clocks.are_driven()

    @property
    def problems(self) -> list[str]:
        """Codes of what somebody should look at, worst first; empty where all is well."""
        found = []
        if not self.clocks.are_driven():
            found.append("clocks_not_driven")
        if self.queued is None:
            found.append("redis_away")
        if self.clocks.jumps.count:
            found.append("clock_jumped")
        if self.audit is not None:
            found += [f"audit:{fault.rule}" for fault in self.audit.faults]
        if self.audit_age_s is not None and self.audit_age_s > AUDIT_WITHIN_S:
            found.append("audit_stale")
        if self.notices.dead:
            found.append("notices_dead")
        return found


def database_answers() -> bool:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError:
        return False
    return True


def read() -> Vitals:
    """Eight small statements and one question to Redis. Raises DatabaseError."""
    run = audit_runs.latest()
    return Vitals(_clocks(), backlog(), _queued(), run, _age_of(run))


def _clocks() -> Clocks:
    with connection.cursor() as cursor:
        # A heartbeat is stamped by the house's clock, which a test may have moved.
        cursor.execute(
            "SELECT driver, EXTRACT(epoch FROM kernel_now() - beat_at)::float8 FROM deadlines_heartbeat"
            " WHERE beat_at > kernel_now() - interval '1 day'"
        )
        beats = {driver: max(0.0, age) for driver, age in cursor.fetchall()}
    return Clocks(lag_ms() / 1000, beats, lags.lately(), jumps.of_last_day())


def _age_of(run: Run | None) -> float | None:
    if run is None:
        return None
    with connection.cursor() as cursor:
        cursor.execute("SELECT EXTRACT(epoch FROM kernel_now() - %s)::float8", [run.at])
        age: float = cursor.fetchone()[0]
    return max(0.0, age)


def _queued() -> int | None:
    try:
        with redis.from_url(settings.REDIS_URL, socket_timeout=1, socket_connect_timeout=1) as client:
            return int(client.llen(f"{settings.REDIS_PREFIX}{QUEUE}"))
    except (redis.RedisError, OSError):
        return None
