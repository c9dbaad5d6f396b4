"""`manage.py audit_clocks`: do clocks, events and notices agree? Ends with 1 where they do not."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from kernel.deadlines.audit import faults


class Command(BaseCommand):
    help = "Check that every clock, its event and its notices agree."

    def handle(self, *args: Any, **options: Any) -> None:
        found = [fault.sentence for fault in faults()]
        if found:
            raise CommandError("\n".join(found))
        self.stdout.write("时限、超时记录与通知一致。")
