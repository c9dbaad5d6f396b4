"""A jump of the database's clock is seen, kept once whoever sees it, and told."""

from __future__ import annotations

from datetime import timedelta

import pytest

from kernel import clock
from kernel.deadlines import jumps, watchers
from kernel.deadlines.jumps import JumpWatch
from kernel.journal.models import Entry
from kernel.notices.models import OutboxMessage
from tests.factories.accounts import make_user

pytestmark = pytest.mark.django_db


class Clocks:
    """Two clocks in a test's hands."""

    def __init__(self) -> None:
        self.wall, self.steady = 1_000_000.0, 50.0

    def pass_by(self, seconds: float) -> None:
        self.wall += seconds
        self.steady += seconds

    def watch(self, driver: str = "test") -> JumpWatch:
        watch = JumpWatch(driver, epoch=lambda: self.wall, monotonic=lambda: self.steady)
        watch.look()
        return watch


def test_a_jump_is_recorded_and_told_once(monkeypatch: pytest.MonkeyPatch) -> None:
    person = make_user()
    monkeypatch.setattr(watchers, "_watchers", [lambda at: [person.pk]])
    clocks = Clocks()
    one, other = clocks.watch("celery"), clocks.watch("clock@1")
    clocks.pass_by(5)
    clocks.wall -= 60
    for watch in (one, other, one):
        watch.look()
    entry = Entry.objects.get(stream="system:clock")
    assert (entry.kind, entry.data) == ("clock.jumped", {"seconds": -60.0, "driver": "celery"})
    assert OutboxMessage.objects.get().params == {"how": "回拨了 60.0 秒"}
    assert jumps.of_last_day() == jumps.Jumps(1, 60.0)


def test_two_jumps_are_two(monkeypatch: pytest.MonkeyPatch) -> None:
    clocks = Clocks()
    watch = clocks.watch()
    for seconds in (10, 30):
        clocks.wall += seconds
        watch.look()
    assert [e.data["seconds"] for e in Entry.objects.filter(stream="system:clock").order_by("seq")] == [
        10,
        30,
    ]


def test_drift_and_small_steps_are_none(monkeypatch: pytest.MonkeyPatch) -> None:
    clocks = Clocks()
    watch = clocks.watch()
    for _ in range(20):
        clocks.pass_by(5)
        clocks.wall += 1.9
        watch.look()
    assert not Entry.objects.filter(stream="system:clock").exists()


def test_a_look_that_took_long_says_nothing() -> None:
    steady = iter([50.0, 50.0, 60.0, 75.0, 80.0, 80.0])
    wall = iter([1_000_000.0, 1_000_010.0, 1_000_030.0])
    watch = JumpWatch("test", epoch=lambda: next(wall), monotonic=lambda: next(steady))
    for _ in range(3):
        watch.look()
    assert not Entry.objects.filter(stream="system:clock").exists()


def test_the_databases_clock_is_no_houses_clock() -> None:
    before = jumps.database_epoch()
    clock.travel(timedelta(hours=3))
    assert jumps.database_epoch() - before < 60
