"""Tasks of who leaves a grid's group. Nothing ever waits for a person who is not there (DESIGN.md §3)."""

from __future__ import annotations

from datetime import datetime

from grids import states, task_lists, task_notices
from grids.models import Posting, TaskItem
from grids.states import TaskMove
from grids.work_groups import Member, members_of
from kernel.accounts.models import User


def hand_on_of_posting(*, posting: Posting, at: datetime, by: User | None) -> None:
    """Who leaves a group leaves his open tasks to somebody: his backup (B角), else one of the same role, the
    commissioner, a head. Runs in the transaction that ends the posting (`postings.on_end`).

    Only the task rows are locked, by id: their clocks stay as they are. Where the group is empty, the task
    stays and its clock tells the bureau.
    """
    rows = TaskItem.objects.open().filter(owner_id=posting.user_id).select_related("grid").order_by("id")
    tasks = list(rows.select_for_update(no_key=True, of=("self",)))
    if not tasks:
        return
    groups: dict[int, list[Member]] = {}
    for member in members_of({task.grid_id for task in tasks}, at):
        groups.setdefault(member.grid_id, []).append(member)
    for task in tasks:
        group = groups.get(task.grid_id, [])
        if any(member.user_id == posting.user_id for member in group):
            continue  # he belongs to it by another seat
        heir = _heir(group, posting)
        if heir is not None:
            _hand_on(task, heir, by, at)


def _heir(group: list[Member], posting: Posting) -> int | None:
    if posting.backup_id is not None and User.objects.filter(pk=posting.backup_id, is_active=True).exists():
        return posting.backup_id
    same = [member.user_id for member in group if member.role == posting.role]
    return next(iter([*same, *(member.user_id for member in group)]), None)


def _hand_on(task: TaskItem, heir: int, by: User | None, at: datetime) -> None:
    states.target(TaskMove.HAND_ON, task.state)
    before, task.owner_id = task.owner_id, heir
    task_lists.save(task, "owner_id")
    task_lists.note_down(task, "task.handed_on", by, at, {"from_id": before, "owner_id": heir})
    task_notices.changed(task, by, before, at)
