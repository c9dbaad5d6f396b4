"""`python -m bench.clocks`, tiny: it runs from nothing and ends with its figures."""

from __future__ import annotations

import pytest

from tests.bench.running import figures

KEYS = {
    "empty_sweep_ms_median", "empty_sweep_ms_p99", "fired_per_s", "orders_per_s", "floor_per_s", "ratio",
    "catch_up_s", "lag_ms_p99",
}  # fmt: skip


@pytest.mark.long
def test_the_bench_runs_and_ends_with_its_figures() -> None:
    told = figures("bench.clocks", "--rows", "20000", "--running", "2000", within_s=240)
    assert set(told) >= KEYS
    assert all(told[key] > 0 for key in KEYS)
