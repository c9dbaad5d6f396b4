"""Sweepers beside each other and beside requests: right every time, no deadlock, no clock twice."""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection, connections, transaction

from kernel import clock
from kernel.deadlines import clocks, handlers, sweep, tasks
from kernel.deadlines.handlers import Fired
from kernel.deadlines.models import Deadline, Event, Heartbeat, PoisonRow
from kernel.deadlines.sweep import SETTLE, Driver
from tests.kernel.at_once import at_once
from tests.kernel.deadlines.conftest import HOUR, MINUTE, SECOND, Remembered, arm, arm_many

pytestmark = pytest.mark.usefixtures("committed_db")


def sweep_all(batch: int) -> int:
    total = 0
    while taken := sweep.sweep(batch=batch):
        total += taken
    return total


def test_many_sweepers_fire_each_clock_once(fired: Remembered) -> None:
    arm_many(600)
    took = at_once([lambda: sweep_all(40)] * 4)
    assert sum(took) == 600
    assert Counter(fired.clocks) == {(number, "limit", 1): 1 for number in range(1, 601)}
    assert Event.objects.count() == Deadline.objects.filter(state="breached").count() == 600


def test_two_drivers_and_the_celery_task_at_once_do_no_harm(
    fired: Remembered, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sweep, "BATCH", 25)
    monkeypatch.setattr(tasks, "_driver", Driver("celery"))
    arm_many(300)
    outcomes = at_once([Driver("clock").tick, Driver("clock").tick, tasks.sweep, tasks.sweep])
    assert [o for o in outcomes if isinstance(o, Exception)] == []
    sweep_all(100)
    assert max(Counter(fired.clocks).values()) == 1
    assert Event.objects.count() == 300
    assert set(Heartbeat.objects.values_list("driver", flat=True)) == {"clock", "celery"}


def test_sweepers_whose_batches_share_subjects_do_not_deadlock(fired: Remembered) -> None:
    """Each holds clocks of other kinds of the same subjects; both lock the subjects before handling."""
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE thing (id int PRIMARY KEY, told int DEFAULT 0)")
        cursor.execute("INSERT INTO thing SELECT generate_series(1, 60)")

    def locker(batch: Sequence[Fired]) -> None:
        with connection.cursor() as cursor:
            ids = sorted({one.subject_id for one in batch})
            cursor.execute("SELECT 1 FROM thing WHERE id = ANY(%s) ORDER BY id FOR UPDATE", [ids])

    def write(batch: Sequence[Fired], at: datetime) -> None:
        with connection.cursor() as cursor:
            ids = [one.subject_id for one in batch]
            random.shuffle(ids)
            for one in ids:
                cursor.execute("UPDATE thing SET told = told + 1 WHERE id = %s", [one])

    handlers.lock_first(locker)
    for kind in ("limit", "other"):
        handlers._handlers["thing", kind] = write
    arm_many(60, kind="limit")
    arm_many(60, kind="other", due=-2 * SECOND)
    took = at_once([lambda: sweep_all(17)] * 4)
    assert took == [n for n in took if isinstance(n, int)]
    assert sum(took) == 120
    assert not PoisonRow.objects.exists()
    with connection.cursor() as cursor:
        cursor.execute("SELECT DISTINCT told FROM thing")
        assert cursor.fetchall() == [(2,)]


def answer(subject_id: int) -> str:
    """What a request does: lock the clocks, look whether it came in time, meet the clock."""
    with transaction.atomic():
        live = clocks.lock_live("thing", subject_id)
        at = clock.now()
        try:
            clocks.refuse_overdue(live, at)
        except clocks.Overdue:
            return "overdue"
        if not live:
            return "fired"
        clocks.meet("thing", subject_id, ["limit"], at=at)
    return "met"


def held_up(since: datetime) -> bool:
    """Has this machine let the request wait longer than a clock settles? Then nothing is promised."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp() - %s > %s", [since, SETTLE * 0.8])
        late: bool = cursor.fetchone()[0]
    return late


def test_a_request_of_the_last_milliseconds_keeps_its_right(fired: Remembered) -> None:
    """It began before the due time; a sweep runs beside it all the while (DESIGN.md §4)."""
    count = 60
    start = clock.now()
    due_at = {number: start + timedelta(milliseconds=400 + 5 * number) for number in range(1, count + 1)}
    clocks.arm(
        [
            Deadline(
                subject_kind="thing", subject_id=number, kind="limit", cycle=1, parent_kind="",
                state="running", policy_version=1, armed_at=start, due_at=due,
            )
            for number, due in due_at.items()
        ]
    )  # fmt: skip
    stop = threading.Event()
    began: dict[int, datetime] = {}
    outcome: dict[int, str] = {}
    waited: set[int] = set()

    def sweeper() -> None:
        try:
            while not stop.is_set():
                sweep.sweep()
        finally:
            connections.close_all()

    def requests(mine: range) -> None:
        for number in mine:
            wanted = due_at[number] - timedelta(milliseconds=random.choice([0, 2, 5, 10, 20]))
            time.sleep(max(0.0, (wanted - clock.now()).total_seconds()))
            with transaction.atomic():
                began[number] = clock.now()
                outcome[number] = answer(number)
                if held_up(began[number]):
                    waited.add(number)

    thread = threading.Thread(target=sweeper)
    thread.start()
    failures = at_once([lambda part=part: requests(range(part, count + 1, 3)) for part in (1, 2, 3)])
    stop.set()
    thread.join(10)
    assert failures == [None] * 3
    assert len(waited) < count / 4
    in_time = {number for number in began if began[number] < due_at[number]} - waited
    assert {number for number, said in outcome.items() if said == "met"} - waited == in_time
    assert not Event.objects.filter(subject_id__in=in_time).exists()


def test_a_clock_held_by_a_request_is_left_to_it(fired: Remembered) -> None:
    arm(1, due=-MINUTE)
    arm(2, due=-MINUTE)
    with transaction.atomic():
        clocks.lock_live("thing", 1)
        assert at_once([sweep.sweep]) == [1]
    assert fired.clocks == [(2, "limit", 1)]
    assert sweep.sweep() == 1


def test_a_late_close_leaves_a_request_in_time_its_right(fired: Remembered) -> None:
    """One began before the due time and reaches its lock after another has found the clock overdue."""
    row = arm(1, due=timedelta(milliseconds=300))

    def sleep_until(moment: datetime) -> None:
        time.sleep(max(0.0, (moment - clock.now()).total_seconds()))

    def in_time() -> str:
        with transaction.atomic():
            assert clock.now() < row.due_at
            time.sleep(0.4)
            return answer(1)

    def too_late() -> str:
        sleep_until(row.due_at + timedelta(milliseconds=20))
        said = answer(1)
        sweep.fire_subject("thing", 1)
        return said

    assert at_once([in_time, too_late]) == ["met", "overdue"]
    assert not Event.objects.exists()


def test_a_late_close_beside_the_sweep_fires_once(fired: Remembered) -> None:
    for number in range(1, 21):
        arm(number, due=-MINUTE)
    calls: list[Any] = [lambda number=number: sweep.fire_subject("thing", number) for number in range(1, 21)]
    outcomes = at_once([*calls, lambda: sweep_all(5)])
    assert sum(outcomes) == 20
    assert max(Counter(fired.clocks).values()) == 1


def test_a_warning_whose_parent_is_met_meanwhile_stays_silent(fired: Remembered) -> None:
    for number in range(1, 31):
        arm(number, due=HOUR)
        arm(number, "limit_80", due=-SETTLE - SECOND, parent_kind="limit")

    def meet(number: int) -> None:
        with transaction.atomic():
            clocks.lock_live("thing", number)
            clocks.meet("thing", number, ["limit"], at=clock.now())

    calls: list[Any] = [lambda number=number: meet(number) for number in range(1, 31, 2)]
    outcomes = at_once([*calls, lambda: sweep_all(3), lambda: sweep_all(4)])
    assert [o for o in outcomes if isinstance(o, Exception)] == []
    sweep_all(100)
    for warning in Deadline.objects.filter(kind="limit_80"):
        told = (warning.subject_id, "limit_80", 1) in fired.clocks
        assert told == (warning.state == "breached")
    assert Deadline.objects.filter(kind="limit", state="met").count() == 15


def test_a_sweeper_that_dies_gives_its_batch_back(fired: Remembered) -> None:
    arm_many(10)
    with transaction.atomic():
        assert sweep.sweep() == 10
        transaction.set_rollback(True)
    assert Event.objects.count() == 0
    assert sweep.sweep() == 10
