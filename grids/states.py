"""The states of a task and the one table of its moves. No queries."""

from __future__ import annotations

from enum import StrEnum

from django.db.models import TextChoices

from kernel.moves import TableOfMoves


class TaskState(TextChoices):
    OPEN = "open", "待办"
    DONE = "done", "已完成"
    CANCELLED = "cancelled", "已取消"


class TaskMove(StrEnum):
    CHANGE = "change"
    HAND_ON = "hand_on"
    FINISH = "finish"
    CANCEL = "cancel"


LABELS = {
    TaskMove.CHANGE: "修改",
    TaskMove.HAND_ON: "转交",
    TaskMove.FINISH: "完成",
    TaskMove.CANCEL: "取消",
}
MOVES: dict[TaskMove, dict[TaskState, TaskState]] = {
    TaskMove.CHANGE: {TaskState.OPEN: TaskState.OPEN},
    TaskMove.HAND_ON: {TaskState.OPEN: TaskState.OPEN},
    TaskMove.FINISH: {TaskState.OPEN: TaskState.DONE},
    TaskMove.CANCEL: {TaskState.OPEN: TaskState.CANCELLED},
}

TABLE = TableOfMoves("任务", MOVES, LABELS, TaskState)
target = TABLE.target
