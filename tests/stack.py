"""Real processes of the product for journeys and faults, each killed by its pid."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Self

import redis
from django.conf import settings

from suoshe import embedded
from suoshe.stack import processes

ROOT = Path(__file__).resolve().parent.parent
READY_WITHIN_S = 180.0  # a cap for crowded machines: an idle one takes 5 s


def free_port() -> int:
    """A loopback port that nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def wait_until(true: Callable[[], Any], *, within_s: float = READY_WITHIN_S, what: str = "it") -> Any:
    """Poll until `true()` gives something; its value. AssertionError naming `what` after `within_s`."""
    until = time.monotonic() + within_s
    while True:
        value = true()
        if value:
            return value
        if time.monotonic() > until:
            raise AssertionError(f"waited {within_s:g} s in vain for {what}")
        time.sleep(0.05)


of_a_group: dict[str, Stack] = {}
"""Processes that end with the last test of an xdist group, and not with the run: beat, worker and clock
never rest (tests/conftest.py)."""


class Stack:
    """Web, worker, beat and clock on one database, with Redis keys of their own.

    `own_redis`: a private Redis that the test may stop (`stop("redis")`) without harm to others.
    `own_postgres`: the home (`suoshe.embedded`) of a private PostgreSQL, which then may be killed too:
    `kill("postgres")`, `start("postgres")`. It runs from entering to leaving the stack.
    Processes are named `web`, `worker`, `beat`, `clock`, `redis`; a second one of a kind is started
    by `start_as("worker-2", "worker")`; a second web has a port of its own (`url_of`). Logs are
    `<folder>/<name>.log`.
    """

    def __init__(
        self,
        *,
        database: str,
        folder: Path,
        own_redis: bool = False,
        own_postgres: Path | None = None,
        tuning: Mapping[str, str] | None = None,
        web_workers: int = 1,
        web_threads: int = 8,
        env: Mapping[str, str] | None = None,
        settings_module: str = "suoshe.settings.test",
    ) -> None:
        self.database, self.folder, self.own_redis = database, folder, own_redis
        self.own_postgres, self._tuning = own_postgres, dict(tuning or {})
        self.web_workers, self.web_threads = web_workers, web_threads
        self._ports: dict[str, int] = {}
        self.url = self.url_of("web")
        self.pids: dict[str, int] = {}
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        self._more_env, self._settings_module = dict(env or {}), settings_module
        self._redis_folder = folder / "redis"
        self._log_from: dict[str, int] = {}
        self._held = contextlib.ExitStack()

    # -- addresses

    def url_of(self, name: str) -> str:
        """The address of one of the webs."""
        return f"http://127.0.0.1:{self._ports.setdefault(name, free_port())}"

    @property
    def database_url(self) -> str:
        """The address of this stack's database, in the suite's server or its own."""
        if self.own_postgres is not None:
            return embedded.database_url(self.own_postgres, self.database)
        given = os.environ.get("DATABASE_URL")
        if given:
            return f"{given.rpartition('/')[0]}/{self.database}"
        return embedded.database_url(name=self.database)

    @property
    def redis_url(self) -> str:
        """The address of this stack's Redis; the keys of each stack carry its database's name."""
        if self.own_redis:
            return f"unix://{self._redis_socket}?db=0"
        url: str = settings.REDIS_URL
        return url

    @property
    def _redis_socket(self) -> Path:
        return embedded.socket_dir(self._redis_folder) / "redis.sock"

    @property
    def env(self) -> dict[str, str]:
        """What every process of the stack is given; also for `manage.py` commands of the test."""
        inherited = {
            key: value for key, value in os.environ.items() if not key.startswith(("PYTEST_", "COV_"))
        }
        return {
            **inherited,
            "DJANGO_SETTINGS_MODULE": self._settings_module,
            "DATABASE_URL": self.database_url,
            "REDIS_URL": self.redis_url,
            "SUOSHE_REDIS_PREFIX": f"{self.database}:",
            "SUOSHE_MEDIA_ROOT": str(self.folder / "media"),
            "SUOSHE_TEST_CLOCK": "1",
            "PYTHONUNBUFFERED": "1",
            "CELERY_SKIP_CHECKS": "1",
            "SUOSHE_PARENT": str(os.getpid()),
            **self._more_env,
        }

    # -- processes

    def start(self, *names: str) -> Self:
        """Start the named processes and wait until each is ready."""
        return self.start_all({name: name for name in names})

    def start_all(self, kinds: Mapping[str, str]) -> Self:
        """Start processes, given as name → kind, and wait until each is ready."""
        for name, kind in kinds.items():
            self.spawn(name, kind)
        for name, kind in kinds.items():
            if kind != "postgres":
                self._wait_ready(name, kind)
        return self

    def start_as(self, name: str, kind: str) -> Self:
        """Start one more process of a kind under a name of its own."""
        return self.start_all({name: kind})

    def spawn(self, name: str, kind: str) -> None:
        """Start a process without waiting until it is ready (PostgreSQL: until it takes connections)."""
        if kind == "postgres":
            assert self.own_postgres is not None
            embedded.start_postgres(self.own_postgres, self._tuning)
            pid = embedded.postgres_pid(self.own_postgres)
            assert pid is not None
            self.pids[name] = pid
            return
        self._spawn(name, kind)

    def pid(self, name: str) -> int:
        """The pid of a running process."""
        return self.pids[name]

    def has_ended(self, name: str) -> bool:
        """Has this process, started and not stopped by the test, ended?"""
        if name == "postgres":
            return self.own_postgres is not None and embedded.postgres_pid(self.own_postgres) is None
        return self._running[name].poll() is not None

    def bury(self, name: str) -> int | None:
        """Clean up after a process that has ended, as a supervisor would: whom it left behind ends too.

        Answers how it ended (PostgreSQL, which is not our child: None). `spawn` may then start it again.
        """
        if name == "postgres":
            self.pids.pop(name)
            return None
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pids[name], signal.SIGKILL)
        code = self._running[name].returncode
        self._reap(name, 10)
        return code

    def stop(self, *names: str, within_s: float = 30) -> None:
        """End processes by SIGTERM and wait for them."""
        for name in names:
            self._running[name].send_signal(signal.SIGTERM)
        for name in names:
            self._reap(name, within_s)

    def kill(self, *names: str) -> None:
        """End processes, and what they started, by kill −9."""
        for name in names:
            if name == "postgres":
                os.kill(self.pids.pop(name), signal.SIGKILL)
                wait_until(lambda: self.has_ended("postgres"), what="PostgreSQL to be dead")
                continue
            os.killpg(self.pids[name], signal.SIGKILL)
            self._reap(name, 10)

    def log(self, name: str) -> str:
        """What a process has written so far."""
        return (self.folder / f"{name}.log").read_text(errors="replace")

    def manage(self, *arguments: str, within_s: float = 120) -> str:
        """Run a `manage.py` command on this stack's database; its output. Raises where it fails."""
        done = subprocess.run(
            [*processes.here(["python", "manage.py", *arguments, "--skip-checks"])], cwd=ROOT, env=self.env,
            capture_output=True, text=True, timeout=within_s, check=False,
        )  # fmt: skip
        if done.returncode:
            raise AssertionError(f"manage.py {' '.join(arguments)} failed:\n{done.stdout}\n{done.stderr}")
        return done.stdout

    def __enter__(self) -> Self:
        self.folder.mkdir(parents=True, exist_ok=True)
        if self.own_postgres is not None:
            self._held.enter_context(embedded.using(self.own_postgres, tuning=self._tuning))
            self.start("postgres")
        if self.own_redis:
            self.start("redis")
        return self

    def __exit__(self, *_: object) -> None:
        self.end()
        self._drop_keys()
        self._held.close()

    def end(self) -> None:
        """End all that runs, Redis last. Its database and files stay until the stack is left."""
        late = [name for name in self._running if name != "redis"]
        for name in late:
            self._running[name].send_signal(signal.SIGTERM)
        for name in [*late, *(["redis"] if "redis" in self._running else [])]:
            if name == "redis":
                self._running[name].send_signal(signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._running[name].wait(15)
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.pids[name], signal.SIGKILL)
            self._reap(name, 5)

    # -- inside

    def _command(self, name: str, kind: str) -> list[str]:
        if kind == "web":
            return processes.web(
                host="127.0.0.1", port=int(self.url_of(name).rpartition(":")[2]),
                workers=self.web_workers, threads=self.web_threads,
            )  # fmt: skip
        if kind == "worker":
            return processes.worker(concurrency=1)
        if kind == "beat":
            return processes.beat(schedule=str(self.folder / f"{name}-schedule"))
        if kind == "clock":
            return [*processes.clock(), "--skip-checks"]  # the same words as CELERY_SKIP_CHECKS
        raise ValueError(f"unknown kind of process: {kind}")

    def _spawn(self, name: str, kind: str) -> None:
        if kind == "redis":
            self._redis_folder.mkdir(parents=True, exist_ok=True)
            self._redis_socket.parent.mkdir(parents=True, exist_ok=True)
            self._redis_socket.unlink(missing_ok=True)
            command = embedded.redis_command(self._redis_socket, self._redis_folder)
        else:
            command = processes.here(self._command(name, kind))
        with (self.folder / f"{name}.log").open("ab") as log:
            self._log_from[name] = log.tell()
            process = subprocess.Popen(
                command, cwd=ROOT, env=self.env, stdin=subprocess.DEVNULL, stdout=log,
                stderr=subprocess.STDOUT, process_group=0,
            )  # fmt: skip
        self._running[name] = process
        self.pids[name] = process.pid

    def _wait_ready(self, name: str, kind: str) -> None:
        process = self._running[name]

        def ready() -> bool:
            if process.poll() is not None:
                raise AssertionError(f"{name} ended with {process.returncode}:\n{self.log(name)[-4000:]}")
            return self.is_ready(name, kind)

        try:
            wait_until(ready, what=f"{name} to be ready")
        except AssertionError as late:
            raise AssertionError(f"{late}\n{self.log(name)[-4000:]}") from None

    def is_ready(self, name: str, kind: str) -> bool:
        """Does a process that was started do its work yet?"""
        if kind == "web":
            return self._answers(name)
        if kind == "redis":
            with (
                contextlib.suppress(redis.ConnectionError),
                redis.Redis(unix_socket_path=str(self._redis_socket)) as r,
            ):
                return bool(r.ping())
            return False
        if kind == "worker":
            return " ready." in self._last_log(name)
        if kind == "beat":
            return "beat: Starting" in self._last_log(name)
        return True

    def _last_log(self, name: str) -> str:
        """What a process has written since it was last started."""
        return (self.folder / f"{name}.log").read_bytes()[self._log_from[name] :].decode(errors="replace")

    def _answers(self, name: str) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url_of(name)}/api/v1/", timeout=5):
                return True
        except urllib.error.HTTPError as answered:
            answered.close()
            return True  # whatever it says, it is there to say it
        except OSError:
            return False

    def _reap(self, name: str, within_s: float) -> None:
        process = self._running.pop(name)
        self.pids.pop(name)
        try:
            process.wait(within_s)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait(5)
            raise AssertionError(f"{name} did not end within {within_s:g} s") from None

    def _drop_keys(self) -> None:
        if self.own_redis:
            return
        with redis.from_url(self.redis_url) as client:
            for key in client.scan_iter(match=f"{self.database}:*", count=1000):
                client.delete(key)
