"""Disputes on the page of one business."""

from __future__ import annotations

from datetime import datetime

from django.db.models import Count, Q

from grids import entity_page
from grids.access import scope_of
from grids.entity_page import Panel
from grids.models import BusinessEntity
from kernel.accounts.models import User
from stations.admin import words
from stations.admin.seats import READERS_NOT
from stations.models import Dispute
from stations.states import OPEN

MOST = 15


def disputes(entity: BusinessEntity, by: User, at: datetime) -> Panel | None:
    """Its latest disputes that `by` may see, and how many there are; none for whom disputes are not.
    Two statements."""
    if not scope_of(by).roles - READERS_NOT:
        return None
    seen = Dispute.objects.visible_to(by).filter(entity=entity)
    counts = seen.aggregate(all=Count("pk"), going=Count("pk", filter=Q(state__in=OPEN)))
    rows = [
        (row, words.STATE_TONES[row.get_state_display()], words.state_of(row))
        for row in seen.select_related("station").order_by("-id")[:MOST]
    ]
    hint = f"共 {counts['all']} 件，未办结 {counts['going']} 件"
    return Panel("消费纠纷", "stations/entity_panel.html", {"rows": rows}, hint=hint)


entity_page.add(35, disputes)
