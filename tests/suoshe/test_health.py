"""`/healthz` and `/metrics` tell the truth about database, clocks, Redis and notices."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import OperationalError
from django.test import Client
from pytest_django import Settings

from kernel import clock, journal
from kernel.deadlines.models import Heartbeat
from suoshe import vitals

pytestmark = pytest.mark.django_db


def test_well_while_one_driver_lives(client: Client) -> None:
    Heartbeat.objects.create(driver="clock-1", beat_at=clock.now() - timedelta(seconds=2))
    Heartbeat.objects.create(driver="celery", beat_at=clock.now() - timedelta(hours=2))
    answer = client.get("/healthz")
    assert answer.status_code == 200
    body = answer.json()
    assert (body["status"], body["database"], body["redis"]) == ("ok", True, True)
    assert (body["live"], body["ready"], body["problems"]) == (True, True, [])
    assert body["clocks"] == {
        "lag_s": 0.0, "drivers": {"celery": 7200.0, "clock-1": 2.0}, "fired_15min": 0, "lag_p99_s": 0.0,
        "lag_max_s": 0.0, "jumps_24h": 0, "largest_jump_s": 0.0,
    }  # fmt: skip
    channels = body["notices"].pop("channels")
    assert body["notices"] == {"pending": 0, "oldest_due_s": 0, "dead": 0}
    assert "wecom" in channels
    assert isinstance(body["queue"]["celery"], int)
    assert body["audit"] is None
    assert client.get("/healthz/ready").json() == {"ready": True}


def test_unwell_where_nobody_drives_the_clocks(client: Client) -> None:
    Heartbeat.objects.create(driver="clock-1", beat_at=clock.now() - timedelta(seconds=31))
    answer = client.get("/healthz")
    assert (answer.status_code, answer.json()["status"]) == (503, "degraded")
    assert answer.json()["problems"] == ["clocks_not_driven"]
    assert client.get("/healthz/live").status_code == 200
    ready = client.get("/healthz/ready")
    assert (ready.status_code, ready.json()) == (503, {"ready": False})


def test_unwell_where_the_clocks_are_late() -> None:
    assert vitals.Clocks(59.0, {"clock-1": 1.0}).are_driven()
    assert not vitals.Clocks(60.0, {"clock-1": 1.0}).are_driven()
    assert not vitals.Clocks(0.0, {}).are_driven()


def test_redis_away_is_told_and_does_not_decide(client: Client, settings: Settings) -> None:
    settings.REDIS_URL = "unix:///nowhere/redis.sock?db=0"
    Heartbeat.objects.create(driver="clock-1", beat_at=clock.now())
    answer = client.get("/healthz")
    assert (answer.status_code, answer.json()["redis"]) == (200, False)
    assert (answer.json()["status"], answer.json()["problems"]) == ("degraded", ["redis_away"])
    assert "suoshe_redis_up 0.0" in client.get("/metrics").content.decode()


def test_what_the_auditor_found_is_told_and_does_not_decide(client: Client) -> None:
    Heartbeat.objects.create(driver="clock-1", beat_at=clock.now())
    at = clock.now() - timedelta(hours=1)
    journal.append(
        stream="system:audit", kind="audit.run", by=None, at=at,
        data={"nightly": False, "faults": {"overdue": [7, 8]}},
    )  # fmt: skip
    answer = client.get("/healthz")
    body = answer.json()
    assert (answer.status_code, body["status"], body["problems"]) == (200, "degraded", ["audit:overdue"])
    assert body["audit"] == {"age_s": 3600, "faults": {"overdue": 2}}
    assert 'suoshe_audit_faults{rule="overdue"} 2.0' in client.get("/metrics").content.decode()
    clock.travel(timedelta(hours=9))
    assert "audit_stale" in client.get("/healthz").json()["problems"]


def test_a_jump_of_the_clock_is_told_for_a_day(client: Client) -> None:
    Heartbeat.objects.create(driver="clock-1", beat_at=clock.now())
    journal.append(
        stream="system:clock", kind="clock.jumped", by=None, at=clock.now(),
        data={"seconds": -5.0, "driver": "clock-1"},
    )  # fmt: skip
    assert client.get("/healthz").json()["problems"] == ["clock_jumped"]
    assert "suoshe_database_clock_jumps 1.0" in client.get("/metrics").content.decode()


def test_the_database_away_is_503_and_never_500(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*_: object) -> None:
        raise OperationalError("gone")

    monkeypatch.setattr("suoshe.vitals.connection.cursor", away)
    for path in ("/healthz", "/healthz/live"):
        answer = client.get(path)
        assert (answer.status_code, answer.json()["status"]) == (503, "down")
    assert client.get("/healthz/ready").status_code == 503
    told = client.get("/metrics")
    assert (told.status_code, "suoshe_database_up 0.0" in told.content.decode()) == (503, True)


def test_the_same_for_prometheus(client: Client) -> None:
    Heartbeat.objects.create(driver="clock-1", beat_at=clock.now() - timedelta(seconds=2))
    answer = client.get("/metrics")
    assert answer.status_code == 200
    text = answer.content.decode()
    assert 'suoshe_clock_driver_beat_age_seconds{driver="clock-1"} 2.0' in text
    assert "suoshe_clock_lag_seconds 0.0" in text
    assert "suoshe_notices_pending 0.0" in text


def test_they_cannot_be_written_to(client: Client) -> None:
    for path in ("/healthz", "/healthz/live", "/healthz/ready", "/metrics"):
        assert client.post(path).status_code == 405
