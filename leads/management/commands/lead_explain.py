"""`manage.py lead_explain NUMBER`: why this grid, this person, these due times, and all that moved them."""

from __future__ import annotations

import argparse
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from leads.explained import whole
from leads.models import Lead


class Command(BaseCommand):
    help = "Explain where a lead went, why its clocks are due when they are, and whose a lateness is."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("number", help="the lead's number")

    def handle(self, *args: Any, **options: Any) -> None:
        number = str(options["number"]).strip().upper()
        lead = Lead.objects.select_related("category", "assignee", "grid").filter(number=number).first()
        if lead is None:
            raise CommandError(f"没有编号为 {number} 的线索。")
        grid = lead.grid.name if lead.grid else "未匹配网格"
        owner = lead.assignee.name if lead.assignee else "待派单"
        self.stdout.write(
            f"{lead.number} {lead.category.name}，{lead.get_state_display()}，{grid}，承办人：{owner}"
        )
        for title, sentences in whole(lead):
            self.stdout.write(f"\n【{title}】")
            for sentence in sentences:
                self.stdout.write(f"  {sentence}")
