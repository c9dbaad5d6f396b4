"""What was done: single visits and stretches of street told apart."""

from __future__ import annotations

from django.contrib import admin
from unfold.decorators import display

from grids.admin_access import as_listed
from patrols.admin.lists import OfShop
from patrols.models import PatrolVisit


@admin.register(PatrolVisit)
class PatrolVisitAdmin(OfShop):
    """走访记录."""

    list_display = ("done_on", "shop", "grid", "result", "how", "planned", "by", as_listed("note", "说明"))
    written = ("reason", "note")
    list_select_related = ("entity", "grid", "by", "task")
    list_filter = (
        "result",
        "how",
        ("task", admin.EmptyFieldListFilter),
        ("done_on", admin.DateFieldListFilter),
        "grid",
    )
    ordering = ("-id",)
    fields = (
        "entity", "grid", "task", "result", "how", "reason", "note", "evidence", "lead", "by", "on_behalf_of",
        "captured_at", "at", "done_on",
    )  # fmt: skip
    export_name = "patrol-visits"
    export_columns = (
        ("走访日期", lambda row: row.done_on),
        ("经营主体", lambda row: row.entity.name),
        ("网格", lambda row: row.grid.code),
        ("结果", lambda row: row.get_result_display()),
        ("方式", lambda row: row.get_how_display()),
        ("计划外原因", as_listed("reason", "计划外原因")),
        ("说明", as_listed("note", "说明")),
    )

    @display(description="计划内", boolean=True)
    def planned(self, row: PatrolVisit) -> bool:
        return row.task_id is not None
