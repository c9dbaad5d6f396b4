"""`manage.py travel +35m`: move the clock of the whole house (tests and demonstrations only)."""

from __future__ import annotations

import argparse
import re
from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from kernel import clock

UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def parse(text: str) -> timedelta:
    """`+35m`, `-2h`, `+1d` → timedelta."""
    match = re.fullmatch(r"([+-]\d+)([smhd])", text)
    if not match:
        raise CommandError("写法：+35m、+2h、+1d、-10s")
    return timedelta(**{UNITS[match[2]]: int(match[1])})


class Command(BaseCommand):
    help = "Move kernel_now() by a duration such as +35m; only where SUOSHE_TEST_CLOCK=1."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        # Without this, argparse takes "-10s" for an option.
        parser._negative_number_matcher = re.compile(r"-\d+[smhd]$")
        parser.add_argument("by", help="+35m, +2h, +1d, -10s")

    def handle(self, *args: Any, **options: Any) -> None:
        by = parse(options["by"])
        try:
            clock.travel(by)
        except RuntimeError as refused:
            raise CommandError("只有在 SUOSHE_TEST_CLOCK=1 的环境中才能调整时钟。") from refused
        self.stdout.write(f"kernel_now() = {clock.now().astimezone(clock.SHANGHAI).isoformat()}")
