"""The plan as a list."""

from __future__ import annotations

from django.contrib import admin

from patrols.admin.lists import OfShop
from patrols.models import PatrolTask


@admin.register(PatrolTask)
class PatrolTaskAdmin(OfShop):
    """巡查任务, in walking order of each day."""

    list_display = (
        "planned_on", "kind", "shop", "grid", "assignee", "sequence", "grade", "cause", "state", "done_at",
    )  # fmt: skip
    list_select_related = ("entity", "grid", "assignee")
    list_filter = ("kind", "state", "grade", "cause", ("planned_on", admin.DateFieldListFilter), "grid")
    ordering = ("-planned_on", "assignee_id", "sequence")
    fields = (
        "entity", "grid", "kind", "period", "period_end", "planned_on", "assignee", "sequence", "grade",
        "cause", "without_entering", "state", "done_at", "why", "planned_at",
    )  # fmt: skip
    export_name = "patrol-tasks"
    export_columns = (
        ("计划日期", lambda row: row.planned_on),
        ("任务类型", lambda row: row.get_kind_display()),
        ("经营主体", lambda row: row.entity.name),
        ("网格", lambda row: row.grid.code),
        ("等级", lambda row: row.grade),
        ("安排依据", lambda row: row.get_cause_display()),
        ("状态", lambda row: row.get_state_display()),
        ("完成时间", lambda row: row.done_at),
    )
