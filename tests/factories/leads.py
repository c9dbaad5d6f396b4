"""Leads for tests, made through the services: every row as the product would have written it."""

from __future__ import annotations

import uuid
from decimal import Decimal
from typing import Any

from grids.demo import World
from leads import intake, lifecycle
from leads.intake import Report
from leads.lifecycle import Outcome
from leads.models import DisposalKind, Lead

__all__ = ["closed", "fed_back", "report", "reported", "responded", "take_any"]


def take_any(version: int) -> None:
    """An `expect` that accepts whatever version the lead has."""


def report(world: World | None = None, number: int = 1, **fields: Any) -> Report:
    """A report from inside the grid with this number (or from `lon`, `lat`)."""
    if world is not None and "lon" not in fields:
        lon, lat = world.point_in(number)
        fields |= {"lon": Decimal(f"{lon:.6f}"), "lat": Decimal(f"{lat:.6f}"), "crs_in": "wgs84"}
    fields.setdefault("client_uid", uuid.uuid4())
    fields.setdefault("category", "L02")
    fields.setdefault("description", "执照没有挂在墙上")
    return Report(**fields)


def reported(world: World, number: int = 1, *, by: str | None = None, **fields: Any) -> Lead:
    """A lead just reported by the grid's first worker (or by `by`), and dispatched where a rule could."""
    who = world.user(by) if by else world.worker(number)
    return intake.report(report=report(world, number, **fields), by=who).lead


def responded(world: World, number: int = 1, **fields: Any) -> Lead:
    """One that the grid's commissioner has taken."""
    lead = reported(world, number, **fields)
    return lifecycle.respond(lead_id=lead.pk, by=world.commissioner(number), expect=take_any)


def fed_back(world: World, number: int = 1, **fields: Any) -> Lead:
    """One that waits to be verified."""
    lead = responded(world, number, **fields)
    outcome = Outcome(DisposalKind.GUIDED, "已当场提醒并指导改正")
    return lifecycle.feed_back(
        lead_id=lead.pk, by=world.commissioner(number), expect=take_any, outcome=outcome
    )


def closed(world: World, number: int = 1, **fields: Any) -> Lead:
    """One verified on site by the grid's second worker: six signatures."""
    lead = fed_back(world, number, **fields)
    return lifecycle.verify(lead_id=lead.pk, by=world.worker(number, 2), expect=take_any)
