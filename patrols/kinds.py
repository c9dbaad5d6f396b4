"""Kinds of patrol tasks, their states and results, and whose they are (DOMAIN.md §1, §3). No queries."""

from __future__ import annotations

from django.db import models

from grids.roles import Role


class TaskKind(models.TextChoices):
    """A, B: 月度巡 and 季度评; C, D: 每日巡 and 每周查."""

    MONTHLY_PATROL = "MONTHLY_PATROL", "月度巡"
    QUARTERLY_REVIEW = "QUARTERLY_REVIEW", "季度评"
    DAILY_PATROL = "DAILY_PATROL", "每日巡"
    WEEKLY_CHECK = "WEEKLY_CHECK", "每周查"


BY_WORKER = frozenset({TaskKind.MONTHLY_PATROL, TaskKind.DAILY_PATROL})
"""巡查走访 of a grid worker: asks for no papers and orders nothing."""
BY_COMMISSIONER = frozenset({TaskKind.WEEKLY_CHECK, TaskKind.QUARTERLY_REVIEW})
DOER: dict[str, str] = {
    **dict.fromkeys(BY_WORKER, Role.GRID_WORKER),
    **dict.fromkeys(BY_COMMISSIONER, Role.COMMISSIONER),
}


PATROL_NOTICE = "巡查走访不是行政检查：只看、只提醒、只上报。"
"""Said with every task of a grid worker."""
CHECK_NOTICE = "每周查是涉企行政检查：两名执法人员、亮证、出示检查通知书，录入省平台，不超年度上限。"


def notice_of(kind: str) -> str:
    """What the phone says above a task of this kind, or above an unplanned visit ("")."""
    if kind == TaskKind.QUARTERLY_REVIEW:
        return ""
    return CHECK_NOTICE if kind == TaskKind.WEEKLY_CHECK else PATROL_NOTICE


class TaskState(models.TextChoices):
    PLANNED = "PLANNED", "待办"
    ASKS = "ASKS", "已达年度上限，待定"
    DONE = "DONE", "已完成"
    MISSED = "MISSED", "逾期未办"
    CANCELLED = "CANCELLED", "已取消"


LIVE = frozenset({TaskState.PLANNED, TaskState.ASKS})


class Result(models.TextChoices):
    OK = "ok", "未见问题"
    PROBLEM = "problem", "发现问题"
    CLOSED_TODAY = "closed_today", "关门"
    GONE = "gone", "已搬走"
    REFUSED = "refused", "拒绝配合"


class How(models.TextChoices):
    """How a visit was made: alone, or as one of a stretch of street; from outside or from records."""

    SINGLE = "SINGLE", "单户走访"
    STRETCH = "STRETCH", "沿街巡查"
    OUTSIDE = "OUTSIDE", "店外查看"
    RECORDS = "RECORDS", "查阅记录"


class Cause(models.TextChoices):
    """Why a task stands in the plan."""

    GRADE = "GRADE", "按信用等级"
    ABNORMAL_ONLY = "ABNORMAL_ONLY", "仅因经营异常列为C级，按月巡查"
    UNGRADED = "UNGRADED", "尚未评级，按月巡查"
