"""Leads on the page of one business."""

from __future__ import annotations

from datetime import datetime

from django.db.models import Count, Q

from grids import entity_page
from grids.entity_page import Panel
from grids.models import BusinessEntity
from kernel.accounts.models import User
from leads.admin import words
from leads.models import Lead
from leads.states import OPEN

MOST = 20


def leads(entity: BusinessEntity, by: User, at: datetime) -> Panel:
    """Its latest leads that `by` may see, and how many there are. Two statements."""
    seen = Lead.objects.visible_to(by).filter(entity=entity)
    counts = seen.aggregate(all=Count("pk"), going=Count("pk", filter=Q(state__in=OPEN)))
    rows = [
        (
            lead,
            words.STATE_COLOURS[lead.get_state_display()],
            words.SEVERITY_COLOURS[lead.get_severity_display()],
        )
        for lead in seen.select_related("category").order_by("-id")[:MOST]
    ]
    hint = f"共 {counts['all']} 件，未办结 {counts['going']} 件"
    return Panel("问题线索", "leads/entity_panel.html", {"rows": rows}, hint=hint)


entity_page.add(30, leads)
