"""What is owed after closing, and by whom: rechecks, countersignatures, look-backs. Reads only."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any

from django.db.models import Exists, F, OuterRef, Q, QuerySet

from kernel.deadlines.models import Deadline
from leads.models import Correction, Disposal, Lead, LookBack, Recheck
from leads.states import State


def rechecks_of(owner_id: int | None, at: datetime) -> QuerySet[Lead]:
    """Leads of this owner whose ordered date has come, or whose correction was handed in, and whose
    recheck of this round nobody has made."""
    this_round: dict[str, Any] = {"lead": OuterRef("pk"), "round": OuterRef("round")}
    runs = Deadline.objects.filter(
        subject_kind="lead",
        subject_id=OuterRef("pk"),
        kind="recheck",
        cycle=OuterRef("round"),
        state__in=[Deadline.State.RUNNING, Deadline.State.BREACHED],
    )
    came = Q(Exists(Disposal.objects.filter(rectify_due_at__lte=at, **this_round)))
    handed_in = Q(Exists(Correction.objects.filter(**this_round)))
    made = Recheck.objects.filter(**this_round)
    return Lead.objects.filter(
        came | handed_in, Exists(runs), ~Exists(made), assignee_id=owner_id, state=State.CLOSED
    )


def countersigns_in(grid_ids: Collection[int]) -> QuerySet[Recheck]:
    """Rechecks that found it done and wait for a grid worker of these grids."""
    return Recheck.objects.filter(
        state=Recheck.State.WAITING,
        round=F("lead__round"),
        lead__state=State.CLOSED,
        lead__grid_id__in=grid_ids,
    )


def look_backs_in(grid_ids: Collection[int], at: datetime) -> QuerySet[LookBack]:
    """Look-backs of these grids that may be made now."""
    return LookBack.objects.waiting().filter(lead__grid_id__in=grid_ids, opens_at__lte=at)
