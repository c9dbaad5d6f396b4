"""The workbench's tasks beside leads and orders: approvals, rechecks, countersignatures, look-backs."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.urls import reverse

from grids.access import Scope
from grids.roles import Role
from kernel.approvals import kinds
from kernel.approvals.models import Approval
from leads import owed
from leads.admin import clock_face, words
from leads.models import Lead

if TYPE_CHECKING:
    from leads.admin.front import Task

MOST = 50


def tasks(user: Any, scope: Scope) -> list[Task]:
    """Four statements at most; none for who only keeps or audits."""
    if scope.is_auditor or scope.business_nothing:
        return []
    return [*_approvals(user, scope), *_rechecks(scope), *_countersigns(scope), *_look_backs(scope)]


def _approvals(user: Any, scope: Scope) -> list[Task]:
    from leads.admin.front import Task

    rows = Approval.objects.for_decision_by(user).select_related("asked_by").order_by("due_at")[:MOST]
    return [
        Task(
            reverse("admin:approvals_approval_change", args=[row.pk]),
            row.about or str(row),
            f"{kinds.label(row.kind)}　{words.masked(row.reason)[:30]}",
            row.asked_by.name if row.asked_by else "系统",
            "待审批",
            "",
            "default",
            clock_face.draw("审批", row.due_at, scope.at),
            row.due_at,
        )
        for row in rows
    ]


def _rechecks(scope: Scope) -> list[Task]:
    rows = (
        owed.rechecks_of(scope.user_id, scope.at)
        .select_related("category", "grid", "entity")
        .order_by("id")[:MOST]
    )
    return [_of_lead(lead, "待复查", None, scope) for lead in rows]


def _countersigns(scope: Scope) -> list[Task]:
    worked = {s.grid_id for s in scope.seats if s.role == Role.GRID_WORKER and s.grid_id is not None}
    if not worked:
        return []
    rows = owed.countersigns_in(worked).select_related("lead__category", "lead__grid", "lead__entity")
    return [_of_lead(row.lead, "复查待会签", None, scope) for row in rows.order_by("id")[:MOST]]


def _look_backs(scope: Scope) -> list[Task]:
    if not scope.grid_ids:
        return []
    rows = owed.look_backs_in(scope.grid_ids, scope.at).select_related(
        "lead__category", "lead__grid", "lead__entity"
    )
    return [_of_lead(row.lead, "待回头看", row.due_at, scope) for row in rows.order_by("due_at")[:MOST]]


def _of_lead(lead: Lead, what: str, due_at: datetime | None, scope: Scope) -> Task:
    from leads.admin.front import Task

    about = lead.entity.name if lead.entity else words.masked(lead.description)
    severity = lead.get_severity_display()
    return Task(
        reverse("admin:leads_lead_change", args=[lead.pk]),
        lead.number,
        f"{lead.category.name}　{about[:30]}",
        lead.grid.name if lead.grid else "未匹配网格",
        what,
        severity,
        words.SEVERITY_COLOURS[severity],
        clock_face.draw(what.removeprefix("待"), due_at, scope.at) if due_at else "",
        due_at,
    )
