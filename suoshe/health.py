"""`/healthz` and `/metrics`: is the house well, in one look (DESIGN.md §4 "Watch").

Outside the API and without a sign-in: nothing here names a person, a place or a lead.
"""

from __future__ import annotations

from typing import Any

from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import require_safe
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Gauge, generate_latest

from suoshe import vitals
from suoshe.vitals import Vitals


@require_safe
def live(request: HttpRequest) -> HttpResponse:
    """200 where this process and the database answer: what a proxy asks before it sends people here."""
    well = vitals.database_answers()
    return JsonResponse({"status": "ok" if well else "down", "live": well}, status=200 if well else 503)


@require_safe
def ready(request: HttpRequest) -> HttpResponse:
    """200 where the database answers and somebody drives the clocks."""
    found = _read()
    is_ready = found is not None and found.is_ready
    return JsonResponse({"ready": is_ready}, status=200 if is_ready else 503)


@require_safe
def healthz(request: HttpRequest) -> HttpResponse:
    """200 where the house is ready; 503 where the database is away or nobody drives the clocks.

    What does not decide is told too: `status` is `degraded` and `problems` names it, such as Redis away or
    what the auditor found.
    """
    found = _read()
    if found is None:
        body = {
            "status": "down",
            "live": False,
            "ready": False,
            "database": False,
            "problems": ["database_away"],
        }
        return JsonResponse(body, status=503)
    return JsonResponse(_body(found), status=200 if found.is_ready else 503)


@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """The same for Prometheus, read from the database at each look: any worker answers the same.

    Requests are not counted here: each of granian's workers would know only its own (docs/adr).
    """
    found = _read()
    status = 503 if found is None else 200
    return HttpResponse(_exposition(found), content_type=CONTENT_TYPE_LATEST, status=status)


def _read() -> Vitals | None:
    """None where the database is away."""
    if not vitals.database_answers():
        return None
    try:
        return vitals.read()
    except DatabaseError:
        return None


def _body(found: Vitals) -> dict[str, Any]:
    clocks, notices, run = found.clocks, found.notices, found.audit
    return {
        "status": "degraded" if found.problems else "ok",
        "live": True,
        "ready": found.is_ready,
        "problems": found.problems,
        "database": True,
        "redis": found.queued is not None,
        "queue": {"celery": found.queued},
        "clocks": {
            "lag_s": clocks.lag_s,
            "drivers": {name: round(age, 1) for name, age in sorted(clocks.beats.items())},
            "fired_15min": clocks.lags.fired,
            "lag_p99_s": round(clocks.lags.p99_s, 3),
            "lag_max_s": round(clocks.lags.max_s, 3),
            "jumps_24h": clocks.jumps.count,
            "largest_jump_s": clocks.jumps.largest_s,
        },
        "notices": {
            "pending": notices.pending,
            "oldest_due_s": round(notices.oldest_due_s, 1),
            "dead": notices.dead,
            "channels": {
                name: {"pending": one.pending, "oldest_due_s": round(one.oldest_due_s, 1), "dead": one.dead}
                for name, one in sorted(notices.channels.items())
            },
        },
        "audit": None
        if run is None
        else {
            "age_s": round(found.audit_age_s or 0.0),
            "faults": {fault.rule: len(fault.ids) for fault in run.faults},
        },
    }


class Gauges:
    """Gauges of one look, under `suoshe_`."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()

    def plain(self, name: str, meaning: str, value: float) -> None:
        Gauge(f"suoshe_{name}", meaning, registry=self.registry).set(value)

    def by(self, label: str, name: str, meaning: str, values: dict[str, float]) -> None:
        gauge = Gauge(f"suoshe_{name}", meaning, [label], registry=self.registry)
        for key, value in sorted(values.items()):
            gauge.labels(key).set(value)


def _exposition(found: Vitals | None) -> bytes:
    gauges = Gauges()
    gauges.plain("database_up", "1 where the database answers", found is not None)
    if found is not None:
        _clocks(gauges, found)
        _notices(gauges, found)
        _audit(gauges, found)
    return generate_latest(gauges.registry)


def _clocks(gauges: Gauges, found: Vitals) -> None:
    clocks = found.clocks
    gauges.plain("ready", "1 where the clocks are driven", found.is_ready)
    gauges.plain("clock_lag_seconds", "How late the oldest overdue running clock is", clocks.lag_s)
    gauges.by(
        "driver", "clock_driver_beat_age_seconds", "Since each driver of the clocks last lived", clocks.beats
    )
    gauges.plain("clocks_fired", "Clocks that fired within 15 minutes", clocks.lags.fired)
    gauges.plain("clock_fired_lag_p99_seconds", "Recorded - due of those, 99 of 100", clocks.lags.p99_s)
    gauges.plain("clock_fired_lag_max_seconds", "Recorded - due of those, the largest", clocks.lags.max_s)
    gauges.plain("database_clock_jumps", "Jumps of the database's clock within 24 hours", clocks.jumps.count)
    gauges.plain("database_clock_largest_jump_seconds", "The largest of those", clocks.jumps.largest_s)


def _notices(gauges: Gauges, found: Vitals) -> None:
    notices = found.notices
    gauges.plain("notices_pending", "Notices that wait for delivery", notices.pending)
    gauges.plain("notices_oldest_due_seconds", "How long the oldest due notice waits", notices.oldest_due_s)
    gauges.plain("notices_dead", "Notices given up, waiting for a person", notices.dead)
    gauges.plain("sms_unsent", "SMS of 24 hours that no gateway took", notices.unsent_sms)
    each = notices.channels.items()
    gauges.by(
        "channel", "channel_notices_pending", "Notices that wait, by channel", {k: c.pending for k, c in each}
    )
    gauges.by(
        "channel",
        "channel_notices_oldest_due_seconds",
        "How long the oldest due notice of a channel waits",
        {name: one.oldest_due_s for name, one in each},
    )
    gauges.by("channel", "channel_notices_dead", "Notices given up, by channel", {k: c.dead for k, c in each})
    gauges.plain("redis_up", "1 where Redis answers", found.queued is not None)
    if found.queued is not None:
        gauges.plain("celery_queued", "Celery tasks that wait in Redis", found.queued)


def _audit(gauges: Gauges, found: Vitals) -> None:
    if found.audit is None or found.audit_age_s is None:
        return
    gauges.plain("audit_age_seconds", "Since the auditor last ran", found.audit_age_s)
    counts = {fault.rule: float(len(fault.ids)) for fault in found.audit.faults}
    gauges.by("rule", "audit_faults", "Rows that break an invariant (100 at most), by rule", counts)
