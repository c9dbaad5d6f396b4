"""Jumps of the database's clock, which all deadlines go by: seen by every driver, kept in the journal, told.

A driver compares the database's wall clock with its own monotonic clock every few seconds. Slow drift between
two machines is none of a jump, so each look is compared with the last one only.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from django.db import connection, transaction

from kernel import clock, journal
from kernel.clock import KernelNow
from kernel.deadlines import watchers
from kernel.journal.models import Entry
from kernel.notices import templates

log = structlog.get_logger(__name__)

STREAM = "system:clock"
JUMP_S = 2.0
SLOWEST_LOOK_S = 1.0
SAME_WITHIN = timedelta(minutes=1)
SAME_BY_S = 1.0
TOLD = "deadlines.clock_jumped"


def database_epoch() -> float:
    """Seconds since 1970 by the database's wall clock, which no test moves. One statement."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT EXTRACT(epoch FROM clock_timestamp())::float8")
        epoch: float = cursor.fetchone()[0]
    return epoch


class JumpWatch:
    """One driver's eye on the clock."""

    def __init__(
        self,
        driver: str,
        *,
        epoch: Callable[[], float] = database_epoch,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._driver, self._epoch, self._monotonic = driver, epoch, monotonic
        self._difference: float | None = None

    def look(self) -> None:
        """Record a jump since the last look. A look that took long says nothing and is left out."""
        before = self._monotonic()
        epoch = self._epoch()
        took = self._monotonic() - before
        if took > SLOWEST_LOOK_S:
            return
        difference = epoch - before - took / 2
        last, self._difference = self._difference, difference
        if last is not None and abs(difference - last) > JUMP_S:
            _record(round(difference - last, 3), self._driver)


def _record(seconds: float, driver: str) -> None:
    """Keep and tell it; where another driver saw the same jump a moment ago, that is enough."""
    log.error("clock_jumped", seconds=seconds, driver=driver)
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(hashtext('system:clock'))")
        at = clock.now()
        last = Entry.objects.filter(stream=STREAM).order_by("-seq").first()
        if last is not None and _is_same(last, seconds, at):
            return
        data = {"seconds": seconds, "driver": driver}
        journal.append(stream=STREAM, kind="clock.jumped", by=None, at=at, data=data)
        number = last.seq + 1 if last else 1
        how = f"{'快进' if seconds > 0 else '回拨'}了 {abs(seconds):.1f} 秒"
        watchers.tell(key=f"clock_jump:{number}", template=TOLD, params={"how": how}, at=at)


def _is_same(last: Entry, seconds: float, at: datetime) -> bool:
    recent = abs(at - last.at) < SAME_WITHIN + timedelta(seconds=abs(seconds))
    return recent and abs(float(last.data["seconds"]) - seconds) < SAME_BY_S


@dataclass(frozen=True, slots=True)
class Jumps:
    """How often the clock jumped within a day, and the largest jump in seconds (0 where none)."""

    count: int
    largest_s: float


def of_last_day() -> Jumps:
    """One statement."""
    since = KernelNow() - timedelta(days=1)
    rows = Entry.objects.filter(stream=STREAM, at__gt=since).values_list("data", flat=True)
    sizes = [abs(float(data["seconds"])) for data in rows]
    return Jumps(len(sizes), max(sizes, default=0.0))


templates.register(TOLD, "数据库时钟跳变", "数据库时钟{how}，时限以其为准，请系统管理员核对对时服务。")
