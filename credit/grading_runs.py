"""Grading the whole register: every night, and the periodic reviews on the 1st (DOMAIN.md §4).

What is due is computed from what is finished, never from a firing of the schedule: a review that was missed
by downtime is made up in the next night, in the order of its periods; of missed nights only the newest is
made, since a grading says how things stand on its day. A run goes through the register by number, two
connections side by side, and notes how far it came: broken off, it is taken up there. One at a time by an
advisory lock; even without, nothing is moved or told twice.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from datetime import time as time_of_day
from queue import Empty, SimpleQueue

import structlog
from django.db import connection, transaction
from django.db.models import F, Max

from credit import fall_notices
from credit.grade_changes import GradeMove
from credit.grading import BATCH, Review, Trigger, batches, regrade
from credit.models import CreditAssessment, GradingRun
from grids.models import BusinessEntity
from kernel import clock
from kernel.alone import alone
from kernel.clock import SHANGHAI

log = structlog.get_logger(__name__)

BEGINS = time_of_day(0, 20)
"""Shanghai: the night's grading is due from then on."""
SIDE_BY_SIDE = 2
ALONE = 500
"""Fewer than these are not worth a second connection."""
STRETCH = 8 * BATCH
"""After so many businesses a run notes how far it came."""
REMEMBERED = 60
"""So many finished runs say what is still due."""

Progress = Callable[[int, int], object]
"""Called with how many businesses are done, of how many."""


@dataclass(frozen=True, slots=True)
class Regraded:
    """What grading the whole register did."""

    entities: int
    moved: int
    finished: bool = True


def regrade_all(progress: Progress | None = None, *, trigger: str = Trigger.NIGHTLY) -> Regraded:
    """Grade the whole register now, whatever ran before (a new scheme, `manage.py regrade`).

    Falls are told at once, batch by batch. Must not run inside a transaction unless it may do one thing at a
    time there (tests).
    """
    done = moved = 0
    total = BusinessEntity.objects.count()
    for ids in _stretches(after=0):
        moved += len(_at_once(ids, trigger, None, tell=True))
        done += len(ids)
        if progress:
            progress(done, total)
    return Regraded(done, moved)


def nightly(progress: Progress | None = None, *, within_s: float | None = None) -> list[GradingRun]:
    """Make what is due: missed reviews, oldest first, else tonight's grading. Safe at any time.

    `within_s`: so long it may work; what is left over is taken up by the next call. Nothing is done where
    another is at it.
    """
    until = time.monotonic() + within_s if within_s is not None else None
    finished = []
    with alone("credit.grading_runs") as is_alone:
        while is_alone and (run := _next_due()) is not None:
            if not _carry_on(run, until, progress):
                break
            finished.append(run)
    return finished


def review(period: date, progress: Progress | None = None) -> Regraded:
    """Make the periodic review of the month (and quarter) that begins on `period`, if it is not made yet.

    Raises:
        ValueError: `period` is not the first day of a month, or has not come yet.
    """
    if period.day != 1 or period > clock.today():
        raise ValueError(f"{period} opens no period that may be reviewed")
    with alone("credit.grading_runs") as is_alone:
        run = _run(GradingRun.Kind.REVIEW, period, clock.now())
        if is_alone and run.finished_at is None:
            _carry_on(run, None, progress)
        run.refresh_from_db()
    return Regraded(run.entities, run.moved, run.finished_at is not None)


def due(at: datetime) -> list[tuple[str, date]]:
    """What runs are due and not finished, in the order in which they are made. One statement."""
    today = clock.local_date(at)
    night = today if at.astimezone(SHANGHAI).time() >= BEGINS else today - timedelta(days=1)
    made = list(GradingRun.objects.filter(finished_at__isnull=False).order_by("-finished_at")[:REMEMBERED])
    first = max((run.date for run in made), default=night)
    reviewed = {run.date for run in made if run.kind == GradingRun.Kind.REVIEW}
    missing = [one for one in _firsts(first, night) if one not in reviewed]
    if missing:
        return [(GradingRun.Kind.REVIEW, one) for one in missing]
    begun = datetime.combine(night, BEGINS, SHANGHAI)
    graded = any(run.started_at >= begun or run.date == night for run in made)
    return [] if graded else [(GradingRun.Kind.NIGHTLY, night)]


def _firsts(first: date, last: date) -> Iterator[date]:
    """The first days of months from the one that `first` lies in (if that very day) up to `last`."""
    year, month = first.year, first.month
    while (day := date(year, month, 1)) <= last:
        if day >= first:
            yield day
        year, month = (year, month + 1) if month < 12 else (year + 1, 1)


def _next_due() -> GradingRun | None:
    at = clock.now()
    for kind, day in due(at):
        return _run(kind, day, at)
    return None


def _run(kind: str, day: date, at: datetime) -> GradingRun:
    """The run of this day, begun now where it is not there yet."""
    newest = CreditAssessment.objects.aggregate(last=Max("pk"))["last"] or 0
    return GradingRun.objects.get_or_create(
        kind=kind, date=day, defaults={"started_at": at, "after_assessment": newest}
    )[0]


def _carry_on(run: GradingRun, until: float | None, progress: Progress | None) -> bool:
    """Take a run up where it stands; is it finished?"""
    total = BusinessEntity.objects.count()
    reviewing = Review(run.date) if run.kind == GradingRun.Kind.REVIEW else None
    trigger = Trigger.REVIEW if reviewing else Trigger.NIGHTLY
    for ids in _stretches(after=run.reached):
        moved = len(_at_once(ids, trigger, reviewing, tell=False))
        GradingRun.objects.filter(pk=run.pk).update(
            reached=ids[-1], entities=F("entities") + len(ids), moved=F("moved") + moved
        )
        run.refresh_from_db()
        if progress:
            progress(run.entities, total)
        if until is not None and time.monotonic() > until:
            return False
    _finish(run)
    return True


@transaction.atomic
def _finish(run: GradingRun) -> None:
    """Note the end and tell of the falls, in one transaction: neither without the other, and once."""
    at = clock.now()
    GradingRun.objects.filter(pk=run.pk).update(finished_at=at)
    fallen = CreditAssessment.objects.filter(
        pk__gt=run.after_assessment,
        trigger__in=[Trigger.NIGHTLY, Trigger.REVIEW],
        effective_grade__gt=F("previous_grade"),
    ).exclude(previous_grade="")
    moves = [
        GradeMove(*row, cause="", caps=())
        for row in fallen.order_by("pk").values_list("entity_id", "previous_grade", "effective_grade")
    ]
    fall_notices.tell(moves, at=at, run=f"run:{run.pk}")
    run.refresh_from_db()
    log.info("credit_graded", run=run.kind, date=str(run.date), entities=run.entities, moved=run.moved)


def _stretches(*, after: int) -> Iterator[list[int]]:
    """The numbers of all businesses above `after`, `STRETCH` at a time."""
    while ids := list(
        BusinessEntity.objects.filter(pk__gt=after).order_by("pk").values_list("pk", flat=True)[:STRETCH]
    ):
        yield ids
        after = ids[-1]


def _at_once(ids: Sequence[int], trigger: str, reviewing: Review | None, *, tell: bool) -> list[GradeMove]:
    """Grade a stretch batch by batch, on `SIDE_BY_SIDE` connections; inside a transaction on its one."""

    def one(batch: Sequence[int]) -> list[GradeMove]:
        return regrade(batch, at=clock.now(), trigger=trigger, review=reviewing, tell=tell)

    if connection.in_atomic_block or len(ids) <= ALONE:
        return one(ids)
    waiting: SimpleQueue[Sequence[int]] = SimpleQueue()
    for batch in batches(ids, min(BATCH, -(-len(ids) // (2 * SIDE_BY_SIDE)))):
        waiting.put(batch)

    def work() -> list[GradeMove]:
        moves: list[GradeMove] = []
        try:
            with suppress(Empty):
                while True:
                    moves += one(waiting.get_nowait())
        finally:
            connection.close()  # this thread's own
        return moves

    with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
        workers = [pool.submit(work) for _ in range(SIDE_BY_SIDE)]
        return [move for worker in workers for move in worker.result()]
