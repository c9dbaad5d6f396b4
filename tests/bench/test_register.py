"""`python -m bench.register`, tiny: it runs from nothing and ends with its figures."""

from __future__ import annotations

import pytest

from tests.bench.running import figures

KEYS = {
    "import_rows_per_s", "copy_rows_per_s", "ratio", "try_rows_per_s", "again_rows_per_s", "search_ms_p50",
    "search_ms_p95", "scan_ms_p95", "gain",
}  # fmt: skip


@pytest.mark.long
def test_the_bench_runs_and_ends_with_its_figures() -> None:
    told = figures(
        "bench.register",
        "--entities",
        "3000",
        "--rows",
        "300",
        "--files",
        "1",
        "--searches",
        "60",
        within_s=240,
    )
    assert set(told) >= KEYS
    assert all(told[key] > 0 for key in KEYS)
