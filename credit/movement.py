"""From the computed to the effective grade: down at once, up step by step (DOMAIN.md §4). Pure.

Movement is a function of the state alone: grading the same facts twice on one day moves nothing twice, and a
grading between two reviews says the same of what holds the grade down as the review itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise

from credit.facts import Fact
from credit.scheme import GRADES, Scheme, steps_between
from credit.scoring import Known, counted

HELD: dict[str, str] = {
    "MIN_STAY": "未满最短停留期",
    "LOOK_BACKS": "降为D级后责令的整改尚未通过回头看",
    "OPEN_LEAD": "尚有未办结的问题线索",
    "REVIEW": "等待定期评定",
    "ONE_STEP": "每次评定只升一级",
}
"""Why the effective grade is not yet the computed one, in the order in which it is told."""

_LEAD = re.compile(r"^([^:]+:[^:]+):\d+$")
_QUARTER = 3
_FITS_PARTNER = "AB"


@dataclass(frozen=True, slots=True)
class Before:
    """Where a business stood: its effective grade, since which day, and what still keeps it in D.

    `look_backs`: an ordered rectification has not passed its look-back. `open_lead`: one is open. Both are
    asked of D alone (`release`).
    """

    effective: str
    since: date
    look_backs: bool = False
    open_lead: bool = False


@dataclass(frozen=True, slots=True)
class Moved:
    """Where it stands now. `steps`: +1 up, −n down, 0 stayed. `held_by`: codes of `HELD`, in its order."""

    effective: str
    since: date
    held_by: tuple[str, ...]
    steps: int


@dataclass(frozen=True, slots=True)
class Release:
    """What keeps a business in D: matters without a passed look-back, and open leads. Both empty: nothing."""

    look_backs: tuple[str, ...]
    open_leads: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Reviewed:
    """One periodic review: the first day of its period, the grade it left, the total."""

    period: date
    grade: str
    total: Decimal


def move(before: Before | None, computed: str, scheme: Scheme, *, on: date, review: bool) -> Moved:
    """The effective grade that follows from a computed one on a day; `None` before: the first grading.

    `review`: this grading is the periodic review of the grade it stands in (`reviewed_on`), made up or not.

    Rule: DOMAIN.md §4. Down at once and as far as computed; up one step, at a review only, after the minimum
    stay, and out of D only when released.
    """
    if before is None:
        return Moved(computed, on, (), 0)
    gap = steps_between(before.effective, computed)
    if gap < 0:
        return Moved(computed, on, (), gap)
    if gap == 0:
        return Moved(before.effective, before.since, (), 0)
    if review and not _obstacles(before, scheme, on):
        risen = Before(GRADES[GRADES.index(before.effective) - 1], on)
        return Moved(risen.effective, on, _held(risen, computed, scheme, on), 1)
    return Moved(before.effective, before.since, _held(before, computed, scheme, on), 0)


def _obstacles(before: Before, scheme: Scheme, on: date) -> tuple[str, ...]:
    """What forbids a rise even at a review."""
    found = []
    if (on - before.since).days < minimum_stay(before.effective, scheme):
        found.append("MIN_STAY")
    if before.effective == "D" and before.look_backs:
        found.append("LOOK_BACKS")
    if before.effective == "D" and before.open_lead:
        found.append("OPEN_LEAD")
    return tuple(found)


def _held(stands: Before, computed: str, scheme: Scheme, on: date) -> tuple[str, ...]:
    gap = steps_between(stands.effective, computed)
    if gap <= 0:
        return ()
    found = _obstacles(stands, scheme, on) or ("REVIEW",)
    return (*found, "ONE_STEP") if gap > 1 else found


def minimum_stay(grade: str, scheme: Scheme) -> int:
    """Days in a grade before one step up. A has nowhere to go."""
    rule = scheme.movement
    return {"D": rule.stay_d, "C": rule.stay_c, "B": rule.stay_b}.get(grade, 0)


def reviewed_on(grade: str, day: date) -> bool:
    """Is this the day of the review of a grade? C, D: the 1st of each month; A, B: of each quarter."""
    return day == period_of(grade, day)


def period_of(grade: str, day: date) -> date:
    """The first day of the review period that a day lies in: its month, or its quarter."""
    if grade in _FITS_PARTNER:
        return date(day.year, (day.month - 1) // _QUARTER * _QUARTER + 1, 1)
    return day.replace(day=1)


def next_review(grade: str, after: date) -> date:
    """The first review day of a grade later than `after`."""
    months = _QUARTER if grade in _FITS_PARTNER else 1
    year, month = divmod(period_of(grade, after).year * 12 + period_of(grade, after).month - 1 + months, 12)
    return date(year, month + 1, 1)


def earliest_rise(before: Before, scheme: Scheme, *, on: date) -> date:
    """The earliest review after `on` at which it may rise one step, its minimum stay over by then."""
    stayed = before.since + timedelta(days=minimum_stay(before.effective, scheme))
    return next_review(before.effective, max(on, stayed - timedelta(days=1)))


def lead_of(ref: str) -> str:
    """The lead of a matter: `lead:42` of `lead:42:1`; any other matter is its own."""
    found = _LEAD.match(ref)
    return found.group(1) if found else ref


def release(facts: Iterable[Fact], *, since: date, on: date) -> Release:
    """What keeps a business in D on a day, in D since `since`.

    Of each lead the newest rectification ordered since the fall must have passed its look-back, and none of
    it failed; a later round stands for the earlier ones. A lead opened at any time must be closed.
    """
    newest: dict[str, str] = {}
    tried: dict[str, set[str]] = {"LOOK_BACK_PASSED": set(), "LOOK_BACK_FAILED": set()}
    last: dict[str, str] = {}
    for fact in counted(facts, on):
        if fact.kind == "RECTIFICATION_ORDERED" and fact.happened_on >= since:
            newest[lead_of(fact.ref)] = fact.ref
        elif fact.kind in tried:
            tried[fact.kind].add(fact.ref)
        elif fact.kind in ("LEAD_OPENED", "LEAD_CLOSED"):
            last[fact.ref] = fact.kind
    passed = tried["LOOK_BACK_PASSED"] - tried["LOOK_BACK_FAILED"]
    return Release(
        tuple(ref for ref in newest.values() if ref not in passed),
        tuple(ref for ref, kind in last.items() if kind == "LEAD_OPENED"),
    )


def suspends(grade: str) -> bool:
    """Does this effective grade suspend the title of a 红色合伙人? Below B."""
    return grade not in _FITS_PARTNER


def partner_obstacles(
    effective: str, reviews: Sequence[Reviewed], facts: Iterable[Fact], scheme: Scheme, *, on: date
) -> tuple[str, ...]:
    """Why a business may not become 红色合伙人, in sentences; empty: it may. `reviews` newest first.

    Rule: DOMAIN.md §4: A, or B with `partner_b` points, in `partner_reviews` consecutive reviews, no penalty
    of 一般 or graver within `partner_penalty_months`. A repaired penalty still stands in the way: the title
    is for those who had none. Reviews are consecutive where each is the next one due after the other.
    """
    rule, found = scheme.movement, []
    if suspends(effective):
        found.append(f"现为{effective}级，A级或B级主体方可参评。")
    last = reviews[: rule.partner_reviews]
    if len(last) < rule.partner_reviews:
        found.append(f"须连续{rule.partner_reviews}次定期评定达标，目前只有{len(last)}次评定。")
    elif any(next_review(older.grade, older.period) < newer.period for newer, older in pairwise(last)):
        found.append(f"最近{rule.partner_reviews}次定期评定不连续。")
    found += [
        f"{one.period.year}年{one.period.month}月评定为{one.grade}级{one.total}分，未达标"
        f"（A级，或B级且不低于{rule.partner_b}分）。"
        for one in last
        if not (one.grade == "A" or (one.grade == "B" and one.total >= rule.partner_b))
    ]
    known = Known(facts, on)
    if any(fact.level != "LIGHT" for fact in known.within("PENALTY", rule.partner_penalty_months)):
        found.append(f"{rule.partner_penalty_months}个月内受过一般以上行政处罚。")
    return tuple(found)
