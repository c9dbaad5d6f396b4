"""The seven worked examples of DOMAIN.md §4, exactly: indicators, total, grade, cap, veto, movement."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest

from credit.movement import Before, Moved, move
from credit.scheme import DEFAULT
from tests.factories.credit import DAY, Story


def participated(story: Story, times: int) -> None:
    for kind in ("PLEDGE", "TRAINING", "DISPUTE_COMMITMENT", "CO_GOVERNANCE")[:times]:
        story.add(kind)


def one(story: Story) -> None:
    story.finding("MINOR", done="ON_TIME")
    participated(story, 3)


def two(story: Story) -> None:
    story.licence(left=20)
    story.finding("MINOR", done="ON_TIME")
    story.late("MINOR")
    story.finding("MODERATE", done="ON_TIME")
    story.add("COMPLAINT", "SUBSTANTIATED")
    participated(story, 1)


def rectified_long_ago(story: Story) -> str:
    """An on-time rectification whose finding has left I3's window and stands in I4's."""
    return story.finding("MINOR", done="ON_TIME", ago=300)


def three(story: Story) -> None:
    story.report("LATE")
    story.finding("SERIOUS", done="ON_TIME")
    story.late("MINOR")
    story.finding("MINOR", ordered=False)
    rectified_long_ago(story)
    story.times(2, "COMPLAINT", "SUBSTANTIATED")
    story.add("PENALTY", "ORDINARY", ago=100)
    story.add("SAMPLE_FAILED", ago=100)
    participated(story, 1)


def four(story: Story) -> None:
    story.report("MISSING")
    story.add("ABNORMAL", "LISTED")
    story.finding("MODERATE", done="ON_TIME")
    story.add("COMPLAINT", "SUBSTANTIATED")
    participated(story, 1)


def five(story: Story) -> None:
    story.add("BLACKLISTED", "LISTED")
    participated(story, 4)


def six(story: Story) -> None:
    story.licence(left=-1)
    story.report("LATE")
    for level in ("SERIOUS", "MODERATE", "MODERATE"):
        story.late(level)
    story.finding("MINOR", ordered=False)
    story.add("LOOK_BACK_FAILED", "1", rectified_long_ago(story))
    story.times(3, "COMPLAINT", "SUBSTANTIATED")
    story.add("PENALTY", "ORDINARY", ago=100)
    story.add("SAMPLE_FAILED", ago=100)


def seven(story: Story) -> None:
    story.finding("MINOR", done="ON_TIME")
    story.finding("MINOR", done="ON_TIME")
    story.add("PENALTY", "LIGHT", ago=40)
    participated(story, 2)


EXAMPLES = {
    1: (one, "12 8 14.5 15 15 15 12 6", "97.50", "A", (), (), "SCORE"),
    2: (two, "11 8 12 10 12 15 12 2", "82.00", "B", (), (), "SCORE"),
    3: (three, "12 4 10 10 9 9 6 2", "62.00", "C", (), (), "SCORE"),
    4: (four, "12 0 13.5 15 12 15 12 2", "81.50", "C", ("ABNORMAL",), (), "CAP"),
    5: (five, "12 8 15 15 15 15 12 8", "100.00", "D", (), ("V1",), "VETO"),
    6: (six, "6 4 2 0 6 9 6 0", "33.00", "D", (), (), "SCORE"),
    7: (seven, "12 8 14 15 15 13 12 4", "93.00", "A", (), (), "SCORE"),
}
ON_POINTS_ALONE = {4: "B", 5: "A"}


def example(number: int, story: Story) -> Story:
    story.patrol()
    EXAMPLES[number][0](story)
    return story


@pytest.mark.parametrize("number", EXAMPLES)
def test_it_comes_out_as_written(number: int) -> None:
    _, indicators, total, grade, caps, vetoes, cause = EXAMPLES[number]
    found = example(number, Story()).score()
    assert found.indicators == tuple(map(Decimal, indicators.split()))
    assert str(found.total) == total
    assert all(one.as_tuple().exponent == -2 for one in (*found.indicators, found.total)), "2 places each"
    assert (found.grade, found.caps, found.vetoes, found.cause) == (grade, caps, vetoes, cause)
    assert DEFAULT.grade_of(found.total) == ON_POINTS_ALONE.get(number, grade)


def test_the_seventh_rises_one_step_from_d() -> None:
    computed = example(7, Story()).score().grade
    before = Before("D", DAY - timedelta(days=95))
    assert move(before, computed, DEFAULT, on=DAY, review=True) == Moved(
        "C", DAY, ("MIN_STAY", "ONE_STEP"), 1
    )
