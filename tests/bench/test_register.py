"""`python -m bench.register`, tiny: it runs from nothing and ends with its figures."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from tests.stack import ROOT

KEYS = {
    "import_rows_per_s", "copy_rows_per_s", "ratio", "try_rows_per_s", "again_rows_per_s", "search_ms_p50",
    "search_ms_p95", "scan_ms_p95", "gain",
}  # fmt: skip


@pytest.mark.long
def test_the_bench_runs_and_ends_with_its_figures() -> None:
    env = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PYTEST_", "COV_", "SUOSHE_")) and name not in ("DATABASE_URL", "REDIS_URL")
    }
    env.pop("DJANGO_SETTINGS_MODULE", None)
    done = subprocess.run(
        [
            sys.executable, "-m", "bench.register", "--entities", "3000", "--rows", "300", "--files", "1",
            "--searches", "60",
        ],
        cwd=ROOT, env=env, capture_output=True, text=True, timeout=240, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-4000:]
    figures = json.loads(done.stdout.splitlines()[-1])
    assert set(figures) >= KEYS
    assert all(figures[key] > 0 for key in KEYS)
