"""The scheme of grading as plain values: what each fact costs, for how long, and what decides a grade.

The bureau edits it as JSON (`CreditScheme.rules`); `parse` turns that into a `Scheme` and refuses what makes
no sense, `dump` turns it back. `DEFAULT` is DOMAIN.md §4. Points are Decimals, windows calendar months.
Scoring reads nothing but this and the facts, so that a trial run of a draft is the real thing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

GRADES = ("A", "B", "C", "D")
"""From best to worst."""

CAPS = ("ABNORMAL", "OVERDUE_SERIOUS", "NO_PATROL", "NEW")
VETOES = ("V1", "V2", "V3", "V4", "V5")


@dataclass(frozen=True, slots=True)
class Licensing:
    """I1, now: per expired licence, per mismatch, per licence that expires within `soon_days`."""

    most: Decimal = Decimal(12)
    expired: Decimal = Decimal(6)
    mismatch: Decimal = Decimal(3)
    expiring: Decimal = Decimal(1)
    soon_days: int = 30


@dataclass(frozen=True, slots=True)
class AnnualReport:
    """I2, the last one due: what is left for one on time (or not due), late, missing."""

    most: Decimal = Decimal(8)
    late: Decimal = Decimal(4)
    missing: Decimal = Decimal(0)


@dataclass(frozen=True, slots=True)
class Patrol:
    """I3: per finding by severity; times `on_time` when rectified on time or still inside its deadline."""

    most: Decimal = Decimal(15)
    months: int = 6
    minor: Decimal = Decimal(1)
    moderate: Decimal = Decimal(3)
    serious: Decimal = Decimal(6)
    urgent: Decimal = Decimal(6)
    on_time: Decimal = Decimal("0.5")


@dataclass(frozen=True, slots=True)
class Rectification:
    """I4: most × on time ÷ due (none due = most), less `failed_look_back` each."""

    most: Decimal = Decimal(15)
    months: int = 12
    failed_look_back: Decimal = Decimal(5)


@dataclass(frozen=True, slots=True)
class Complaint:
    """I5. Refusing mediation is never scored."""

    most: Decimal = Decimal(15)
    months: int = 12
    substantiated: Decimal = Decimal(3)
    not_performed: Decimal = Decimal(4)


@dataclass(frozen=True, slots=True)
class Penalty:
    """I6: each class with a window of its own; 0 once repaired."""

    most: Decimal = Decimal(15)
    light: Decimal = Decimal(2)
    light_months: int = 3
    ordinary: Decimal = Decimal(6)
    ordinary_months: int = 12
    grave: Decimal = Decimal(15)
    grave_months: int = 36


@dataclass(frozen=True, slots=True)
class Safety:
    """I7. A test that is overdue counts for as long as it is; nothing applicable leaves all."""

    most: Decimal = Decimal(12)
    months: int = 12
    sample_failed: Decimal = Decimal(6)
    test_overdue: Decimal = Decimal(4)
    self_check_missed: Decimal = Decimal(1)


@dataclass(frozen=True, slots=True)
class Participation:
    """I8: `each` per pledge, training, dispute commitment and verified co-governance, up to `most`."""

    most: Decimal = Decimal(8)
    months: int = 12
    each: Decimal = Decimal(2)


@dataclass(frozen=True, slots=True)
class Limits:
    """From how many points a grade is reached, and what caps it whatever the points."""

    a: Decimal = Decimal(90)
    b: Decimal = Decimal(75)
    c: Decimal = Decimal(60)
    abnormal: str = "C"
    overdue_serious: str = "C"
    no_patrol: str = "B"
    new: str = "B"
    new_days: int = 90
    accident_months: int = 12


@dataclass(frozen=True, slots=True)
class Movement:
    """Minimum stay in days before one step up (down is at once), and who may become 红色合伙人."""

    stay_d: int = 90
    stay_c: int = 60
    stay_b: int = 90
    partner_b: Decimal = Decimal(85)
    partner_reviews: int = 2
    partner_penalty_months: int = 12


@dataclass(frozen=True, slots=True)
class Scheme:
    """One rule set. Immutable; two schemes of equal values are equal."""

    licensing: Licensing = Licensing()
    annual_report: AnnualReport = AnnualReport()
    patrol: Patrol = Patrol()
    rectification: Rectification = Rectification()
    complaint: Complaint = Complaint()
    penalty: Penalty = Penalty()
    safety: Safety = Safety()
    participation: Participation = Participation()
    limits: Limits = Limits()
    movement: Movement = Movement()

    def grade_of(self, total: Decimal) -> str:
        """The grade that the points alone give."""
        limits = self.limits
        for grade, least in (("A", limits.a), ("B", limits.b), ("C", limits.c)):
            if total >= least:
                return grade
        return "D"


DEFAULT = Scheme()


def worse(one: str, other: str) -> str:
    """The worse of two grades."""
    return max(one, other)


def steps_between(lower: str, upper: str) -> int:
    """How many steps `upper` stands above `lower`; negative where it stands below."""
    return GRADES.index(lower) - GRADES.index(upper)


Rules = Mapping[str, Mapping[str, object]]
