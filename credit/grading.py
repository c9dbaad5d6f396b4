"""Grading: facts → score → effective grade, written with its history (DESIGN.md §8). The one writer of
`CreditStanding`, `CreditAssessment`, `CreditReview` and `BusinessEntity.credit_grade`.

Set-based: a batch costs the same number of statements for one business and for thousands. Scores, falls and
first gradings are decided in SQL; only where the computed grade is better than the effective one does
`credit.movement` decide, and its answers go back into the same statement.

No fact is lost between two gradings: a fact and its mark (`DirtyEntity`) commit together, a mark is taken
before the business is locked, and the facts are read after that, by a later statement.

Lock order (DESIGN.md §4): the clocks of what is asked about things that hang on the businesses (a new grade
may end the question), the businesses by id, then what those who follow the grade need (`patrols.planning`).
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import partial
from typing import Any, NamedTuple

from django.db import connection, transaction

from credit import fall_notices, following, grade_changes, grading_sql, schemes_in_force
from credit.facts import Fact
from credit.grade_changes import CauseMove, GradeMove, on_grade_change
from credit.models import CreditAssessment, CreditReview
from credit.movement import Before, Moved, move, release, reviewed_on
from credit.scheme import Scheme, worse
from credit.scoring_sql import parameters, settled
from grids.models.register import GONE
from kernel import approvals, clock, journal
from kernel.deadlines.arrays import literal
from kernel.deadlines.contention import retried

__all__ = ["BATCH", "GradeMove", "Review", "on_grade_change", "regrade", "regrade_dirty"]

BATCH = 5_000
"""So many businesses are graded in one transaction: a second or less, and some tens of MiB."""
MARKS_AT_ONCE = BATCH
"""One batch, one transaction: who holds what follows from a grading (the lock of the plan) locks no further
business, or two graders would wait for each other."""

Trigger = CreditAssessment.Trigger


@dataclass(frozen=True, slots=True)
class Review:
    """A periodic review: C and D on the 1st of every month, A and B too where it opens a quarter."""

    period: date

    @property
    def quarterly(self) -> bool:
        return self.period.month % 3 == 1

    def covers(self, grade: str) -> bool:
        return reviewed_on(grade, self.period)


def batches(entity_ids: Iterable[int], most: int = BATCH) -> Iterator[Sequence[int]]:
    """Each business once, by number, `most` at a time: two graders lock in one order."""
    wanted = sorted(set(entity_ids))
    for start in range(0, len(wanted), most):
        yield wanted[start : start + most]


Restored = Mapping[int, Before | None]
"""Businesses of which a fall is taken back, with where each stood before it (None: it was never graded)."""


class Waiting(NamedTuple):
    """A business whose computed grade is better than its effective one: may it rise?"""

    entity_id: int
    effective: str
    computed: str
    since: date


def regrade(
    entity_ids: Iterable[int],
    *,
    at: datetime,
    trigger: str,
    review: Review | None = None,
    tell: bool = True,
    restored: Restored | None = None,
) -> list[GradeMove]:
    """Grade these businesses anew as of `at`; those whose effective grade changed.

    In batches of `BATCH`, each a transaction of its own unless the caller holds one. A batch locks the rows
    of its businesses (FOR NO KEY UPDATE, by number) until it commits. Writes only what changed, so
    grading twice writes nothing the second time. A business that is gone is left as it is. Handlers of
    `on_grade_change` run once a batch; `tell`: commissioner and grid workers learn of falls now (the runs
    over the whole register tell them once, at their end). `restored`: see `credit.correcting`.

    Raises:
        NoSchemeInForce: there is no scheme to grade by.
        Busy: locks could not be had in time, twice.
    """
    moves: list[GradeMove] = []
    for batch in batches(entity_ids):
        moves += retried(partial(_in_a_transaction, batch, at, trigger, review, tell, restored))
    return moves


def _in_a_transaction(
    ids: Sequence[int],
    at: datetime,
    trigger: str,
    review: Review | None,
    tell: bool,
    restored: Restored | None,
) -> list[GradeMove]:
    with transaction.atomic():
        return _grade(ids, at, trigger, review, tell, restored or {})


def regrade_dirty(*, within_s: float | None = None) -> int:
    """Grade what is marked, until nothing is (or `within_s` is over); how many marks were answered.

    Many marks of one business are one grading. Any number of these may run at once: each takes marks that no
    other has. A batch that fails leaves its marks where they are.
    """
    until = time.monotonic() + within_s if within_s is not None else None
    answered = 0
    while marks := retried(_answer_marks):
        answered += marks
        if until is not None and time.monotonic() > until:
            break
    return answered


@transaction.atomic
def _answer_marks() -> int:
    with connection.cursor() as cursor:
        cursor.execute(grading_sql.CLAIM, {"most": MARKS_AT_ONCE})
        marked = [row[0] for row in cursor.fetchall()]
    if marked:
        at = clock.now()
        for batch in batches(marked):
            _grade(batch, at, Trigger.FACT, None, tell=True)
    return len(marked)


def _grade(
    ids: Sequence[int],
    at: datetime,
    trigger: str,
    review: Review | None,
    tell: bool,
    restored: Restored | None = None,
) -> list[GradeMove]:
    """One batch, in the caller's transaction; an entry that was taken into another is graded there.

    The scheme is read once the businesses are locked, as the facts are: a grading that waited for another's
    lock must not bring back the scheme that has retired meanwhile.
    """
    on = clock.local_date(at)
    with connection.cursor() as cursor:
        taken = following.taken_in(ids)
        wanted = following.instead(ids, taken)
        approvals.lock_hanging_on("entity", wanted)
        cursor.execute(grading_sql.LOCK, {"ids": literal(wanted), "gone": sorted(GONE)})
        living = [row[0] for row in cursor.fetchall()]
        if not living:
            return []
        following.copy(taken)
    with settled():
        moves, causes = _graded(living, at, on, trigger, review, restored or {})
    grade_changes.tell(moves, at)
    grade_changes.tell_causes(sorted(causes), at)
    if tell:
        fall_notices.tell([one for one in moves if one.fell], at=at)
    return moves


def _graded(
    living: Sequence[int], at: datetime, on: date, trigger: str, review: Review | None, restored: Restored
) -> tuple[list[GradeMove], list[CauseMove]]:
    """Read the register, score, decide and write; by number, who moved and who stays for another cause."""
    with connection.cursor() as cursor:
        cursor.execute(grading_sql.PULL, {"ids": literal(living), "at": at, "on": on})
    scheme_id, scheme = schemes_in_force.newest()
    given: dict[str, Any] = {
        **parameters(scheme, on), "scheme": scheme_id, "at": at, "trigger": str(trigger),
        "system": journal.SYSTEM,
        "period": review and review.period, "quarterly": review is not None and review.quarterly,
    }  # fmt: skip
    moves, waiting, causes = _decide(living, given, review, {})
    if waiting:
        told = _told(waiting, scheme, on, review, restored)
        risen, _, others = _decide(list(told), given, review, told)
        moves, causes = moves + risen, causes + others
    return sorted(moves), causes


Told = dict[int, tuple[str, date, tuple[str, ...]]]
"""What `credit.movement` says of each: effective grade, since, held by."""


def _decide(
    ids: Sequence[int], given: dict[str, Any], review: Review | None, told: Told
) -> tuple[list[GradeMove], list[Waiting], list[CauseMove]]:
    """Score, write what changed; who moved, who waits for an answer, who stays for another cause. One
    statement."""
    parts = [grading_sql.GRADE, grading_sql.REVIEWED if review else "", grading_sql.FOUND]
    moves, waiting, causes = [], [], []
    with connection.cursor() as cursor:
        cursor.execute(
            "".join(parts),
            {
                **given,
                "ids": literal(ids),
                "told_ids": list(told),
                "told_grades": [one[0] for one in told.values()],
                "told_since": [one[1] for one in told.values()],
                "told_held": [",".join(one[2]) for one in told.values()],
            },
        )
        for entity_id, before, effective, cause, caps, computed, since in cursor.fetchall():
            if effective is None:
                waiting.append(Waiting(entity_id, before, computed, since))
            elif effective == before:
                causes.append(CauseMove(entity_id, effective))
            else:
                moves.append(GradeMove(entity_id, before, effective, cause, tuple(caps)))
    return moves, waiting, causes


def _told(
    waiting: Sequence[Waiting], scheme: Scheme, on: date, review: Review | None, restored: Restored
) -> Told:
    """Ask `credit.movement` about those that might rise. Two statements at most, whatever their number."""
    in_d = {one.entity_id: one.since for one in waiting if one.effective == "D"}
    kept = {number: release(facts, since=in_d[number], on=on) for number, facts in _facts_of(in_d)}
    reviewed = _reviewed_before(waiting, review)
    told: Told = {}
    for one in waiting:
        bound = kept.get(one.entity_id)
        before = Before(
            one.effective,
            one.since,
            look_backs=bool(bound and bound.look_backs),
            open_lead=bool(bound and bound.open_leads),
        )
        now = review is not None and review.covers(one.effective) and one.entity_id not in reviewed
        moved = move(before, one.computed, scheme, on=on, review=now)
        if one.entity_id in restored:
            moved = _taken_back(one, restored[one.entity_id], scheme, on) or moved
        told[one.entity_id] = (moved.effective, moved.since, moved.held_by)
    return told


def _taken_back(one: Waiting, earlier: Before | None, scheme: Scheme, on: date) -> Moved | None:
    """As if the fall had never been: the grade of before, or what is computed now where that is worse. None
    where that is no better than it stands."""
    grade = worse(earlier.effective, one.computed) if earlier else one.computed
    if grade >= one.effective:
        return None
    since = earlier.since if earlier and earlier.effective == grade else one.since
    return move(Before(grade, since), one.computed, scheme, on=on, review=False)


def _facts_of(entity_ids: Iterable[int]) -> Iterator[tuple[int, list[Fact]]]:
    """The facts of each that decide whether it may leave D. One statement, or none for nobody."""
    found: dict[int, list[Fact]] = defaultdict(list)
    if wanted := list(entity_ids):
        with connection.cursor() as cursor:
            cursor.execute(grading_sql.FACTS_OF, {"ids": literal(wanted)})
            for entity_id, *values in cursor.fetchall():
                found[entity_id].append(Fact(*values))
    yield from found.items()


def _reviewed_before(waiting: Sequence[Waiting], review: Review | None) -> set[int]:
    """Whose review of this period is written already: a run that is taken up again raises nobody twice."""
    if review is None:
        return set()
    rows = CreditReview.objects.filter(period=review.period, entity_id__in=[one.entity_id for one in waiting])
    return set(rows.values_list("entity_id", flat=True))
