"""`manage.py clock`: a small loop that fires clocks; needs neither Redis nor beat (DESIGN.md §4)."""

from __future__ import annotations

import argparse
import os
import signal
import threading
import time
from typing import Any

import structlog
from django.core.management.base import BaseCommand
from django.db import InterfaceError, OperationalError, close_old_connections, connection

from kernel import clock as house_clock
from kernel import journal
from kernel.deadlines.sweep import Driver, next_due_in

log = structlog.get_logger(__name__)

LONGEST_SLEEP = 0.2
JUMP = 2.0


class Command(BaseCommand):
    help = "Fire running clocks as they come due, until SIGTERM."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--once", action="store_true", help="sweep once and end")

    def handle(self, *args: Any, **options: Any) -> None:
        driver = Driver(f"clock-{os.getpid()}")
        if options["once"]:
            self.stdout.write(f"{driver.tick()} fired")
            return
        stop = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stop.set())
        log.info("clock_started", pid=os.getpid())
        watch = JumpWatch()
        while not stop.is_set():
            stop.wait(self._step(driver, watch))
        log.info("clock_stopped")

    def _step(self, driver: Driver, watch: JumpWatch) -> float:
        """One tick; how long to sleep after it. A lost database is waited for, never given up on."""
        try:
            driver.tick()
            watch.look()
            return min(LONGEST_SLEEP, max(0.005, next_due_in()))
        except (OperationalError, InterfaceError) as error:
            log.warning("clock_waits_for_database", error=str(error).strip())
            connection.close()
            close_old_connections()
            return 0.2


class JumpWatch:
    """Records jumps of the machine's clock above 2 s against the monotonic clock."""

    def __init__(self) -> None:
        self._difference = time.time() - time.monotonic()

    def look(self) -> None:
        difference = time.time() - time.monotonic()
        jump = difference - self._difference
        if abs(jump) > JUMP:
            log.error("clock_jumped", seconds=round(jump, 3))
            journal.append(
                stream="system:clock",
                kind="clock.jumped",
                by=None,
                at=house_clock.now(),
                data={"seconds": round(jump, 3)},
            )
            self._difference = difference
