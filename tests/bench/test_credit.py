"""`python -m bench.credit`, small: it runs, both evaluators agree, and it ends with its figures."""

from __future__ import annotations

import pytest

from tests.bench.running import figures

KEYS = {"regrade_11k_s", "regrade_1m_s", "entities_per_s", "peak_mib", "event_to_grade_s", "ratio"}


@pytest.mark.long
def test_the_bench_runs_and_ends_with_its_figures() -> None:
    told = figures("bench.credit", "--small", within_s=600)
    assert set(told) >= KEYS
    assert all(told[key] > 0 for key in KEYS)
