"""The words of notices."""

import pytest

from kernel.notices import templates

pytestmark = pytest.mark.usefixtures("words")


def test_moments_are_shown_in_shanghai_time_and_lists_in_chinese() -> None:
    templates.register("test.clock", "{due_at} 前", "{names}")
    text = templates.render("test.clock", {"due_at": "2026-11-23T17:05:00+00:00", "names": ["甲", "乙"]})
    assert text == templates.Text("11月24日01:05 前", "甲、乙")


def test_what_is_missing_is_a_dash() -> None:
    assert templates.render("test.told", {"number": None}).title == "— 待办"
    assert templates.render("test.told", {"number": "1", "due_at": "soon"}).body == "—"


def test_rows_of_other_hands_are_masked_when_shown() -> None:
    assert templates.render("test.told", {"number": 1, "what": "找13812345678"}).body == "找138****5678"


def test_a_template_that_is_gone_still_reads() -> None:
    assert templates.render("test.gone", {"x": 1}) == templates.Text("系统通知", "")


def test_values_can_not_reach_into_objects() -> None:
    assert templates.render("test.told", {"number": "{what.__class__}", "what": "x"}).title == (
        "{what.__class__} 待办"
    )
