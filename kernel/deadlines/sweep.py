"""The sweep: take what is due by the database's clock, each deadline exactly once (DESIGN.md §4).

Any number of sweepers may run at once: rows are taken with SKIP LOCKED, and one event row per
deadline can exist. A request that began before the due time keeps its right for `SETTLE`.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta

import structlog
from django.db import InterfaceError, OperationalError, connection, transaction

from kernel import clock
from kernel.deadlines import handlers
from kernel.deadlines.handlers import Fired
from kernel.deadlines.models import Heartbeat, PoisonRow

log = structlog.get_logger(__name__)

SETTLE = timedelta(milliseconds=300)
LOOK_BACK = timedelta(minutes=15)
BATCH = 2_000
UNBOUNDED_EVERY = 30.0

TAKE = """
WITH due AS MATERIALIZED (
    SELECT d.id, d.subject_kind, d.subject_id, d.kind, d.cycle, d.due_at,
           d.parent_kind <> '' AND NOT EXISTS (
               SELECT 1 FROM deadlines_deadline p
                WHERE p.subject_kind = d.subject_kind AND p.subject_id = d.subject_id
                  AND p.kind = d.parent_kind AND p.cycle = d.cycle
                  AND p.state = 'running' AND p.due_at > kernel_now() - %(settle)s) AS suppressed
      FROM deadlines_deadline d
     WHERE d.state = 'running' AND d.due_at <= kernel_now() - %(settle)s {bound}
     ORDER BY d.due_at, d.id LIMIT %(batch)s FOR UPDATE OF d SKIP LOCKED),
closed AS (
    UPDATE deadlines_deadline d
       SET state = CASE WHEN due.suppressed THEN 'cancelled' ELSE 'breached' END,
           closed_at = due.due_at, row_version = d.row_version + 1
      FROM due WHERE d.id = due.id),
events AS (
    INSERT INTO deadlines_event (deadline_id, subject_kind, subject_id, kind, cycle, due_at, recorded_at)
    SELECT id, subject_kind, subject_id, kind, cycle, due_at, kernel_now() FROM due WHERE NOT suppressed
    RETURNING id, subject_kind, subject_id, kind, cycle, due_at)
SELECT id, subject_kind, subject_id, kind, cycle, due_at, kernel_now() FROM events
UNION ALL
SELECT NULL, subject_kind, subject_id, kind, cycle, due_at, kernel_now() FROM due WHERE suppressed
"""
BOUND = "AND d.due_at > kernel_now() - %(look_back)s"
OF_SUBJECT = "AND d.subject_kind = %(subject_kind)s AND d.subject_id = %(subject_id)s"


def sweep(*, look_back: timedelta | None = LOOK_BACK, batch: int = BATCH) -> int:
    """Fire one batch of what is due, oldest first, in one transaction. Returns how many rows it took.

    Args:
        look_back: how far back to search; None searches without bound (a long transaction elsewhere
            pins dead index entries, so that an unbounded search grows slow: every 30 s is enough).
    """
    params = {"settle": SETTLE, "look_back": look_back, "batch": batch}
    return _take(TAKE.format(bound=BOUND if look_back else ""), params)


def fire_subject(subject_kind: str, subject_id: int) -> int:
    """A late close: breach what is already due of one subject, as the sweep would, without settling."""
    params = {
        "settle": timedelta(),
        "batch": BATCH,
        "subject_kind": subject_kind,
        "subject_id": subject_id,
    }
    return _take(TAKE.format(bound=OF_SUBJECT), params)


def _take(sql: str, params: dict[str, object]) -> int:
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(sql, params)
            rows = cursor.fetchall()
        if not rows:
            return 0
        at = rows[0][6]
        fired = [Fired(*row[:6]) for row in rows if row[0] is not None]
        groups: dict[tuple[str, str], list[Fired]] = defaultdict(list)
        for one in fired:
            groups[one.subject_kind, one.kind].append(one)
        handlers.lock(fired)
        for key in sorted(groups):
            _handle(groups[key], at)
        return len(rows)


def _handle(batch: Sequence[Fired], at: datetime) -> None:
    """Call the owner with the whole batch; if that fails, row by row, setting the poison aside.

    Contention and a lost connection are nobody's fault: they undo the whole sweep, and the next tick
    takes the same clocks again.
    """
    try:
        with transaction.atomic():
            handlers.of(batch[0].subject_kind, batch[0].kind)(batch, at)
    except Exception as error:
        if _is_contention(error):
            raise
        if len(batch) == 1:
            _set_aside(batch[0], at, error)
            return
        for one in batch:
            _handle([one], at)


def _is_contention(error: Exception) -> bool:
    """Deadlock, lock timeout, serialization failure, or no connection any more."""
    if not isinstance(error, OperationalError | InterfaceError):
        return False
    return getattr(error.__cause__, "pgcode", None) in (None, "40P01", "55P03", "40001")


def _set_aside(one: Fired, at: datetime, error: Exception) -> None:
    log.error("deadline_handler_failed", event_id=one.event_id, kind=one.kind, error=repr(error))
    PoisonRow.objects.create(event_id=one.event_id, error=repr(error)[:2000], set_aside_at=at)


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
    """One driver of the sweep: bounded look-back on each tick, unbounded at start and every 30 s."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._unbounded_at = float("-inf")
        self._beat_at = float("-inf")

    def tick(self) -> int:
        """Sweep until nothing is due. Returns how many clocks were taken."""
        total = 0
        started = time.monotonic()
        unbounded = started - self._unbounded_at >= UNBOUNDED_EVERY
        while True:
            taken = sweep(look_back=None if unbounded else LOOK_BACK)
            total += taken
            if taken < BATCH:
                break
        if unbounded:
            self._unbounded_at = started
        if started - self._beat_at >= 5:
            self._beat_at = started
            self._beat()
        return total

    def _beat(self) -> None:
        Heartbeat.objects.update_or_create(
            driver=self.name, defaults={"beat_at": clock.KernelNow(), "lag_ms": min(lag_ms(), 2_000_000_000)}
        )


def next_due_in() -> float:
    """Seconds until the next running clock may be fired (with the settle delay); inf where none runs."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT EXTRACT(epoch FROM min(due_at) + %s - kernel_now())"
            " FROM deadlines_deadline WHERE state = 'running'",
            [SETTLE],
        )
        seconds = cursor.fetchone()[0]
    return float("inf") if seconds is None else float(seconds)
