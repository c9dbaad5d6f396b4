"""Delivery by a real Celery worker and beat: with Redis away, and killed with −9 while sending."""

from __future__ import annotations

import threading
from datetime import timedelta
from pathlib import Path

import pytest

from kernel import clock
from kernel.notices.models import OutboxMessage, State
from tests.kernel.notices.conftest import Provider, make_robot, tell
from tests.stack import Stack, wait_until

pytestmark = pytest.mark.usefixtures("words")


def pending() -> int:
    return OutboxMessage.objects.filter(state=State.PENDING).count()


@pytest.mark.long
def test_notices_survive_redis_away_and_a_killed_worker(
    committed_db: str, provider: Provider, tmp_path: Path
) -> None:
    robot = make_robot()
    env = {"SUOSHE_WECOM_BASE_URL": provider.url, "NO_PROXY": "127.0.0.1"}
    with Stack(database=committed_db, folder=tmp_path, own_redis=True, env=env) as stack:
        stack.start("worker", "beat")
        tell(robot)
        wait_until(lambda: not pending(), within_s=20, what="the first notice")

        stack.stop("redis")
        tell(robot, 2)
        assert pending() == 2
        stack.start("redis")
        wait_until(lambda: not pending(), within_s=60, what="the notices that waited for Redis")
        assert len(provider.told) == 3

        sending, go_on = threading.Event(), threading.Event()
        provider.before_answer = lambda: (sending.set(), go_on.wait(5))
        tell(robot)
        assert sending.wait(30)
        stack.kill("worker")
        go_on.set()
        provider.before_answer = lambda: None
        assert pending() == 1
        clock.travel(timedelta(seconds=61))
        stack.start("worker")
        wait_until(lambda: not pending(), within_s=60, what="the notice whose worker was killed")
    assert ["（重发）" in told for told in provider.told] == [False, False, False, False, True]
