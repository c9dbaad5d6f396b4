"""The embedded servers: started once, shared, recovered after kill −9, stopped by the last."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg2
import pytest

from suoshe import embedded
from tests.stack import wait_until

ROOT = Path(embedded.__file__).resolve().parent.parent.parent
HOLD = """
import sys, pathlib
from suoshe import embedded
with embedded.using(pathlib.Path(sys.argv[1]), redis=True, tuning=embedded.TEST_TUNING):
    print("up", flush=True)
    sys.stdin.read()
"""


pytestmark = pytest.mark.xdist_group("embedded")  # one home, told on from test to test


@pytest.fixture(scope="module")
def home() -> Iterator[Path]:
    # Not pytest's folder: each run of pytest closes it to others, and PostgreSQL may run as another user.
    with tempfile.TemporaryDirectory(prefix="suoshe-home-") as folder:
        yield Path(folder)


@pytest.fixture
def holder(home: Path) -> Iterator[Callable[[], subprocess.Popen[str]]]:
    """Starts processes that use the servers of `home` until their standard input closes."""
    started: list[subprocess.Popen[str]] = []

    def start() -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-c", HOLD, str(home)],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            assert pipe is not None
            pipe.close()
    wait_until(lambda: _stopped(home), within_s=20, what="the keeper to stop the servers")


def _up(process: subprocess.Popen[str]) -> None:
    assert process.stdout is not None
    assert process.stdout.readline() == "up\n"


def _leave(process: subprocess.Popen[str]) -> None:
    assert process.stdin is not None
    process.stdin.close()
    assert process.wait(30) == 0


def _stopped(home: Path) -> bool:
    return embedded.postgres_pid(home) is None and embedded.redis_pid(home) is None


def _ask(home: Path, statement: str) -> str:
    connection = psycopg2.connect(
        host=str(embedded.socket_dir(home) / "pg"), user="suoshe", dbname=embedded.DATABASE
    )
    try:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(statement)
            return str(cursor.fetchone()[0]) if cursor.description else ""
    finally:
        connection.close()


def test_two_at_once_share_and_the_last_stops(
    home: Path, holder: Callable[[], subprocess.Popen[str]]
) -> None:
    one, two = holder(), holder()
    _up(one)
    _up(two)
    pid = embedded.postgres_pid(home)
    _leave(one)
    assert embedded.postgres_pid(home) == pid
    assert _ask(home, "SELECT 1") == "1"
    _leave(two)
    assert _stopped(home)
    assert list((embedded.socket_dir(home) / "pg").iterdir()) == []
    assert not (home / "run" / "keeper.pid").exists()
    assert not (home / "pg" / "postmaster.pid").exists()


def test_a_killed_user_leaves_nothing_running(
    home: Path, holder: Callable[[], subprocess.Popen[str]]
) -> None:
    process = holder()
    _up(process)
    process.kill()
    process.wait()
    wait_until(lambda: _stopped(home), within_s=20, what="the keeper to stop the servers")


def test_after_kill_9_of_both_servers_it_starts_again(
    home: Path, holder: Callable[[], subprocess.Popen[str]]
) -> None:
    first = holder()
    _up(first)
    _ask(home, "CREATE TABLE kept AS SELECT 42 AS answer")
    for pid in (embedded.postgres_pid(home), embedded.redis_pid(home)):
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
    second = holder()
    _up(second)
    assert _ask(home, "SELECT answer FROM kept") == "42"


def test_who_uses_them_can_revive_servers_that_were_killed(home: Path) -> None:
    with embedded.using(home, redis=True, tuning=embedded.TEST_TUNING):
        assert embedded.revive(home, redis=True, tuning=embedded.TEST_TUNING) == []
        before = [embedded.postgres_pid(home), embedded.redis_pid(home)]
        for pid in before:
            assert pid is not None
            os.kill(pid, signal.SIGKILL)
        wait_until(lambda: _stopped(home), what="both servers to be dead")
        revived = embedded.revive(home, redis=True, tuning=embedded.TEST_TUNING)
        assert revived == ["PostgreSQL", "Redis"]
        after = [embedded.postgres_pid(home), embedded.redis_pid(home)]
        assert None not in after
        assert not set(after) & set(before)
        assert _ask(home, "SELECT answer FROM kept") == "42"
    assert _stopped(home)


def test_a_pid_that_was_used_again_is_not_taken_for_the_server(
    home: Path, holder: Callable[[], subprocess.Popen[str]]
) -> None:
    stale = f"{os.getpid()}\n{home / 'pg'}\n1\n5432\n{home}\n\n1 1\nready\n"
    (home / "pg" / "postmaster.pid").write_text(stale)
    (home / "redis" / "redis.pid").write_text(f"{os.getpid()}\n")
    (embedded.socket_dir(home) / "redis.sock").write_text("")
    process = holder()
    _up(process)
    assert _ask(home, "SELECT 1") == "1"
    assert embedded.redis_pid(home) not in (None, os.getpid())


def test_servers_know_chinese_letters_and_have_no_port(
    home: Path, holder: Callable[[], subprocess.Popen[str]]
) -> None:
    _up(holder())
    assert _ask(home, "SELECT datctype FROM pg_database WHERE datname = current_database()") == "C.UTF-8"
    assert int(_ask(home, "CREATE EXTENSION pg_trgm; SELECT cardinality(show_trgm('食品'))")) == 3
    assert _ask(home, "SHOW listen_addresses") == ""
    assert _ask(home, "SHOW synchronous_commit") == "on"
    for place in (embedded.socket_dir(home) / "pg", embedded.socket_dir(home) / "redis.sock"):
        assert stat.S_IMODE(place.stat().st_mode) == 0o700


def test_the_real_home_is_durable() -> None:
    assert not {"fsync", "full_page_writes", "synchronous_commit"} & set(embedded.TUNING)


def test_a_long_path_gets_a_short_socket(tmp_path: Path) -> None:
    deep = tmp_path / ("x" * 120)
    assert len(str(embedded.socket_dir(deep) / "pg" / ".s.PGSQL.5432")) < 100
    assert embedded.socket_dir(deep) != embedded.socket_dir(deep / "y")


def test_the_secret_is_made_once_and_kept_to_its_owner(tmp_path: Path) -> None:
    first = embedded.secret(tmp_path / "home", "secret_key")
    assert len(first) >= 50
    assert embedded.secret(tmp_path / "home", "secret_key") == first
    assert stat.S_IMODE((tmp_path / "home" / "secret_key").stat().st_mode) == 0o600


@pytest.mark.parametrize(
    ("line", "needed"),
    [
        ("migrate", True),
        ("travel +35m", True),
        ("check", False),
        ("check --database default", True),
        ("makemigrations --check --dry-run", False),
        ("migrate --help", False),
        ("help", False),
        ("", False),
        ("up", False),
    ],
)
def test_which_commands_start_the_database(line: str, needed: bool) -> None:
    assert embedded.needs_database(["manage.py", *line.split()]) is needed


def test_a_command_starts_the_database_for_itself(home: Path) -> None:
    env = {
        key: value
        for key, value in os.environ.items()
        if key not in ("DATABASE_URL", "DJANGO_SETTINGS_MODULE")
    }
    done = subprocess.run(
        [sys.executable, "manage.py", "dbshell", "--", "-Atc", "SELECT 6 * 7"],
        cwd=ROOT,
        env={
            **env,
            "SUOSHE_HOME": str(home),
            "PATH": f"{Path(embedded.postgres_binary('psql')).parent}:{env['PATH']}",
        },
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.stdout, done.returncode) == ("42\n", 0), done.stderr
    assert _stopped(home)


def test_no_server_is_left_by_a_start_that_fails(tmp_path: Path) -> None:
    (tmp_path / "redis").write_text("a file where the folder should be")
    with (
        pytest.raises((embedded.EmbeddedError, OSError)),
        embedded.using(tmp_path, redis=True, tuning=embedded.TEST_TUNING),
    ):
        pytest.fail("it must not start")
    wait_until(lambda: _stopped(tmp_path), within_s=10, what="the servers to be stopped")
