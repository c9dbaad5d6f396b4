"""Facts × scheme → eight indicators, total, computed grade, reasons (DESIGN.md §8, DOMAIN.md §4). Pure.

`credit.scoring_sql` does the same for many businesses in one statement; a test holds the two together.

What is counted: each `source` once; nothing that was withdrawn; nothing later than the day asked about; each
thing only within its window. The order in which facts are given never matters.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from operator import attrgetter
from typing import NamedTuple

from credit.facts import Fact
from credit.scheme import Scheme, worse
from credit.windows import back, last_day

ZERO = Decimal(0)
CENT = Decimal("0.01")


class Line(NamedTuple):
    """One reason: which facts (`sources`), of which indicator (`I1` …, or `CAP`, `VETO`), how many points it
    costs (or, in I8, brings), until which date it counts (None: until something happens).

    Points are nominal: an indicator has a floor and a ceiling, so its lines may come to more than it lost.
    Lines of 0 points tell what is known and costs nothing (repaired, 容错免罚).
    """

    indicator: str
    code: str
    points: Decimal
    sources: tuple[str, ...]
    until: date | None


@dataclass(frozen=True, slots=True)
class Score:
    """What scoring found. `indicators` are I1 … I8 in order, 2 places, half up; `caps` and `vetoes` in the
    order of the scheme, also those that lower nothing; `cause`: what decided `grade`, SCORE, CAP or VETO."""

    indicators: tuple[Decimal, ...]
    total: Decimal
    grade: str
    caps: tuple[str, ...]
    vetoes: tuple[str, ...]
    cause: str
    lines: tuple[Line, ...]


_SEVERE = frozenset({"SERIOUS", "URGENT"})
TAKEN_PART = ("PLEDGE", "TRAINING", "DISPUTE_COMMITMENT", "CO_GOVERNANCE")
"""The kinds of participation (I8)."""
_VETOES = (
    ("V1", "BLACKLISTED", "LISTED"),
    ("V2", "UNLICENSED", "CONFIRMED"),
    ("V3", "ACCIDENT", ""),
    ("V4", "OBSTRUCTION", "CONFIRMED"),
    ("V5", "CRIME", "TRANSFERRED"),
)
_in_order = attrgetter("at", "number", "source", "kind", "level", "ref")


def counted(facts: Iterable[Fact], on: date) -> list[Fact]:
    """What is known on a day, oldest first: each source once, without what is withdrawn by then."""
    known = sorted((fact for fact in facts if fact.happened_on <= on), key=_in_order)
    gone = {fact.ref for fact in known if fact.kind == "WITHDRAWN"}
    seen: set[str] = set()
    kept = []
    for fact in known:
        source = fact.source
        if source:
            if source in seen or source in gone:
                continue
            seen.add(source)
        kept.append(fact)
    return kept


class Known:
    """The facts of one business by kind, oldest first, as every rule reads them."""

    __slots__ = ("_by_kind", "_by_ref", "on", "settled")

    def __init__(self, facts: Iterable[Fact], on: date) -> None:
        self.on = on
        self._by_kind: dict[str, list[Fact]] = {}
        for fact in counted(facts, on):
            kind = fact.kind
            if kind in self._by_kind:
                self._by_kind[kind].append(fact)
            else:
                self._by_kind[kind] = [fact]
        self._by_ref: dict[str, dict[str, list[Fact]]] = {}
        self.settled = {fact.ref for fact in self.of("RECTIFICATION_DONE") if fact.level == "ON_TIME"}
        """Matters that were rectified on time."""

    def of(self, kind: str) -> Sequence[Fact]:
        return self._by_kind.get(kind, ())

    def within(self, kind: str, months: int) -> list[Fact]:
        """Those of a kind whose day stands in a window of months."""
        found = self._by_kind.get(kind)
        if not found:
            return []
        after = back(self.on, months)
        return [fact for fact in found if fact.happened_on > after]

    def latest(self, kind: str) -> list[Fact]:
        """The newest of each matter: what a state is now."""
        found = self._by_kind.get(kind)
        return list({fact.ref: fact for fact in found}.values()) if found else []

    def about(self, kind: str) -> dict[str, list[Fact]]:
        """Those of a kind by matter."""
        grouped = self._by_ref.get(kind)
        if grouped is None:
            grouped = self._by_ref[kind] = {}
            for fact in self.of(kind):
                grouped.setdefault(fact.ref, []).append(fact)
        return grouped


def score(facts: Iterable[Fact], scheme: Scheme, *, on: date, filed_on: date) -> Score:
    """Grade one business on a day by its points, caps and vetoes. Movement comes after (`credit.movement`).

    `filed_on` is the day since which the business is on file.

    Rule: DOMAIN.md §4; the order of facts never matters, and a fact that is given twice counts once.
    """
    known = Known(facts, on)
    lines: list[Line] = []
    indicators = tuple(rule(known, scheme, lines) for rule in _RULES)
    total = sum(indicators, ZERO)
    vetoes = _vetoed(known, scheme, lines)
    caps = _capped(known, scheme, filed_on, lines)
    by_points = scheme.grade_of(total)
    grade = by_points
    for _, cap in caps:
        grade = worse(grade, cap)
    cause = "SCORE" if grade == by_points else "CAP"
    if vetoes:
        grade, cause = "D", "VETO"
    return Score(indicators, total, grade, tuple(code for code, _ in caps), vetoes, cause, tuple(lines))


def half_up(points: Decimal) -> Decimal:
    """Two places, half up; never below 0."""
    return points.quantize(CENT, ROUND_HALF_UP) if points > 0 else Decimal("0.00")


def _licensing(known: Known, scheme: Scheme, lines: list[Line]) -> Decimal:
    rule, lost = scheme.licensing, ZERO
    soon = known.on + timedelta(days=rule.soon_days)
    for fact in known.latest("LICENCE"):
        if fact.level != "VALID" or fact.until is None or fact.until > soon:
            continue
        expired = fact.until < known.on
        points = rule.expired if expired else rule.expiring
        lost += points
        code = "EXPIRED" if expired else "EXPIRING"
        lines.append(Line("I1", code, points, (fact.source,), None if expired else fact.until))
    for fact in known.latest("MISMATCH"):
        if fact.level == "FOUND":
            lost += rule.mismatch
            lines.append(Line("I1", "MISMATCH", rule.mismatch, (fact.source,), None))
    return half_up(rule.most - lost)


def _annual_report(known: Known, scheme: Scheme, lines: list[Line]) -> Decimal:
    rule = scheme.annual_report
    reports = known.latest("ANNUAL_REPORT")
    if reports:
        last = max(reports, key=lambda fact: (fact.happened_on, fact.at, fact.number))
        if last.level in ("LATE", "MISSING"):
            left = rule.late if last.level == "LATE" else rule.missing
            lines.append(Line("I2", last.level, rule.most - left, (last.source,), None))
            return half_up(left)
    return half_up(rule.most)


def _patrol(known: Known, scheme: Scheme, lines: list[Line]) -> Decimal:
    rule, lost = scheme.patrol, ZERO
    findings = known.within("FINDING", rule.months)
    if not findings:
        return half_up(rule.most)
    cost = {"MINOR": rule.minor, "MODERATE": rule.moderate, "SERIOUS": rule.serious, "URGENT": rule.urgent}
    for fact in findings:
        code = _how_it_went(known, fact.ref)
        points = cost[fact.level]
        if code in ("ON_TIME", "WITHIN"):
            points *= rule.on_time
        lost += points
        lines.append(Line("I3", code, points, (fact.source,), last_day(fact.happened_on, rule.months)))
    return half_up(rule.most - lost)


def _how_it_went(known: Known, ref: str) -> str:
    """What became of a finding: put right ON_TIME or LATE, WITHIN its deadline, OVERDUE, or NOT_ORDERED."""
    if ref in known.settled:
        return "ON_TIME"
    if ref in known.about("RECTIFICATION_DONE"):
        return "LATE"
    if ref in known.about("RECTIFICATION_OVERDUE"):
        return "OVERDUE"
    return "WITHIN" if ref in known.about("RECTIFICATION_ORDERED") else "NOT_ORDERED"


def _rectification(known: Known, scheme: Scheme, lines: list[Line]) -> Decimal:
    rule = scheme.rectification
    left = rule.most
    if due := sorted(rectifications_due(known, rule.months)):
        late = [one for one in due if one.outcome != "ON_TIME"]
        left = rule.most * (len(due) - len(late)) / len(due)
        told = ZERO
        for place, one in enumerate(late, 1):
            so_far = half_up(rule.most * place / len(due))  # the shares come to the whole, cent by cent
            lines.append(
                Line("I4", one.outcome, so_far - told, one.sources, last_day(one.first, rule.months))
            )
            told = so_far
    for fact in known.within("LOOK_BACK_FAILED", rule.months):
        left -= rule.failed_look_back
        until = last_day(fact.happened_on, rule.months)
        lines.append(Line("I4", "LOOK_BACK_FAILED", rule.failed_look_back, (fact.source,), until))
    return half_up(left)


class Due(NamedTuple):
    """One ordered rectification that came due: the day of the first of done and overdue, and its outcome."""

    first: date
    ref: str
    outcome: str
    sources: tuple[str, ...]


def rectifications_due(known: Known, months: int) -> Iterator[Due]:
    """Ordered rectifications that are done or overdue, each with the day of the first of these."""
    after = back(known.on, months)
    done, overdue = known.about("RECTIFICATION_DONE"), known.about("RECTIFICATION_OVERDUE")
    for ref, orders in known.about("RECTIFICATION_ORDERED").items():
        ends = done.get(ref, []) + overdue.get(ref, [])
        if ends and (first := min(fact.happened_on for fact in ends)) > after:
            yield Due(first, ref, _how_it_went(known, ref), tuple(fact.source for fact in orders + ends))


def _complaint(known: Known, scheme: Scheme, lines: list[Line]) -> Decimal:
    rule, lost = scheme.complaint, ZERO
    for fact in known.within("COMPLAINT", rule.months):
        points = rule.substantiated if fact.level == "SUBSTANTIATED" else rule.not_performed
        lost += points
        lines.append(Line("I5", fact.level, points, (fact.source,), last_day(fact.happened_on, rule.months)))
    return half_up(rule.most - lost)


def _penalty(known: Known, scheme: Scheme, lines: list[Line]) -> Decimal:
    rule, lost = scheme.penalty, ZERO
    terms = {
        "LIGHT": (rule.light, rule.light_months),
        "ORDINARY": (rule.ordinary, rule.ordinary_months),
        "GRAVE": (rule.grave, rule.grave_months),
    }
    repaired = known.about("PENALTY_REPAIRED")
    for fact in known.of("PENALTY"):
        points, months = terms[fact.level]
        until = last_day(fact.happened_on, months)
        if until < known.on:
            continue
        if repair := repaired.get(fact.ref):
            lines.append(Line("I6", "REPAIRED", ZERO, (fact.source, repair[0].source), until))
            continue
        lost += points
        lines.append(Line("I6", fact.level, points, (fact.source,), until))
    for fact in known.within("LENIENCY", rule.ordinary_months):
        until = last_day(fact.happened_on, rule.ordinary_months)
        lines.append(Line("I6", "LENIENCY", ZERO, (fact.source,), until))
    return half_up(rule.most - lost)


def _safety(known: Known, scheme: Scheme, lines: list[Line]) -> Decimal:
    rule, lost = scheme.safety, ZERO
    for kind, points in (
        ("SAMPLE_FAILED", rule.sample_failed),
        ("SELF_CHECK_MISSED", rule.self_check_missed),
    ):
        for fact in known.within(kind, rule.months):
            lost += points
            lines.append(Line("I7", kind, points, (fact.source,), last_day(fact.happened_on, rule.months)))
    for fact in known.latest("TEST_DUE"):
        if fact.level == "VALID" and fact.until is not None and fact.until < known.on:
            lost += rule.test_overdue
            lines.append(Line("I7", "TEST_OVERDUE", rule.test_overdue, (fact.source,), None))
    return half_up(rule.most - lost)


def _participation(known: Known, scheme: Scheme, lines: list[Line]) -> Decimal:
    rule, won = scheme.participation, ZERO
    for kind in TAKEN_PART:
        for fact in known.within(kind, rule.months):
            won += rule.each
            lines.append(Line("I8", kind, rule.each, (fact.source,), last_day(fact.happened_on, rule.months)))
    return half_up(min(won, rule.most))


_RULES = (
    _licensing,
    _annual_report,
    _patrol,
    _rectification,
    _complaint,
    _penalty,
    _safety,
    _participation,
)
"""I1 … I8."""


def _vetoed(known: Known, scheme: Scheme, lines: list[Line]) -> tuple[str, ...]:
    found = []
    for code, kind, level in _VETOES:
        if not known.of(kind):
            continue
        if kind == "ACCIDENT":
            months = scheme.limits.accident_months
            if within := known.within(kind, months):
                until = max(last_day(fact.happened_on, months) for fact in within)
                lines.append(Line("VETO", code, ZERO, tuple(fact.source for fact in within), until))
                found.append(code)
        elif stands := tuple(fact.source for fact in known.latest(kind) if fact.level == level):
            lines.append(Line("VETO", code, ZERO, stands, None))
            found.append(code)
    return tuple(found)


def _capped(known: Known, scheme: Scheme, filed_on: date, lines: list[Line]) -> list[tuple[str, str]]:
    """The caps that hold, each with its grade."""
    limits = scheme.limits
    found = []
    if listed := tuple(fact.source for fact in known.latest("ABNORMAL") if fact.level == "LISTED"):
        found.append(("ABNORMAL", limits.abnormal))
        lines.append(Line("CAP", "ABNORMAL", ZERO, listed, None))
    if severe := tuple(_overdue_serious(known)):
        found.append(("OVERDUE_SERIOUS", limits.overdue_serious))
        lines.append(Line("CAP", "OVERDUE_SERIOUS", ZERO, severe, None))
    if not known.within("PATROL", scheme.patrol.months):
        found.append(("NO_PATROL", limits.no_patrol))
        lines.append(Line("CAP", "NO_PATROL", ZERO, (), None))
    if (known.on - filed_on).days < limits.new_days:
        until = filed_on + timedelta(days=limits.new_days - 1)
        found.append(("NEW", limits.new))
        lines.append(Line("CAP", "NEW", ZERO, (), until))
    return found


def _overdue_serious(known: Known) -> Iterator[str]:
    done, ordered = known.about("RECTIFICATION_DONE"), known.about("RECTIFICATION_ORDERED")
    for ref, overdue in known.about("RECTIFICATION_OVERDUE").items():
        if ref not in done and any(fact.level in _SEVERE for fact in overdue + ordered.get(ref, [])):
            yield overdue[0].source
