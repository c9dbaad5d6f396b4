"""`manage.py plan_patrols`: make the plan of a day now, whatever the schedule."""

from __future__ import annotations

import argparse
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from kernel import clock
from kernel.clock import arguments
from patrols import closing, planning
from patrols.kinds import TaskKind


class Command(BaseCommand):
    help = (
        "Make the patrol plan of a day (today by default): all tasks of the periods that hold it.\n"
        "Safe to repeat. What was missed before today is closed first."
    )

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--date", type=arguments.day, help="a day from today on: 2026-12-01")

    def handle(self, *args: Any, **options: Any) -> None:
        at = clock.now()
        today = clock.local_date(at)
        day = options["date"] or today
        if day < today:
            raise CommandError("过去的日期不再安排计划。")
        missed = closing.close_missed(today, at)
        run = planning.plan(day)
        made = "，".join(f"{TaskKind(kind).label}{run.counts.get(kind, 0)}项" for kind in TaskKind.values)
        self.stdout.write(f"{day}：{made}；逾期{missed}项，无承办人{run.counts['without_person']}项。")
        if run.counts["without_grid"]:
            self.stdout.write(f"{run.counts['without_grid']}家主体未落格，没有安排。")
        if run.needs_consent:
            self.stdout.write("工作量超出上限，已请市场监管局确认。")
