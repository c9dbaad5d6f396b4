"""What follows from a change of the register: higher apps register it here (DESIGN.md §2)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

OnChange = Callable[[Sequence[int], datetime], object]

_handlers: list[OnChange] = []


def on_change(handler: OnChange) -> OnChange:
    """Have `handler(entity_ids, at)` run in the transaction of every change of businesses, their licences or
    equipment: set-based, no query in a loop. Registering twice is once."""
    if handler not in _handlers:
        _handlers.append(handler)
    return handler


def tell(entity_ids: Sequence[int], at: datetime) -> None:
    """Said by every writer of the register, in its transaction: these businesses are new or changed."""
    if entity_ids:
        for handler in list(_handlers):
            handler(entity_ids, at)
