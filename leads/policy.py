"""Pure arithmetic of a lead's times (DOMAIN.md §3). Plain values in, plain values out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from kernel.deadlines import policy as limits
from kernel.deadlines.policy import Counting, Limit, Unit, WorkingCalendar

OLDEST_CAPTURE = timedelta(days=5)
AHEAD = timedelta(minutes=10)
LATE_SYNC = timedelta(minutes=10)
DUTY_COUNTED = ("MINOR", "MODERATE")
AFTER_CLOSING = (
    "rectify", "recheck", "countersign", "look_back", "look_back_food", "look_back_again",
    "referral_receipt", "referral_reply",
)  # fmt: skip
"""Clocks that run on when the lead is closed, until a new round begins."""
INTERIM_CYCLES = 1000
"""The clock `final` of a later interim feedback has the round plus this, times how many went before."""
SEVERITIES = ("MINOR", "MODERATE", "SERIOUS", "URGENT")


@dataclass(frozen=True, slots=True)
class Discovery:
    """When it was found, and whether the phone's clock was believed."""

    at: datetime
    synced_late: bool
    clock_doubted: bool


def discovery(captured_at: datetime | None, received_at: datetime) -> Discovery:
    """`captured_at` if within [receipt − 5 days, receipt + 10 min], else receipt (DESIGN.md §3)."""
    if captured_at is None:
        return Discovery(received_at, synced_late=False, clock_doubted=False)
    if not received_at - OLDEST_CAPTURE <= captured_at <= received_at + AHEAD:
        return Discovery(received_at, synced_late=False, clock_doubted=True)
    return Discovery(captured_at, synced_late=received_at - captured_at > LATE_SYNC, clock_doubted=False)


def same_day_due(found: Discovery, received_at: datetime, grace: Limit) -> datetime:
    """max(24:00 of the day of discovery, discovery + 4 h, receipt + 4 h if synced late)."""
    span = timedelta(minutes=grace.amount)
    due = max(limits.end_of_day(limits.local(found.at).date()), found.at + span)
    return max(due, received_at + span) if found.synced_late else due


def respond_limit(limit: Limit, *, severity: str, food: bool) -> Limit:
    """DUTY counting serves MINOR and MODERATE non-food leads only; all others run around the clock."""
    if limit.counting is Counting.DUTY and (food or severity not in DUTY_COUNTED):
        return Limit(
            limit.kind, limit.version, limit.amount, Unit(limit.unit), Counting.NATURAL, limit.warn_percent
        )
    return limit


def is_night(at: datetime, calendar: WorkingCalendar) -> bool:
    """Outside duty hours for `night_dispatch`: before 08:30, from 17:30 on, or no working day.

    The midday break is not night: a lead of 12:10 would otherwise wait for the next morning.
    """
    here = limits.local(at)
    if not calendar.is_working(here.date()):
        return True
    return not limits.DAY_STARTS <= here.time() < limits.DAY_ENDS


def severer(severity: str) -> str:
    """One step up; URGENT stays (DESIGN.md §9, a failed look-back)."""
    place = SEVERITIES.index(severity)
    return SEVERITIES[min(place + 1, len(SEVERITIES) - 1)]


@dataclass(frozen=True, slots=True)
class PlannedLookBack:
    """One look-back to come: may be done from `opens_at`, owed by `due_at` (24:00 of `due_on`)."""

    number: int
    kind: str
    opens_at: datetime
    due_on: date
    due_at: datetime


def look_backs(
    passed_at: datetime, *, food: bool, limits_in_force: Mapping[str, Limit]
) -> tuple[PlannedLookBack, ...]:
    """The two look-backs of a passed recheck: 7 days after it (food 3), and 30 (DOMAIN.md §3).

    Each may be done from `look_back_window` before its end, never on the day of the recheck itself.
    """
    next_day = limits.end_of_day(limits.local(passed_at).date())
    window = timedelta(minutes=limits_in_force["look_back_window"].amount)
    planned = []
    for number, kind in ((1, "look_back_food" if food else "look_back"), (2, "look_back_again")):
        due_on = limits.local(passed_at + timedelta(minutes=limits_in_force[kind].amount)).date()
        due_at = limits.end_of_day(due_on)
        opens_at = min(max(next_day, due_at - window), due_at - timedelta(hours=1))
        planned.append(PlannedLookBack(number, kind, opens_at, due_on, due_at))
    return tuple(planned)
