"""`python -m bench.patrols`, small: it plans, and ends with its figures."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from tests.stack import ROOT

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
    env = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PYTEST_", "COV_", "SUOSHE_")) and name not in ("DATABASE_URL", "REDIS_URL")
    }
    env.pop("DJANGO_SETTINGS_MODULE", None)
    done = subprocess.run(
        [sys.executable, "-m", "bench.patrols", "--small"],
        cwd=ROOT, env=env, capture_output=True, text=True, timeout=600, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-4000:]
    figures = json.loads(done.stdout.splitlines()[-1])
    assert set(figures) >= KEYS
    assert all(figures[key] > 0 for key in KEYS)
