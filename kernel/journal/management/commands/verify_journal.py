"""`manage.py verify_journal`: check every chain and every seal; name the first broken entry."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from kernel.journal.models import Entry, Seal
from kernel.journal.verify import verify


class Command(BaseCommand):
    help = "Verify every chain and every seal of the journal."

    def handle(self, *args: Any, **options: Any) -> None:
        fault = verify(progress=self._show)
        if self.stderr.isatty():
            self.stderr.write("")
        if fault:
            raise CommandError(fault.sentence())
        entries, streams = Entry.objects.count(), Entry.objects.values("stream").distinct().count()
        self.stdout.write(f"留痕完好：{streams} 个对象，{entries} 条记录，{Seal.objects.count()} 次封存。")

    def _show(self, reached: int, last: int) -> None:
        if self.stderr.isatty():
            done = round(30 * reached / last)
            self.stderr.write(f"\r[{'#' * done}{'.' * (30 - done)}] {reached}/{last}", ending="")
