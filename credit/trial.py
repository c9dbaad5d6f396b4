"""Trying a draft: who would move from which grade to which. Nothing is graded (DESIGN.md §8).

Set-based: the same SQL as grading, with the draft's values, a few thousand businesses at a time. Told apart
are what would happen *at once* (falls, first gradings; movement lets nobody rise by a new scheme) and who
would rise later, at reviews. Higher apps add what follows from that (`register_effect`: patrols' tasks per
person and day). The result stays with the draft (`CreditScheme.trial`) under the digest of the rules tried.

The row is the queue: `trial_asked_at` is set until the trial is done, so none is lost with a broker, and one
that was broken off is made again. One at a time by an advisory lock.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, NamedTuple

import structlog
from django.db import connection

from credit import scheme as rule_sets
from credit.grade_changes import GradeMove
from credit.models import CreditScheme
from credit.scheme import GRADES, Scheme, worse
from credit.scoring_sql import score_many
from grids.models import BusinessEntity, Grid
from grids.models.register import GONE
from grids.sheets import written
from kernel import clock
from kernel.alone import alone

log = structlog.get_logger(__name__)

AT_ONCE = 5_000
MOVERS = 20_000
"""So many that would move are kept by name, the rest is counted."""
UNGRADED = "-"

Progress = Callable[[int, int], object]
Effect = Callable[[Sequence[GradeMove], Scheme, date], Any]
"""Given what would change at once (grade, or cause: patrols follow both), the draft and the day: JSON to be
shown."""

_effects: dict[str, Effect] = {}


def register_effect(name: str, effect: Effect) -> None:
    """Have every trial show what follows from it, under this (Chinese) name; the last word counts."""
    _effects[name] = effect


class Stands(NamedTuple):
    """A business before the trial."""

    entity_id: int
    grid_id: int | None
    effective: str
    computed: str
    total: Any
    cause: str


class Mover(NamedTuple):
    """One business that would move: effective grade now and at once, computed now and then, points."""

    entity_id: int
    before: str
    after: str
    computed_before: str
    computed_after: str
    total_before: str
    total_after: str


@dataclass
class Trial:
    """What a trial found. `matrix`: effective now → at once; `computed`: computed now → then."""

    on: date
    entities: int = 0
    matrix: Counter[tuple[str, str]] = field(default_factory=Counter)
    computed: Counter[tuple[str, str]] = field(default_factory=Counter)
    grids: dict[int, Counter[str]] = field(default_factory=dict)
    falls: int = 0
    rises: int = 0
    movers: list[Mover] = field(default_factory=list)
    moves: list[GradeMove] = field(default_factory=list)
    effects: dict[str, Any] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        names = {one.pk: one for one in Grid.objects.filter(pk__in=self.grids)}
        return {
            "on": self.on.isoformat(),
            "entities": self.entities,
            "falls": self.falls,
            "rises": self.rises,
            "matrix": _table(self.matrix),
            "computed": _table(self.computed),
            "grids": [
                {
                    "code": names[number].code,
                    "name": names[number].name,
                    "falls": counts["falls"],
                    "rises": counts["rises"],
                    "before": {grade: counts[f"before:{grade}"] for grade in GRADES},
                    "after": {grade: counts[f"after:{grade}"] for grade in GRADES},
                }
                for number, counts in sorted(self.grids.items(), key=lambda one: names[one[0]].code)
            ],
            "effects": self.effects,
            "movers": [list(one) for one in self.movers[:MOVERS]],
            "movers_cut": max(0, len(self.movers) - MOVERS),
        }


def _table(counts: Counter[tuple[str, str]]) -> dict[str, dict[str, int]]:
    rows = [grade for grade in (*GRADES, UNGRADED) if any(before == grade for before, _ in counts)]
    return {before: {after: counts[before, after] for after in GRADES} for before in rows}


def run(scheme_id: int, *, progress: Progress | None = None) -> Trial:
    """Try a draft on every business that still trades; keep the result with it, unless it was edited or
    dropped meanwhile (then it is only given back).

    Raises: SchemeError where its rules make no sense.
    """
    row = CreditScheme.objects.get(pk=scheme_id)
    rules = rule_sets.parse(row.rules)
    found = Trial(clock.today())
    living = BusinessEntity.objects.exclude(status__in=GONE)
    total = living.count()
    after = 0
    while batch := _standing(after):
        _compare(found, batch, rules)
        after = batch[-1].entity_id
        CreditScheme.objects.filter(pk=scheme_id).update(trial_done=found.entities)
        if progress:
            progress(found.entities, total)
    for name, effect in _effects.items():
        found.effects[name] = effect(found.moves, rules, found.on)
    CreditScheme.objects.filter(pk=scheme_id, state=CreditScheme.State.DRAFT, revision=row.revision).update(
        trial=found.as_json(),
        trial_digest=rule_sets.digest(rules),
        trial_at=clock.now(),
        trial_asked_at=None,
        trial_done=found.entities,
        trial_error="",
    )
    return found


def run_asked() -> int:
    """Make the trial that is asked for, if there is one and nobody is at it; how many were made."""
    asked = CreditScheme.objects.filter(state=CreditScheme.State.DRAFT, trial_asked_at__isnull=False)
    number = asked.values_list("pk", flat=True).first()
    if number is None:
        return 0
    with alone("credit.trial") as is_alone:
        if not is_alone:
            return 0
        try:
            run(number)
        except Exception:
            log.exception("credit_trial_failed", scheme=number)
            CreditScheme.objects.filter(pk=number).update(
                trial_asked_at=None, trial_error="试算没有完成，请再试一次；仍不成功的，请联系系统管理员。"
            )
            raise
    return 1


_STANDING = """
SELECT e.id, e.grid_id, coalesce(s.effective_grade, ''), coalesce(s.computed_grade, ''), s.total,
       coalesce(s.cause, '')
  FROM grids_businessentity e LEFT JOIN credit_creditstanding s ON s.entity_id = e.id
 WHERE e.id > %(after)s AND e.status <> ALL(%(gone)s::text[]) ORDER BY e.id LIMIT %(most)s
"""


def _standing(after: int) -> list[Stands]:
    with connection.cursor() as cursor:
        cursor.execute(_STANDING, {"after": after, "gone": sorted(GONE), "most": AT_ONCE})
        return [Stands(*row) for row in cursor.fetchall()]


def _compare(found: Trial, batch: Sequence[Stands], rules: Scheme) -> None:
    """Score one batch by the draft and count what differs. One statement."""
    scores = {row.entity_id: row for row in score_many([one.entity_id for one in batch], rules, on=found.on)}
    for one in batch:
        row = scores[one.entity_id]
        at_once = worse(one.effective, row.grade) if one.effective else row.grade
        fell = bool(one.effective) and at_once > one.effective
        rises = bool(one.effective) and row.grade < one.effective and row.grade < one.computed
        found.entities += 1
        found.falls += fell
        found.rises += rises
        found.matrix[one.effective or UNGRADED, at_once] += 1
        found.computed[one.computed or UNGRADED, row.grade] += 1
        if one.grid_id is not None:
            counts = found.grids.setdefault(one.grid_id, Counter())
            counts[f"before:{one.effective}"] += 1
            counts[f"after:{at_once}"] += 1
            counts["falls"] += fell
            counts["rises"] += rises
        if fell or rises or not one.effective:
            totals = ("" if one.total is None else str(one.total), str(row.total))
            found.movers.append(
                Mover(one.entity_id, one.effective, at_once, one.computed, row.grade, *totals)
            )
        # Who stays in C by a cap may do so by another one, or by one that the draft weighs otherwise.
        capped = at_once == "C" and row.cause == "CAP"
        if at_once != one.effective or row.cause != one.cause or capped:
            found.moves.append(GradeMove(one.entity_id, one.effective, at_once, row.cause, row.caps))


HEADS = (
    "主体编号", "主体名称", "网格", "现执行等级", "施行后等级", "现测算等级", "新方案测算等级", "现得分",
    "新方案得分", "变化",
)  # fmt: skip


def sheet(trial: Mapping[str, Any]) -> bytes:
    """The businesses that would move as .xlsx. One statement."""
    movers = [Mover(*row) for row in trial["movers"]]
    shops = BusinessEntity.objects.filter(pk__in=[one.entity_id for one in movers]).select_related("grid")
    named = {one.pk: one for one in shops.only("name", "grid__code")}
    rows = [[one.entity_id, *_named(named.get(one.entity_id)), *one[1:], _what(one)] for one in movers]
    return written("试算结果", HEADS, rows, widths=(10, 36, 18))


def _named(shop: BusinessEntity | None) -> tuple[str, str]:
    return ("", "") if shop is None else (shop.name, shop.grid.code if shop.grid else "")


def _what(one: Mover) -> str:
    if not one.before:
        return "首次评定"
    return "施行时下降" if one.after > one.before else "可在定期评定时逐级上升"
