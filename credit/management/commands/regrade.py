"""`manage.py regrade`: grade businesses anew, or make a periodic review that is missing."""

from __future__ import annotations

import argparse
from datetime import date
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from credit import grading, grading_runs
from credit.models import CreditAssessment, CreditStanding
from grids.models import BusinessEntity
from kernel import clock

WIDTH = 40


def _period(said: str) -> date:
    try:
        return date.fromisoformat(f"{said}-01" if len(said) == len("2026-10") else said)
    except ValueError:
        raise argparse.ArgumentTypeError("评定期格式应为 YYYY-MM 或 YYYY-MM-01") from None


class Command(BaseCommand):
    help = (
        "Grade anew by the scheme in force: one business, or the whole register.\n"
        "With --review: make the periodic review of a month (and quarter), unless it is made already."
    )

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        which = parser.add_mutually_exclusive_group()
        which.add_argument("--entity", type=int, help="the number of one business")
        which.add_argument("--review", type=_period, metavar="PERIOD", help="a month: 2026-10")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["entity"] is not None:
            self._one(options["entity"])
            return
        try:
            done = (
                grading_runs.review(options["review"], self._progress)
                if options["review"]
                else grading_runs.regrade_all(self._progress)
            )
        except ValueError:
            raise CommandError("评定期应为某月1日，且不晚于今天。") from None
        if not done.finished:
            raise CommandError("另一进程正在评定，请稍后再试。")
        self.stdout.write(f"\n已评定 {done.entities} 家，其中 {done.moved} 家等级有变动。")

    def _one(self, number: int) -> None:
        if not BusinessEntity.objects.filter(pk=number).exists():
            raise CommandError(f"没有编号为 {number} 的经营主体。")
        grading.regrade([number], at=clock.now(), trigger=CreditAssessment.Trigger.FACT)
        found = CreditStanding.objects.filter(pk=number).first()
        if found is None:
            raise CommandError("该主体已停业或搬离，不再评定。")
        self.stdout.write(
            f"{number}：总分 {found.total}，测算等级 {found.computed_grade}，执行等级 {found.effective_grade}"
        )

    def _progress(self, done: int, total: int) -> None:
        share = done / total if total else 1.0
        bar = "█" * round(WIDTH * share)
        self.stdout.write(f"\r{bar:<{WIDTH}} {share:4.0%} {done}/{total}", ending="")
        self.stdout.flush()
