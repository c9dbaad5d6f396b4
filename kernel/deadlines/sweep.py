"""The sweep: take what is due by the database's clock, each deadline exactly once (DESIGN.md §4).

Any number of sweepers may run at once: rows are taken with SKIP LOCKED, and one event row per
deadline can exist. A request that began before the due time keeps its right for `SETTLE`.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

import structlog
from django.db import connection, transaction

from kernel import clock
from kernel.deadlines import handlers
from kernel.deadlines.clocks import cap_waits, lock_live
from kernel.deadlines.handlers import Fired
from kernel.deadlines.jumps import JumpWatch
from kernel.deadlines.models import Heartbeat, PoisonRow
from kernel.errors import is_outage

log = structlog.get_logger(__name__)

SETTLE = timedelta(milliseconds=300)
LOOK_BACK = timedelta(minutes=15)
BATCH = 2_000
UNBOUNDED_EVERY = 30.0
BEAT_EVERY = 5.0
FORGET_AFTER = timedelta(days=1)
LONGEST_LAG_MS = 2_000_000_000
QUERY_CANCELLED = "57014"

TAKE = """
WITH due AS MATERIALIZED (
    SELECT d.id, d.subject_kind, d.subject_id, d.kind, d.cycle, d.due_at, d.parent_kind
      FROM deadlines_deadline d
     WHERE d.state = 'running' AND d.due_at <= kernel_now() - %(settle)s {bound}
     ORDER BY d.due_at, d.id LIMIT %(batch)s FOR UPDATE SKIP LOCKED),
judged AS MATERIALIZED (
    SELECT due.*, due.parent_kind <> '' AND NOT COALESCE((
               SELECT p.state = 'running' AND p.due_at > (SELECT kernel_now() - %(settle)s)
                 FROM deadlines_deadline p
                WHERE p.subject_kind = due.subject_kind AND p.subject_id = due.subject_id
                  AND p.kind = due.parent_kind AND p.cycle = due.cycle), false) AS suppressed
      FROM due),
closed AS (
    UPDATE deadlines_deadline d
       SET state = CASE WHEN j.suppressed THEN 'cancelled' ELSE 'breached' END,
           closed_at = j.due_at, row_version = d.row_version + 1
      FROM judged j WHERE d.id = j.id),
events AS (
    INSERT INTO deadlines_event (deadline_id, subject_kind, subject_id, kind, cycle, due_at, recorded_at)
    SELECT id, subject_kind, subject_id, kind, cycle, due_at, (SELECT kernel_now())
      FROM judged WHERE NOT suppressed)
SELECT id, subject_kind, subject_id, kind, cycle, due_at, suppressed, (SELECT kernel_now()) FROM judged
"""
BOUND = "AND d.due_at > kernel_now() - %(look_back)s"
SINCE = "AND d.due_at >= %(since)s"
OF_SUBJECT = "AND d.subject_kind = %(subject_kind)s AND d.subject_id = %(subject_id)s"
"""A warning whose parent no longer runs (met, cancelled, breached, or due itself) is suppressed.

The parent is looked up by a scalar subquery: as NOT EXISTS the planner hashed every running clock of
the table for it. `kernel_now()` stands bare where it bounds an index, so that the planner can read it,
and in a subquery where it would be called once a row.
"""

NEXT = """
SELECT d.due_at FROM deadlines_deadline d
 WHERE d.state = 'running' AND d.due_at <= kernel_now() - %(settle)s {bound}
 ORDER BY d.due_at, d.id LIMIT 1
"""
"""Ordered, though one row is enough: as EXISTS the planner read the whole table for it."""


SETTLES_IN = """
SELECT EXTRACT(epoch FROM max(d.due_at) + %(delay)s - kernel_now()) FROM deadlines_deadline d
 WHERE d.state = 'running' AND d.due_at <= kernel_now() {bound}
"""


def sweep(*, look_back: timedelta | None = LOOK_BACK, batch: int = BATCH) -> int:
    """Fire one batch of what is due, oldest first, in one transaction. Returns how many rows it took.

    Where nothing is due it costs one small read and no transaction block.

    Args:
        look_back: how far back to search; None searches without bound (a long transaction elsewhere
            pins dead index entries, so that an unbounded search grows slow: every 30 s is enough).

    Raises:
        OperationalError: the database is away, or a lock could not be had within `clocks.LOCK_TIMEOUT`; the
            whole batch is rolled back and belongs to the next sweep.
    """
    return _sweep(look_back, batch, None)[0]


def _sweep(look_back: timedelta | None, batch: int, since: datetime | None) -> tuple[int, datetime | None]:
    """Fire one batch of what came due at `since` or later; how many, and the last due time among them."""
    params: dict[str, Any] = {"settle": SETTLE, "look_back": look_back, "batch": batch, "since": since}
    if since is not None:
        return _take(TAKE.format(bound=SINCE), params)
    bound = BOUND if look_back else ""
    with connection.cursor() as cursor:
        cursor.execute(NEXT.format(bound=bound), params)
        if cursor.fetchone() is None:
            return 0, None
    return _take(TAKE.format(bound=bound), params)


def fire_subject(subject_kind: str, subject_id: int) -> int:
    """A late close: breach what is already due of one subject, as the sweep would.

    Waits first until the youngest of these clocks has settled (0.3 s at most): another request may have
    come in time and not reached its lock yet. Then it waits for the clocks' locks rather than pass over
    what another act holds: many at once on one subject would else find it overdue again and again. Call
    it outside any transaction.
    """
    params: dict[str, Any] = {
        "settle": timedelta(),
        "delay": SETTLE,
        "batch": BATCH,
        "subject_kind": subject_kind,
        "subject_id": subject_id,
    }
    with connection.cursor() as cursor:
        cursor.execute(SETTLES_IN.format(bound=OF_SUBJECT), params)
        seconds = cursor.fetchone()[0]
    if seconds is not None and seconds > 0:
        time.sleep(float(seconds))
    with transaction.atomic():
        lock_live(subject_kind, subject_id)
        return _take(TAKE.format(bound=OF_SUBJECT), params)[0]


def _take(sql: str, params: dict[str, Any]) -> tuple[int, datetime | None]:
    with transaction.atomic():
        cap_waits()
        with connection.cursor() as cursor:
            cursor.execute(sql, params)
            rows = cursor.fetchall()
        if not rows:
            return 0, None
        at = rows[0][7]
        groups: dict[tuple[str, str], list[Fired]] = defaultdict(list)
        for row in rows:
            if not row[6]:
                groups[row[1], row[3]].append(Fired(*row[:6]))
        handlers.lock([one for batch in groups.values() for one in batch])
        for key in sorted(groups):
            _handle(groups[key], at)
        return len(rows), max(row[5] for row in rows)


def _handle(batch: Sequence[Fired], at: datetime) -> None:
    """Call the owner with the whole batch; where that fails, with each half, down to the poison rows.

    Contention, a lost connection, a full disk: these undo the whole sweep, and the next tick takes the
    same clocks again.
    """
    try:
        with transaction.atomic():
            handlers.of(batch[0].subject_kind, batch[0].kind)(batch, at)
    except Exception as error:
        if _is_nobodys_fault(error):
            raise
        if len(batch) == 1:
            _set_aside(batch[0], at, error)
            return
        half = len(batch) // 2
        _handle(batch[:half], at)
        _handle(batch[half:], at)


def _is_nobodys_fault(error: Exception) -> bool:
    """What another try may cure. A cancelled statement is not: a smaller batch may pass where it did not."""
    if not is_outage(error):
        return False
    return getattr(error.__cause__, "pgcode", None) != QUERY_CANCELLED


def _set_aside(one: Fired, at: datetime, error: Exception) -> None:
    log.error("deadline_handler_failed", deadline_id=one.deadline_id, kind=one.kind, error=repr(error))
    PoisonRow.objects.create(event_id=one.deadline_id, error=repr(error)[:2000], set_aside_at=at)


def lag_ms() -> int:
    """Milliseconds by which the oldest overdue running clock is late; 0 where none is."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT COALESCE(EXTRACT(epoch FROM kernel_now() - min(due_at)) * 1000, 0)::bigint"
            " FROM deadlines_deadline WHERE state = 'running' AND due_at <= kernel_now()"
        )
        late: int = cursor.fetchone()[0]
    return late


class Driver:
    """One driver of the sweep: bounded look-back on each tick, unbounded at start and every 30 s.

    Several of one name share a heartbeat row, the last word counts.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self._jumps = JumpWatch(name)
        self._unbounded_at = float("-inf")
        self._beat_at = float("-inf")

    def tick(self, keep_on: Callable[[], bool] = lambda: True) -> int:
        """Sweep until nothing is due, or `keep_on()` says no. Returns how many clocks were taken.

        After a full batch the next begins where it ended, instead of reading once more what the index
        still holds of clocks just fired; when those run out, one more looks at all.
        """
        total, since = 0, None
        started = time.monotonic()
        unbounded = started - self._unbounded_at >= UNBOUNDED_EVERY
        while True:
            taken, last = _sweep(None if unbounded else LOOK_BACK, BATCH, since)
            total += taken
            self._beat()
            if taken < BATCH and since is None:
                break
            since = last if taken == BATCH else None
            if not keep_on():
                return total
        if unbounded:
            self._unbounded_at = started
        return total

    def _beat(self) -> None:
        if time.monotonic() - self._beat_at < BEAT_EVERY:
            return
        late = min(lag_ms(), LONGEST_LAG_MS)
        with transaction.atomic():
            Heartbeat.objects.update_or_create(
                driver=self.name, defaults={"beat_at": clock.KernelNow(), "lag_ms": late}
            )
            Heartbeat.objects.filter(beat_at__lt=clock.KernelNow() - FORGET_AFTER).delete()
        self._jumps.look()
        self._beat_at = time.monotonic()


def next_due_in() -> float:
    """Seconds until the next running clock may be fired (with the settle delay); inf where none runs.

    What is older than `LOOK_BACK` is not looked at: the unbounded sweep finds it.
    """
    params: dict[str, Any] = {"settle": SETTLE, "look_back": LOOK_BACK}
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT EXTRACT(epoch FROM min(due_at) + %(settle)s - kernel_now()) FROM deadlines_deadline"
            " WHERE state = 'running' AND due_at > kernel_now() - %(look_back)s",
            params,
        )
        seconds = cursor.fetchone()[0]
    return float("inf") if seconds is None else float(seconds)
