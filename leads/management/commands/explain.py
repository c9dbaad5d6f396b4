"""`manage.py explain <number>`: why this grid, this person and these due times (DESIGN.md §4)."""

from __future__ import annotations

import argparse
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from leads.explain import explain
from leads.models import Lead


class Command(BaseCommand):
    help = "Explain where a lead went and why its clocks are due when they are."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("number", help="the lead's number")

    def handle(self, *args: Any, **options: Any) -> None:
        lead = Lead.objects.filter(number=options["number"]).first()
        if lead is None:
            raise CommandError(f"没有编号为 {options['number']} 的线索。")
        self.stdout.write(explain(lead).text_zh)
