"""Credit on the page of one business: the grade explained, how points went, and the title."""

from __future__ import annotations

from datetime import datetime

from django.urls import reverse

from credit import appeals, explaining, penalties, schemes_in_force
from credit.admin.drawings import Point, trend
from credit.models import Appeal, CreditAssessment, CreditStanding, RedPartner, Repair
from credit.partners import LIVING
from credit.questions import entering_seat
from credit.schemes_in_force import NoSchemeInForce
from grids import entity_page
from grids.access import Scope, scope_of
from grids.entity_page import Link, Panel
from grids.models import BusinessEntity
from grids.roles import Role
from kernel.accounts.models import User
from kernel.clock import local_date

MOST_POINTS = 60
MOST_ASKED = 5
PARTNER_TONES = {"ACTIVE": "danger", "NOMINATED": "warning", "SUSPENDED": "default"}


def grade(entity: BusinessEntity, by: User, at: datetime) -> Panel | None:
    """执行等级, each indicator as a bar with its sentences, and how the points went.

    For who may see standings alone. A fixed number of statements.
    """
    if scope_of(by).business_nothing:
        return None
    on = local_date(at)
    try:
        told = explaining.explain(entity, on)
    except NoSchemeInForce:
        return None
    rows = CreditAssessment.objects.filter(entity=entity).order_by("-id")
    newest = list(rows.values_list("id", "on", "total", "effective_grade", "at")[:MOST_POINTS])
    points = [Point(day, total, grade) for _, day, total, grade, _ in reversed(newest)]
    limits = schemes_in_force.newest()[1].limits
    bounds = [("A", limits.a), ("B", limits.b), ("C", limits.c)]
    standing = CreditStanding.objects.filter(entity=entity).first()
    links = []
    seat = entering_seat(scope_of(by), entity)
    if newest and seat is not None and on <= appeals.last_day(local_date(newest[0][4])):
        address = reverse("admin:credit_creditstanding_appeal", args=[entity.pk])
        links.append(Link("登记申诉", address, "gavel"))
    if seat is not None and standing is not None and penalties.repairable(entity.pk).exists():
        address = reverse("admin:credit_creditstanding_repair", args=[entity.pk])
        links.append(Link("申请信用修复", address, "healing"))
    shown = {
        "told": told,
        "parts": [one for one in told.sections if one.points],
        "others": [one for one in told.sections if not one.points],
        "standing": standing,
        "trend": trend(points, bounds) if len(points) > 1 else "",
    }
    return Panel("信用等级", "credit/entity_grade.html", shown, tuple(links))


def asked(entity: BusinessEntity, by: User, at: datetime) -> Panel | None:
    """What was asked about the grade: the latest appeals and repairs. Two statements; none: no panel."""
    if scope_of(by).business_nothing:
        return None
    rows = []
    for model, what in ((Appeal, "等级申诉"), (Repair, "信用修复")):
        found = model._default_manager.filter(entity=entity).select_related("asked_by").order_by("-id")
        address = f"admin:credit_{model._meta.model_name}_change"
        rows += [(what, one, reverse(address, args=[one.pk])) for one in found[:MOST_ASKED]]
    rows.sort(key=lambda row: row[1].asked_at, reverse=True)
    return Panel("申诉和修复", "credit/entity_asked.html", {"rows": rows}, aside=True) if rows else None


def partner(entity: BusinessEntity, by: User, at: datetime) -> Panel | None:
    """红色合伙人: the title, or whether it may be nominated by who looks."""
    scope = scope_of(by)
    if scope.business_nothing:
        return None
    living = RedPartner.objects.filter(entity=entity, state__in=LIVING)
    row = living.select_related("community", "nominated_by").first()
    links: tuple[Link, ...] = ()
    if row is None and _nominates(scope, entity):
        address = reverse("admin:credit_creditstanding_nominate", args=[entity.pk])
        links = (Link("提名红色合伙人", address, "workspace_premium"),)
    if row is None and not links:
        return None
    words = f"红色合伙人（{row.get_state_display()}）" if row else ""
    badges = ((PARTNER_TONES[row.state], words),) if row else ()
    return Panel("红色合伙人", "credit/entity_partner.html", {"row": row}, links, badges, aside=True)


def _nominates(scope: Scope, entity: BusinessEntity) -> bool:
    return not scope.is_auditor and entity.grid_id is not None and scope.has(Role.COMMUNITY_HEAD)


entity_page.add(10, grade)
entity_page.add(50, partner)
entity_page.add(70, asked)
