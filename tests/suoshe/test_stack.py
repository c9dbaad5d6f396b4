"""The stack of real processes that journeys and faults stand on."""

from __future__ import annotations

import os
from pathlib import Path

import psycopg2
import pytest
import redis
from pytest_django import DjangoDbBlocker

from tests import databases
from tests.stack import Stack, wait_until


def test_all_four_run_on_a_database_of_their_own(stack: Stack, request: pytest.FixtureRequest) -> None:
    if hasattr(request.config, "workerinput"):
        assert request.node.nodeid.endswith("@stack"), "each worker of the run would start a stack of its own"
    assert set(stack.pids) >= {"web", "worker", "beat", "clock"}
    assert stack.database in stack.database_url
    assert "kernel_now()" in stack.manage("travel", "+0s")
    wait_until(lambda: "clock_started" in stack.log("clock"), what="the clock to start")
    assert "Traceback" not in stack.log("web") + stack.log("worker") + stack.log("beat") + stack.log("clock")


def test_a_process_can_be_killed_and_started_again(stack: Stack) -> None:
    before = stack.pid("clock")
    stack.kill("clock")
    assert not Path(f"/proc/{before}").exists()
    stack.start("clock")
    assert stack.pid("clock") != before


def test_a_private_redis_may_be_stopped(
    django_test_environment: None, django_db_blocker: DjangoDbBlocker, tmp_path: Path
) -> None:
    with django_db_blocker.unblock(), databases.fresh() as name:
        with Stack(database=name, folder=tmp_path, own_redis=True) as own:
            with redis.from_url(own.redis_url) as client:
                client.set("kept", "1")
            own.stop("redis")
            with pytest.raises(redis.ConnectionError), redis.from_url(own.redis_url) as client:
                client.ping()
            own.start("redis")
            with redis.from_url(own.redis_url) as client:
                assert client.get("kept") == b"1"
            pid = own.pid("redis")
        assert not os.path.exists(f"/proc/{pid}")
        with databases.server() as cursor:
            cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name])
            assert cursor.fetchone() is not None
    with databases.server() as cursor, pytest.raises(psycopg2.errors.InvalidCatalogName):
        cursor.execute(f'ALTER DATABASE "{name}" SET jit = off')
