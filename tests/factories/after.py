"""Leads after closing, made through the services: ordered to rectify, rechecked, cleared."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from grids.demo import World
from kernel import clock
from kernel.deadlines import policy as arithmetic
from leads import lifecycle, merging, rechecks, referral
from leads.lifecycle import Outcome
from leads.models import DisposalKind, Lead, LookBack
from tests.factories import leads as made
from tests.factories.leads import take_any

__all__ = [
    "cleared",
    "controlled",
    "look_backs_of",
    "merged",
    "ordered",
    "received",
    "rechecked",
    "rectify",
    "referred",
]


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


def controlled(world: World, number: int = 1, **fields: Any) -> Lead:
    """Taken, and its hazard under control."""
    lead = made.responded(world, number, **fields)
    return lifecycle.control(lead_id=lead.pk, by=world.commissioner(number), expect=take_any, note="已封存")


def merged(world: World, number: int = 1, **fields: Any) -> Lead:
    """Merged into another of the same place and category."""
    lead, other = made.reported(world, number, **fields), made.reported(world, number, **fields)
    return merging.merge(lead_id=lead.pk, by=world.clerk_of(number), expect=take_any, into_id=other.pk)


def referred(world: World, number: int = 1, **fields: Any) -> Lead:
    """Handed over to the police: 待回执."""
    outcome = Outcome(DisposalKind.HANDED_OVER, "涉嫌犯罪，移交公安", department="police")
    return made.fed_back(world, number, outcome=outcome, **fields)


def received(world: World, number: int = 1, **fields: Any) -> Lead:
    """The police has it: its reply is awaited."""
    lead = referred(world, number, **fields)
    return referral.enter_receipt(lead_id=lead.pk, by=world.commissioner(number), expect=take_any)


def look_backs_of(lead: Lead) -> list[tuple[int, int, str, datetime]]:
    """`(round, number, state, due_at)` of every look-back, oldest first."""
    rows = LookBack.objects.filter(lead=lead).order_by("round", "number")
    return [(one.round, one.number, one.state, one.due_at) for one in rows]
