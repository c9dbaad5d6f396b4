"""Processes that outlive who started them: known by their pid, ended by it."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from pathlib import Path

START_WITHIN_S = 60.0


def pid_in(path: Path) -> int | None:
    try:
        return int(path.read_text().split()[0])
    except (OSError, ValueError, IndexError):
        return None


def is_ours(pid: int, program: str, place: Path) -> bool:
    """Is this pid still the program that wrote it down, or has the number been used again?"""
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False
    return os.fsencode(program) in words and os.fsencode(place) in words


def alive(pid: int) -> bool:
    """Does the process exist and still run (a zombie has ended)?"""
    with contextlib.suppress(ChildProcessError):
        os.waitpid(pid, os.WNOHANG)
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def end(pid: int, *steps: signal.Signals, within_s: float) -> None:
    """Send one signal after the other, and SIGKILL at last, until the process has ended."""
    for step in (*steps, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, step)
        until = time.monotonic() + within_s
        while time.monotonic() < until:
            if not alive(pid):
                return
            time.sleep(0.02)


def last_line(log: Path) -> str:
    with contextlib.suppress(OSError):
        lines = log.read_text(errors="replace").strip().splitlines()
        fatal = [line for line in lines[-40:] if "FATAL" in line]
        return (fatal or lines or [""])[-1]
    return ""
