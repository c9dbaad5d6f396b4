"""`manage.py audit_clocks`: do clocks, events, notices and leads agree? Ends with 1 where they do not.

`--nightly` also reads what the nightly run reads: recent signatures and the last sealed entries.
"""

from __future__ import annotations

import argparse
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from kernel.deadlines.audit import faults


class Command(BaseCommand):
    help = "Check that every clock, its event and its notices agree."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--nightly", action="store_true", help="also the rules that read much")

    def handle(self, *args: Any, **options: Any) -> None:
        found = [fault.sentence for fault in faults(nightly=options["nightly"])]
        if found:
            raise CommandError("\n".join(found))
        self.stdout.write("时限、超时记录与通知一致。")
