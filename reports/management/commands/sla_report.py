"""`manage.py sla_report`: what reports are missing; make them up; show one in words."""

from __future__ import annotations

import argparse
from datetime import date
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from kernel import clock
from kernel.clock import arguments
from reports import nightly, policy, wording
from reports.models import Level, SlaLine, SlaReport, Span


class Command(BaseCommand):
    help = (
        "Make the SLA reports that are due and missing, oldest first, each exactly once.\n"
        "Without options: say which are missing."
    )

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--catch-up", action="store_true", help="make every missing report")
        parser.add_argument(
            "--date", type=arguments.day, help="make what is missing up to this date, and show its text"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        day: date | None = options["date"]
        if day is not None or options["catch_up"]:
            self._make(None if options["catch_up"] else day)
        else:
            missing = nightly.due_days(clock.now(), most=1000)
            self.stdout.write("、".join(map(str, missing)) + " 尚未生成" if missing else "没有缺漏的日报")
        if day is not None:
            self._show(day)

    def _make(self, upto: date | None) -> None:
        while made := nightly.make_up(upto=upto):
            for one in made:
                self.stdout.write(f"{one} 日报已生成")

    def _show(self, day: date) -> None:
        report = SlaReport.objects.filter(date=day).first()
        if report is None:
            late = day > policy.latest_due(clock.now())
            why = "次日00:10后才能生成" if late else "当日以前没有线索上报"
            raise CommandError(f"没有{day}的日报：{why}。")
        lines = {one.span: one for one in SlaLine.objects.filter(report=report, level=Level.BUREAU)}
        whole = lines[Span.DAY]
        told = wording.Told(
            whole.name, whole.counts(), lines[Span.RECENT].counts(), whole.pending, whole.overdue
        )
        self.stdout.write(wording.summary(day, told))
