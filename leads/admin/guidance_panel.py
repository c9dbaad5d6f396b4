"""柔性指导 on the page of one business: what it was given, and entering one more."""

from __future__ import annotations

from datetime import datetime

from django.urls import reverse

from grids import entity_page, register_history
from grids.access import scope_of
from grids.entity_page import Link, Panel
from grids.models import BusinessEntity
from kernel.accounts.models import User
from leads import guidance
from leads.admin import words
from leads.models import Guidance, Lead

MOST = 10


def given(entity: BusinessEntity, by: User, at: datetime) -> Panel | None:
    """Its latest guidance that `by` may see, with the leads that he may see; entered in one tap by who may
    give it. Two statements; no panel for who sees none and may give none."""
    scope = scope_of(by)
    if scope.business_nothing:
        return None
    found = Guidance.objects.visible_to(by).filter(entity=entity).select_related("by", "lead")
    rows = list(found.order_by("-id")[: MOST + 1])
    leads = {one.lead_id for one in rows} - {None}
    seen = set(Lead.objects.visible_to(by).filter(pk__in=leads).values_list("pk", flat=True))
    say = words.masked if scope.is_auditor else str
    links: tuple[Link, ...] = ()
    if guidance.may_give(scope):
        address = f"{reverse('admin:leads_guidance_add')}?entity={entity.pk}"
        links = (Link("登记提醒、指导、约谈", address, "support_agent"),)
    if not rows and not links:
        return None
    shown = {
        "rows": [(row, say(row.note), row.lead if row.lead_id in seen else None) for row in rows[:MOST]],
        "more": len(rows) > MOST,
    }
    hint = "提醒、指导、约谈，不是处罚，不扣分"
    return Panel("柔性指导", "leads/guidance_panel.html", shown, links, hint=hint)


register_history.name("guidance.given", "提醒、指导、约谈")
entity_page.add(35, given)
