"""Postings, absences and the duty rota: every change is an action that calls a service."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.contrib import admin, messages
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from unfold.decorators import action, display

from grids import absences, postings, rota, rota_sheet
from grids.admin_access import (
    BUREAU_PEOPLE,
    GRID_PEOPLE,
    OFFICE_PEOPLE,
    ExportsSheet,
    ScopedAdmin,
)
from grids.forms import AbsenceForm, AppointForm, BackupForm, RotaUploadForm, ShiftForm
from grids.models import Absence, DutyShift, Posting
from grids.refusals import naming_contention
from grids.roles import Role
from kernel import clock
from kernel.accounts.models import User
from kernel.api.downloads import xlsx
from kernel.errors import DomainError, Refused

STAFFING = OFFICE_PEOPLE | BUREAU_PEOPLE | GRID_PEOPLE | {Role.SYSTEM_ADMIN}


class Running(admin.SimpleListFilter):
    """In office now, ended, or to come."""

    title = "在任情况"
    parameter_name = "running"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("now", "在任"), ("ended", "已离任"), ("later", "尚未开始")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        at = clock.now()
        if self.value() == "now":
            return queryset.filter(Q(ends_at__isnull=True) | Q(ends_at__gt=at), starts_at__lte=at)
        if self.value() == "ended":
            return queryset.filter(ends_at__lte=at)
        return queryset.filter(starts_at__gt=at) if self.value() == "later" else queryset


@admin.register(Posting)
class PostingAdmin(ExportsSheet, ScopedAdmin):
    """任职. Appointed, given another backup and ended here; never deleted."""

    view_roles = STAFFING
    list_display = ["user", "role", "place", "seat", "backup", "starts_at", "ends_at"]
    list_select_related = ["user", "backup", "grid", "office", "community", "department", "subdistrict"]
    list_filter = [Running, "role", "office", "grid__office", "grid"]
    search_fields = [
        "user__name",
        "user__username",
        "grid__code",
        "grid__name",
        "community__name",
        "office__name",
    ]
    search_help_text = "按姓名、用户名、网格、社区或所查找"
    ordering = ["-id"]
    actions = None
    actions_list = ["appoint"]
    actions_detail = ["change_backup", "end"]
    fields = [
        "user", "role", "grid", "seat", "office", "community", "department", "subdistrict", "station_code",
        "section", "backup", "starts_at", "ends_at", "wound_up_at",
    ]  # fmt: skip
    readonly_fields = fields
    export_name = "postings"
    export_columns = (
        ("姓名", lambda row: row.user.name),
        ("用户名", lambda row: row.user.username),
        ("岗位", lambda row: row.get_role_display()),
        ("任职范围", lambda row: place_of(row)),
        ("席位", lambda row: row.seat),
        ("B角", lambda row: row.backup.name if row.backup else ""),
        ("任职时间", lambda row: row.starts_at),
        ("离任时间", lambda row: row.ends_at),
    )

    @display(description="任职范围")
    def place(self, posting: Posting) -> str:
        return place_of(posting)

    @action(description="任职", icon="person_add", url_path="appoint", permissions=["act"])
    def appoint(self, request: HttpRequest) -> HttpResponse:
        def act(values: dict[str, Any], by: User, at: datetime) -> str:
            posting = postings.appoint(by=by, at=at, **values)
            return f"已任命{posting.user.name}为{posting.get_role_display()}。"

        form = AppointForm(request.POST or None)
        effect = "只填写该岗位需要的范围：网格员、专员填网格，所内勤、所长填市场监管所，社区书记填社区。"
        return self.ask(request, title="任职", submit="确定任职", act=act, form=form, effect=effect)

    @action(description="更换B角", icon="swap_horiz", url_path="backup", permissions=["act"])
    def change_backup(self, request: HttpRequest, object_id: int) -> HttpResponse:
        posting: Posting = self.wanted(request, object_id)

        def act(values: dict[str, Any], by: User, at: datetime) -> str:
            changed = postings.change_backup(posting=posting, backup=values["backup"], by=by, at=at)
            return f"B角已更换为{changed.backup.name}。" if changed.backup else "已取消B角。"

        form = BackupForm(request.POST or None, initial={"backup": posting.backup_id})
        back = self.row_address(posting)
        return self.ask(request, title="更换B角", submit="保存", act=act, form=form, back=back)

    @action(description="离任", icon="logout", url_path="end", permissions=["act"])
    def end(self, request: HttpRequest, object_id: int) -> HttpResponse:
        posting: Posting = self.wanted(request, object_id)

        def act(values: dict[str, Any], by: User, at: datetime) -> str:
            postings.end(posting=posting, at=at, by=by)
            return f"{posting.user.name}已离任，其在办事项已移交。"

        effect = f"{posting.user.name}({posting.get_role_display()})即时离任，名下线索一并移交，不能撤销。"
        back = self.row_address(posting)
        return self.ask(request, title="离任", submit="确定离任", act=act, effect=effect, back=back)


def place_of(posting: Posting) -> str:
    """Where a posting holds, in words."""
    for scope in (posting.grid, posting.office, posting.community, posting.department, posting.subdistrict):
        if scope is not None:
            return str(scope)
    return posting.get_section_display() or posting.station_code or "全局"


@admin.register(Absence)
class AbsenceAdmin(ScopedAdmin):
    """请假代岗. Written and ended by the service."""

    view_roles = STAFFING
    list_display = ["user", "stand_in", "starts_at", "ends_at", "reason"]
    list_select_related = ["user", "stand_in"]
    list_filter = ["starts_at"]
    search_fields = ["user__name", "user__username", "stand_in__name", "stand_in__username"]
    search_help_text = "按请假人或代岗人查找"
    ordering = ["-id"]
    actions = None
    actions_list = ["record"]
    actions_detail = ["end_early"]
    fields = ["user", "stand_in", "starts_at", "ends_at", "reason"]
    readonly_fields = fields

    @action(description="登记请假", icon="event_busy", url_path="record", permissions=["act"])
    def record(self, request: HttpRequest) -> HttpResponse:
        def act(values: dict[str, Any], by: User, at: datetime) -> str:
            absence = absences.record(by=by, at=at, **values)
            return f"已登记{absence.user.name}的请假。"

        form = AbsenceForm(request.POST or None, initial={"user": request.user.pk})
        effect = "请假期间线索仍归本人名下，代岗人或B角可代为办理，签字时同时注明两人。"
        return self.ask(request, title="登记请假", submit="登记", act=act, form=form, effect=effect)

    @action(description="销假", icon="event_available", url_path="end", permissions=["act"])
    def end_early(self, request: HttpRequest, object_id: int) -> HttpResponse:
        absence: Absence = self.wanted(request, object_id)

        def act(values: dict[str, Any], by: User, at: datetime) -> str:
            absences.end_early(absence=absence, by=by, at=at)
            return f"{absence.user.name}已销假。"

        effect = f"{absence.user.name}提前返岗，代岗即时结束。"
        back = self.row_address(absence)
        return self.ask(request, title="销假", submit="确定销假", act=act, effect=effect, back=back)


@admin.register(DutyShift)
class DutyShiftAdmin(ExportsSheet, ScopedAdmin):
    """值班表. Swap: tick two rows, choose the action."""

    view_roles = OFFICE_PEOPLE | BUREAU_PEOPLE | GRID_PEOPLE | {Role.SYSTEM_ADMIN}
    list_display = ["day", "office", "role", "user"]
    list_display_links = None
    list_select_related = ["office", "user"]
    list_filter = ["office", "role", "day"]
    search_fields = ["user__name", "user__username"]
    search_help_text = "按值班人查找"
    date_hierarchy = "day"
    ordering = ["-day", "office_id", "role"]
    actions = ["swap"]
    actions_list = ["set_shift", "upload", "template"]
    fields = ["office", "day", "role", "user"]
    readonly_fields = fields
    export_name = "duty-shifts"
    export_columns = (
        ("日期", lambda row: str(row.day)),
        ("市场监管所", lambda row: row.office.name),
        ("班次岗位", lambda row: row.get_role_display()),
        ("值班人", lambda row: row.user.name),
        ("用户名", lambda row: row.user.username),
    )

    def has_act_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        """The rota is business: the system administrator looks at it only."""
        return super().has_act_permission(request, object_id) and not self.scope(request).has(
            Role.SYSTEM_ADMIN
        )

    @admin.action(description="调换所选的两个班次", permissions=["act"])
    def swap(self, request: HttpRequest, queryset: QuerySet[DutyShift]) -> None:
        chosen = list(queryset.order_by("pk")[:3])
        try:
            if len(chosen) != 2:
                raise Refused("请勾选要调换的两个班次。", code="choose_two")
            with naming_contention():
                one, two = rota.swap(first=chosen[0], second=chosen[1], by=self.me(request), at=clock.now())
        except DomainError as refused:
            messages.error(request, refused.detail)
        else:
            messages.success(
                request, f"已调换：{one.day} {one.user.name},{two.day} {two.user.name}，已通知两人。"
            )

    @action(description="排一个班次", icon="edit_calendar", url_path="set", permissions=["act"])
    def set_shift(self, request: HttpRequest) -> HttpResponse:
        def act(values: dict[str, Any], by: User, at: datetime) -> str:
            rota.set_shifts(wishes=[rota.Wish(**values)], by=by, at=at)
            return f"{values['day']} 的值班已安排。"

        form = ShiftForm(request.POST or None, by=request.user)
        return self.ask(request, title="排一个班次", submit="保存", act=act, form=form)

    @action(description="导入值班表", icon="upload_file", url_path="import", permissions=["act"])
    def upload(self, request: HttpRequest) -> HttpResponse:
        def act(values: dict[str, Any], by: User, at: datetime) -> str:
            content = values["file"].read(rota_sheet.MOST_BYTES + 1)
            report = rota_sheet.take(content=content, dry_run=values["dry_run"], by=by, at=at)
            if report.errors:
                rows = ";".join(f"第 {error.row} 行：{error.detail}" for error in report.errors[:20])
                raise Refused(f"共 {len(report.errors)} 处错误，未写入。{rows}", code="faulty", attr="file")
            verb = "检查通过，将" if values["dry_run"] else "导入完成，已"
            return (
                f"{verb}新增 {report.created} 个、更新 {report.updated} 个班次，不变 {report.unchanged} 个。"
            )

        form = RotaUploadForm(request.POST or None, request.FILES or None)
        return self.ask(request, title="导入值班表", submit="上传", act=act, form=form)

    @action(description="下载模板", icon="download", url_path="template", permissions=["act"])
    def template(self, request: HttpRequest) -> HttpResponse:
        if not self.has_act_permission(request):
            return HttpResponseRedirect(self.list_address())
        return xlsx(rota_sheet.template(), "duty-template.xlsx")
