"""Leads for tests, made through the services: every row as the product would have written it.

Time stands still inside a test's transaction: `stand_at` and `pass_time` move the house's clock
exactly, and `pass_time` lets the sweep fire what has come due on the way.
"""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db import connection

from grids import postings
from grids.demo import World
from kernel import clock
from kernel.clock import SHANGHAI
from kernel.deadlines.sweep import BATCH, SETTLE, sweep
from leads import intake, lifecycle
from leads.intake import Report
from leads.lifecycle import Outcome
from leads.models import DisposalKind, Lead, SupervisionOrder

__all__ = [
    "GUIDED",
    "TUESDAY",
    "closed",
    "fed_back",
    "late_response",
    "let_clocks_fire",
    "on_desk",
    "pass_time",
    "report",
    "reported",
    "responded",
    "reworked",
    "stand_at",
    "take_any",
    "told_by_office",
]

TUESDAY = datetime(2026, 3, 10, 10, 0, tzinfo=SHANGHAI)
GUIDED = Outcome(DisposalKind.GUIDED, "已当场提醒并指导改正")


def take_any(version: int) -> None:
    """An `expect` that accepts whatever version the lead has."""


# --- time ------------------------------------------------------------------------------------------


def stand_at(moment: datetime) -> None:
    """Make `kernel_now()` of this transaction read exactly `moment`."""
    with connection.cursor() as cursor:
        cursor.execute("UPDATE clock_clockoffset SET ahead = %s - transaction_timestamp()", [moment])


def let_clocks_fire() -> int:
    """Sweep until nothing is due any more. Returns how many clocks were taken."""
    total = 0
    while True:
        taken = sweep(look_back=None)
        total += taken
        if taken < BATCH:
            return total


def pass_time(by: timedelta | None = None, *, until: datetime | None = None, fire: bool = True) -> datetime:
    """Let time pass, then let the clocks fire that ran out on the way. Returns the new moment.

    `until` is passed by the sweep's settling delay and a little, so that a clock due then has fired.
    """
    if until is not None:
        stand_at(until + SETTLE + timedelta(seconds=1))
    if by is not None:
        clock.travel(by)
    if fire:
        let_clocks_fire()
    return clock.now()


# --- leads -----------------------------------------------------------------------------------------


def report(world: World | None = None, number: int = 1, **fields: Any) -> Report:
    """A report from inside the grid with this number (or from `lon`, `lat`)."""
    if world is not None and "lon" not in fields:
        lon, lat = world.point_in(number)
        fields |= {"lon": Decimal(f"{lon:.6f}"), "lat": Decimal(f"{lat:.6f}"), "crs_in": "wgs84"}
    fields.setdefault("client_uid", uuid.uuid4())
    fields.setdefault("category", "L01")
    fields.setdefault("description", "执照没有挂在墙上")
    return Report(**fields)


def reported(world: World, number: int = 1, *, by: str | None = None, **fields: Any) -> Lead:
    """A lead just reported by the grid's first worker (or by `by`), and dispatched where a rule could."""
    who = world.user(by) if by else world.worker(number)
    return intake.report(report=report(world, number, **fields), by=who).lead


def told_by_office(world: World, number: int = 1, **fields: Any) -> Lead:
    """One that the office's clerk took from a citizen: no grid worker has signed."""
    return reported(world, number, by=world.clerk_of(number).username, **fields)


def on_desk(world: World, number: int = 1, **fields: Any) -> Lead:
    """One in a grid whose commissioner has gone: it waits on the office's desk."""
    posting = world.posting_of(f"commissioner-{number:02d}")
    if posting.ends_at is None:
        postings.end(posting=posting, at=clock.now(), by=None)
    return reported(world, number, **fields)


def responded(world: World, number: int = 1, **fields: Any) -> Lead:
    """One that the grid's commissioner has taken."""
    lead = reported(world, number, **fields)
    return lifecycle.respond(lead_id=lead.pk, by=world.commissioner(number), expect=take_any)


def fed_back(world: World, number: int = 1, *, outcome: Outcome = GUIDED, **fields: Any) -> Lead:
    """One that waits to be verified."""
    lead = responded(world, number, **fields)
    return lifecycle.feed_back(
        lead_id=lead.pk, by=world.commissioner(number), expect=take_any, outcome=outcome
    )


def reworked(world: World, number: int = 1, **fields: Any) -> Lead:
    """One that the grid's second worker has sent back: round 2."""
    lead = fed_back(world, number, **fields)
    return lifecycle.rework(
        lead_id=lead.pk, by=world.worker(number, 2), expect=take_any, reason="后厨仍有积水"
    )


def closed(world: World, number: int = 1, **fields: Any) -> Lead:
    """One verified on site by the grid's second worker: six signatures."""
    lead = fed_back(world, number, **fields)
    return lifecycle.verify(lead_id=lead.pk, by=world.worker(number, 2), expect=take_any)


def late_response(world: World, number: int = 1, **fields: Any) -> SupervisionOrder:
    """The order that a response clock raised when it ran out. The house's clock stands just after it."""
    lead = reported(world, number, **fields)
    pass_time(until=lead.respond_due_at)
    return SupervisionOrder.objects.get(lead=lead, cause="respond")
