"""What follows from a change of effective grade: higher apps register it here (DESIGN.md §2)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import NamedTuple


class GradeMove(NamedTuple):
    """One business whose effective grade changed. `before` is empty at its first grading; `cause` and `caps`
    are those of the new computed grade (patrols follow them)."""

    entity_id: int
    before: str
    after: str
    cause: str
    caps: tuple[str, ...]

    @property
    def fell(self) -> bool:
        return bool(self.before) and self.after > self.before


class CauseMove(NamedTuple):
    """One business that stays in its grade, but not for the same cause: cause, caps, vetoes or the computed
    grade are others (C by 经营异常 alone, now C by findings too). Patrols follow grade *and* cause."""

    entity_id: int
    grade: str


OnGradeChange = Callable[[Sequence[GradeMove], datetime], object]

OnCauseChange = Callable[[Sequence[CauseMove], datetime], object]

_handlers: list[OnGradeChange] = []
_cause_handlers: list[OnCauseChange] = []


def on_grade_change(handler: OnGradeChange) -> OnGradeChange:
    """Have `handler(moves, at)` run in the transaction of every batch of gradings that moved any, once a
    batch: set-based, no query in a loop. The businesses' rows are locked. Registering twice is once."""
    if handler not in _handlers:
        _handlers.append(handler)
    return handler


def tell(moves: Sequence[GradeMove], at: datetime) -> None:
    """Run every handler, in the order in which they were registered."""
    if moves:
        for handler in list(_handlers):
            handler(moves, at)


def on_cause_change(handler: OnCauseChange) -> OnCauseChange:
    """Have `handler(moves, at)` run where businesses stay in their grade for another cause; as
    `on_grade_change` in all else."""
    if handler not in _cause_handlers:
        _cause_handlers.append(handler)
    return handler


def tell_causes(moves: Sequence[CauseMove], at: datetime) -> None:
    """Run every handler of causes, in the order in which they were registered."""
    if moves:
        for handler in list(_cause_handlers):
            handler(moves, at)
