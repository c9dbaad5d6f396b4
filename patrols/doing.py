"""Doing patrols: a task, a stretch of street, a visit outside the plan (DESIGN.md §8).

One transaction each. Lock order (`plan_walk.hold_the_plan`): the live clocks of what is asked about a
business and its checks, then businesses by id, then the plan (where a shop has moved away, or a task was
called off after somebody was there), then tasks by id, then all else. A repeated request gives the first
result back (`client_uid`). A finding becomes a lead in the same transaction; it is scored by the lead, the
visit only says that somebody looked.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from django.db import transaction

from grids.models import BusinessEntity
from kernel.accounts.models import User
from kernel.deadlines import clocks
from kernel.deadlines.contention import retried
from kernel.errors import Conflict, DomainError, NotVisible, Refused, StaleVersion
from patrols import over_cap, visit_rows
from patrols.desk import Desk
from patrols.entering import BIGGEST, NO_ENTITY
from patrols.given import Expect, Given, Stretch
from patrols.kinds import BY_WORKER, How, Result, TaskState
from patrols.models import PatrolVisit
from patrols.visit_rows import Call

T = TypeVar("T")
MOST = 60
"""So many tasks may be done in one stretch."""
TAKEN_UID = "该编号已用于另一次走访，内容不同，请重新提交。"


class StretchRefused(Conflict):
    """Nothing of a stretch was done; `errors` names each task that stands in the way.

    409, or what they all have in common (403 where none of them is his).
    """

    def __init__(self, errors: Sequence[DomainError]) -> None:
        told = "；".join(one.detail for one in errors[:5])
        super().__init__(f"整批未提交：{told}", code="stretch_refused", attr="tasks")
        self.errors = list(errors)
        if len({one.status for one in errors}) == 1:
            self.status = errors[0].status


@dataclass(frozen=True, slots=True)
class Done:
    """What a stretch made; `created` False where this request came before."""

    visits: list[PatrolVisit]
    created: bool


# --- services --------------------------------------------------------------------------------------


def complete(*, task_id: int, by: User, expect: Expect, given: Given) -> PatrolVisit:
    """Do one task. The same `client_uid` with the same content gives the first visit back, whatever the
    version says by now.

    `captured_at` within [receipt − 5 days, receipt + 10 min] decides the day; a task that the night marked
    as missed is done after all where it was done within its period, one that was called off where it was done
    before that (once; the journal says so).

    Raises:
        NotVisible; NotAllowed `not_your_task`, `not_a_visit`, `not_an_officer`; StaleVersion /
        VersionRequired; Conflict `client_uid_conflict`, `task_done`, `task_cancelled`, `too_early`,
        `period_over`, `cap_reached`, `papers_used`, `evidence_unavailable`; Refused `lead_required`,
        `papers_incomplete` …;
        Busy.
    """
    digest = given.digest("task", task_id)

    def work() -> PatrolVisit:
        known = _known(by, given, digest)
        if known is not None:
            return known
        desk = Desk(by, {task_id: given})
        task = desk.tasks[0]
        if task.state == TaskState.DONE and (known := _known(by, given, digest)) is not None:
            return known
        asked = task.state == TaskState.ASKS
        call = desk.call(task, given, expect)
        call.digest = digest
        if asked:
            over_cap.withdraw({task.pk: "已不入店完成检查"}, desk.at)
        return visit_rows.write([call], by=by, at=desk.at, people=desk.people)[0]

    _must_be_single(given)
    _must_fit(given)
    return _in_one_piece(work)


def complete_batch(*, by: User, stretch: Stretch) -> Done:
    """Do a stretch of street in one go (全部正常，除…): 巡查 only, all or nothing, each visit marked as of
    the stretch. As many statements for one shop as for sixty, beside those of findings' leads, of files, of
    shops that are gone and of shut doors that are asked about.

    Raises:
        StretchRefused: with one error for each task that cannot be done, as `complete` would raise it.
        Refused: `nothing_to_do`, `too_many`, `twice`, `not_in_the_stretch`, and as `complete`.
        Conflict: `client_uid_conflict`. NotVisible: a task that is not there. Busy.
    """
    _stretch_must_fit(stretch)
    said, whole = stretch.visits(), stretch.digest()
    versions = dict(stretch.tasks)

    def work() -> Done:
        known = _known_stretch(by, stretch, whole)
        if known:
            return Done(known, created=False)
        desk = Desk(by, said)
        if any(task.state == TaskState.DONE for task in desk.tasks):
            known = _known_stretch(by, stretch, whole)
            if known:
                return Done(known, created=False)
        calls = _calls(desk, said, versions)
        for call in calls:
            call.stretch = stretch.client_uid
            call.digest = whole
        return Done(visit_rows.write(calls, by=by, at=desk.at, people=desk.people), created=True)

    return _in_one_piece(work)


def visit(*, entity_id: int, by: User, given: Given, reason: str = "") -> tuple[PatrolVisit, bool]:
    """Call on a shop outside the plan; whether the visit is new. A shop of grade A or B, or without one, is
    left alone unless there is a reason (无事不扰).

    Raises:
        NotVisible; NotAllowed `not_your_grid`; Refused `reason_required`, `entity_without_grid`,
        `lead_required` …; Conflict `client_uid_conflict`, `evidence_unavailable`; Busy.
    """
    reason = reason.strip()
    digest = given.digest("visit", entity_id, reason)

    def work() -> tuple[PatrolVisit, bool]:
        known = _known(by, given, digest)
        if known is not None:
            return known, False
        if not BusinessEntity.objects.visible_to(by).filter(pk=entity_id).exists():
            raise NotVisible(NO_ENTITY)
        desk = Desk(by, {}, entity_ids=[entity_id], gone=given.result == Result.GONE)
        known = _known(by, given, digest)
        if known is not None:
            return known, False
        call = desk.unplanned(given, reason)
        call.digest = digest
        return visit_rows.write([call], by=by, at=desk.at, people=desk.people)[0], True

    if not 0 < entity_id <= BIGGEST:
        raise NotVisible(NO_ENTITY)
    _must_be_single(given)
    _must_fit(given)
    if given.how == How.RECORDS or given.papers is not None:
        raise Refused("计划外走访不是行政检查，请选择走访方式。", code="how_not_for_patrol", attr="how")
    return _in_one_piece(work)


def _in_one_piece(work: Callable[[], T]) -> T:
    @transaction.atomic
    def once() -> T:
        clocks.cap_waits()
        return work()

    return retried(once)


def _must_fit(given: Given) -> None:
    """Raise Refused where the parts contradict each other."""
    if given.result == Result.PROBLEM and given.finding is None:
        raise Refused("发现问题的，请填写问题分类和描述，一并上报线索。", code="lead_required", attr="lead")
    if given.result != Result.PROBLEM and given.finding is not None:
        raise Refused("只有结果为“发现问题”时才能一并上报线索。", code="lead_of_problem", attr="lead")
    if given.how == How.RECORDS and given.result in (Result.CLOSED_TODAY, Result.GONE):
        raise Refused(
            "查阅记录看不出是否关门、搬走，请到店或在店外查看。", code="how_not_for_result", attr="how"
        )


def _must_be_single(given: Given) -> None:
    if given.how == How.STRETCH:
        raise Refused("沿街巡查请用批量提交。", code="not_in_a_stretch", attr="how")


# --- stretches -------------------------------------------------------------------------------------


def _stretch_must_fit(stretch: Stretch) -> None:
    asked = [number for number, _ in stretch.tasks]
    if not asked:
        raise Refused("请至少选择一户。", code="nothing_to_do", attr="tasks")
    if len(asked) > MOST:
        raise Refused(f"一次最多提交{MOST}户，请分段提交。", code="too_many", attr="tasks")
    told = [one.task_id for one in stretch.exceptions]
    if len(set(asked)) < len(asked) or len(set(told)) < len(told):
        raise Refused("同一项任务出现了两次。", code="twice", attr="tasks")
    if set(told) - set(asked):
        raise Refused("例外中有不在本批的任务。", code="not_in_the_stretch", attr="exceptions")
    for task_id, given in stretch.visits().items():
        try:
            _must_fit(given)
        except Refused as refused:
            refused.attr = f"tasks.{task_id}.{refused.attr}"
            raise


def _calls(desk: Desk, said: Mapping[int, Given], versions: Mapping[int, int]) -> list[Call]:
    calls, errors = [], []
    for task in desk.tasks:
        try:
            if task.kind not in BY_WORKER:
                raise Refused("每周查须逐户进行，不能沿街批量提交。", code="not_in_a_stretch")
            calls.append(desk.call(task, said[task.pk], _seen(versions[task.pk])))
        except DomainError as refused:
            refused.attr = f"tasks.{task.pk}"
            refused.detail = f"{task.entity.name}：{refused.detail}"
            errors.append(refused)
    if errors:
        raise StretchRefused(errors)
    return calls


def _seen(version: int) -> Expect:
    def expect(current: int) -> None:
        if current != version:
            raise StaleVersion("内容已被更新，请刷新后再操作。", code="stale_version")

    return expect


# --- repeated requests -----------------------------------------------------------------------------


def _known(by: User, given: Given, digest: str) -> PatrolVisit | None:
    rows = PatrolVisit.objects.filter(by=by, client_uid=given.client_uid)
    found = rows.select_related("task", "entity", "grid", "lead").first()
    if found is not None and found.content_digest != digest:
        raise Conflict(TAKEN_UID, code="client_uid_conflict", attr="client_uid")
    return found


def _known_stretch(by: User, stretch: Stretch, digest: str) -> list[PatrolVisit]:
    rows = PatrolVisit.objects.filter(by=by, stretch=stretch.client_uid).order_by("id")
    found = list(rows.select_related("task", "entity", "grid", "lead"))
    if any(one.content_digest != digest for one in found):
        raise Conflict(TAKEN_UID, code="client_uid_conflict", attr="client_uid")
    return found
