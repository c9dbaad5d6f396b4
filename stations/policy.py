"""Pure arithmetic of disputes: plain values in, plain values out (DESIGN.md §9). No queries, no clock."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from kernel.deadlines import policy as arithmetic
from kernel.deadlines.policy import Limit, Pause, Unit, WorkingCalendar
from stations.states import State, Tier

HOT_DISPUTES = 3
HOT_DAYS = 30
"""A shop with so many disputes in so many days is told to the bureau."""
CLOCK_OF_TIER = {Tier.SHOP: "shop", Tier.CIRCLE: "circle", Tier.COMMUNITY: "community"}
ACCEPT, MEDIATION, PERFORM, CHECK = "accept", "mediation", "perform", "check"
LIMIT_OF = {
    "shop": "dispute_shop",
    "circle": "dispute_circle",
    "community": "dispute_community",
    ACCEPT: "dispute_accept",
    MEDIATION: "dispute_mediation",
    CHECK: "dispute_check",
}
"""The policy behind each clock. `perform` has none: the parties promised its day themselves."""


@dataclass(frozen=True, slots=True)
class Due:
    """When a clock ends; `guessed`: it counts working days of a year whose holidays nobody has announced."""

    at: datetime
    guessed: bool


def clock_of(state: str, tier: str) -> str | None:
    """The one main clock that runs in a state; None where none does."""
    match State(state):
        case State.NEGOTIATING | State.MEDIATING:
            return CLOCK_OF_TIER[Tier(tier)]
        case State.AGREED:
            return PERFORM
        case State.FILED:
            return ACCEPT
        case State.ACCEPTED:
            return MEDIATION
        case _:
            return None


def due(
    limit: Limit,
    start: datetime,
    calendar: WorkingCalendar,
    *,
    pauses: Sequence[Pause] = (),
    not_after: datetime | None = None,
) -> Due:
    """When a stay ends. `not_after`: another platform's limit, which rules where it is earlier and ahead."""
    at = arithmetic.due(limit, start, calendar, pauses)
    guessed = limit.unit is Unit.WORKING_DAYS and _guessed(calendar, start, at)
    if not_after is not None and start < not_after < at:
        return Due(not_after, False)
    return Due(at, guessed)


def _guessed(calendar: WorkingCalendar, start: datetime, end: datetime) -> bool:
    first, last = arithmetic.local(start).date(), arithmetic.local(end).date()
    years = {first.year, last.year}
    return any(calendar.guesses(max(first, date(year, 1, 1))) for year in years)


def same_day(first: datetime, second: datetime) -> bool:
    """Both on one Shanghai day: 当场和解 is settled in the shop on the day it was registered."""
    return arithmetic.local(first).date() == arithmetic.local(second).date()


def perform_due(perform_by: date) -> datetime:
    """The promised day ends at 24:00 in Shanghai."""
    return arithmetic.end_of_day(perform_by)


def median_days(spans: Sequence[timedelta]) -> float | None:
    """Median length in days, 2 decimals; None where there is nothing to measure."""
    if not spans:
        return None
    ordered = sorted(span.total_seconds() / 86400 for span in spans)
    middle = len(ordered) // 2
    found = ordered[middle] if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) / 2
    return round(found, 2)
