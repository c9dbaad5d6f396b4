"""From computed to effective: down at once, up step by step; who may become 红色合伙人."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from credit.movement import (
    HELD,
    Before,
    Moved,
    Reviewed,
    earliest_rise,
    lead_of,
    minimum_stay,
    move,
    next_review,
    partner_obstacles,
    period_of,
    release,
    reviewed_on,
    suspends,
)
from credit.scheme import DEFAULT, GRADES, Scheme, steps_between
from tests.credit.schemes import schemes
from tests.factories.credit import Story

grades = st.sampled_from(GRADES)
REVIEW = date(2027, 1, 1)
"""A day of both reviews."""
befores = st.builds(
    Before,
    grades,
    st.integers(0, 800).map(lambda ago: REVIEW - timedelta(days=ago)),
    st.booleans(),
    st.booleans(),
)


@given(st.none() | befores, grades, schemes(), st.booleans())
def test_never_up_by_more_than_one_step_and_never_above_the_computed(
    before: Before | None, computed: str, scheme: Scheme, review: bool
) -> None:
    moved = move(before, computed, scheme, on=REVIEW, review=review)
    assert moved.effective >= computed
    assert set(moved.held_by) <= set(HELD)
    assert bool(moved.held_by) == (moved.effective != computed), "what holds it is said, and nothing else"
    if before is None:
        assert moved == Moved(computed, REVIEW, (), 0)
        return
    assert moved.steps == steps_between(before.effective, moved.effective) <= 1
    assert moved.since == (REVIEW if moved.steps else before.since)
    if moved.steps == 1:
        assert review
        assert (REVIEW - before.since).days >= minimum_stay(before.effective, scheme)
        assert before.effective != "D" or not (before.look_backs or before.open_lead)


@given(befores, grades, schemes(), st.booleans())
def test_down_at_once_and_all_the_way(before: Before, computed: str, scheme: Scheme, review: bool) -> None:
    if computed > before.effective:
        moved = move(before, computed, scheme, on=REVIEW, review=review)
        assert (moved.effective, moved.held_by) == (computed, ())


@given(befores, grades, schemes(), st.booleans())
def test_graded_again_nothing_moves(before: Before, computed: str, scheme: Scheme, review: bool) -> None:
    once = move(before, computed, scheme, on=REVIEW, review=review)
    after = Before(once.effective, once.since, before.look_backs, before.open_lead)
    again = move(after, computed, scheme, on=REVIEW, review=False)
    assert (again.effective, again.since, again.steps) == (once.effective, once.since, 0)
    assert again.held_by == once.held_by


def held(effective: str, days: int, computed: str = "A", **missing: bool) -> tuple[str, ...]:
    before = Before(effective, REVIEW - timedelta(days=days), **missing)
    return move(before, computed, DEFAULT, on=REVIEW, review=False).held_by


def test_what_holds_it_down() -> None:
    assert held("B", 89) == ("MIN_STAY",)
    assert held("B", 90) == ("REVIEW",)
    assert held("C", 59, "B") == ("MIN_STAY",)
    assert held("C", 60) == ("REVIEW", "ONE_STEP")
    assert held("C", 60, open_lead=True, look_backs=True) == ("REVIEW", "ONE_STEP"), "asked of D alone"
    assert held("D", 100, "C", look_backs=True) == ("LOOK_BACKS",)
    assert held("D", 89, look_backs=True, open_lead=True) == (
        "MIN_STAY",
        "LOOK_BACKS",
        "OPEN_LEAD",
        "ONE_STEP",
    )
    assert held("B", 10, "B") == ()


@pytest.mark.parametrize(
    ("effective", "days", "rises"), [("B", 89, 0), ("B", 90, 1), ("C", 60, 1), ("D", 90, 1)]
)
def test_up_at_a_review_only(effective: str, days: int, rises: int) -> None:
    before = Before(effective, REVIEW - timedelta(days=days))
    assert move(before, "A", DEFAULT, on=REVIEW, review=True).steps == rises
    assert move(before, "A", DEFAULT, on=REVIEW, review=False).steps == 0


def test_days_of_reviews() -> None:
    assert [month for month in range(1, 13) if reviewed_on("A", date(2026, month, 1))] == [1, 4, 7, 10]
    assert all(reviewed_on("D", date(2026, month, 1)) for month in range(1, 13))
    assert not reviewed_on("C", date(2026, 3, 2))
    assert (period_of("B", date(2026, 6, 30)), period_of("C", date(2026, 6, 30))) == (
        date(2026, 4, 1),
        date(2026, 6, 1),
    )
    assert next_review("A", date(2026, 10, 1)) == date(2027, 1, 1)
    assert next_review("C", date(2026, 12, 31)) == date(2027, 1, 1)


@given(grades, st.dates(date(2024, 1, 1), date(2030, 1, 1)))
def test_the_next_review_is_the_first_one_after(grade: str, day: date) -> None:
    found = next_review(grade, day)
    between = [day + timedelta(days=n) for n in range(1, (found - day).days)]
    assert found > day
    assert reviewed_on(grade, found)
    assert not any(reviewed_on(grade, one) for one in between)


@given(st.sampled_from("BCD"), st.integers(0, 300))
def test_the_earliest_rise_is_when_it_rises(grade: str, ago: int) -> None:
    before = Before(grade, REVIEW - timedelta(days=ago))
    day = REVIEW
    while not (
        day > REVIEW
        and reviewed_on(grade, day)
        and move(before, "A", DEFAULT, on=day, review=True).steps == 1
    ):
        day += timedelta(days=1)
    assert earliest_rise(before, DEFAULT, on=REVIEW) == day


# --- leaving D -------------------------------------------------------------------------------------


def waiting(story: Story, ago: int = 100) -> tuple[tuple[str, ...], tuple[str, ...]]:
    found = release(story, since=story.on - timedelta(days=ago), on=story.on)
    return found.look_backs, found.open_leads


def test_none_ordered_is_met() -> None:
    story = Story()
    story.finding(ago=101)
    assert waiting(story) == ((), ())


def test_each_order_since_the_fall_must_pass() -> None:
    story = Story()
    story.add("RECTIFICATION_ORDERED", "MINOR", "lead:1:1", ago=100)
    story.add("RECTIFICATION_ORDERED", "MINOR", "order:7", ago=10)
    assert waiting(story) == (("lead:1:1", "order:7"), ())
    story.add("LOOK_BACK_PASSED", "1", "lead:1:1", ago=5)
    assert waiting(story) == (("order:7",), ())
    story.add("LOOK_BACK_FAILED", "2", "lead:1:1", ago=4)
    assert waiting(story) == (("lead:1:1", "order:7"), ())


def test_a_later_round_stands_for_the_earlier_ones() -> None:
    story = Story()
    story.add("RECTIFICATION_ORDERED", "MINOR", "lead:1:1", ago=90)
    story.add("LOOK_BACK_FAILED", "1", "lead:1:1", ago=80)
    story.add("RECTIFICATION_ORDERED", "MINOR", "lead:1:2", ago=70)
    assert waiting(story) == (("lead:1:2",), ())
    story.add("LOOK_BACK_PASSED", "1", "lead:1:2", ago=60)
    assert waiting(story) == ((), ())
    assert [lead_of(ref) for ref in ("lead:1:2", "lead:1", "penalty:3:x", "order:7")] == [
        "lead:1", "lead:1", "penalty:3:x", "order:7",
    ]  # fmt: skip


def test_an_open_lead_of_any_age() -> None:
    story = Story()
    story.add("LEAD_OPENED", "", "lead:1", ago=500)
    assert waiting(story) == ((), ("lead:1",))
    story.add("LEAD_CLOSED", "", "lead:1", ago=400)
    assert waiting(story) == ((), ())
    story.add("LEAD_OPENED", "", "lead:1", ago=400)
    assert waiting(story) == ((), ("lead:1",)), "reopened in the same moment: the later in the ledger"


# --- 红色合伙人 ----------------------------------------------------------------------------------------


def reviews(*last: tuple[str, str, str]) -> list[Reviewed]:
    return [Reviewed(date.fromisoformat(period), grade, Decimal(total)) for period, grade, total in last]


GOOD = reviews(("2026-10-01", "B", "85.00"), ("2026-07-01", "A", "91.00"))


def obstacles(
    effective: str = "A", last: list[Reviewed] = GOOD, story: Story | None = None
) -> tuple[str, ...]:
    story = story or Story()
    return partner_obstacles(effective, last, story, DEFAULT, on=story.on)


def test_who_may_become_a_red_partner() -> None:
    assert obstacles() == ()
    assert obstacles("C") == ("现为C级，A级或B级主体方可参评。",)
    assert obstacles(last=GOOD[:1]) == ("须连续2次定期评定达标，目前只有1次评定。",)
    weak = reviews(("2026-10-01", "B", "84.99"), ("2026-07-01", "A", "91.00"))
    assert obstacles(last=weak) == ("2026年10月评定为B级84.99分，未达标（A级，或B级且不低于85分）。",)
    gap = reviews(("2026-10-01", "A", "95.00"), ("2026-04-01", "A", "91.00"))
    assert obstacles(last=gap) == ("最近2次定期评定不连续。",)
    fallen = reviews(("2026-10-01", "B", "90.00"), ("2026-09-01", "C", "70.00"))
    assert len(obstacles(last=fallen)) == 1


def test_a_penalty_stands_in_the_way_repaired_or_not() -> None:
    story = Story()
    story.add("PENALTY", "LIGHT", ago=10)
    assert obstacles(story=story) == ()
    ref = story.add("PENALTY", "ORDINARY", ago=300)
    story.add("PENALTY_REPAIRED", "", ref, ago=10)
    assert obstacles(story=story) == ("12个月内受过一般以上行政处罚。",)
    story.withdraw(story.facts[1].source)
    assert obstacles(story=story) == ()


def test_below_b_the_title_is_suspended() -> None:
    assert [grade for grade in GRADES if suspends(grade)] == ["C", "D"]
