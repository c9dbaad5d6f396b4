"""Who is told of a grid's tasks: when given, changed, done, cancelled, and when their clocks run out.

The handlers of the clocks are set-based: two reads and one insert a batch; above `DIGEST_ABOVE` things at
once for one person he gets one notice that lists their events in `params.events` (DESIGN.md §4).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from django.db.models import Q

from grids.models import Absence, Posting, TaskItem, WorkGroup
from grids.staffing import bureau_ids
from grids.states import TaskState
from kernel.accounts.models import User
from kernel.deadlines import handlers
from kernel.deadlines.handlers import Fired
from kernel.notices import outbox, templates
from kernel.notices.models import OutboxMessage
from kernel.notices.outbox import Draft
from kernel.notices.policy import Urgency

DIGEST_ABOVE = 20
TOPICS = {"due": "grids.task_late", "due_80": "grids.task_soon"}


def _still_open(message: OutboxMessage) -> bool:
    return TaskItem.objects.filter(pk=message.subject_id, state=TaskState.OPEN).exists()


def given(task: TaskItem, by: User | None, at: datetime) -> None:
    """The owner (unless he gave it to himself) and the grid's chat group."""
    people = {task.owner_id} - {by.pk if by else None}
    outbox.post(_drafts(task, "given", "grids.task_given", people, at, group=True), at=at)


def changed(task: TaskItem, by: User | None, before: int, at: datetime) -> None:
    """The owner and, where there is another one now, the one before."""
    me = by.pk if by else None
    template = "grids.task_changed" if before == task.owner_id else "grids.task_given"
    drafts = _drafts(task, f"changed:{task.version}", template, {task.owner_id} - {me}, at)
    if before != task.owner_id:
        drafts += _drafts(task, f"taken:{task.version}", "grids.task_taken", {before} - {me}, at)
    outbox.post(drafts, at=at)


def done(task: TaskItem, by: User, at: datetime) -> None:
    """Who gave it, the owner where another did it, and the chat group."""
    people = {task.created_by_id, task.owner_id} - {by.pk, None}
    outbox.post(_drafts(task, "done", "grids.task_done", people, at, group=True, who=by.name), at=at)


def cancelled(task: TaskItem, by: User, at: datetime) -> None:
    people = {task.created_by_id, task.owner_id} - {by.pk, None}
    outbox.post(_drafts(task, "cancelled", "grids.task_cancelled", people, at), at=at)


def _drafts(
    task: TaskItem,
    key: str,
    template: str,
    people: Iterable[int | None],
    at: datetime,
    *,
    group: bool = False,
    who: str = "",
) -> list[Draft]:
    params = _params(task) | {"who": who, "reason": task.cancel_reason}
    start = f"task:{task.pk}:{key}"
    drafts = [
        Draft(f"{start}:user:{person}", template, params, "task", task.pk, recipient_id=person)
        for person in sorted(p for p in people if p is not None)
    ]
    robot = _robot(task.grid_id) if group else None
    if robot is not None:
        told = f"{template}_group"
        drafts.append(Draft(f"{start}:robot:{robot}", told, params, "task", task.pk, robot_id=robot))
    return drafts


def _params(task: TaskItem) -> dict[str, Any]:
    return {
        "title": task.title,
        "grid": task.grid.name,
        "owner": task.owner.name,
        "due_at": task.due_at.isoformat(),
        "task": task.pk,
    }


def _robot(grid_id: int) -> int | None:
    rows = WorkGroup.objects.filter(grid_id=grid_id, robot__is_active=True)
    return rows.values_list("robot_id", flat=True).first()


# --- clocks ----------------------------------------------------------------------------------------


def ran_out(batch: Sequence[Fired], at: datetime) -> None:
    """A task is due (or nearly): its owner, who stands in for him, and who gave it are told; where none of
    them has an account any more, the bureau."""
    rows = TaskItem.objects.filter(pk__in=[one.subject_id for one in batch]).select_related("grid", "owner")
    tasks = {task.pk: task for task in rows}
    people = _people(tasks.values(), at)
    told: dict[int, list[Fired]] = defaultdict(list)
    for one in batch:
        for person in people[one.subject_id]:
            told[person].append(one)
    drafts: list[Draft] = []
    for person, events in sorted(told.items()):
        if len(events) > DIGEST_ABOVE:
            drafts.append(_digest(person, events, tasks))
        else:
            drafts += [_one(person, event, tasks[event.subject_id]) for event in events]
    outbox.post(drafts, at=at)


def _one(person: int, event: Fired, task: TaskItem) -> Draft:
    key = f"event:{event.deadline_id}:task:user:{person}"
    return Draft(key, TOPICS[event.kind], _params(task), "task", task.pk, recipient_id=person)


def _digest(person: int, events: list[Fired], tasks: dict[int, TaskItem]) -> Draft:
    first = min(events, key=lambda event: (event.due_at, event.deadline_id))
    params = {
        "count": len(events),
        "what": "已到完成期限" if first.kind == "due" else "即将到期",
        "title": tasks[first.subject_id].title,
        "events": [event.deadline_id for event in events],
    }
    key = f"event:{first.deadline_id}:task:digest:user:{person}"
    return Draft(key, "grids.task_digest", params, "task", first.subject_id, recipient_id=person)


def _people(tasks: Iterable[TaskItem], at: datetime) -> dict[int, set[int]]:
    """By task. Three statements, whatever the number of tasks; a fourth where somebody is left out."""
    tasks = list(tasks)
    owners = {task.owner_id for task in tasks}
    away = dict(Absence.objects.running(at).filter(user_id__in=owners).values_list("user_id", "stand_in_id"))
    backups: dict[tuple[int, int], int] = {}
    if away:
        held = Posting.objects.active(at).filter(user_id__in=away, backup__isnull=False)
        backups = {
            (user, grid): backup
            for user, grid, backup in held.values_list("user_id", "grid_id", "backup_id").order_by("-id")
        }
    found: dict[int, set[int]] = {}
    for task in tasks:
        stand_in = None
        if task.owner_id in away:
            stand_in = away[task.owner_id] or backups.get((task.owner_id, task.grid_id))
        found[task.pk] = {p for p in (task.owner_id, task.created_by_id, stand_in) if p is not None}
    everyone = set().union(*found.values())
    active = set(User.objects.filter(Q(pk__in=everyone), is_active=True).values_list("pk", flat=True))
    found = {pk: people & active for pk, people in found.items()}
    if not all(found.values()):
        bureau = set(bureau_ids(at))
        found = {task.pk: found[task.pk] or bureau or {task.owner_id} for task in tasks}
    return found


def register() -> None:
    """Register the words and the handlers of tasks (called once, at start-up)."""
    templates.register("grids.task_given", "新任务：{title}", "{grid}，请于 {due_at} 前完成。", _still_open)
    templates.register(
        "grids.task_given_group",
        "新任务：{title}",
        "{grid}，责任人{owner}，请于 {due_at} 前完成。",
        _still_open,
    )
    templates.register(
        "grids.task_changed", "任务有变动：{title}", "{grid}，完成期限 {due_at}。", _still_open
    )
    templates.register("grids.task_taken", "任务已转交：{title}", "{grid}，现由{owner}负责，您无需再办理。")
    templates.register("grids.task_done", "任务已完成：{title}", "{grid}，{who}已完成。")
    templates.register(
        "grids.task_done_group", "任务已完成：{title}", "{grid}，{who}已完成。", urgency=Urgency.NEWS
    )
    templates.register("grids.task_cancelled", "任务已取消：{title}", "{grid}，原因：{reason}。")
    templates.register("grids.task_soon", "任务即将到期：{title}", "{grid}，完成期限 {due_at}，请抓紧办理。")
    templates.register(
        "grids.task_late", "任务逾期：{title}", "{grid}，责任人{owner}，完成期限 {due_at} 已过。"
    )
    templates.register(
        "grids.task_digest", "{count} 项任务{what}", "最早的一项是“{title}”，其余请在任务清单中查看。"
    )
    for kind in TOPICS:
        handlers.register("task", kind, ran_out)
