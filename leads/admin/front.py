"""The workbench (工作台): today's counts and what waits for this person. One snapshot, kept a few seconds.

The browser asks every ten seconds; the clocks in it tick by themselves.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.core.cache import cache
from django.db.models import Count, Exists, OuterRef, Q
from django.urls import reverse

from grids.access import Scope, scope_of
from grids.roles import DUTY_LEADER, Role
from kernel.clock import local_date
from kernel.deadlines.policy import end_of_day
from leads import selectors
from leads.admin import clock_face, front_owed, whistles_shown, words
from leads.admin.orders_shown import acknowledgement_clocks
from leads.answered import Answered, having
from leads.dispatch import PLACES
from leads.intake import REPORTS_NOT
from leads.models import Acknowledgement, Lead, LeadQuerySet, Side, SupervisionOrder, Whistle, WhistleCall
from leads.models.whistle import TELLABLE
from leads.states import OPEN, State
from leads.whistle_states import WAITING, WhistleState

KEPT_S = 5
LONGEST = 30
NEVER = timedelta(days=3650)


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure of the workbench and the list behind it."""

    label: str
    number: int
    address: str
    tone: str = ""


@dataclass(frozen=True, slots=True)
class Task:
    """One thing that waits for this person."""

    address: str
    number: str
    title: str
    where: str
    what: str
    severity: str
    severity_tone: str
    clock: str
    """The countdown's HTML (`clock_face.draw`)."""
    due_at: datetime | None


@dataclass(frozen=True, slots=True)
class Front:
    at: datetime
    counts: list[Figure] = field(default_factory=list)
    tasks: list[Task] = field(default_factory=list)
    more: int = 0
    may_report: bool = False


def of(user: Any) -> Front:
    """The snapshot of this person, at most five seconds old."""
    key = f"leads.front:{user.pk}"
    kept: Front | None = cache.get(key)
    if kept is None:
        kept = build(user)
        cache.set(key, kept, KEPT_S)
    return kept


def build(user: Any) -> Front:
    """Read it anew: a fixed number of statements, whatever waits."""
    scope = scope_of(user)
    seen = Lead.objects.visible_to(user)
    found = [*_leads(scope, seen), *_orders(scope, seen), *_whistles(scope), *front_owed.tasks(user, scope)]
    tasks = sorted(found, key=lambda t: t.due_at or scope.at + NEVER)
    may_report = bool(scope.roles - REPORTS_NOT) and not scope.is_auditor
    return Front(scope.at, _counts(scope, seen), tasks[:LONGEST], max(0, len(tasks) - LONGEST), may_report)


def _counts(scope: Scope, seen: LeadQuerySet) -> list[Figure]:
    today = local_date(scope.at)
    since = end_of_day(today - timedelta(days=1))
    late = LeadQuerySet(Lead).overdue(scope.at).filter(pk=OuterRef("pk"))
    figures = seen.filter(Q(reported_at__gte=since) | Q(state__in=OPEN)).aggregate(
        reported=Count("pk", filter=Q(reported_at__gte=since)),
        desk=Count("pk", filter=Q(state=State.REPORTED)),
        going=Count("pk", filter=Q(state__in=OPEN)),
        late=Count("pk", filter=Exists(late)),
    )
    orders = SupervisionOrder.objects.filter(state=SupervisionOrder.State.OPEN)
    if not scope.sees_all:
        orders = orders.filter(lead__in=seen)
    leads = reverse("admin:leads_lead_changelist")
    order_list = reverse("admin:leads_supervisionorder_changelist")
    waiting = orders.count()
    unheard = having(seen, Answered.UNANSWERED).count()
    return [
        Figure("今日上报", figures["reported"], f"{leads}?reported_at_from={today}&reported_at_to={today}"),
        Figure("未办结", figures["going"], f"{leads}?progress=open"),
        Figure(
            "待派单", figures["desk"], f"{leads}?state__exact=reported", "soon" if figures["desk"] else ""
        ),
        Figure("已超时", figures["late"], f"{leads}?progress=overdue", "late" if figures["late"] else ""),
        Figure("督办中", waiting, f"{order_list}?state__exact=open", "late" if waiting else ""),
        Figure("办结未回复", unheard, f"{leads}?answered=unanswered", "soon" if unheard else ""),
    ]


def _leads(scope: Scope, seen: LeadQuerySet) -> list[Task]:
    """Leads I own, those on my desk, and those that my community may verify."""
    mine = Q(assignee_id=scope.user_id, state__in=[State.DISPATCHED, State.RESPONDED])
    if scope.is_auditor:
        return []
    if scope.has(Role.BUREAU):
        mine |= Q(state=State.REPORTED)
    elif scope.has(*PLACES):
        mine |= Q(state=State.REPORTED, office_id__in=scope.office_ids)
    if scope.community_ids:
        mine |= Q(state=State.FED_BACK, grid__lead_community_id__in=scope.community_ids)
    if scope.has(Role.GRID_WORKER):
        mine |= Q(state=State.FED_BACK, grid_id__in=_worked(scope))
    rows = list(
        seen.open().filter(mine).select_related("category", "grid", "entity").order_by("closing_due_at")[:200]
    )
    clocks = selectors.deadlines_of([lead.pk for lead in rows])
    return [_task(lead, clock_face.nearest(lead, clocks[lead.pk], scope.at), scope) for lead in rows]


def _worked(scope: Scope) -> set[int]:
    return {s.grid_id for s in scope.seats if s.role == Role.GRID_WORKER and s.grid_id is not None}


NEXT = {
    State.REPORTED: "待派单",
    State.DISPATCHED: "待接单",
    State.RESPONDED: "待反馈",
    State.FED_BACK: "待核验",
}


def _task(lead: Lead, face: clock_face.Face | None, scope: Scope) -> Task:
    about = lead.entity.name if lead.entity else words.masked(lead.description)
    severity = lead.get_severity_display()
    return Task(
        reverse("admin:leads_lead_change", args=[lead.pk]),
        lead.number,
        f"{lead.category.name}　{about[:30]}",
        lead.grid.name if lead.grid else "未匹配网格",
        NEXT[State(lead.state)],
        severity,
        words.SEVERITY_COLOURS[severity],
        face.html(scope.at) if face and not face.paused else "",
        face.due_at if face and not face.paused else None,
    )


def _orders(scope: Scope, seen: LeadQuerySet) -> list[Task]:
    """Open orders that wait for a side on which this person stands."""
    offices = {s.office_id for s in scope.seats if s.role in (Role.OFFICE_HEAD, DUTY_LEADER) and s.office_id}
    if scope.is_auditor or not (offices or scope.community_ids):
        return []
    answered = Acknowledgement.objects.filter(order=OuterRef("pk"))
    office = Q(lead__office_id__in=offices) & ~Exists(answered.filter(side=Side.OFFICE))
    community = Q(lead__grid__lead_community_id__in=scope.community_ids) & ~Exists(
        answered.filter(side=Side.COMMUNITY)
    )
    rows = list(
        SupervisionOrder.objects.filter(office | community, state=SupervisionOrder.State.OPEN)
        .exclude(Exists(answered.filter(by_id=scope.user_id)))
        .select_related("lead__category", "lead__grid")
        .order_by("id")[:100]
    )
    return [_order_task(order, due_at, scope) for order, due_at in _with_due(rows)]


def _with_due(rows: list[SupervisionOrder]) -> list[tuple[SupervisionOrder, datetime | None]]:
    due: dict[int, datetime] = {}
    for (order_id, _), clock in acknowledgement_clocks([row.pk for row in rows]).items():
        if clock.closed_at is None or clock.state == "breached":
            due[order_id] = min(due.get(order_id, clock.due_at), clock.due_at)
    return [(row, due.get(row.pk)) for row in rows]


def _order_task(order: SupervisionOrder, due_at: datetime | None, scope: Scope) -> Task:
    lead = order.lead
    severity = lead.get_severity_display()
    return Task(
        reverse("admin:leads_supervisionorder_change", args=[order.pk]),
        lead.number,
        f"{order.get_cause_display()}　{lead.category.name}",
        lead.grid.name if lead.grid else "未匹配网格",
        "待签收督办",
        severity,
        words.SEVERITY_COLOURS[severity],
        clock_face.draw("签收", due_at, scope.at) if due_at else "",
        due_at,
    )


def _whistles(scope: Scope) -> list[Task]:
    """Whistles that wait for my department; my own in which every department has had its say."""
    if scope.is_auditor or scope.business_nothing:
        return []
    owed = WhistleCall.objects.filter(
        whistle=OuterRef("pk"), state__in=WAITING, department_id__in=scope.department_ids
    )
    others = WhistleCall.objects.filter(whistle=OuterRef("pk"), state__in=WAITING)
    mine = Q(called_by_id=scope.user_id) & ~Exists(others)
    rows = Whistle.objects.filter(Exists(owed) | mine, state=WhistleState.OPEN).filter(TELLABLE)
    found = rows.select_related("grid", "lead__category").prefetch_related("calls__department")
    return [_whistle_task(whistle, scope) for whistle in found.order_by("id")[:100]]


def _whistle_task(whistle: Whistle, scope: Scope) -> Task:
    calls = [call for call in whistle.calls.all() if call.department_id in scope.department_ids]
    clock = whistles_shown.nearest(calls, scope.at)
    lead = whistle.lead
    severity = lead.get_severity_display() if lead else ""
    waits = next((str(call.get_state_display()) for call in calls if call.state in WAITING), "待结束吹哨")
    return Task(
        reverse("admin:leads_whistle_change", args=[whistle.pk]),
        str(whistle),
        f"吹哨报到　{lead.category.name if lead else whistle.place or whistle.grid.name}",
        whistle.grid.name,
        waits,
        severity,
        words.SEVERITY_COLOURS.get(severity, "default"),
        clock_face.draw(clock.name, clock.due_at, scope.at) if clock else "",
        clock.due_at if clock else None,
    )
