"""`python -m bench.credit`, small: it runs, both evaluators agree, and it ends with its figures."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from tests.stack import ROOT

KEYS = {"regrade_11k_s", "regrade_1m_s", "entities_per_s", "peak_mib", "event_to_grade_s", "ratio"}


@pytest.mark.long
def test_the_bench_runs_and_ends_with_its_figures() -> None:
    env = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PYTEST_", "COV_", "SUOSHE_")) and name not in ("DATABASE_URL", "REDIS_URL")
    }
    env.pop("DJANGO_SETTINGS_MODULE", None)
    done = subprocess.run(
        [sys.executable, "-m", "bench.credit", "--small"],
        cwd=ROOT, env=env, capture_output=True, text=True, timeout=600, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-4000:]
    figures = json.loads(done.stdout.splitlines()[-1])
    assert set(figures) >= KEYS
    assert all(figures[key] > 0 for key in KEYS)
