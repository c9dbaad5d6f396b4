"""References and versions of queued operations, on plain values."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel.offline import policy
from kernel.offline.policy import Step

A, B = UUID(int=10), UUID(int=11)


def test_references_are_found_in_path_and_body_each_once() -> None:
    body = {"lead": f"uid:{A}", "deep": [{"to": f"uid:{B}"}, f"uid:{A}"], "text": f"见 uid:{A}"}
    assert policy.references(f"leads/uid:{B}/respond/", body) == [B, A]


def test_references_are_replaced_by_numbers() -> None:
    assert policy.resolved_path(f"leads/uid:{A}/respond/", {A: 7}) == "leads/7/respond/"
    assert policy.resolved_body({"lead": f"uid:{A}", "n": [f"uid:{B}", 1]}, {A: 7, B: 8}) == {
        "lead": 7,
        "n": [8, 1],
    }
    with pytest.raises(KeyError):
        policy.resolved_path(f"leads/uid:{A}/", {})


def test_what_is_nested_too_deep_is_no_body() -> None:
    value: object = "x"
    for _ in range(policy.DEEPEST + 2):
        value = [value]
    with pytest.raises(policy.TooDeep):
        policy.references("leads/", {"a": value})


def test_acts_on_one_version_follow_each_other() -> None:
    assert policy.carried(3, []) == 3
    assert policy.carried(3, [Step(3, 4)]) == 4
    assert policy.carried(3, [Step(4, 5), Step(3, 4)]) == 5


def test_somebody_else_in_between_breaks_the_chain() -> None:
    """Mine led from 3 to 4, another's to 5, mine from 5 to 6: who saw 3 has not seen 5."""
    assert policy.carried(3, [Step(3, 4), Step(5, 6)]) == 4


@given(st.lists(st.integers(1, 40), unique=True, max_size=20), st.randoms())
def test_an_unbroken_chain_is_followed_to_its_end_in_any_order(breaks: list[int], shuffle: object) -> None:
    steps = [Step(n, n + 1) for n in range(1, 41) if n not in breaks]
    shuffle.shuffle(steps)  # type: ignore[attr-defined]
    first_break = min(breaks, default=41)
    assert policy.carried(1, steps) == first_break


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5))))
def test_no_chain_runs_in_a_circle(pairs: list[tuple[int, int]]) -> None:
    policy.carried(0, [Step(*pair) for pair in pairs])


def test_skew_is_the_phones_clock_against_ours() -> None:
    now = datetime(2026, 3, 2, 1, tzinfo=UTC)
    assert policy.skew(None, now) is None
    assert policy.skew(now + timedelta(minutes=11), now) == 660
    assert [policy.is_skewed(s) for s in (None, 0, 600, 601, -601)] == [False, False, False, True, True]
