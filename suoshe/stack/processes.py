"""The command of every process, written down once.

`manage.py up` and the suite start these; `tests/suoshe/test_compose.py` holds docker-compose.yml to
the same words.
"""

from __future__ import annotations

import sys
from pathlib import Path

LAUNCHER = Path(__file__).resolve().parent / "launch.py"
PYTHON_PROCESSES = ("web", "worker", "beat", "clock")


def web(*, host: str, port: int, workers: int = 2, threads: int = 32) -> list[str]:
    """granian over WSGI. 32 threads a worker: slow phone uploads must not freeze the rest."""
    return [
        "granian", "--interface", "wsgi", "--host", host, "--port", str(port),
        "--workers", str(workers), "--blocking-threads", str(threads), "--workers-kill-timeout", "10",
        "--no-ws", "suoshe.wsgi:application",
    ]  # fmt: skip


def worker(*, concurrency: int = 2) -> list[str]:
    """The Celery worker: delivers notices, makes thumbnails, runs what beat names."""
    return [
        "celery", "-A", "suoshe", "--quiet", "worker", "--concurrency", str(concurrency),
        "--loglevel", "INFO", "--without-gossip", "--without-mingle",
    ]  # fmt: skip


def beat(*, schedule: str) -> list[str]:
    """Celery beat; the schedule is in code, `schedule` is the file where it keeps what it ran."""
    return [
        "celery",
        "-A",
        "suoshe",
        "--quiet",
        "beat",
        "--loglevel",
        "INFO",
        "--schedule",
        schedule,
        "--pidfile=",
    ]


def clock() -> list[str]:
    """The second driver of the clocks, which needs neither Redis nor beat (DESIGN.md §4)."""
    return ["python", "manage.py", "clock"]


def here(command: list[str]) -> list[str]:
    """The same command, run by this interpreter's environment and ended when its parent dies."""
    program, *rest = command
    own = [sys.executable, *rest] if program == "python" else [sys.executable, "-m", program, *rest]
    return [sys.executable, "-P", str(LAUNCHER), *own]
