"""Clocks of subjects that exist nowhere (`thing:1`), and handlers that remember what fired."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection

from kernel import clock
from kernel.deadlines import clocks, handlers
from kernel.deadlines.handlers import Fired
from kernel.deadlines.models import Deadline

State = Deadline.State
SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)


@dataclass
class Remembered:
    """What the handlers of `thing` were called with."""

    batches: list[list[Fired]] = field(default_factory=list)
    locked: list[list[Fired]] = field(default_factory=list)
    moments: list[datetime] = field(default_factory=list)

    @property
    def clocks(self) -> list[tuple[int, str, int]]:
        return [(one.subject_id, one.kind, one.cycle) for batch in self.batches for one in batch]


@pytest.fixture
def fired(monkeypatch: pytest.MonkeyPatch) -> Remembered:
    """Handlers of `thing.limit`, `thing.limit_80` and `thing.other`; nobody handles the rest."""
    remembered = Remembered()

    def handle(batch: Sequence[Fired], at: datetime) -> None:
        remembered.batches.append(list(batch))
        remembered.moments.append(at)

    monkeypatch.setattr(handlers, "_handlers", {})
    monkeypatch.setattr(handlers, "_lockers", [])
    handlers.lock_first(lambda batch: remembered.locked.append(list(batch)))
    for kind in ("limit", "limit_80", "other"):
        handlers.register("thing", kind, handle)
    return remembered


def arm(subject_id: int = 1, kind: str = "limit", *, due: timedelta = HOUR, **columns: Any) -> Deadline:
    """A running clock that is due so long after the house's now (negative: that long ago)."""
    now = clock.now()
    columns.setdefault("armed_at", min(now, now + due) - HOUR)
    row = Deadline(
        **{
            "subject_kind": "thing",
            "subject_id": subject_id,
            "kind": kind,
            "cycle": 1,
            "parent_kind": "",
            "state": State.RUNNING,
            "policy_version": 1,
            "due_at": now + due,
            **columns,
        }
    )
    clocks.arm([row])
    return Deadline.objects.get(
        subject_kind=row.subject_kind, subject_id=subject_id, kind=kind, cycle=row.cycle
    )


def arm_many(count: int, *, kind: str = "limit", due: timedelta = -SECOND) -> None:
    """Clocks of `thing:1` … `thing:<count>`, all due at the same moment."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO deadlines_deadline (subject_kind, subject_id, kind, armed_at, due_at)"
            " SELECT 'thing', n, %s, kernel_now() - interval '1 day',"
            "        kernel_now() + make_interval(secs => %s) FROM generate_series(1, %s) n",
            [kind, due.total_seconds(), count],
        )


def states() -> dict[tuple[int, str], str]:
    return {(d.subject_id, d.kind): d.state for d in Deadline.objects.all()}
