"""What is due fires, once, by the database's clock; what is not stays."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import DatabaseError, DataError, IntegrityError, OperationalError, connection, transaction

from kernel import clock
from kernel.deadlines import clocks, handlers, sweep
from kernel.deadlines.arrays import literal
from kernel.deadlines.handlers import Fired
from kernel.deadlines.models import Deadline, Event, Heartbeat, PoisonRow
from kernel.deadlines.sweep import LOOK_BACK, SETTLE, Driver, fire_subject, lag_ms, next_due_in
from tests.factories.accounts import make_user
from tests.kernel.deadlines.conftest import (
    HOUR,
    MINUTE,
    SECOND,
    Remembered,
    State,
    arm,
    arm_many,
    states,
)

pytestmark = pytest.mark.django_db
MICRO = timedelta(microseconds=1)


def test_a_due_clock_breaches_at_its_due_time_and_is_told(fired: Remembered) -> None:
    row = arm(7, due=-MINUTE, cycle=3)
    assert sweep.sweep() == 1
    row.refresh_from_db()
    assert (row.state, row.closed_at, row.row_version) == ("breached", row.due_at, 2)
    event = Event.objects.get()
    assert (event.deadline_id, event.subject_id, event.kind, event.cycle) == (row.pk, 7, "limit", 3)
    assert (event.due_at, event.recorded_at) == (row.due_at, clock.now())
    assert fired.batches == [[Fired(row.pk, "thing", 7, "limit", 3, row.due_at)]]
    assert fired.moments == [clock.now()]


def test_each_fires_once(fired: Remembered) -> None:
    arm_many(5)
    assert [sweep.sweep(), sweep.sweep(), fire_subject("thing", 1)] == [5, 0, 0]
    assert sorted(fired.clocks) == [(number, "limit", 1) for number in range(1, 6)]


def test_a_second_event_of_one_clock_cannot_exist(fired: Remembered) -> None:
    row = arm(due=-MINUTE)
    sweep.sweep()
    with pytest.raises(IntegrityError, match="deadlines_event_pkey"), transaction.atomic():
        Event.objects.create(
            deadline=row, subject_kind="thing", subject_id=1, kind="limit", cycle=1,
            due_at=row.due_at, recorded_at=row.due_at,
        )  # fmt: skip


@pytest.mark.parametrize(
    ("due", "fires"),
    [
        (-SETTLE, True),
        (-SETTLE - MICRO, True),
        (-SETTLE + MICRO, False),
        (timedelta(), False),
        (HOUR, False),
    ],
)
def test_a_clock_settles_for_300_ms(fired: Remembered, due: timedelta, fires: bool) -> None:
    """Within a transaction the house's clock stands still: the edge is exact."""
    arm(due=due)
    assert sweep.sweep() == int(fires)


def test_a_late_close_waits_until_the_clock_has_settled(
    fired: Remembered, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A request that came in time may still be on its way to the lock."""
    slept: list[float] = []
    monkeypatch.setattr(sweep.time, "sleep", slept.append)
    arm(1, due=timedelta(milliseconds=-100))
    arm(2, due=-SETTLE)
    assert [fire_subject("thing", number) for number in (1, 2, 3)] == [1, 1, 0]
    assert slept == [pytest.approx(0.2)]


def test_a_late_close_fires_what_is_due_and_nothing_else(fired: Remembered) -> None:
    arm(1, due=timedelta())
    arm(1, "other", due=MICRO)
    arm(2, due=-HOUR)
    assert fire_subject("thing", 1) == 1
    assert states() == {(1, "limit"): "breached", (1, "other"): "running", (2, "limit"): "running"}
    assert fired.clocks == [(1, "limit", 1)]


def test_what_no_longer_runs_does_not_fire(fired: Remembered) -> None:
    start = clock.now()
    for number, end in enumerate(("meet", "cancel", "pause"), start=1):
        arm(number, due=MINUTE)
        if end == "pause":
            clocks.pause("thing", number, ["limit"], at=start, reason="停", by_id=make_user().pk)
        else:
            getattr(clocks, end)("thing", number, ["limit"], at=start)
    clock.travel(HOUR)
    assert sweep.sweep(look_back=None) == 0


def test_the_oldest_come_first(fired: Remembered, monkeypatch: pytest.MonkeyPatch) -> None:
    for number, minutes in enumerate((3, 1, 5, 2, 4), start=1):
        arm(number, due=-minutes * MINUTE)
    assert [sweep.sweep(batch=2), sweep.sweep(batch=2), sweep.sweep(batch=2)] == [2, 2, 1]
    assert [{one.subject_id for one in batch} for batch in fired.batches] == [{3, 5}, {1, 4}, {2}]


def test_a_bounded_search_looks_back_fifteen_minutes(fired: Remembered) -> None:
    arm(1, due=-LOOK_BACK)
    arm(2, due=-LOOK_BACK + SECOND)
    assert sweep.sweep() == 1
    assert fired.clocks == [(2, "limit", 1)]
    assert sweep.sweep(look_back=None) == 1


def test_a_batch_goes_to_its_owner_by_kind_and_is_locked_first(fired: Remembered) -> None:
    for number in (1, 2):
        arm(number, due=-MINUTE)
        arm(number, "other", due=-MINUTE)
    sweep.sweep()
    assert [(batch[0].kind, len(batch)) for batch in fired.batches] == [("limit", 2), ("other", 2)]
    assert [len(batch) for batch in fired.locked] == [4]


def test_two_handlers_of_one_kind_are_a_mistake(fired: Remembered) -> None:
    with pytest.raises(ValueError, match=r"thing\.limit"):
        handlers.register("thing", "limit", lambda batch, at: None)


# -- warnings


@pytest.mark.parametrize("ending", ["meet", "cancel", "breach", "pause"])
def test_a_warning_is_suppressed_when_its_parent_no_longer_runs(fired: Remembered, ending: str) -> None:
    """Even where whoever ended the parent forgot the warning."""
    arm(due=HOUR)
    arm(kind="limit_80", due=-MINUTE, parent_kind="limit")
    ends: dict[str, dict[str, Any]] = {
        "meet": {"state": State.MET, "closed_at": clock.now()},
        "cancel": {"state": State.CANCELLED, "closed_at": clock.now()},
        "breach": {"state": State.BREACHED, "closed_at": clock.now()},
        "pause": {"state": State.PAUSED, "remaining": MINUTE},
    }
    Deadline.objects.filter(kind="limit").update(**ends[ending])
    assert sweep.sweep() == 1
    warning = Deadline.objects.get(kind="limit_80")
    assert (warning.state, warning.closed_at) == ("cancelled", warning.due_at)
    assert fired.batches == []
    assert not Event.objects.exists()


def test_a_warning_without_its_parent_is_suppressed(fired: Remembered) -> None:
    arm(kind="limit_80", due=-MINUTE, parent_kind="limit", cycle=2)
    arm(kind="limit", due=HOUR, cycle=1)  # another cycle's
    assert sweep.sweep() == 1
    assert fired.batches == []


def test_a_warning_of_a_running_parent_warns(fired: Remembered) -> None:
    arm(due=HOUR)
    arm(kind="limit_80", due=-MINUTE, parent_kind="limit")
    assert sweep.sweep() == 1
    assert fired.clocks == [(1, "limit_80", 1)]
    assert states() == {(1, "limit"): "running", (1, "limit_80"): "breached"}


def test_a_warning_found_after_its_parent_came_due_is_suppressed(fired: Remembered) -> None:
    """Catching up after downtime: who is told that it is late need not hear that it will be."""
    arm(due=-MINUTE)
    arm(kind="limit_80", due=-2 * MINUTE, parent_kind="limit")
    assert sweep.sweep() == 2
    assert states() == {(1, "limit"): "breached", (1, "limit_80"): "cancelled"}
    assert fired.clocks == [(1, "limit", 1)]


# -- poison


@pytest.fixture
def poisoned(fired: Remembered, monkeypatch: pytest.MonkeyPatch) -> Remembered:
    """`thing.limit` cannot bear the subjects 3 and 13, and writes before it fails."""

    def handle(batch: Sequence[Fired], at: datetime) -> None:
        Heartbeat.objects.create(driver=f"{batch[0].subject_id}–{batch[-1].subject_id}")
        if any(one.subject_id in (3, 13) for one in batch):
            raise DataError("a value too long")
        fired.batches.append(list(batch))

    monkeypatch.setitem(handlers._handlers, ("thing", "limit"), handle)
    return fired


def test_a_poison_row_is_set_aside_and_the_rest_goes_on(poisoned: Remembered) -> None:
    arm_many(20)
    arm_many(2, kind="other")
    assert sweep.sweep() == 22
    assert sorted(c for c in poisoned.clocks if c[1] == "limit") == [
        (number, "limit", 1) for number in range(1, 21) if number not in (3, 13)
    ]
    assert len([c for c in poisoned.clocks if c[1] == "other"]) == 2
    aside = PoisonRow.objects.select_related("event").order_by("event__subject_id")
    assert [row.event.subject_id for row in aside] == [3, 13]
    assert "a value too long" in aside[0].error
    assert set(states().values()) == {"breached"}
    assert sweep.sweep() == 0


def test_what_a_failed_handler_wrote_is_undone(poisoned: Remembered) -> None:
    arm_many(20)
    sweep.sweep()
    kept = set(Heartbeat.objects.values_list("driver", flat=True))
    assert kept == {f"{batch[0].subject_id}–{batch[-1].subject_id}" for batch in poisoned.batches}


def test_the_poison_is_found_by_halves(poisoned: Remembered, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[int] = []
    handle = handlers.of("thing", "limit")
    monkeypatch.setitem(
        handlers._handlers,
        ("thing", "limit"),
        lambda batch, at: (calls.append(len(batch)), handle(batch, at))[1],
    )
    arm_many(512)
    sweep.sweep()
    assert len(calls) < 50
    assert PoisonRow.objects.count() == 2


def test_a_kind_that_nobody_handles_is_set_aside(fired: Remembered) -> None:
    arm(kind="unknown", due=-MINUTE)
    assert sweep.sweep() == 1
    assert "KeyError" in PoisonRow.objects.get().error


class Deadlock(Exception):
    pgcode = "40P01"


@pytest.mark.parametrize(
    ("error", "cause"),
    [
        (OperationalError("deadlock detected"), Deadlock()),
        (DatabaseError("server closed the connection unexpectedly"), None),
    ],
)
def test_contention_undoes_the_whole_sweep_and_poisons_nothing(
    fired: Remembered, monkeypatch: pytest.MonkeyPatch, error: Exception, cause: Exception | None
) -> None:
    def contended(batch: Sequence[Fired], at: datetime) -> None:
        raise error from cause

    monkeypatch.setitem(handlers._handlers, ("thing", "limit"), contended)
    arm_many(3)
    with pytest.raises(type(error)):
        sweep.sweep()
    assert not PoisonRow.objects.exists()
    assert set(states().values()) == {"running"}


# -- drivers


def test_a_driver_sweeps_until_nothing_is_due(fired: Remembered, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sweep, "BATCH", 10)
    arm_many(25)
    assert Driver("test").tick() == 25
    assert Deadline.objects.filter(state="running").count() == 0


def test_a_driver_that_catches_up_leaves_nothing_behind(
    fired: Remembered, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also many of one moment, and older ones that somebody arms meanwhile."""
    monkeypatch.setattr(sweep, "BATCH", 10)
    arm_many(35, due=-MINUTE)
    arm_many(35, kind="other", due=-2 * MINUTE)
    handle, armed = handlers.of("thing", "limit"), []

    def and_arm(batch: Sequence[Fired], at: datetime) -> None:
        if not armed:
            armed.append(arm(99, due=-3 * MINUTE))
        handle(batch, at)

    monkeypatch.setitem(handlers._handlers, ("thing", "limit"), and_arm)
    assert Driver("test").tick() == 71
    assert set(states().values()) == {"breached"}


def test_a_driver_stops_between_batches_when_told(fired: Remembered, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sweep, "BATCH", 10)
    arm_many(25)
    driver = Driver("test")
    assert driver.tick(lambda: False) == 10
    assert driver.tick() == 15


def test_a_driver_searches_without_bound_at_its_start_and_every_30_s(
    fired: Remembered, monkeypatch: pytest.MonkeyPatch
) -> None:
    seconds = 1_000.0
    monkeypatch.setattr(sweep.time, "monotonic", lambda: seconds)
    driver = Driver("test")
    arm(1, due=-HOUR)
    assert driver.tick() == 1
    arm(2, due=-HOUR)
    seconds += 29
    assert driver.tick() == 0
    seconds += 1
    assert driver.tick() == 1


def test_a_driver_leaves_a_heartbeat_with_its_lag(fired: Remembered, monkeypatch: pytest.MonkeyPatch) -> None:
    seconds = 1_000.0
    monkeypatch.setattr(sweep.time, "monotonic", lambda: seconds)
    driver = Driver("test")
    driver.tick()
    assert Heartbeat.objects.get().lag_ms == 0
    arm(1, due=-2 * HOUR)
    monkeypatch.setattr(sweep, "_sweep", lambda *_: (0, None))
    clock.travel(MINUTE)
    seconds += 6
    driver.tick()
    beat = Heartbeat.objects.get()
    assert beat.beat_at == clock.now()
    assert beat.lag_ms == 7_260_000
    seconds += 1
    clock.travel(MINUTE)
    driver.tick()
    assert Heartbeat.objects.get().beat_at == beat.beat_at


def test_drivers_long_gone_are_forgotten(fired: Remembered) -> None:
    Heartbeat.objects.create(driver="gone", beat_at=clock.now() - timedelta(days=2))
    Heartbeat.objects.create(driver="late", beat_at=clock.now() - timedelta(hours=2))
    Driver("test").tick()
    assert set(Heartbeat.objects.values_list("driver", flat=True)) == {"late", "test"}


def test_the_lag_is_the_oldest_overdue_clocks(fired: Remembered) -> None:
    assert lag_ms() == 0
    arm(1, due=HOUR)
    assert lag_ms() == 0
    arm(2, due=-2 * SECOND)
    arm(3, due=-SECOND)
    assert lag_ms() == 2_000


def test_the_loop_sleeps_until_the_next_due_time(fired: Remembered) -> None:
    assert next_due_in() == float("inf")
    arm(1, due=HOUR)
    assert next_due_in() == pytest.approx(3600.3)
    arm(2, due=timedelta(milliseconds=-100))
    assert next_due_in() == pytest.approx(0.2)
    arm(3, due=-HOUR)  # beyond the look-back: the unbounded sweep's business
    assert next_due_in() == pytest.approx(0.2)


# -- what it costs


def plan_of(sql: str, **params: Any) -> str:
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN {sql}", params)
        return "\n".join(row[0] for row in cursor.fetchall())


@pytest.mark.parametrize("bound", ["", sweep.BOUND])
def test_an_empty_sweep_reads_the_partial_index_alone(fired: Remembered, bound: str) -> None:
    arm_many(2_000, due=HOUR)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE deadlines_deadline")
    params = {"settle": SETTLE, "look_back": LOOK_BACK, "batch": 2_000}
    for sql in (sweep.NEXT, sweep.TAKE):
        plan = plan_of(sql.format(bound=bound), **params)
        assert "Seq Scan" not in plan
        assert "deadlines_due_running" in plan


def test_an_empty_sweep_is_one_statement(fired: Remembered, django_assert_num_queries: Any) -> None:
    arm_many(10, due=HOUR)
    with django_assert_num_queries(1):
        assert sweep.sweep() == 0


def test_a_column_as_one_literal(fired: Remembered) -> None:
    moment = clock.now()
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT %s::bigint[], %s::timestamptz[], %s::int[]",
            [literal([1, None, 2**62]), literal([moment, None]), literal([])],
        )
        assert cursor.fetchone() == ([1, None, 2**62], [moment, None], [])
