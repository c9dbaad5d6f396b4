"""`/healthz` and `/metrics`: is the house well, in one look (DESIGN.md §4 "Watch").

Outside the API and without a sign-in: nothing here names a person, a place or a lead.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import redis
from django.conf import settings
from django.db import DatabaseError, connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import require_safe
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Gauge, generate_latest

from kernel.deadlines.sweep import lag_ms
from kernel.notices.selectors import Backlog, backlog

BEAT_WITHIN_S = 30.0
LAG_BELOW_S = 60.0


@dataclass(frozen=True)
class Clocks:
    """How the drivers of the clocks are.

    Attributes:
        lag_s: by how much the oldest overdue running clock is late; 0 where none is.
        beats: seconds since each driver of the last day last lived.
    """

    lag_s: float
    beats: dict[str, float]

    def are_driven(self) -> bool:
        """Does at least one driver live, and keep up? Either alone is enough."""
        return any(age < BEAT_WITHIN_S for age in self.beats.values()) and self.lag_s < LAG_BELOW_S


def clocks() -> Clocks:
    """Two statements."""
    with connection.cursor() as cursor:
        # A heartbeat is stamped by the house's clock, which a test may have moved.
        cursor.execute(
            "SELECT driver, EXTRACT(epoch FROM kernel_now() - beat_at)::float8 FROM deadlines_heartbeat"
            " WHERE beat_at > kernel_now() - interval '1 day'"
        )
        beats = {driver: max(0.0, age) for driver, age in cursor.fetchall()}
    return Clocks(lag_ms() / 1000, beats)


def _redis_answers() -> bool:
    try:
        with redis.from_url(settings.REDIS_URL, socket_timeout=1, socket_connect_timeout=1) as client:
            return bool(client.ping())
    except (redis.RedisError, OSError):
        return False


def _database_answers() -> bool:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError:
        return False
    return True


@require_safe
def live(request: HttpRequest) -> HttpResponse:
    """200 where this process and the database answer: what a proxy asks before it sends people here."""
    well = _database_answers()
    return JsonResponse({"status": "ok" if well else "down"}, status=200 if well else 503)


@require_safe
def healthz(request: HttpRequest) -> HttpResponse:
    """200 where the house is well; 503 where the database is away or nobody drives the clocks.

    Redis is told but does not decide: without it reporting, dispatch and clocks go on, notices wait.
    """
    if not _database_answers():
        return JsonResponse({"status": "down", "database": False}, status=503)
    state, waiting = clocks(), backlog()
    well = state.are_driven()
    body = {
        "status": "ok" if well else "degraded",
        "database": True,
        "redis": _redis_answers(),
        "clocks": {
            "lag_s": state.lag_s,
            "drivers": {name: round(age, 1) for name, age in sorted(state.beats.items())},
        },
        "notices": {
            "pending": waiting.pending,
            "oldest_due_s": round(waiting.oldest_due_s, 1),
            "dead": waiting.dead,
        },
    }
    return JsonResponse(body, status=200 if well else 503)


@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """The same for Prometheus, read from the database at each look: any worker answers the same."""
    return HttpResponse(_exposition(clocks(), backlog()), content_type=CONTENT_TYPE_LATEST)


def _exposition(state: Clocks, waiting: Backlog) -> bytes:
    registry = CollectorRegistry()

    def gauge(name: str, meaning: str, *labels: str) -> Any:
        return Gauge(f"suoshe_{name}", meaning, labels, registry=registry)

    gauge("clock_lag_seconds", "How late the oldest overdue running clock is").set(state.lag_s)
    beats = gauge("clock_driver_beat_age_seconds", "Since each driver of the clocks last lived", "driver")
    for name, age in state.beats.items():
        beats.labels(name).set(age)
    gauge("notices_pending", "Notices that wait for delivery").set(waiting.pending)
    gauge("notices_oldest_due_seconds", "How long the oldest due notice waits").set(waiting.oldest_due_s)
    gauge("notices_dead", "Notices given up, waiting for a person").set(waiting.dead)
    return generate_latest(registry)
