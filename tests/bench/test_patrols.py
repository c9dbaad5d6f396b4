"""`python -m bench.patrols`, small: it plans, and ends with its figures."""

from __future__ import annotations

import pytest

from tests.bench.running import figures

KEYS = {
    "plan_first_s",
    "plan_again_s",
    "plan_next_day_s",
    "tasks",
    "statements",
    "replan_500_s",
    "walk_60_ms",
}


@pytest.mark.long
def test_the_bench_runs_and_ends_with_its_figures() -> None:
    told = figures("bench.patrols", "--small", within_s=600)
    assert set(told) >= KEYS
    assert all(told[key] > 0 for key in KEYS)
