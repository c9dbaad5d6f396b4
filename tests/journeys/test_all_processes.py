"""The stack of real processes itself, before anything has happened to the town's: none complains, and each
may be replaced.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.journeys.town import Town
from tests.stack import wait_until


def test_all_four_run_on_a_database_of_their_own(town: Town, request: pytest.FixtureRequest) -> None:
    if hasattr(request.config, "workerinput"):
        assert request.node.nodeid.endswith("@journeys"), "each worker of the run would have its own town"
    stack = town.stack
    assert set(stack.pids) >= {"web", "worker", "beat", "clock"}
    assert stack.database in stack.database_url
    wait_until(lambda: "clock_started" in stack.log("clock"), what="the clock to start")
    said = "".join(stack.log(name) for name in ("web", "worker", "beat", "clock"))
    assert "Traceback" not in said


def test_a_process_can_be_killed_and_started_again(town: Town) -> None:
    before = town.stack.pid("clock")
    town.stack.kill("clock")
    assert not Path(f"/proc/{before}").exists()
    town.stack.start("clock")
    assert town.stack.pid("clock") != before
    assert all(Path(f"/proc/{pid}").exists() for pid in town.stack.pids.values())
