"""Who uses the servers, and who stops them: started by the first, stopped after the last.

Who uses them holds a shared `flock` on `run/users.flock` for as long as it lives; the kernel lets go of it
however the process ends, so the count of users is never wrong (docs/adr/0005). The last to leave stops the
servers; where the last was killed with −9, the keeper, a small process that looks twice a second, does it.
"""

from __future__ import annotations

import contextlib
import fcntl
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from .owners import make_folder
from .postgres import postgres_pid, start_postgres, stop_postgres
from .processes import end, is_ours, pid_in
from .redis import redis_pid, start_redis, stop_redis

KEEPER_LOOKS_EVERY_S = 0.5
KEEPER = Path(__file__).resolve().parent
"""Run as a folder (`__main__`), not as a module of `suoshe`: it loads neither Celery nor Django."""


@contextlib.contextmanager
def _start_lock(at: Path) -> Iterator[None]:
    make_folder(at / "run", to_owner=False)
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
        [sys.executable, "-P", str(KEEPER), "keep", str(at)], cwd="/",
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
            keeper = pid_in(at / "run" / "keeper.pid")
    if keeper is not None and is_ours(keeper, str(KEEPER), at):
        end(keeper, signal.SIGTERM, within_s=5)
        (at / "run" / "keeper.pid").unlink(missing_ok=True)
