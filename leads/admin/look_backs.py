"""回头看 in the admin: what is due, in the order of its day. Doing one is an act on its lead's page."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from unfold.contrib.filters.admin import ChoicesDropdownFilter, DropdownFilter
from unfold.decorators import display

from grids.access import scope_of
from grids.admin_access import EVERYBODY, ExportsSheet, ScopedAdmin
from grids.models import Grid
from grids.roles import Role
from kernel.clock import local_date
from leads.admin import after_shown, words
from leads.admin.leads import SEES_NO_LEADS
from leads.models import LookBack

__all__ = ["LookBackAdmin"]


class ByDue(DropdownFilter):
    """Still to be done: late, today, in the coming seven days, later."""

    title = "应查时间"
    parameter_name = "due"

    def lookups(self, request: Any, model_admin: Any) -> Iterable[Any]:
        return [("late", "已超时"), ("today", "今天"), ("week", "七天以内"), ("later", "七天以后")]

    def queryset(self, request: Any, queryset: QuerySet[Any]) -> QuerySet[Any]:
        value = self.value()
        if not value:
            return queryset
        today = local_date(scope_of(request.user).at)
        week = today + timedelta(days=7)
        waiting = queryset.filter(state=LookBack.State.SCHEDULED)
        match value:
            case "late":
                return waiting.filter(due_on__lt=today)
            case "today":
                return waiting.filter(due_on=today)
            case "week":
                return waiting.filter(due_on__range=(today, week))
            case "later":
                return waiting.filter(due_on__gt=week)
        return queryset


class ByLeadGrid(DropdownFilter):
    title = "网格"
    parameter_name = "grid"

    def lookups(self, request: Any, model_admin: Any) -> Iterable[Any]:
        return [(str(g.pk), g.name) for g in Grid.objects.served_by(request.user).order_by("code")]

    def queryset(self, request: Any, queryset: QuerySet[Any]) -> QuerySet[Any]:
        value = self.value()
        if not value or not value.isascii() or not value.isdigit() or len(value) > 18:
            return queryset
        return queryset.filter(lead__grid_id=int(value))


TONES = {LookBack.State(state).label: tone for state, tone in after_shown.LOOK_BACK_TONES.items()}


@admin.register(LookBack)
class LookBackAdmin(ExportsSheet, ScopedAdmin):
    """Look-backs of the leads that the person may see, the next day's first. Read-only."""

    view_roles = EVERYBODY - SEES_NO_LEADS - {Role.STATION_MEDIATOR, Role.DEPARTMENT_LIAISON}
    list_display = ["day", "lead_number", "which", "state_label", "where", "inspected_by", "done_at"]
    list_display_links = ["day", "lead_number"]
    sortable_by = ["done_at"]
    list_select_related = ["lead__category", "lead__grid", "lead__entity", "by"]
    list_filter = [ByDue, ("state", ChoicesDropdownFilter), ByLeadGrid]
    list_filter_submit = True
    search_fields = ["lead__number", "lead__entity__name", "lead__category__name"]
    search_help_text = "按线索编号、经营主体或分类查找"
    ordering = ["due_on", "id"]
    date_hierarchy = "due_on"
    actions = None
    export_name = "look-backs"
    export_columns = (
        ("应查日期", lambda one: one.due_on),
        ("线索", lambda one: one.lead.number),
        ("分类", lambda one: str(one.lead.category)),
        ("网格", lambda one: str(one.lead.grid or "")),
        ("轮次", lambda one: one.round),
        ("次序", lambda one: one.get_number_display()),
        ("状态", lambda one: one.get_state_display()),
        ("检查人", lambda one: one.by.name if one.by else ""),
        ("完成时间", lambda one: one.done_at),
        ("检查情况", lambda one: words.masked(one.note)),
    )

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        return super().changelist_view(request, {"title": "回头看", **(extra_context or {})})

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """Shown, and done, on the lead's own page."""
        row = self.get_object(request, str(object_id))
        if row is None:
            return HttpResponseRedirect(self.list_address())
        return HttpResponseRedirect(reverse("admin:leads_lead_change", args=[row.lead_id]))

    @display(description="应查日期", ordering="due_on")
    def day(self, row: LookBack) -> str:
        return f"{row.due_on:%Y-%m-%d}"

    @display(description="线索", header=True)
    def lead_number(self, row: LookBack) -> list[str]:
        about = row.lead.entity.name if row.lead.entity else row.lead.category.name
        return [row.lead.number, about]

    @display(description="次序")
    def which(self, row: LookBack) -> str:
        return f"第 {row.round} 轮{row.get_number_display()}"

    @display(description="状态", label=TONES)
    def state_label(self, row: LookBack) -> str:
        return row.get_state_display()

    @display(description="网格", empty_value="未匹配")
    def where(self, row: LookBack) -> str | None:
        return row.lead.grid.name if row.lead.grid else None

    @display(description="检查人", empty_value="—")
    def inspected_by(self, row: LookBack) -> str | None:
        return row.by.name if row.by else None
