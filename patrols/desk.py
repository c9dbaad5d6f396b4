"""The businesses and tasks of one request of `patrols.doing`, locked in order; what may be done with them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from functools import cached_property

from credit.models import CreditAssessment
from grids.access import scope_of
from grids.models import BusinessEntity
from grids.staffing import RoutingFacts, routing_facts_of
from kernel import approvals, clock
from kernel.accounts.models import User
from kernel.deadlines import clocks
from kernel.errors import Conflict, NotVisible, Refused, StaleVersion
from patrols import doers, inspections, over_cap
from patrols.entering import BIGGEST, left_alone
from patrols.given import Expect, Given
from patrols.kinds import BY_WORKER, How, Result, TaskKind, TaskState
from patrols.models import PatrolTask
from patrols.periods import day_zh
from patrols.plan_walk import hold_the_plan
from patrols.visit_rows import Call

NO_TASK = "没有找到这项巡查任务，或者您无权查看。"


class Desk:
    """The businesses and tasks of one request, locked in order, with who answers for their grids."""

    def __init__(
        self, by: User, said: Mapping[int, Given], *, entity_ids: Collection[int] = (), gone: bool = False
    ) -> None:
        self.by, self.scope = by, scope_of(by)
        seen = _seen_by(by, said)
        owners = {pk: entity_id for pk, entity_id, *_ in seen}
        moved = [owners[task] for task, one in said.items() if one.result == Result.GONE]
        moved += entity_ids if gone else []
        checks = [pk for pk, _, kind, _ in seen if kind == TaskKind.WEEKLY_CHECK]
        live = approvals.lock_live_of("entity", moved) if moved else over_cap.lock_clocks(checks)
        self.entities = _locked_entities({*owners.values(), *entity_ids})
        late = any(state == TaskState.CANCELLED and said[pk].captured_at for pk, _, _, state in seen)
        if moved or late:
            hold_the_plan()
        if moved:
            over_cap.refuse_unseen(live, moved)
        self.tasks = _locked_tasks(said, self.entities, held=late)
        self.at: datetime = clock.now()
        clocks.refuse_overdue(live, self.at)

    @cached_property
    def people(self) -> dict[int, RoutingFacts]:
        """Who answers for each grid now. One statement."""
        grids = {task.grid_id for task in self.tasks}
        grids |= {one.grid_id for one in self.entities.values() if one.grid_id is not None}
        return routing_facts_of(sorted(grids), self.at)

    def call(self, task: PatrolTask, given: Given, expect: Expect) -> Call:
        """One task, ready to be written. Raises as `complete`."""
        behalf = doers.doer(task, self.scope, self.people.get(task.grid_id))
        call = Call(given, task.entity, self.at, task=task, on_behalf_of_id=behalf)
        call.was = _was(task, call)
        _expect(task, expect, forgiven=bool(call.was))
        _in_time(task, call)
        if task.kind in BY_WORKER:
            _no_inspection(given)
        else:
            call.inspection = inspections.require(task, given, by=self.by, done_on=call.done_on, at=self.at)
        return call

    def unplanned(self, given: Given, reason: str) -> Call:
        (entity,) = self.entities.values()
        if entity.grid is None:
            raise Refused(
                "该经营主体尚未落格，请先在主体档案中确定位置。", code="entity_without_grid", attr="entity"
            )
        behalf = doers.visitor(entity.grid.pk, entity.grid.office_id, self.scope)
        call = Call(given, entity, self.at, on_behalf_of_id=behalf, reason=reason)
        call.reason = reason or _why_called_on(call)
        return call


def _why_called_on(call: Call) -> str:
    """Why a visit outside the plan needed no reason of its own: the shop's grade, or its grade at the moment
    of a visit that is told of later. One statement at most. Raises Refused (`reason_required`)."""
    grade = call.entity.credit_grade
    if left_alone(grade) and call.given.captured_at and not call.given.clock_skewed:
        graded = CreditAssessment.objects.filter(entity=call.entity, at__lte=call.found.at).order_by("-id")
        grade = graded.values_list("effective_grade", flat=True).first()
    if left_alone(grade):
        raise Refused("无事不扰：A、B级主体计划外走访须说明原因。", code="reason_required", attr="reason")
    return f"信用等级{grade}级，加强巡查"


# --- locks --------------------------------------------------------------------------------------


def _seen_by(by: User, task_ids: Collection[int]) -> list[tuple[int, int, str, str]]:
    """Each of these tasks with its business, kind and state. Raises NotVisible where `by` may not see one."""
    if not task_ids:
        return []
    asked = [number for number in task_ids if 0 < number <= BIGGEST]
    rows = PatrolTask.objects.visible_to(by).filter(pk__in=asked)
    found = list(rows.values_list("id", "entity_id", "kind", "state"))
    missing = [number for number in task_ids if number not in {row[0] for row in found}]
    if missing:
        raise NotVisible(NO_TASK, attr=f"tasks.{missing[0]}" if len(task_ids) > 1 else None)
    return found


def _locked_entities(ids: Collection[int]) -> dict[int, BusinessEntity]:
    rows = BusinessEntity.objects.filter(pk__in=list(ids)).select_related("grid").order_by("id")
    return {one.pk: one for one in rows.select_for_update(of=("self",), no_key=True)}


def _locked_tasks(
    said: Mapping[int, Given], entities: Mapping[int, BusinessEntity], *, held: bool
) -> list[PatrolTask]:
    """Those that were called off are read, not locked: who plans may take them up again without waiting –
    unless the plan is `held`, as it is for those that may have been done before."""
    if not said:
        return []
    rows = PatrolTask.objects.filter(pk__in=list(said)).select_related("grid").order_by("id")
    wanted = rows if held else rows.exclude(state=TaskState.CANCELLED)
    locked = list(wanted.select_for_update(of=("self",), no_key=True))
    left = [number for number in said if number not in {task.pk for task in locked}]
    called_off = list(rows.filter(pk__in=left)) if left else []
    if any(task.state != TaskState.CANCELLED or said[task.pk].captured_at for task in called_off):
        raise clocks.Overdue  # taken up again between the two, or called off just now: from the start
    tasks = sorted([*locked, *called_off], key=lambda task: task.pk)
    for task in tasks:
        task.entity = entities[task.entity_id]
    return tasks


# --- what may be done ----------------------------------------------------------------------------


def _was(task: PatrolTask, call: Call) -> str:
    """What became of the task that the phone did not know of when it was done; "": nothing.

    Called off: only where the phone's moment, if it is believed, lies before that.
    """
    if task.state == TaskState.MISSED:
        return "missed"
    off = task.called_off_at if task.state == TaskState.CANCELLED else None
    return "called_off" if off is not None and call.found.at < off else ""


def _expect(task: PatrolTask, expect: Expect, *, forgiven: bool) -> None:
    """The version seen. `forgiven`: that the task has since been marked as missed or called off is no change
    that matters."""
    try:
        expect(task.version)
    except StaleVersion:
        if not forgiven:
            raise
        expect(task.version - 1)


def _in_time(task: PatrolTask, call: Call) -> None:
    if task.state == TaskState.DONE:
        finding = call.given.finding is not None
        then = "您发现的问题请另行上报线索" if finding else "不用重复提交"
        raise Conflict(f"这项任务已经完成，{then}。", code="task_done")
    if task.state == TaskState.CANCELLED and not call.was:
        raise Conflict("这项任务已取消，如已走访请登记为计划外走访。", code="task_cancelled")
    if call.done_on < task.period:
        raise Conflict(f"这项任务从{day_zh(task.period)}开始，还不能提交。", code="too_early")
    if call.done_on > task.period_end:
        raise Conflict(
            f"这项任务已于{day_zh(task.period_end)}到期，如已走访请登记为计划外走访。", code="period_over"
        )


def _no_inspection(given: Given) -> None:
    """巡查走访 asks for no papers and looks into no records."""
    if given.papers is not None:
        raise Refused("巡查走访不是行政检查，不需要检查文书。", code="no_papers_in_patrol", attr="inspection")
    if given.how == How.RECORDS:
        raise Refused("巡查走访不查阅记录，请到店或在店外查看。", code="how_not_for_patrol", attr="how")
