"""`manage.py up`: the whole product on one machine, from nothing (DESIGN.md §11)."""

from __future__ import annotations

import contextlib
import fcntl
import os
import socket
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from typing import IO, Any

from django.apps import apps
from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.management import call_command, get_commands
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connection, connections
from django.db.migrations.executor import MigrationExecutor

from suoshe import embedded
from suoshe.stack import processes
from suoshe.stack.revival import Revival
from suoshe.stack.supervisor import Supervisor

HOST = "127.0.0.1"
OLD_RUN_ENDS_WITHIN_S = 40.0
DEMO_ACCOUNTS = "bureau office-01 clerk-01 duty-01 commissioner-01 worker-01-1 community-01 auditor admin"
BUSINESS_MODELS = ("accounts.User", "grids.Grid", "leads.Lead")


class Command(BaseCommand):
    help = "Start PostgreSQL, Redis, web, worker, beat and clock; stop them all on Ctrl-C or SIGTERM."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--port", type=int, default=int(os.environ.get("SUOSHE_PORT", "8000")))
        parser.add_argument("--no-demo", action="store_true", help="leave an empty database empty")

    def handle(self, *args: Any, port: int, no_demo: bool, **options: Any) -> None:
        started = time.monotonic()
        at = embedded.home()
        with self._only_one(at, port) as lock:
            self._refuse_taken(port)
            own_postgres, own_redis = not os.environ.get("DATABASE_URL"), not os.environ.get("REDIS_URL")
            try:
                with embedded.using(at, postgres=own_postgres, redis=own_redis) as users:
                    self._prepare(demo=not no_demo)
                    supervisor = self._supervisor(port, started, pass_fds=(lock, users))
                    with Revival(at, postgres=own_postgres, redis=own_redis, say=supervisor.say):
                        code = supervisor.run()
            except embedded.EmbeddedError as refused:
                raise CommandError(str(refused)) from refused
        if code:
            raise SystemExit(code)

    @contextlib.contextmanager
    def _only_one(self, at: Any, port: int) -> Iterator[int]:
        """Hold this home's lock. It is handed to the children: a killed run holds it until they ended."""
        (at / "run").mkdir(parents=True, exist_ok=True, mode=0o700)
        with (at / "run" / "up.flock").open("a+") as lock:
            until = time.monotonic() + OLD_RUN_ENDS_WITHIN_S
            while not _taken(lock):
                pid = _read_pid(lock)
                if pid is not None and os.path.exists(f"/proc/{pid}"):
                    raise CommandError(f"already running here 已在运行: pid {pid}, SUOSHE_HOME={at}")
                if time.monotonic() > until:
                    raise CommandError(f"processes of a killed run do not end 上次运行的进程未退出: {at}")
                time.sleep(0.1)
            lock.truncate(0)
            lock.write(str(os.getpid()))
            lock.flush()
            try:
                yield lock.fileno()
            finally:
                lock.truncate(0)

    def _refuse_taken(self, port: int) -> None:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((HOST, port))
            except OSError as taken:
                raise CommandError(
                    f"port {port} is taken 端口被占用: choose another, e.g. SUOSHE_PORT={port + 1} make run"
                ) from taken

    def _prepare(self, *, demo: bool) -> None:
        """Migrate, and fill an empty database with the demo."""
        executor = MigrationExecutor(connection)
        if executor.migration_plan(executor.loader.graph.leaf_nodes()):
            self.stdout.write("migrating …")
            call_command("migrate", verbosity=0, interactive=False, skip_checks=True)
        if demo and "seed_demo" in get_commands() and _is_empty():
            self.stdout.write("seeding the demo into the empty database …")
            try:
                call_command("seed_demo")
            except CommandError as refused:
                self.stdout.write(f"the demo was not loaded 未载入演示数据: {refused}")
        connections.close_all()

    def _supervisor(self, port: int, started: float, *, pass_fds: tuple[int, ...]) -> Supervisor:
        url = f"http://{HOST}:{port}/"
        env = {
            **os.environ,
            "PYTHONUNBUFFERED": "1",
            "SUOSHE_PARENT": str(os.getpid()),
            "CELERY_SKIP_CHECKS": "1",  # the clock runs the same checks on the same code
            # As root on a bare machine Celery says six lines about it; production runs as its own user.
            "PYTHONWARNINGS": "ignore:You're running the worker with superuser privileges",
        }
        announce = Announcement(url, started)
        supervisor = Supervisor(
            cwd=settings.BASE_DIR,
            env=env,
            out=sys.stdout,
            pass_fds=pass_fds,
            every_tick=announce.is_made,
        )
        supervisor.add("web", processes.here(processes.web(host=HOST, port=port)))
        supervisor.add("clock", processes.here(processes.clock()), later=True)
        schedule = str(embedded.home() / "beat-schedule")
        supervisor.add("worker", processes.here(processes.worker()), later=True)
        supervisor.add("beat", processes.here(processes.beat(schedule=schedule)), later=True)
        announce.start(supervisor.say)
        return supervisor


class Announcement:
    """Says the address and the demo accounts once, when the first page answers."""

    def __init__(self, url: str, started: float) -> None:
        self._url, self._started, self._made = url, started, threading.Event()

    def start(self, say: Callable[[str], None]) -> None:
        """Look for the first page in a thread of its own, so that a slow one holds nothing up."""
        threading.Thread(target=self._look, args=[say], daemon=True).start()

    def is_made(self) -> bool:
        """Has the first page answered?"""
        return self._made.is_set()

    def _look(self, say: Callable[[str], None]) -> None:
        while not _answers(self._url):
            time.sleep(0.1)
        took = time.monotonic() - self._started
        say(f"ready 已就绪 ({took:.1f} s): {self._url}{_demo_accounts()}")
        self._made.set()


def _demo_accounts() -> str:
    password = os.environ.get("SUOSHE_DEMO_PASSWORD", "Suoshe-demo-2026")
    try:
        user = get_user_model().objects.filter(username="bureau").first()
        if user is None or not user.check_password(password):
            return ""
    finally:
        connections.close_all()
    return f"  demo accounts 演示账号: {DEMO_ACCOUNTS} …  password 密码: {password}"


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2):  # noqa: S310 - our own loopback
            return True
    except urllib.error.HTTPError as answered:
        answered.close()
        return answered.code < 500
    except OSError:
        return False


def _is_empty() -> bool:
    """Has this database never held anything of the business?"""
    installed = {f"{model._meta.app_label}.{model.__name__}" for model in apps.get_models()}
    return not any(
        apps.get_model(label)._default_manager.exists() for label in BUSINESS_MODELS if label in installed
    )


def _taken(lock: IO[str]) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _read_pid(lock: IO[str]) -> int | None:
    lock.seek(0)
    try:
        return int(lock.read())
    except ValueError:
        return None
