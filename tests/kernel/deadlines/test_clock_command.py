"""`manage.py clock` as a real process: it needs neither Redis nor beat, and outlives the database."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg2
import pytest
from django.core.management import call_command
from django.db import OperationalError, ProgrammingError

from kernel.deadlines.management.commands import clock as command
from kernel.deadlines.management.commands.clock import step
from kernel.deadlines.models import Deadline, Event, Heartbeat
from kernel.deadlines.sweep import Driver
from kernel.notices.models import OutboxMessage
from leads.models import SupervisionOrder
from suoshe import embedded
from tests.factories.grids import make_world
from tests.factories.leads import reported
from tests.kernel.deadlines.conftest import HOUR, MINUTE, SECOND, Remembered, arm
from tests.stack import ROOT, Stack, wait_until

TINY = {**embedded.TEST_TUNING, "shared_buffers": "'16MB'", "max_connections": "20"}


# -- one step of the loop


def test_once_sweeps_and_ends(db: None, fired: Remembered, capsys: pytest.CaptureFixture[str]) -> None:
    arm(due=-MINUTE)
    call_command("clock", "--once")
    assert capsys.readouterr().out == "1 fired\n"
    assert fired.clocks == [(1, "limit", 1)]


def test_the_loop_sleeps_a_fifth_of_a_second_at_most(db: None, fired: Remembered) -> None:
    driver, stop = Driver("test"), threading.Event()
    assert step(driver, stop) == pytest.approx(0.2)
    arm(due=timedelta(milliseconds=-200))
    assert step(driver, stop) == pytest.approx(0.1)
    arm(2, due=HOUR)
    assert step(driver, stop) == pytest.approx(0.1)


@pytest.mark.parametrize("error", [OperationalError("server closed"), ProgrammingError("no such table")])
def test_an_error_of_the_database_is_waited_out(
    monkeypatch: pytest.MonkeyPatch, error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: object) -> int:
        raise error

    closed: list[bool] = []
    monkeypatch.setattr(command.connection, "close", lambda: closed.append(True))
    driver = Driver("test")
    monkeypatch.setattr(driver, "tick", fail)
    assert step(driver, threading.Event()) == command.RETRY_AFTER
    assert closed == [True]


# -- real processes


def test_the_loop_alone_raises_an_order_and_stops_when_told(committed_db: str, tmp_path: Path) -> None:
    world = make_world()
    lead = reported(world)
    with Stack(database=committed_db, folder=tmp_path, env={"REDIS_URL": "redis://127.0.0.1:1/0"}) as stack:
        stack.start("clock")
        wait_until(Heartbeat.objects.exists, within_s=30, what="the first heartbeat")
        stack.manage("travel", "+31m")
        wait_until(SupervisionOrder.objects.exists, within_s=10, what="the order")
        stack.stop("clock", within_s=10)
        assert "clock_stopped" in stack.log("clock")
    order = SupervisionOrder.objects.get()
    assert (order.lead_id, order.cause) == (lead.pk, "respond")
    assert OutboxMessage.objects.filter(template="leads.order_respond").count() >= 2
    assert Event.objects.filter(kind="respond_80").count() == 0  # suppressed: the response was due as well
    assert Deadline.objects.filter(subject_kind="order", state="running").count() == 2


@contextlib.contextmanager
def small_cluster() -> Iterator[tuple[Path, dict[str, str]]]:
    """A PostgreSQL of its own that a test may stop, with the kernel's tables; and the way to it."""
    with tempfile.TemporaryDirectory(prefix="suoshe-") as name:
        home = Path(name)
        env = {
            **{key: value for key, value in os.environ.items() if not key.startswith(("PYTEST_", "COV_"))},
            "SUOSHE_HOME": name,
            "DATABASE_URL": embedded.database_url(home),
            "SUOSHE_TEST_CLOCK": "1",
        }
        with embedded.using(home, tuning=TINY):
            manage = [sys.executable, "manage.py"]
            subprocess.run([*manage, "migrate", "deadlines", "-v0"], cwd=ROOT, env=env, check=True)
            yield home, env


def ask(home: Path, sql: str, *params: Any) -> Any:
    """One statement on the cluster, committed; the first value of its answer."""
    place = str(embedded.socket_dir(home) / "pg")
    connection = psycopg2.connect(host=place, user="suoshe", dbname=embedded.DATABASE)
    try:
        with connection, connection.cursor() as cursor:
            cursor.execute(sql, params)
            return cursor.fetchone()[0] if cursor.description else None
    finally:
        connection.close()


DUE_SOON = """
INSERT INTO deadlines_deadline (subject_kind, subject_id, kind, armed_at, due_at)
VALUES ('thing', %s, 'limit', clock_timestamp(), clock_timestamp() + %s)
"""
LATE_MS = """
SELECT EXTRACT(epoch FROM recorded_at - due_at) * 1000 FROM deadlines_event WHERE subject_id = %s
"""


@pytest.mark.long
def test_the_loop_outlives_a_restart_of_the_database(tmp_path: Path) -> None:
    """Recorded within the outage + 2 s; the process never has to be started again (DESIGN.md §12)."""
    with small_cluster() as (home, env), (tmp_path / "clock.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "manage.py", "clock"], cwd=ROOT, env=env, stdout=log, stderr=subprocess.STDOUT
        )
        try:
            wait_until(lambda: ask(home, "SELECT count(*) FROM deadlines_heartbeat"), what="the loop")
            ask(home, DUE_SOON, 1, timedelta(milliseconds=100))
            fired_once = "SELECT count(*) FROM deadlines_event WHERE subject_id = %s"
            wait_until(lambda: ask(home, fired_once, 1), within_s=5, what="the first clock")

            ask(home, DUE_SOON, 2, timedelta(milliseconds=100))
            embedded.stop_postgres(home)
            embedded.start_postgres(home, TINY)
            since = ask(home, "SELECT clock_timestamp()")
            wait_until(lambda: ask(home, fired_once, 2), within_s=10, what="the clock of the outage")
            recorded = ask(home, "SELECT recorded_at FROM deadlines_event WHERE subject_id = 2")
            assert recorded - since < 2 * SECOND
            assert process.poll() is None
            assert ask(home, LATE_MS, 1) >= 300
        finally:
            process.send_signal(signal.SIGTERM)
            assert process.wait(10) == 0
    said = (tmp_path / "clock.log").read_text()
    assert "clock_waits_for_database" in said
    assert "clock_stopped" in said
