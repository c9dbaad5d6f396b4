"""Running a transaction that others may stand in the way of (DESIGN.md §4)."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import TypeVar

from django.db import OperationalError

from kernel.deadlines import clocks
from kernel.deadlines.sweep import fire_subject
from kernel.errors import Busy

T = TypeVar("T")

BUSY_STATES = ("40P01", "55P03")
TRIES = 3
PAUSE_S = (0.02, 0.08)
BUSY = "系统正忙，请稍后再试。"


def retried(once: Callable[[], T], *, subject: tuple[str, int] | None = None) -> T:
    """Run a transaction: clocks that ran out are fired first, contention is met once more.

    What to fire is what `clocks.refuse_overdue` found overdue; `subject` where it named nothing.

    Raises:
        Busy: locks could not be had in time, twice (503; the same request may be sent again).
    """
    overdue: list[tuple[str, int]] = []
    contended = False
    for _ in range(TRIES):
        try:
            for kind, number in overdue:
                fire_subject(kind, number)
            return once()
        except clocks.Overdue as found:
            overdue = sorted(found.subjects) or ([subject] if subject else [])
        except OperationalError as error:
            if getattr(error.__cause__, "pgcode", None) not in BUSY_STATES:
                raise
            if contended:
                raise Busy(BUSY) from error
            contended = True
            time.sleep(random.uniform(*PAUSE_S))  # noqa: S311 – let the other one finish
    raise Busy(BUSY)
