"""`/healthz` and `/metrics` tell the truth about database, clocks, Redis and notices."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import OperationalError
from django.test import Client
from pytest_django import Settings

from kernel import clock
from kernel.deadlines.models import Heartbeat
from suoshe import health

pytestmark = pytest.mark.django_db


def test_well_while_one_driver_lives(client: Client) -> None:
    Heartbeat.objects.create(driver="clock-1", beat_at=clock.now() - timedelta(seconds=2))
    Heartbeat.objects.create(driver="celery", beat_at=clock.now() - timedelta(hours=2))
    answer = client.get("/healthz")
    assert answer.status_code == 200
    body = answer.json()
    assert (body["status"], body["database"], body["redis"]) == ("ok", True, True)
    assert body["clocks"] == {"lag_s": 0.0, "drivers": {"celery": 7200.0, "clock-1": 2.0}}
    assert body["notices"] == {"pending": 0, "oldest_due_s": 0, "dead": 0}


def test_unwell_where_nobody_drives_the_clocks(client: Client) -> None:
    Heartbeat.objects.create(driver="clock-1", beat_at=clock.now() - timedelta(seconds=31))
    answer = client.get("/healthz")
    assert (answer.status_code, answer.json()["status"]) == (503, "degraded")
    assert client.get("/healthz/live").status_code == 200


def test_unwell_where_the_clocks_are_late() -> None:
    assert health.Clocks(59.0, {"clock-1": 1.0}).are_driven()
    assert not health.Clocks(60.0, {"clock-1": 1.0}).are_driven()
    assert not health.Clocks(0.0, {}).are_driven()


def test_redis_away_is_told_and_does_not_decide(client: Client, settings: Settings) -> None:
    settings.REDIS_URL = "unix:///nowhere/redis.sock?db=0"
    Heartbeat.objects.create(driver="clock-1", beat_at=clock.now())
    answer = client.get("/healthz")
    assert (answer.status_code, answer.json()["redis"]) == (200, False)


def test_the_database_away_is_503_and_never_500(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*_: object) -> None:
        raise OperationalError("gone")

    monkeypatch.setattr("suoshe.health.connection.cursor", away)
    for path in ("/healthz", "/healthz/live"):
        answer = client.get(path)
        assert (answer.status_code, answer.json()["status"]) == (503, "down")


def test_the_same_for_prometheus(client: Client) -> None:
    Heartbeat.objects.create(driver="clock-1", beat_at=clock.now() - timedelta(seconds=2))
    answer = client.get("/metrics")
    assert answer.status_code == 200
    text = answer.content.decode()
    assert 'suoshe_clock_driver_beat_age_seconds{driver="clock-1"} 2.0' in text
    assert "suoshe_clock_lag_seconds 0.0" in text
    assert "suoshe_notices_pending 0.0" in text


def test_they_cannot_be_written_to(client: Client) -> None:
    for path in ("/healthz", "/healthz/live", "/metrics"):
        assert client.post(path).status_code == 405
