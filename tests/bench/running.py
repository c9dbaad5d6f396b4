"""Running a bench as an operator does: a process of its own, with nothing of the tests' settings."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

from tests.stack import ROOT


def figures(module: str, *arguments: str, within_s: int) -> dict[str, Any]:
    """The figures of its last line. Its failing fails the test, with what it said."""
    env = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PYTEST_", "COV_", "SUOSHE_")) and name not in ("DATABASE_URL", "REDIS_URL")
    }
    env.pop("DJANGO_SETTINGS_MODULE", None)
    done = subprocess.run(
        [sys.executable, "-m", module, *arguments],
        cwd=ROOT, env=env, capture_output=True, text=True, timeout=within_s, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-4000:]
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found
