"""Before anyone plans or enters: how often somebody was there this month, and when last (DESIGN.md §8)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from grids import contacts
from grids.access import scope_of
from grids.models import BusinessEntity, CreditGrade
from kernel.accounts.models import User
from kernel.clock import local_date
from kernel.errors import NotVisible
from patrols import inspections, policies
from patrols.kinds import LIVE, TaskKind
from patrols.models import PatrolTask

BIGGEST = 2**63 - 1
NO_ENTITY = "没有找到这个经营主体，或者您无权查看。"
CALLED_ON_OFTEN = frozenset({CreditGrade.C, CreditGrade.D})


@dataclass(frozen=True, slots=True)
class Before:
    """What to know at the door. `tasks` are those that this call could do; `may_enter_for_check` is said of
    the check among them, where there is one."""

    entity: BusinessEntity
    line: str
    reason_required: bool
    inspections_this_year: int
    inspections_a_year: int
    may_enter_for_check: bool
    tasks: list[PatrolTask]


def left_alone(grade: str | None) -> bool:
    """无事不扰: A and B, and who has no grade yet, are called on outside the plan only with a reason."""
    return grade not in CALLED_ON_OFTEN


def before(*, entity_id: int, by: User) -> Before:
    """Six statements at most. Raises NotVisible."""
    rows = BusinessEntity.objects.visible_to(by).select_related("grid")
    entity = rows.filter(pk=entity_id).first() if 0 < entity_id <= BIGGEST else None
    if entity is None:
        raise NotVisible(NO_ENTITY)
    at: datetime = scope_of(by).at
    today = local_date(at)
    tasks = PatrolTask.objects.visible_to(by).filter(
        entity=entity, state__in=LIVE, period__lte=today, period_end__gte=today
    )
    open_now = list(tasks.order_by("planned_on", "id"))
    check = next((task for task in open_now if task.kind == TaskKind.WEEKLY_CHECK), None)
    entered = inspections.entered_this_year(entity.pk, today.year)
    most = policies.in_force(at).inspections_a_year
    return Before(
        entity,
        contacts.lines([entity.pk], at)[entity.pk],
        left_alone(entity.credit_grade),
        entered,
        most,
        inspections.may_enter(check, entered, most),
        open_now,
    )
