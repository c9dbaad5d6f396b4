"""Leads after closing, made through the services: ordered to rectify, rechecked, cleared."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from grids.demo import World
from kernel import clock
from kernel.deadlines import policy as arithmetic
from leads import lifecycle, rechecks
from leads.lifecycle import Outcome
from leads.models import DisposalKind, Lead, LookBack
from tests.factories import leads as made
from tests.factories.leads import take_any

__all__ = ["cleared", "look_backs_of", "ordered", "rechecked", "rectify"]


def rectify(days: int = 3) -> Outcome:
    """责令改正 until 24:00 of the day after so many days."""
    day = clock.local_date(clock.now() + timedelta(days=days))
    return Outcome(DisposalKind.RECTIFY, "责令限期改正", arithmetic.end_of_day(day))


def ordered(world: World, number: int = 1, *, days: int = 3, **fields: Any) -> Lead:
    """Closed with an order to rectify."""
    lead = made.fed_back(world, number, outcome=rectify(days), **fields)
    return lifecycle.verify(lead_id=lead.pk, by=world.worker(number, 2), expect=take_any)


def rechecked(world: World, number: int = 1, **fields: Any) -> Lead:
    """Found done by the commissioner, not yet countersigned."""
    lead = ordered(world, number, **fields)
    return rechecks.recheck(
        lead_id=lead.pk, by=world.commissioner(number), expect=take_any, passed=True, note="已按要求整改"
    )


def cleared(world: World, number: int = 1, **fields: Any) -> Lead:
    """销号: rechecked and countersigned by the grid's third worker; its look-backs are scheduled."""
    lead = rechecked(world, number, **fields)
    return rechecks.countersign(lead_id=lead.pk, by=world.worker(number, 3), expect=take_any)


def look_backs_of(lead: Lead) -> list[tuple[int, int, str, datetime]]:
    """`(round, number, state, due_at)` of every look-back, oldest first."""
    rows = LookBack.objects.filter(lead=lead).order_by("round", "number")
    return [(one.round, one.number, one.state, one.due_at) for one in rows]
