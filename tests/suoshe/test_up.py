"""`manage.py up` for real: ready, ended by SIGTERM, killed by −9 and started again, refused in one line."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import psycopg2
import pytest

from suoshe import embedded
from tests.stack import free_port, wait_until

ROOT = Path(embedded.__file__).resolve().parent.parent.parent
MUST_NOT_BE_GIVEN = (
    "DATABASE_URL",
    "REDIS_URL",
    "DJANGO_SETTINGS_MODULE",
    "SUOSHE_TEST_RUN",
    "SUOSHE_SECRET_KEY",
)


class Up:
    """One `manage.py up --no-demo` in a home of its own."""

    def __init__(self, home: Path, port: int) -> None:
        self.home, self.port, self.log = home, port, home.parent / f"up-{time.monotonic_ns()}.log"
        inherited = {key: value for key, value in os.environ.items() if key not in MUST_NOT_BE_GIVEN}
        self.started = time.monotonic()
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "manage.py", "up", "--no-demo"],
                cwd=ROOT,
                env={
                    **inherited,
                    "SUOSHE_HOME": str(home),
                    "SUOSHE_PORT": str(port),
                    "SUOSHE_TEST_CLOCK": "0",
                },
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def text(self) -> str:
        return self.log.read_text()

    def ready(self) -> float:
        """Wait for the line with the address; seconds since the start."""

        def said() -> bool:
            assert self.process.poll() is None, self.text()
            return "ready" in self.text()

        wait_until(said, within_s=120, what="the line with the address")
        return time.monotonic() - self.started

    def all_up(self) -> None:
        """Wait until the processes that start after the page have started too."""
        wait_until(
            lambda: "clock_started" in self.text() and " ready." in self.text(),
            within_s=120,
            what="worker and clock",
        )

    def processes(self) -> list[str]:
        """What still runs with this home in its environment or its arguments."""
        mark, found = os.fsencode(self.home), []
        for folder in Path("/proc").iterdir():
            if folder.name.isdigit() and int(folder.name) != os.getpid():
                try:
                    words, env = (folder / "cmdline").read_bytes(), (folder / "environ").read_bytes()
                except OSError:
                    continue
                if words and (mark in words or mark in env):
                    found.append(f"{folder.name} {words.replace(bytes(1), b' ').decode(errors='replace')}")
        return found


@pytest.fixture(scope="module")
def home() -> Iterator[Path]:
    # Not pytest's folder: each run of pytest closes it to others, and PostgreSQL may run as another user.
    with tempfile.TemporaryDirectory(prefix="suoshe-up-") as folder:
        yield Path(folder) / "home"


@pytest.fixture
def started(home: Path) -> Iterator[list[Up]]:
    ups: list[Up] = []
    yield ups
    for up in ups:
        if up.process.poll() is None:
            up.process.terminate()
            up.process.wait(40)
    if ups:
        wait_until(lambda: not ups[0].processes(), within_s=40, what="every process to end")


def _page(port: int) -> int:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=10) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as answered:
        answered.close()
        return answered.code


def _sql(home: Path, statement: str) -> object:
    connection = psycopg2.connect(
        host=str(embedded.socket_dir(home) / "pg"), user="suoshe", dbname=embedded.DATABASE
    )
    try:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(statement)
            return cursor.fetchone()[0] if cursor.description else None
    finally:
        connection.close()


def _no_lock_left(home: Path) -> None:
    assert not (home / "pg" / "postmaster.pid").exists()
    assert list((embedded.socket_dir(home) / "pg").iterdir()) == []
    assert not (embedded.socket_dir(home) / "redis.sock").exists()
    assert not (home / "run" / "keeper.pid").exists()
    assert (home / "run" / "up.flock").read_text() == ""


@pytest.mark.long
@pytest.mark.xdist_group("up")
def test_its_whole_life(home: Path, started: list[Up]) -> None:
    """One test, since each start costs seconds: kill −9, a taken port, a second one, SIGTERM."""
    port = free_port()

    first = Up(home, port)
    started.append(first)
    first.ready()
    assert _page(port) < 500
    assert f"http://127.0.0.1:{port}/" in first.text()
    first.all_up()

    # PostgreSQL and Redis killed by −9: both come back, and nobody has to be told.
    for pid in (embedded.postgres_pid(home), embedded.redis_pid(home)):
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
    wait_until(lambda: first.text().count("had ended; started again") == 2, what="both servers to be back")
    assert _page(port) < 500
    assert first.process.poll() is None

    # Another on the same home, and another on the same port: one line each, and nothing else happens.
    same_home = Up(home, free_port())
    assert same_home.process.wait(30) == 1
    assert re.fullmatch(r"CommandError: already running here .*\n", same_home.text())
    other_home = Up(home.parent / "other", port)
    assert other_home.process.wait(30) == 1
    assert re.fullmatch(rf"CommandError: port {port} is taken .*\n", other_home.text())
    assert other_home.processes() == []
    assert not (home.parent / "other" / "pg").exists()

    # kill −9: nothing is left running, and nothing committed is lost.
    _sql(home, "CREATE TABLE kept AS SELECT 42 AS answer")
    first.process.kill()
    first.process.wait()
    second = Up(home, port)
    started.append(second)
    assert second.ready() < 60  # 4 s on 2 idle cores; here others compete
    assert _sql(home, "SELECT answer FROM kept") == 42
    assert len([line for line in second.processes() if "granian" in line]) == 3

    # SIGTERM, here while worker, beat and clock are starting: no process and no lock left.
    second.process.send_signal(signal.SIGTERM)
    assert second.process.wait(40) == 0, second.text()
    assert second.processes() == []
    _no_lock_left(home)
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", port)) != 0
