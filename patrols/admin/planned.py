"""The plan: as a list, as a calendar, as a walk, and the quarterly reviews by list."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path
from unfold.decorators import display

from grids.own_pages import OwnPages
from patrols.admin import calendar_view, reviews_view
from patrols.admin.calendar_view import STATE_TONES
from patrols.admin.lists import OfShop
from patrols.kinds import TaskState
from patrols.models import PatrolTask

_TONES = {str(TaskState(state).label): tone for state, tone in STATE_TONES.items()}


@admin.register(PatrolTask)
class PatrolTaskAdmin(OfShop, OwnPages):
    """巡查任务, in walking order of each day."""

    list_before_template = "patrols/tasks_before.html"
    when_empty = "还没有巡查任务。系统每晚按信用等级生成计划。"

    list_display = (
        "planned_on", "kind", "shop", "grid", "assignee", "sequence", "grade", "cause", "standing", "done_at",
    )  # fmt: skip
    list_select_related = ("entity", "grid", "assignee")
    list_filter = ("kind", "state", "grade", "cause", ("planned_on", admin.DateFieldListFilter), "grid")
    ordering = ("-planned_on", "assignee_id", "sequence")
    fields = (
        "entity", "grid", "kind", "period", "period_end", "planned_on", "assignee", "sequence", "grade",
        "cause", "without_entering", "state", "done_at", "called_off_at", "why", "planned_at",
    )  # fmt: skip
    written = ("why",)
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

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        pages = {
            "calendar": calendar_view.month,
            "day": calendar_view.day,
            "week": calendar_view.week,
            "completion": calendar_view.done,
            "reviews": reviews_view.show,
        }
        return [
            *(
                path(f"{name}/", view(self._page(page)), name=f"patrols_patroltask_{name}")
                for name, page in pages.items()
            ),
            *super().get_urls(),
        ]

    def _page(self, page: Callable[[Any, HttpRequest], HttpResponse]) -> Callable[..., HttpResponse]:
        def shown(request: HttpRequest) -> HttpResponse:
            if not self.has_view_permission(request):
                raise PermissionDenied
            return page(self, request)

        return shown

    @display(description="状态", ordering="state", label=_TONES)
    def standing(self, task: PatrolTask) -> str:
        return str(task.get_state_display())
