"""The scheme of grading as plain values: what each fact costs, for how long, and what decides a grade.

The bureau edits it as JSON (`CreditScheme.rules`); `parse` turns that into a `Scheme` and refuses what makes
no sense, `dump` turns it back. `DEFAULT` is DOMAIN.md §4. Points are Decimals, windows calendar months.
Scoring reads nothing but this and the facts, so that a trial run of a draft is the real thing.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from decimal import Decimal
from itertools import pairwise
from typing import Any

from credit.scheme_values import INDICATORS, SECTIONS, VALUES, Value
from kernel.errors import Refused

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


_PARTS: dict[str, type[Any]] = {one.name: type(getattr(DEFAULT, one.name)) for one in fields(Scheme)}
_PLACES = 2
MOST_TOTAL = 100

_RISING: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("annual_report", ("missing", "late", "most")),
    ("patrol", ("minor", "moderate", "serious", "urgent")),
    ("penalty", ("light", "ordinary", "grave")),
    ("penalty", ("light_months", "ordinary_months", "grave_months")),
    ("licensing", ("expiring", "expired")),
)
"""Values of which none may exceed the next."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong: where (`patrol.months`), that place's name for people, and what it should be."""

    path: str
    label: str
    message: str

    def __str__(self) -> str:
        return f"{self.label}（{self.path}）{self.message}"


class SchemeError(Refused):
    """422 `bad_scheme`: rules that make no sense. `faults` names every fault, in the scheme's order."""

    def __init__(self, faults: tuple[Fault, ...]) -> None:
        super().__init__("".join(f"{fault}。" for fault in faults), code="bad_scheme", attr="rules")
        self.faults = faults


def dump(scheme: Scheme) -> dict[str, dict[str, Any]]:
    """The scheme as JSON values, in the scheme's order. `parse(dump(s)) == s`."""
    return {
        section: {one.name: _as_json(getattr(part, one.name)) for one in fields(part)}
        for section, part in ((name, getattr(scheme, name)) for name in SECTIONS)
    }


def digest(scheme: Scheme) -> str:
    """SHA-256 of the canonical rules: equal for equal schemes, however their JSON was written."""
    written = json.dumps(dump(scheme), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(written.encode()).hexdigest()


def parse(rules: object) -> Scheme:
    """The scheme that these rules describe. Every value must be there, and nothing else.

    What a version leaves out would change its meaning whenever a default does; so nothing is left out.

    Raises:
        SchemeError: `bad_scheme`, with all faults.
    """
    faults: list[Fault] = []
    values = _values_of(rules, faults)
    faults += _at_odds(values)
    if faults:
        raise SchemeError(tuple(faults))
    return Scheme(
        **{
            section: part(**{one.name: values[section, one.name] for one in fields(part)})
            for section, part in _PARTS.items()
        }
    )


def _as_json(value: Decimal | int | str) -> int | float | str:
    if not isinstance(value, Decimal):
        return value
    return int(value) if value == value.to_integral_value() else float(value)


def _values_of(rules: object, faults: list[Fault]) -> dict[tuple[str, str], Any]:
    """Every value that is right by itself; what is not goes to `faults`."""
    if not isinstance(rules, Mapping):
        faults.append(Fault("rules", "方案", "应为由各部分组成的对象"))
        return {}
    found: dict[tuple[str, str], Any] = {}
    for section, label in SECTIONS.items():
        part = rules.get(section)
        if not isinstance(part, Mapping):
            faults.append(
                Fault(section, label, "缺少" if section not in rules else "应为由各项数值组成的对象")
            )
            continue
        for (its, name), value in VALUES.items():
            if its != section:
                continue
            if name not in part:
                faults.append(Fault(f"{section}.{name}", f"{label}：{value.label}", "缺少"))
            elif (read := _read(part[name], value)) is None:
                faults.append(Fault(f"{section}.{name}", f"{label}：{value.label}", value.bounds()))
            else:
                found[section, name] = read
        faults += [
            Fault(f"{section}.{name}", label, "没有这一项") for name in part if (section, name) not in VALUES
        ]
    faults += [Fault(str(name), "方案", "没有这一部分") for name in rules if name not in SECTIONS]
    return found


def _read(given: object, value: Value) -> Decimal | int | str | None:
    """The value as scoring wants it; None where its type, its places or its bounds are wrong."""
    if value.is_grade:
        return given if isinstance(given, str) and given in GRADES[1:] else None
    if isinstance(given, bool) or not isinstance(given, int | float) or not value.low <= given <= value.high:
        return None
    number = Decimal(str(given))
    if value.is_points:
        return number if number == round(number, _PLACES) else None
    return given if isinstance(given, int) else None


def _at_odds(values: Mapping[tuple[str, str], Any]) -> Iterator[Fault]:
    """What is wrong between values that are right by themselves; what misses one of them is passed over."""
    most = [values[section, "most"] for section in INDICATORS if (section, "most") in values]
    total = sum(most, Decimal(0))
    if len(most) == len(INDICATORS) and total != MOST_TOTAL:
        yield Fault("rules", "八项指标满分", f"之和应为 100 分，现为 {_as_json(total)} 分")
    for section, names in _RISING:
        for low, high in pairwise(names):
            if (section, low) in values and (section, high) in values:
                yield from _above(values, (section, low), (section, high))
    for low, high in (("c", "b"), ("b", "a")):
        yield from _above(values, ("limits", low), ("limits", high), strictly=True)
    if values.get(("limits", "c")) == 0:
        yield _fault(("limits", "c"), "应大于 0")
    yield from _above(values, ("limits", "b"), ("movement", "partner_b"))


def _above(
    values: Mapping[tuple[str, str], Any],
    low: tuple[str, str],
    high: tuple[str, str],
    *,
    strictly: bool = False,
) -> Iterator[Fault]:
    below, above = values.get(low), values.get(high)
    if below is None or above is None:
        return
    if strictly and below >= above:
        yield _fault(low, f"应低于“{VALUES[high].label}”")
    elif below > above:
        yield _fault(low, f"不应大于“{VALUES[high].label}”")


def _fault(where: tuple[str, str], message: str) -> Fault:
    section, name = where
    return Fault(f"{section}.{name}", f"{SECTIONS[section]}：{VALUES[where].label}", message)
