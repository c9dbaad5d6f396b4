"""A grid's list of tasks (任务清单): given, changed, done, cancelled. With `task_handover` the only writer of
`TaskItem`.

Each task has one clock (`task:<id>`, kind `due`, with a 催办 at 80 %). Lock order of every act: the task's
live clocks by id, then the task. A repeated request gives the same answer. Journal stream `task:<id>`.
"""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from grids import states, task_notices, task_rights
from grids.access import scope_of
from grids.models import Grid, TaskItem
from grids.refusals import naming_the_rule
from grids.states import TaskMove, TaskState
from grids.work_groups import members_of
from kernel import clock, journal
from kernel.accounts.models import User
from kernel.deadlines import clocks, contention
from kernel.deadlines.models import Deadline
from kernel.deadlines.policy import Counting, Limit, Unit
from kernel.errors import Conflict, NotAllowed, NotVisible, Refused
from kernel.notices.policy import masked

SUBJECT, DUE = "task", "due"
WARN_PERCENT = 80
FARTHEST = timedelta(days=366)
BIGGEST = 2**63 - 1
Expect = Callable[[int], None]
"""Called with the task's present version; raises VersionRequired or StaleVersion."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What is to be done, by whom, by when. `source` names a row of a higher app, e.g. `("lead", 42)`."""

    title: str
    owner_id: int
    due_at: datetime
    note: str = ""
    source: tuple[str, int] | None = None

    def digest(self, grid_id: int) -> str:
        """SHA-256 of the content, so that a repeated request is told from another one."""
        said = [grid_id, self.title, self.owner_id, self.due_at.timestamp(), self.note, self.source]
        return hashlib.sha256(json.dumps(said, ensure_ascii=False).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Made:
    task: TaskItem
    created: bool


# --- acts ------------------------------------------------------------------------------------------


def add(*, grid: Grid, wish: Wish, client_uid: uuid.UUID, by: User | None, at: datetime) -> Made:
    """Put a task on the grid's list; its owner and the chat group are told, its clock runs.

    `by` None is the system: a higher app that makes a task of its own matter gives a `client_uid` derived
    from it, so that it is made once. The same uid with the same content gives the same task back.

    Raises:
        NotAllowed: `not_your_grid`, or `only_yourself` (a grid worker gives tasks to nobody else).
        Refused: `owner_not_in_group`, `due_past`, `due_too_far`, `title_required`.
        Conflict: `client_uid_conflict` – this uid came with other content.
    """
    if by is not None:
        task_rights.require_may_give(scope_of(by), grid, wish.owner_id)
    wish = Wish(wish.title.strip(), wish.owner_id, wish.due_at, wish.note.strip(), wish.source)
    known = TaskItem.objects.filter(created_by=by, client_uid=client_uid).first()
    if known is not None:
        return _again(known, wish, grid)
    try:
        with transaction.atomic(), naming_the_rule(TaskItem):
            return Made(_add(grid, wish, client_uid, by, at), created=True)
    except Conflict as refused:
        if refused.code != "taskitem_one_client_uid":
            raise
    return _again(TaskItem.objects.get(created_by=by, client_uid=client_uid), wish, grid)


def _again(known: TaskItem, wish: Wish, grid: Grid) -> Made:
    if known.content_digest != wish.digest(grid.pk):
        raise Conflict(
            "该编号已用于另一项任务，内容不同，请重新提交。", code="client_uid_conflict", attr="client_uid"
        )
    return Made(known, created=False)


def _add(grid: Grid, wish: Wish, client_uid: uuid.UUID, by: User | None, at: datetime) -> TaskItem:
    if not wish.title:
        raise Refused("请填写任务内容。", code="title_required", attr="title")
    _due_must_fit(wish.due_at, at)
    _owner_must_fit(grid.pk, wish.owner_id, at)
    task = TaskItem.objects.create(
        grid=grid,
        client_uid=client_uid,
        content_digest=wish.digest(grid.pk),
        title=wish.title,
        note=wish.note,
        owner_id=wish.owner_id,
        due_at=wish.due_at,
        created_by=by,
        created_at=at,
        source_kind=wish.source[0] if wish.source else "",
        source_id=wish.source[1] if wish.source else None,
    )
    _arm(task, at)
    said = {"grid_id": grid.pk, "owner_id": task.owner_id, "due_at": task.due_at.isoformat()}
    note_down(task, "task.given", by, at, said | {"title": task.title})
    task_notices.given(task, by, at)
    return task


def change(
    *,
    task_id: int,
    by: User,
    expect: Expect,
    title: str | None = None,
    note: str | None = None,
    owner_id: int | None = None,
    due_at: datetime | None = None,
) -> TaskItem:
    """Change an open task; what is None stays. Another owner and the old one are told. A new due time ends
    the old clock and starts one from now. Nothing changed: no new version.

    Raises:
        NotVisible, NotAllowed (`not_your_task`), Conflict (`wrong_state`), Refused as `add`, Busy.
    """

    def work(task: TaskItem, at: datetime) -> TaskItem:
        expect(task.version)
        scope = scope_of(by)
        if not task_rights.may_manage(scope, task):
            raise NotAllowed("只有布置人或本网格的负责人可以修改任务。", code="not_your_task")
        states.target(TaskMove.CHANGE, task.state)
        wanted: dict[str, Any] = {
            "title": task.title if title is None else title.strip(),
            "note": task.note if note is None else note.strip(),
            "owner_id": owner_id or task.owner_id,
            "due_at": due_at or task.due_at,
        }
        changed = [name for name, value in wanted.items() if getattr(task, name) != value]
        if not wanted["title"]:
            raise Refused("请填写任务内容。", code="title_required", attr="title")
        if "owner_id" in changed:
            task_rights.require_may_give(scope, task.grid, wanted["owner_id"])
            _owner_must_fit(task.grid_id, wanted["owner_id"], at)
        if "due_at" in changed:
            _due_must_fit(wanted["due_at"], at)
        if changed:
            _change(task, wanted, changed, by, at)
        return task

    return _perform(task_id, by, work)


def _change(task: TaskItem, wanted: dict[str, Any], changed: list[str], by: User, at: datetime) -> None:
    before = task.owner_id
    for name in changed:
        setattr(task, name, wanted[name])
    if "due_at" in changed:
        clocks.cancel(SUBJECT, task.pk, None, at=at)
        task.clock_cycle += 1
        _arm(task, at)
    save(task, *changed, "clock_cycle")
    said = {"fields": changed, "owner_id": task.owner_id, "due_at": task.due_at.isoformat()}
    note_down(task, "task.changed", by, at, said | {"title": task.title})
    task_notices.changed(task, by, before, at)


def finish(*, task_id: int, by: User, expect: Expect, note: str = "") -> TaskItem:
    """Done: by the owner, who stands in for him, who gave it, or who leads in the grid. Its clock is met,
    whoever gave it and the chat group are told. Done already by the same person: answered as it is.

    Raises:
        NotVisible, NotAllowed (`not_your_task`), Conflict (`wrong_state`), Busy.
    """

    def work(task: TaskItem, at: datetime) -> TaskItem:
        if task.state == TaskState.DONE and task.done_by_id == by.pk:
            return task
        expect(task.version)
        if not task_rights.may_finish(scope_of(by), task):
            raise NotAllowed("这项任务由他人负责，您不能代为完成。", code="not_your_task")
        task.state = states.target(TaskMove.FINISH, task.state)
        task.done_by, task.done_at, task.done_note = by, at, note.strip()
        clocks.meet(SUBJECT, task.pk, [DUE], at=at)
        save(task, "state", "done_by", "done_at", "done_note")
        note_down(task, "task.done", by, at, {"note": task.done_note, "late": at >= task.due_at})
        task_notices.done(task, by, at)
        return task

    return _perform(task_id, by, work)


def cancel(*, task_id: int, by: User, expect: Expect, reason: str) -> TaskItem:
    """No longer needed: said by who gave it or who leads in the grid, with a reason. The owner is told.
    Cancelled already by the same person: answered as it is.

    Raises:
        NotVisible, NotAllowed (`not_your_task`), Conflict (`wrong_state`), Refused (`reason_required`), Busy.
    """

    def work(task: TaskItem, at: datetime) -> TaskItem:
        if task.state == TaskState.CANCELLED and task.cancelled_by_id == by.pk:
            return task
        expect(task.version)
        if not task_rights.may_manage(scope_of(by), task):
            raise NotAllowed("只有布置人或本网格的负责人可以取消任务。", code="not_your_task")
        if not reason.strip():
            raise Refused("请填写取消原因。", code="reason_required", attr="reason")
        task.state = states.target(TaskMove.CANCEL, task.state)
        task.cancelled_by, task.cancelled_at, task.cancel_reason = by, at, reason.strip()
        clocks.cancel(SUBJECT, task.pk, None, at=at)
        save(task, "state", "cancelled_by", "cancelled_at", "cancel_reason")
        note_down(task, "task.cancelled", by, at, {"reason": task.cancel_reason})
        task_notices.cancelled(task, by, at)
        return task

    return _perform(task_id, by, work)


# --- what they share -------------------------------------------------------------------------------


def _perform(task_id: int, by: User, work: Callable[[TaskItem, datetime], TaskItem]) -> TaskItem:
    """Run one act on one task in its own transaction; a clock that ran out is fired first."""
    if task_id > BIGGEST:
        raise NotVisible("没有找到这项任务，或者您无权查看。")
    return contention.retried(lambda: _once(task_id, by, work), subject=(SUBJECT, task_id))


@transaction.atomic
def _once(task_id: int, by: User, work: Callable[[TaskItem, datetime], TaskItem]) -> TaskItem:
    live = clocks.lock_live(SUBJECT, task_id)
    rows = TaskItem.objects.visible_to(by).select_related("grid")
    task = rows.select_for_update(of=("self",)).filter(pk=task_id).first()
    if task is None:
        raise NotVisible("没有找到这项任务，或者您无权查看。")
    at = clock.now()
    clocks.refuse_overdue(live, at)
    return work(task, at)


def _arm(task: TaskItem, at: datetime) -> None:
    minutes = max(1, round((task.due_at - at).total_seconds() / 60))
    limit = Limit(DUE, 1, minutes, Unit.MINUTES, Counting.NATURAL, WARN_PERCENT)
    rows: list[Deadline] = clocks.with_warning(
        limit,
        subject_kind=SUBJECT,
        subject_id=task.pk,
        kind=DUE,
        cycle=task.clock_cycle,
        armed_at=at,
        due_at=task.due_at,
    )
    clocks.arm(rows)


def save(task: TaskItem, *fields: str) -> None:
    """Write these columns and the next version."""
    task.version += 1
    task.save(update_fields=[*fields, "version"])


def note_down(task: TaskItem, kind: str, by: User | None, at: datetime, said: dict[str, Any]) -> None:
    """Append to the task's journal; the caller holds its row. Numbers in free text are masked."""
    journal.append(stream=task.stream, kind=kind, by=by, at=at, data=masked(said))


def _due_must_fit(due_at: datetime, at: datetime) -> None:
    if due_at <= at:
        raise Refused("完成期限必须晚于现在。", code="due_past", attr="due_at")
    if due_at - at > FARTHEST:
        raise Refused("完成期限不能超过一年。", code="due_too_far", attr="due_at")


def _owner_must_fit(grid_id: int, owner_id: int, at: datetime) -> None:
    if not any(member.user_id == owner_id for member in members_of([grid_id], at)):
        raise Refused(
            "责任人须是本网格的专员、网格员，或本所所长、内勤、社区书记。",
            code="owner_not_in_group",
            attr="owner",
        )
