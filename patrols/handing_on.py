"""When people leave or are away, what is ahead of them goes to who is there (DESIGN.md §3)."""

from __future__ import annotations

from datetime import datetime

from grids.models import Absence, Posting
from kernel.accounts.models import User
from patrols import planning


def hand_on_of_posting(*, posting: Posting, at: datetime, by: User | None) -> None:
    """Callback of `grids.postings.on_end`, in the transaction of the ending."""
    if posting.grid_id is not None:
        planning.reassign([posting.grid_id], at)


def hand_on_of_absence(*, absence: Absence, at: datetime) -> None:
    """Callback of `grids.absences.on_change`: somebody will be away, or is back earlier. Tasks of the days
    that are back with him come back with the next night's plan where nobody else was there."""
    held = Posting.objects.active(at).filter(user_id=absence.user_id, grid__isnull=False)
    planning.reassign(sorted(set(held.values_list("grid_id", flat=True))), at)
