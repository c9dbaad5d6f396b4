"""The embedded PostgreSQL: made, started, stopped."""

from __future__ import annotations

import signal
import subprocess
import time
from pathlib import Path

from .homes import DATABASE, EmbeddedError, postgres_binary, socket_dir
from .owners import as_owner, make_folder, make_reachable, open_the_way, owner_of_postgres
from .processes import START_WITHIN_S, end, is_ours, last_line, pid_in

TUNING = {
    "max_connections": "120",
    "shared_buffers": "'256MB'",
    "effective_cache_size": "'1GB'",
    "work_mem": "'16MB'",
    "maintenance_work_mem": "'128MB'",
    "max_wal_size": "'2GB'",
    "wal_compression": "off",
    "random_page_cost": "1.1",
    "jit": "off",
    "join_collapse_limit": "6",
    "idle_in_transaction_session_timeout": "'60s'",
    "log_min_duration_statement": "'1s'",
    "log_checkpoints": "off",
    "timezone": "'UTC'",
    "log_timezone": "'Asia/Shanghai'",
}
"""For 2 cores and 4 GB beside the web server and the workers. Durability is left at its defaults.

The wheel compresses the log with pglz alone: after a checkpoint that takes half as long again as the writing
(128 against 79 µs of a core for each row of an import), to save 30 % of the log.

To try every order of 8 joined tables took 10–16 ms before a list of disputes or visits was read, for an order
that is always the one it is asked in; of 6, 3 ms. No statement of ours joins more whose order matters.
"""


TEST_TUNING = {
    "fsync": "off",
    "full_page_writes": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "wal_compression": "off",
    "autovacuum": "off",
    "max_connections": "300",
    "shared_buffers": "'128MB'",
    "log_min_duration_statement": "-1",
}
"""For throw-away clusters: a crash of the machine may lose them. `synchronous_commit` stays on."""


def postgres_pid(at: Path) -> int | None:
    """The pid of the running server of this home, or None."""
    pid = pid_in(at / "pg" / "postmaster.pid")
    return pid if pid is not None and is_ours(pid, "postgres", at / "pg") else None


def _connects(at: Path) -> bool:
    import psycopg2

    try:
        psycopg2.connect(host=str(socket_dir(at) / "pg"), user="suoshe", dbname="postgres").close()
    except psycopg2.OperationalError:
        return False
    return True


def _initdb(data: Path) -> None:
    done = subprocess.run(
        [postgres_binary("initdb"), "-D", str(data), "-U", "suoshe", "--auth=trust", "--encoding=UTF8",
         "--locale=C", "--lc-ctype=C.UTF-8", "--no-instructions"],
        capture_output=True, text=True, check=False, cwd="/", **as_owner(),
    )  # fmt: skip
    if done.returncode:
        said = done.stderr.strip().splitlines() or ["no reason given"]
        raise EmbeddedError(f"initdb failed in {data}: {said[-1]}")


def _configure(at: Path, tuning: dict[str, str]) -> None:
    values = {**TUNING, **tuning, "listen_addresses": "''", "unix_socket_permissions": "0700"}
    values["unix_socket_directories"] = f"'{socket_dir(at) / 'pg'}'"
    text = "".join(f"{key} = {value}\n" for key, value in values.items())
    main = at / "pg" / "postgresql.conf"
    if "include 'suoshe.conf'" not in main.read_text():
        with main.open("a") as file:
            file.write("include 'suoshe.conf'\n")
    conf = at / "pg" / "suoshe.conf"
    conf.write_text(text)
    conf.chmod(0o644)


def _forget_the_dead(at: Path) -> None:
    """Remove what a killed server left: PostgreSQL itself trusts a pid that was used again."""
    if postgres_pid(at) is None:
        (at / "pg" / "postmaster.pid").unlink(missing_ok=True)
        for left in (socket_dir(at) / "pg").glob(".s.PGSQL.*"):
            left.unlink(missing_ok=True)


def start_postgres(at: Path, tuning: dict[str, str] | None = None) -> None:
    """Start the server where it is not running, and make its database where there is none."""
    data, run = at / "pg", socket_dir(at)
    log = data / "server.log"
    at.mkdir(parents=True, exist_ok=True)
    make_folder(run, to_owner=False)
    make_reachable(at)
    if owner_of_postgres() is not None:
        open_the_way(run)
    for folder in (data, run / "pg"):
        make_folder(folder, to_owner=True)
    if not (data / "PG_VERSION").exists():
        _initdb(data)
    until = time.monotonic() + START_WITHIN_S
    while postgres_pid(at) is None:
        _forget_the_dead(at)
        _configure(at, tuning or {})
        done = subprocess.run(
            [postgres_binary("pg_ctl"), "-D", str(data), "-w", "-t", "60", "-l", str(log), "start"],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            check=False, cwd="/", **as_owner(),
        )  # fmt: skip
        if done.returncode and postgres_pid(at) is None:
            if time.monotonic() > until:
                raise EmbeddedError(f"PostgreSQL did not start in {data}: {last_line(data / 'server.log')}")
            time.sleep(0.3)  # the last backends of a killed server are still going
    while not _connects(at):
        if time.monotonic() > until:
            raise EmbeddedError(f"PostgreSQL does not answer in {data}: {last_line(data / 'server.log')}")
        time.sleep(0.05)
    _create_database(at)


def _create_database(at: Path) -> None:
    import psycopg2

    connection = psycopg2.connect(host=str(socket_dir(at) / "pg"), user="suoshe", dbname="postgres")
    try:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE])
            if cursor.fetchone() is None:
                cursor.execute(f"CREATE DATABASE {DATABASE}")
    finally:
        connection.close()


def stop_postgres(at: Path) -> None:
    """Stop the server; open connections are ended, what was committed is kept.

    By signal and not by pg_ctl: as root, the way to the folder may have been closed again meanwhile.
    """
    pid = postgres_pid(at)
    if pid is not None:
        end(pid, signal.SIGINT, signal.SIGQUIT, within_s=60)  # fast, then immediate shutdown
    _forget_the_dead(at)
