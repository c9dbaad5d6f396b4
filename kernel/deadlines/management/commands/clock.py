"""`manage.py clock`: a small loop that fires clocks; needs neither Redis nor beat (DESIGN.md §4)."""

from __future__ import annotations

import argparse
import os
import signal
import socket
import threading
import time
from typing import Any

import structlog
from django.core.management.base import BaseCommand
from django.db import Error, connection, transaction

from kernel import clock as house_clock
from kernel import journal
from kernel.deadlines.sweep import Driver, next_due_in

log = structlog.get_logger(__name__)

LONGEST_SLEEP = 0.2
SHORTEST_SLEEP = 0.005
RETRY_AFTER = 0.2
JUMP = 2.0


class Command(BaseCommand):
    help = "Fire running clocks as they come due, until SIGTERM."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--once", action="store_true", help="sweep once and end")

    def handle(self, *args: Any, **options: Any) -> None:
        driver = Driver(f"clock@{socket.gethostname()}"[:40])
        if options["once"]:
            self.stdout.write(f"{driver.tick()} fired")
            return
        stop = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stop.set())
        log.info("clock_started", pid=os.getpid())
        watch = JumpWatch()
        while not stop.is_set():
            stop.wait(step(driver, watch, stop))
        log.info("clock_stopped")


def step(driver: Driver, watch: JumpWatch, stop: threading.Event) -> float:
    """One tick; seconds to sleep after it. A lost database is waited for, never given up on."""
    try:
        driver.tick(lambda: not stop.is_set())
        watch.look()
        return min(LONGEST_SLEEP, max(SHORTEST_SLEEP, next_due_in()))
    except Error as error:
        log.warning("clock_waits_for_database", error=str(error).strip())
        connection.close()
        return RETRY_AFTER


class JumpWatch:
    """Records jumps of the machine's clock above 2 s against the monotonic clock."""

    def __init__(self) -> None:
        self._difference = time.time() - time.monotonic()

    def look(self) -> None:
        """Journal a jump since the last look. Two processes that saw it write one after the other."""
        difference = time.time() - time.monotonic()
        jump = difference - self._difference
        if abs(jump) <= JUMP:
            return
        log.error("clock_jumped", seconds=round(jump, 3))
        with transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_xact_lock(hashtext('system:clock'))")
            journal.append(
                stream="system:clock",
                kind="clock.jumped",
                by=None,
                at=house_clock.now(),
                data={"seconds": round(jump, 3)},
            )
        self._difference = difference
