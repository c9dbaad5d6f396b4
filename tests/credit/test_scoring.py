"""Scoring beyond the worked examples: windows, matters, states, caps, vetoes; and what never happens."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest
from dateutil.relativedelta import relativedelta
from hypothesis import given
from hypothesis import strategies as st

from credit.facts import LEVELS, Fact, FactKind
from credit.scheme import DEFAULT, Scheme, dump, parse
from credit.scoring import Score, score
from credit.windows import back, last_day
from tests.credit.schemes import schemes
from tests.factories.credit import DAY, Story

TOLD = [
    (kind.value, level)
    for kind in FactKind
    if kind != FactKind.WITHDRAWN
    for level in sorted(LEVELS.get(kind, {""}))
]


def history(
    told: list[tuple[tuple[str, str], int, int, int | None]], gone: list[tuple[int, int]]
) -> list[Fact]:
    story = Story()
    for (kind, level), matter, ago, left in told:
        until = None if left is None else DAY + timedelta(days=left)
        story.add(kind, level, f"matter:{matter}:1", ago=ago, until=until)
    for place, ago in gone if told else []:
        story.withdraw(story.facts[place % len(told)].source, ago=ago)
    return story.facts


def facts() -> st.SearchStrategy[list[Fact]]:
    """Any history: a few matters, of which facts of any kind tell, near every edge of every window."""
    ago = st.one_of(st.integers(-3, 1200), st.sampled_from([0, 89, 90, 91, 92, 181, 183, 184, 364, 365, 366]))
    told = st.tuples(
        st.sampled_from(TOLD), st.integers(1, 4), ago, st.one_of(st.none(), st.integers(-40, 40))
    )
    gone = st.tuples(st.integers(0, 99), st.integers(-3, 100))
    return st.builds(history, st.lists(told, max_size=20), st.lists(gone, max_size=3))


def graded(
    known: list[Fact], scheme: Scheme = DEFAULT, *, filed_on: date = DAY - timedelta(days=400)
) -> Score:
    return score(known, scheme, on=DAY, filed_on=filed_on)


@given(facts(), schemes())
def test_never_below_0_nor_above_100(known: list[Fact], scheme: Scheme) -> None:
    found = graded(known, scheme)
    assert 0 <= found.total <= 100
    assert found.total == sum(found.indicators)
    most = (getattr(scheme, part).most for part in list(Scheme.__dataclass_fields__)[:8])
    assert all(0 <= points <= bound for points, bound in zip(found.indicators, most, strict=True))


@given(facts(), st.randoms(use_true_random=False))
def test_the_order_never_matters(known: list[Fact], chance: random.Random) -> None:
    shuffled = list(known)
    chance.shuffle(shuffled)
    assert graded(shuffled) == graded(known)


@given(facts(), st.data())
def test_nothing_counts_twice(known: list[Fact], data: st.DataObject) -> None:
    again = data.draw(st.lists(st.sampled_from(known), max_size=10)) if known else []
    assert graded(known + again) == graded(known)


@given(facts(), schemes(), st.sampled_from(["MINOR", "MODERATE", "SERIOUS", "URGENT"]), st.integers(-2, 500))
def test_a_finding_more_never_raises_it(known: list[Fact], scheme: Scheme, level: str, ago: int) -> None:
    story = Story()
    story.finding(level, ago=ago, overdue=True)
    more = graded(known + [replace(fact, source=f"more/{fact.source}") for fact in story], scheme)
    less = graded(known, scheme)
    assert more.total <= less.total
    assert more.grade >= less.grade
    assert all(after <= before for after, before in zip(more.indicators, less.indicators, strict=True))


@given(facts(), schemes(), st.sampled_from(sorted({"V1", "V2", "V3", "V4", "V5"})))
def test_a_veto_always_wins(known: list[Fact], scheme: Scheme, veto: str) -> None:
    kind, level = {
        "V1": ("BLACKLISTED", "LISTED"),
        "V2": ("UNLICENSED", "CONFIRMED"),
        "V3": ("ACCIDENT", ""),
        "V4": ("OBSTRUCTION", "CONFIRMED"),
        "V5": ("CRIME", "TRANSFERRED"),
    }[veto]
    story = Story()
    story.add(kind, level, "veto:1", ago=0)
    found = graded(known + [replace(fact, source="veto") for fact in story], scheme)
    assert (found.grade, found.cause) == ("D", "VETO")
    assert veto in found.vetoes


@given(facts(), st.data())
def test_what_is_withdrawn_never_counts(known: list[Fact], data: st.DataObject) -> None:
    scored = [fact.source for fact in known if fact.kind != "WITHDRAWN"]
    gone = data.draw(st.sets(st.sampled_from(scored))) if scored else set()
    story = Story()
    for source in sorted(gone):
        story.withdraw(source, ago=0)
    taken_back = known + [replace(fact, source=f"w{n}") for n, fact in enumerate(story)]
    kept = [fact for fact in known if fact.source not in gone]
    assert graded(data.draw(st.permutations(taken_back))) == graded(kept)


@given(facts())
def test_every_loss_has_its_lines(known: list[Fact]) -> None:
    found = graded(known)
    for place, (points, part) in enumerate(
        zip(found.indicators, list(Scheme.__dataclass_fields__)[:8], strict=True), 1
    ):
        told = sum((line.points for line in found.lines if line.indicator == f"I{place}"), Decimal(0))
        most = getattr(DEFAULT, part).most
        assert points == (min(told, most) if place == 8 else max(most - told, Decimal(0)))
    assert [line.code for line in found.lines if line.indicator == "CAP"] == list(found.caps)
    assert [line.code for line in found.lines if line.indicator == "VETO"] == list(found.vetoes)


@given(facts())
def test_a_line_counts_until_its_last_day_and_not_a_day_longer(known: list[Fact]) -> None:
    known = [fact for fact in known if fact.happened_on <= DAY]  # nothing new happens
    for line in graded(known).lines:
        if line.until is None or line.code in {"EXPIRING", "NEW"}:
            continue
        then = score(known, DEFAULT, on=line.until, filed_on=date(2020, 1, 1)).lines
        after = score(known, DEFAULT, on=line.until + timedelta(days=1), filed_on=date(2020, 1, 1)).lines
        if line.indicator == "VETO":  # one line for all accidents: the older leave it first
            assert line.code in {one.code for one in then if one.until and one.until >= line.until}
            continue
        key = (line.indicator, line.sources[:1])
        assert key in {
            (one.indicator, one.sources[:1]) for one in then if one.until and one.until >= line.until
        }
        assert key not in {(one.indicator, one.sources[:1]) for one in after}


# --- windows ---------------------------------------------------------------------------------------


@given(st.dates(date(2015, 1, 1), date(2040, 1, 1)), st.integers(1, 60))
def test_windows_are_calendar_months(day: date, months: int) -> None:
    assert back(day, months) == day - relativedelta(months=months)
    last = last_day(day, months)
    assert day > back(last, months)
    assert day <= back(last + timedelta(days=1), months)


@pytest.mark.parametrize(
    ("happened_on", "months", "last"),
    [
        (date(2026, 9, 3), 6, date(2027, 3, 2)),
        (date(2026, 8, 31), 6, date(2027, 2, 28)),
        (date(2027, 8, 31), 6, date(2028, 2, 29)),
        (date(2027, 8, 29), 6, date(2028, 2, 28)),
        (date(2024, 2, 29), 12, date(2025, 2, 28)),
        (date(2026, 1, 1), 12, date(2026, 12, 31)),
        (date(2026, 12, 31), 36, date(2029, 12, 30)),
        (date(2026, 11, 30), 3, date(2027, 2, 28)),
    ],
)
def test_edges_of_windows(happened_on: date, months: int, last: date) -> None:
    assert last_day(happened_on, months) == last


def i(found: Score, number: int) -> Decimal:
    return found.indicators[number - 1]


def test_a_finding_leaves_with_its_window() -> None:
    story = Story(on=date(2026, 8, 31))
    story.finding("SERIOUS", ago=0, ordered=False)
    assert i(story.score(on=date(2027, 2, 28)), 3) == 9
    assert i(story.score(on=date(2027, 3, 1)), 3) == 15
    assert i(story.score(on=date(2026, 8, 30)), 3) == 15, "not yet"


# --- matters ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("how", "left"),
    [
        ({"done": "ON_TIME"}, "12"),
        ({}, "12"),  # still inside its deadline
        ({"overdue": True}, "9"),
        ({"done": "LATE"}, "9"),
        ({"overdue": True, "done": "ON_TIME"}, "12"),  # the first recheck passed
        ({"ordered": False}, "9"),
        ({"ordered": False, "done": "ON_TIME"}, "12"),  # settled on the spot
    ],
)
def test_what_became_of_a_finding(how: dict[str, object], left: str) -> None:
    story = Story()
    story.finding("SERIOUS", **how)  # type: ignore[arg-type]
    assert i(story.score(), 3) == Decimal(left)


def test_only_an_ordered_rectification_is_due() -> None:
    story = Story()
    story.finding(done="ON_TIME", ordered=False)
    story.finding()
    assert i(story.score(), 4) == 15
    story.finding(overdue=True)
    assert i(story.score(), 4) == 0
    story.finding(done="ON_TIME")
    story.finding(done="ON_TIME")
    assert str(i(story.score(), 4)) == "10.00"


def test_shares_of_the_late_come_to_the_whole() -> None:
    story = Story()
    for done in ("ON_TIME", "LATE", "LATE", "LATE", "ON_TIME", "ON_TIME", "ON_TIME"):
        story.finding(done=done)
    found = story.score()
    shares = [line.points for line in found.lines if line.indicator == "I4"]
    assert i(found, 4) == Decimal("8.57")
    assert (len(shares), sum(shares)) == (3, Decimal("6.43"))


def test_a_rectification_is_dated_by_the_first_of_overdue_and_done() -> None:
    story = Story()
    ref = story.add("RECTIFICATION_ORDERED", "MINOR", ago=400)
    story.add("RECTIFICATION_OVERDUE", "MINOR", ref, ago=380)
    story.add("RECTIFICATION_DONE", "LATE", ref, ago=300)
    assert i(story.score(), 4) == 15, "overdue more than a year ago"


def test_penalties_by_class_and_repaired() -> None:
    story = Story()
    story.add("PENALTY", "LIGHT", ago=120)  # longer than 3 months ago
    story.add("PENALTY", "LIGHT", ago=60)
    ordinary = story.add("PENALTY", "ORDINARY", ago=300)
    story.add("LENIENCY", ago=10)
    assert i(story.score(), 6) == 7
    story.add("PENALTY_REPAIRED", "", ordinary, ago=5)
    found = story.score()
    assert i(found, 6) == 13
    assert {line.code: str(line.points) for line in found.lines if line.indicator == "I6"} == {
        "LIGHT": "2", "REPAIRED": "0", "LENIENCY": "0",
    }  # fmt: skip
    story.add("PENALTY", "GRAVE", ago=1000)
    assert i(story.score(), 6) == 0


# --- states ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("left", "points"), [(-1, 6), (0, 11), (30, 11), (31, 12), (None, 12)])
def test_licences_by_their_last_day(left: int | None, points: int) -> None:
    story = Story()
    story.licence(left=left)
    assert i(story.score(), 1) == points


def test_the_newest_of_a_matter_holds() -> None:
    story = Story()
    licence = story.licence(left=-5, ago=50)
    story.add("LICENCE", "VALID", licence, ago=10, until=DAY + timedelta(days=700))
    test = story.add("TEST_DUE", "VALID", ago=50, until=DAY - timedelta(days=1))
    found = story.score()
    assert (i(found, 1), i(found, 7)) == (12, 8)
    story.add("TEST_DUE", "ENDED", test, ago=50)
    assert i(story.score(), 7) == 12, "of two of one moment the later in the ledger"
    mismatch = story.add("MISMATCH", "FOUND")
    assert i(story.score(), 1) == 9
    story.add("MISMATCH", "RESOLVED", mismatch, ago=1)
    assert i(story.score(), 1) == 12


def test_the_last_annual_report_due_counts() -> None:
    story = Story()
    story.add("ANNUAL_REPORT", "MISSING", "report:2024", ago=500)
    assert i(story.score(), 2) == 0
    story.add("ANNUAL_REPORT", "MISSING", "report:2025", ago=140)
    story.add("ANNUAL_REPORT", "LATE", "report:2025", ago=140)
    assert i(story.score(), 2) == 4
    story.add("ANNUAL_REPORT", "ON_TIME", "report:2026", ago=-200)
    assert i(story.score(), 2) == 4, "not due yet"


def test_removed_from_a_list_no_longer_counts() -> None:
    for kind, on, off in (
        ("BLACKLISTED", "LISTED", "REMOVED"),
        ("UNLICENSED", "CONFIRMED", "CORRECTED"),
        ("OBSTRUCTION", "CONFIRMED", "LIFTED"),
        ("CRIME", "TRANSFERRED", "LIFTED"),
    ):
        story = Story()
        story.patrol()
        ref = story.add(kind, on)
        assert story.score().cause == "VETO"
        story.add(kind, off, ref, ago=1)
        assert (story.score().grade, story.score().cause) == ("A", "SCORE"), kind
        story.add(kind, on, "another:1")
        assert story.score().grade == "D"


def test_an_accident_for_twelve_months() -> None:
    story = Story(on=date(2026, 2, 28))
    story.add("ACCIDENT", ago=0)
    assert story.score(on=date(2027, 2, 27)).vetoes == ("V3",)
    assert story.score(on=date(2027, 2, 28)).vetoes == ()


# --- caps ------------------------------------------------------------------------------------------


def test_caps_and_what_decided() -> None:
    story = Story()
    assert (story.score().grade, story.score().caps, story.score().cause) == ("B", ("NO_PATROL",), "CAP")
    story.patrol()
    assert (story.score().grade, story.score().caps, story.score().cause) == ("A", (), "SCORE")
    new = story.score(filed_on=DAY - timedelta(days=89))
    assert (new.grade, new.caps, new.cause) == ("B", ("NEW",), "CAP")
    assert next(line.until for line in new.lines if line.code == "NEW") == DAY
    assert story.score(filed_on=DAY - timedelta(days=90)).grade == "A"


@pytest.mark.parametrize(
    ("level", "caps"), [("MODERATE", ()), ("SERIOUS", ("OVERDUE_SERIOUS",)), ("URGENT", ("OVERDUE_SERIOUS",))]
)
def test_an_overdue_serious_rectification_caps_until_it_is_done(level: str, caps: tuple[str, ...]) -> None:
    story = Story()
    story.patrol()
    ref = story.finding(level, ago=700, overdue=True)
    assert story.score().caps == caps
    story.add("RECTIFICATION_DONE", "LATE", ref, ago=1)
    assert story.score().caps == ()


def test_a_cap_that_lowers_nothing_is_told_and_decides_nothing() -> None:
    story = Story()
    for _ in range(5):
        story.finding("URGENT", overdue=True)
    story.times(6, "COMPLAINT", "NOT_PERFORMED")
    found = story.score()
    assert (found.grade, found.cause, found.caps) == ("D", "SCORE", ("OVERDUE_SERIOUS", "NO_PATROL"))


def test_another_scheme_scores_otherwise() -> None:
    rules = dump(DEFAULT)
    rules["patrol"]["serious"] = 7.25
    rules["patrol"]["urgent"] = 8
    story = Story()
    story.finding("SERIOUS", done="ON_TIME")
    assert str(i(story.score(parse(rules)), 3)) == "11.38", "15 − 3.625, half up"
