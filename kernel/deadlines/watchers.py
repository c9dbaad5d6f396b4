"""Who is told when the machinery itself is unwell. The kernel knows no bureau: `grids` says who they are."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any

from kernel.notices import outbox

Watchers = Callable[[datetime], Iterable[int]]

_watchers: list[Watchers] = []


def register(watchers: Watchers) -> None:
    """Have `watchers(at)` name users who are told of faults; twice is once."""
    if watchers not in _watchers:
        _watchers.append(watchers)


def tell(*, key: str, template: str, params: dict[str, Any], at: datetime) -> int:
    """One notice to each of them, in the caller's transaction; `key` names the fact. How many were new."""
    people = sorted({person for watchers in _watchers for person in watchers(at)})
    drafts = [
        outbox.Draft(f"{key}:user:{person}", template, params, "system", 0, recipient_id=person)
        for person in people
    ]
    return outbox.post(drafts, at=at)
