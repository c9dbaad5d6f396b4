"""Who is called when a kind of clock runs out. Handlers are set-based: they get the whole batch.

A handler runs in the sweep's transaction, holds the deadline rows of its subjects, may insert deadlines
and never updates others (DESIGN.md §4). One batch holds clocks of many kinds and its handlers are called
kind by kind: rows are therefore locked before the first of them, once, in one order (`lock_first`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Fired:
    """One clock that ran out, as its event row (key `deadline_id`) says."""

    deadline_id: int
    subject_kind: str
    subject_id: int
    kind: str
    cycle: int
    due_at: datetime


Handler = Callable[[Sequence[Fired], datetime], None]

Locker = Callable[[Sequence[Fired]], None]

_handlers: dict[tuple[str, str], Handler] = {}
_lockers: list[Locker] = []


def register(subject_kind: str, kind: str, handler: Handler) -> None:
    """Register the one handler of a kind of clock; a second one is a mistake."""
    if _handlers.setdefault((subject_kind, kind), handler) is not handler:
        raise ValueError(f"{subject_kind}.{kind} has a handler already")


def of(subject_kind: str, kind: str) -> Handler:
    """The handler of a kind. KeyError where nobody registered one: the row is set aside."""
    return _handlers[subject_kind, kind]


def registered() -> frozenset[tuple[str, str]]:
    return frozenset(_handlers)


def lock_first(locker: Locker) -> None:
    """Have `locker` take every row lock that an app's handlers will need for a whole batch.

    Without it two sweepers, each holding the subjects of one kind and asking for those of the next,
    deadlock.
    """
    if locker not in _lockers:
        _lockers.append(locker)


def lock(batch: Sequence[Fired]) -> None:
    """Take all locks for a batch, before its first handler."""
    for locker in _lockers:
        locker(batch)
