"""Subdistricts, communities, offices, departments, grids and their chat groups."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from unfold.decorators import display

from grids import work_groups
from grids.admin_access import EVERYBODY, GRID_PEOPLE, OFFICE_PEOPLE, ScopedAdmin
from grids.models import Community, Department, Grid, Office, Posting, Subdistrict, WorkGroup
from grids.picture import Drawn, picture
from grids.roles import Role
from grids.shortages import FEWEST_WORKERS, WORDS, shortages
from grids.work_groups import members_of
from kernel import clock
from kernel.clock import KernelNow

SETTLES = frozenset({Role.SYSTEM_ADMIN})


@admin.register(Subdistrict)
class SubdistrictAdmin(ScopedAdmin):
    view_roles = EVERYBODY
    change_roles = SETTLES
    journal_stream = "subdistrict"
    list_display = ["code", "name"]
    search_fields = ["code", "name"]
    search_help_text = "按编码或名称查找"
    ordering = ["code"]


@admin.register(Community)
class CommunityAdmin(ScopedAdmin):
    view_roles = EVERYBODY
    change_roles = SETTLES
    journal_stream = "community"
    list_display = ["code", "name", "subdistrict", "is_demo"]
    list_select_related = ["subdistrict"]
    list_filter = ["subdistrict", "is_demo"]
    search_fields = ["code", "name"]
    search_help_text = "按编码或名称查找"
    ordering = ["code"]


@admin.register(Office)
class OfficeAdmin(ScopedAdmin):
    view_roles = EVERYBODY
    change_roles = frozenset({Role.SYSTEM_ADMIN, Role.BUREAU})
    journal_stream = "office"
    list_display = ["code", "name", "subdistrict", "night_dispatch", "is_demo"]
    list_select_related = ["subdistrict"]
    list_filter = ["night_dispatch", "subdistrict"]
    search_fields = ["code", "name"]
    search_help_text = "按编码或名称查找"
    ordering = ["code"]


@admin.register(Department)
class DepartmentAdmin(ScopedAdmin):
    view_roles = EVERYBODY
    change_roles = SETTLES
    journal_stream = "department"
    list_display = ["code", "name"]
    search_fields = ["code", "name"]
    search_help_text = "按编码或名称查找"
    ordering = ["code"]


@admin.register(WorkGroup)
class WorkGroupAdmin(ScopedAdmin):
    view_roles = OFFICE_PEOPLE | GRID_PEOPLE | {Role.BUREAU, Role.BUREAU_LEADER, Role.AUDITOR}
    change_roles = frozenset({Role.SYSTEM_ADMIN, Role.BUREAU})
    journal_stream = "work_group"
    list_display = ["name", "grid", "robot"]
    list_select_related = ["grid", "robot"]
    list_filter = ["grid__office", "robot"]
    search_fields = ["name", "grid__code", "grid__name"]
    search_help_text = "按群名称、网格编码或名称查找"
    ordering = ["grid__code"]
    fields = ["grid", "name", "robot", "members"]
    readonly_fields = ["members"]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        return ["grid", "members"] if obj else ["members"]

    @display(description="群成员")
    def members(self, group: WorkGroup) -> SafeString | str:
        """Who is posted in the grid; nobody keeps a list of members."""
        if group.grid_id is None:
            return "保存后按任职自动列出。"
        found = members_of([group.grid_id], clock.now())
        if not found:
            return "该网格目前没有在任人员。"
        rows = format_html_join("", "<li>{}：{}</li>", ((one.role_name, one.name) for one in found))
        return format_html("<ul>{}</ul>", rows)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """A change goes by the service, which moves the version."""
        if not change:
            super().save_model(request, obj, form, change)
            return
        work_groups.change(
            group_id=obj.pk,
            name=obj.name,
            robot_id=obj.robot_id,
            by=self.me(request),
            expect=lambda version: None,
            at=clock.now(),
        )


@admin.register(Grid)
class GridAdmin(ScopedAdmin):
    """A grid with its picture, its people and what it lacks."""

    view_roles = EVERYBODY
    change_roles = SETTLES
    journal_stream = "grid"
    list_display = ["code", "name", "office", "lead_community", "lacks", "is_active", "is_demo"]
    list_select_related = ["office", "lead_community"]
    list_filter = ["office", "lead_community", "is_active"]
    search_fields = ["code", "name"]
    search_help_text = "按编码或名称查找"
    ordering = ["code"]
    readonly_fields = ["map_picture", "people", "missing"]
    filter_horizontal = ["communities"]
    fieldsets = [
        (None, {"fields": ["map_picture", "missing", "people"]}),
        (
            "基本情况",
            {"fields": ["code", "name", "office", "lead_community", "communities", "is_active", "is_demo"]},
        ),
        ("边界", {"fields": ["boundary"], "classes": ["collapse"]}),
    ]  # fmt: skip

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """The raw boundary is only for who may change it."""
        may_change = self.has_change_permission(request, obj)
        return [one for one in self.fieldsets if may_change or one[0] != "边界"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        runs = Q(postings__starts_at__lte=KernelNow(), postings__user__is_active=True)
        runs &= Q(postings__ends_at__isnull=True) | Q(postings__ends_at__gt=KernelNow())
        rows = super().get_queryset(request)
        return rows.annotate(
            commissioners=Count("postings", filter=runs & Q(postings__role=Role.COMMISSIONER)),
            workers=Count("postings", filter=runs & Q(postings__role=Role.GRID_WORKER)),
        )

    @display(description="人员缺口")
    def lacks(self, grid: Any) -> str:
        found = [] if grid.commissioners else [WORDS["no_commissioner"]]
        if grid.workers < FEWEST_WORKERS:
            found.append(f"{WORDS['few_workers']}(现有 {grid.workers} 名)")
        return ";".join(found) or "无"

    @display(description="网格示意图")
    def map_picture(self, grid: Grid) -> SafeString:
        rows = Grid.objects.filter(is_active=True).values_list("id", "code", "name", "boundary")
        return picture(Drawn(code, name, boundary, pk == grid.pk) for pk, code, name, boundary in rows)

    @display(description="在岗人员")
    def people(self, grid: Grid) -> SafeString:
        running = Posting.objects.active(clock.now()).filter(grid=grid).select_related("user", "backup")
        return format_html(
            "<ul>{}</ul>",
            format_html_join(
                "",
                "<li>{}:{}{}</li>",
                (
                    (
                        one.get_role_display() + (str(one.seat) if one.seat else ""),
                        one.user.name,
                        f"(B角 {one.backup.name})" if one.backup else "(未设B角)",
                    )
                    for one in running.order_by("role", "seat")
                ),
            ),
        )

    @display(description="人员缺口")
    def missing(self, grid: Grid) -> str:
        found = [
            one for one in shortages(clock.now()) if one.subject_kind == "grid" and one.subject_id == grid.pk
        ]
        return ";".join(f"{WORDS[one.kind]}{one.which}" for one in found) or "无"
