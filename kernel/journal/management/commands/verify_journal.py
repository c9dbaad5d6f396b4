"""`manage.py verify_journal`: check every chain and every seal, or one chain; name the first broken entry.

Ends with 1 where something is broken. On a terminal a bar shows how far it is, how fast, and how long it
will take; where standard error is no terminal nothing is written there.
"""

from __future__ import annotations

import argparse
import time
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from kernel.journal.models import Entry, Seal
from kernel.journal.verify import verify, verify_stream

WIDTH = 30
DRAWN_EVERY_S = 0.1
NAMES = {"entries": "记录", "seals": "封存"}


class Command(BaseCommand):
    help = "Verify every chain and every seal of the journal, or one chain."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--stream", help="one chain only, such as lead:42")

    def handle(self, *args: Any, **options: Any) -> None:
        stream: str | None = options["stream"]
        bar = Bar(self.stderr)
        show = bar.show if self.stderr.isatty() else None
        if stream is None:
            fault = verify(progress=show)
        elif not Entry.objects.filter(stream=stream).exists():
            raise CommandError(f"没有对象 {stream} 的留痕记录。")
        else:
            fault = verify_stream(stream, progress=show)
        bar.end()
        if fault:
            raise CommandError(fault.sentence())
        self.stdout.write(self._well(stream))

    def _well(self, stream: str | None) -> str:
        if stream is not None:
            return f"留痕完好：{stream}，{Entry.objects.filter(stream=stream).count()} 条记录。"
        entries, streams = Entry.objects.count(), Entry.objects.filter(seq=1).count()
        return f"留痕完好：{streams} 个对象，{entries} 条记录，{Seal.objects.count()} 次封存。"


class Bar:
    """A bar on one line: what is done of the whole, how many a second, how long it will take."""

    def __init__(self, out: Any) -> None:
        self.out = out
        self._what = ""
        self._since = self._seen_at = time.monotonic()
        self._drawn_at = 0.0
        self._drawn = False

    def show(self, what: str, done: int, whole: int) -> None:
        """Draw it anew, ten times a second at most, and when all is done."""
        at = time.monotonic()
        if what != self._what:
            self._what, self._since = what, self._seen_at
        self._seen_at = at
        if done < whole and at - self._drawn_at < DRAWN_EVERY_S:
            return
        filled = round(WIDTH * done / whole) if whole else WIDTH
        rate = done / max(at - self._since, 0.001)
        left = duration((whole - done) / rate) if rate else "—"
        drawn = "#" * filled + "." * (WIDTH - filled)
        line = f"{NAMES[what]} [{drawn}] {done}/{whole}，每秒 {rate:,.0f} 条，剩余 {left}"
        self.out.write(f"\r\x1b[K{line}", style_func=str, ending="")
        self.out.flush()
        self._drawn_at, self._drawn = at, True

    def end(self) -> None:
        if self._drawn:
            self.out.write("")


def duration(seconds: float) -> str:
    """`1:05:09`, or `5:09`."""
    hours, rest = divmod(round(seconds), 3600)
    minutes, left = divmod(rest, 60)
    return f"{hours}:{minutes:02}:{left:02}" if hours else f"{minutes}:{left:02}"
