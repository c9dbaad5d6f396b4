"""`manage.py clock`: a small loop that fires clocks; needs neither Redis nor beat (DESIGN.md §4)."""

from __future__ import annotations

import argparse
import os
import signal
import socket
import threading
from typing import Any

import structlog
from django.core.management.base import BaseCommand
from django.db import Error, connection

from kernel.deadlines.sweep import Driver, next_due_in

log = structlog.get_logger(__name__)

LONGEST_SLEEP = 0.2
SHORTEST_SLEEP = 0.005
RETRY_AFTER = 0.2


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
        while not stop.is_set():
            stop.wait(step(driver, stop))
        log.info("clock_stopped")


def step(driver: Driver, stop: threading.Event) -> float:
    """One tick; seconds to sleep after it. A lost database is waited for, never given up on."""
    try:
        driver.tick(lambda: not stop.is_set())
        return min(LONGEST_SLEEP, max(SHORTEST_SLEEP, next_due_in()))
    except Error as error:
        log.warning("clock_waits_for_database", error=str(error).strip())
        connection.close()
        return RETRY_AFTER
