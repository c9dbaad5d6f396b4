"""Lags of what fired lately, read from the newest pages alone."""

from __future__ import annotations

from datetime import timedelta

import pytest

from kernel import clock
from kernel.deadlines import lags, sweep
from kernel.deadlines.models import Deadline, Event
from tests.kernel.deadlines.conftest import Remembered, arm_many

pytestmark = pytest.mark.django_db


def test_nothing_fired_lately() -> None:
    assert lags.lately() == lags.Lags(0, 0.0, 0.0)


def test_the_99th_and_the_largest(fired: Remembered) -> None:
    arm_many(200)
    now = clock.now()
    late = [timedelta(milliseconds=10 * number) for number in range(1, 201)]
    rows = list(Deadline.objects.order_by("id"))
    Event.objects.bulk_create(
        Event(
            deadline=row, subject_kind="thing", subject_id=row.subject_id, kind="limit", cycle=1,
            due_at=now - by, recorded_at=now,
        )
        for row, by in zip(rows, late, strict=True)
    )  # fmt: skip
    found = lags.lately()
    assert (found.fired, found.p99_s, found.max_s) == (200, 1.98, 2.0)


def test_what_fired_long_ago_is_left_out(fired: Remembered) -> None:
    arm_many(10)
    sweep.sweep()
    assert lags.lately().fired == 10
    clock.travel(timedelta(minutes=16))
    assert lags.lately().fired == 0


def test_only_the_newest_pages_are_read(fired: Remembered, monkeypatch: pytest.MonkeyPatch) -> None:
    arm_many(2_000)
    sweep.sweep()
    monkeypatch.setattr(lags, "PAGES", 2)
    assert 0 < lags.lately().fired < 2_000
