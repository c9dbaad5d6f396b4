"""Patrols on the page of one business: what is planned, what was done."""

from __future__ import annotations

from datetime import datetime

from grids import entity_page
from grids.entity_page import Panel
from grids.models import BusinessEntity
from kernel.accounts.masking import mask_text
from kernel.accounts.models import User
from patrols.kinds import LIVE, Result
from patrols.models import PatrolTask, PatrolVisit

MOST_AHEAD = 8
MOST_VISITS = 15
TONES = {Result.OK: "success", Result.PROBLEM: "danger", Result.REFUSED: "warning"}


def patrols(entity: BusinessEntity, by: User, at: datetime) -> Panel:
    """Its next tasks and its latest visits, as `by` may see them. Two statements."""
    tasks = PatrolTask.objects.visible_to(by).filter(entity=entity, state__in=LIVE).select_related("assignee")
    visits = PatrolVisit.objects.visible_to(by).filter(entity=entity).select_related("by", "task", "lead")
    shown = {
        "ahead": list(tasks.order_by("planned_on", "id")[:MOST_AHEAD]),
        "visits": [
            (
                row,
                TONES.get(Result(row.result), "default"),
                mask_text("　".join(filter(None, (row.reason, row.note)))),
            )
            for row in visits.order_by("-id")[:MOST_VISITS]
        ],
    }
    return Panel("巡查检查", "patrols/entity_panel.html", shown)


entity_page.add(40, patrols)
