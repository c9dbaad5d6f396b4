"""Task lists (任务清单) and responsibilities (责任清单): acts by the services, words by the bureau."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from unfold.decorators import action, display

from grids import task_lists, task_rights
from grids.admin_access import (
    BUREAU_PEOPLE,
    EVERYBODY,
    GRID_PEOPLE,
    OFFICE_PEOPLE,
    ExportsSheet,
    ScopedAdmin,
)
from grids.forms_work import CancelTaskForm, ChangeTaskForm, DoneForm, ResponsibilityForm, TaskForm
from grids.models import ResponsibilityItem, TaskItem
from grids.roles import Role
from grids.states import TaskState
from kernel import clock
from kernel.accounts.models import User
from kernel.clock import KernelNow
from kernel.errors import StaleVersion
from kernel.notices.policy import masked

__all__ = ["ResponsibilityItemAdmin", "TaskItemAdmin"]

STALE = "任务已被他人更新，请返回后重新打开。"


class Late(admin.SimpleListFilter):
    title = "是否逾期"
    parameter_name = "late"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("yes", "已逾期"), ("no", "未逾期")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        late = {"state": TaskState.OPEN, "due_at__lte": KernelNow()}
        if self.value() == "yes":
            return queryset.filter(**late)
        return queryset.exclude(**late) if self.value() == "no" else queryset


def expect(shown: int, present: int) -> None:
    """Raises StaleVersion where the page was opened before somebody else's change."""
    if shown != present:
        raise StaleVersion(STALE)


@admin.register(TaskItem)
class TaskItemAdmin(ExportsSheet, ScopedAdmin):
    """任务清单. Given, changed, done and cancelled by actions; nothing is deleted."""

    view_roles = OFFICE_PEOPLE | BUREAU_PEOPLE | GRID_PEOPLE
    list_before_template = "grids/tasks_before.html"
    list_display = ["what", "grid", "owner", "standing", "due_at", "created_by", "created_at"]
    list_select_related = ["grid", "owner", "created_by", "done_by", "cancelled_by"]
    list_filter = ["state", Late, "grid__office", "grid"]
    search_fields = ["title", "owner__name", "owner__username", "grid__code", "grid__name"]
    free_text = ("title",)
    written = ("title", "note", "done_note", "cancel_reason")
    search_help_text = "按任务、责任人或网格查找"
    ordering = ["-id"]
    actions = None
    actions_list = ["give"]
    actions_detail = ["done", "change_task", "cancel"]
    fields = [
        "title", "said_note", "grid", "owner", "due_at", "standing", "source", "created_by", "created_at",
        "done_by", "done_at", "said_done", "cancelled_by", "cancelled_at", "said_reason",
    ]  # fmt: skip
    readonly_fields = fields
    export_name = "tasks"
    export_columns = (
        ("任务", lambda row: masked(row.title)),
        ("说明", lambda row: masked(row.note)),
        ("网格", lambda row: str(row.grid)),
        ("责任人", lambda row: row.owner.name),
        ("完成期限", lambda row: row.due_at),
        ("状态", lambda row: row.get_state_display()),
        ("布置人", lambda row: row.created_by.name if row.created_by else "系统"),
        ("布置时间", lambda row: row.created_at),
        ("完成人", lambda row: row.done_by.name if row.done_by else ""),
        ("完成时间", lambda row: row.done_at),
        ("完成情况", lambda row: masked(row.done_note)),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).annotate(now=KernelNow())

    @display(
        description="状态", label={"待办": "info", "逾期": "danger", "已完成": "success", "已取消": "default"}
    )
    def standing(self, task: Any) -> str:
        return "逾期" if task.is_overdue(task.now) else str(task.get_state_display())

    @display(description="任务", ordering="title")
    def what(self, task: TaskItem) -> str:
        return str(masked(task.title))

    @display(description="说明", empty_value="—")
    def said_note(self, task: TaskItem) -> str:
        return task.note

    @display(description="完成情况", empty_value="—")
    def said_done(self, task: TaskItem) -> str:
        return task.done_note

    @display(description="取消原因", empty_value="—")
    def said_reason(self, task: TaskItem) -> str:
        return task.cancel_reason

    @display(description="来源", empty_value="—")
    def source(self, task: TaskItem) -> str:
        return f"{task.source_kind}:{task.source_id}" if task.source_kind else "人工布置"

    @action(description="布置任务", icon="add_task", url_path="give", permissions=["act"])
    def give(self, request: HttpRequest) -> HttpResponse:
        if not self.has_act_permission(request):
            raise PermissionDenied

        def act(values: dict[str, Any], by: User, at: datetime) -> str:
            wish = task_lists.Wish(values["title"], values["owner"].pk, values["due_at"], values["note"])
            made = task_lists.add(
                grid=values["grid"], wish=wish, client_uid=values["client_uid"], by=by, at=at
            )
            return f"已布置任务“{made.task.title}”，并通知{values['owner'].name}。"

        form = TaskForm(request.POST or None, by=request.user)
        effect = "责任人会收到通知，工作群同时播报；到期前和逾期时系统自动提醒责任人与布置人。"
        return self.ask(request, title="布置任务", submit="布置", act=act, form=form, effect=effect)

    @action(description="修改", icon="edit", url_path="revise", permissions=["act"])
    def change_task(self, request: HttpRequest, object_id: int) -> HttpResponse:
        task = self._mine(request, object_id, task_rights.may_manage)

        def act(values: dict[str, Any], by: User, at: datetime) -> str:
            task_lists.change(
                task_id=task.pk,
                by=by,
                expect=partial(expect, values["version"]),
                title=values["title"],
                note=values["note"],
                owner_id=values["owner"].pk,
                due_at=values["due_at"],
            )
            return "任务已更新，并通知责任人。"

        initial = {"title": task.title, "note": task.note, "owner": task.owner_id, "due_at": task.due_at}
        form = ChangeTaskForm(request.POST or None, initial={**initial, "version": task.version}, task=task)
        back = self.row_address(task)
        return self.ask(request, title="修改任务", submit="保存", act=act, form=form, back=back)

    @action(description="完成", icon="task_alt", url_path="done", permissions=["act"])
    def done(self, request: HttpRequest, object_id: int) -> HttpResponse:
        task = self._mine(request, object_id, task_rights.may_finish)

        def act(values: dict[str, Any], by: User, at: datetime) -> str:
            check = partial(expect, values["version"])
            task_lists.finish(task_id=task.pk, by=by, expect=check, note=values["note"])
            return f"任务“{task.title}”已完成。"

        form = DoneForm(request.POST or None, initial={"version": task.version})
        back = self.row_address(task)
        return self.ask(request, title="完成任务", submit="确定完成", act=act, form=form, back=back)

    @action(description="取消", icon="cancel", url_path="cancel", permissions=["act"])
    def cancel(self, request: HttpRequest, object_id: int) -> HttpResponse:
        task = self._mine(request, object_id, task_rights.may_manage)

        def act(values: dict[str, Any], by: User, at: datetime) -> str:
            check = partial(expect, values["version"])
            task_lists.cancel(task_id=task.pk, by=by, expect=check, reason=values["reason"])
            return f"任务“{task.title}”已取消。"

        form = CancelTaskForm(request.POST or None, initial={"version": task.version})
        back = self.row_address(task)
        return self.ask(request, title="取消任务", submit="确定取消", act=act, form=form, back=back)

    def _mine(self, request: HttpRequest, object_id: int, may: Any) -> TaskItem:
        task: TaskItem = self.wanted(request, object_id)
        if not may(self.scope(request), task):
            raise PermissionDenied
        return task


@admin.register(ResponsibilityItem)
class ResponsibilityItemAdmin(ExportsSheet, ScopedAdmin):
    """责任清单与流程规范. Looked at by everybody with a seat, kept by the bureau."""

    form = ResponsibilityForm
    view_roles = EVERYBODY
    change_roles = frozenset({Role.BUREAU})
    journal_stream = "responsibility"
    list_before_template = "grids/responsibilities_before.html"
    list_display = ["where", "who", "duty", "standard", "basis", "is_active"]
    list_filter = ["group", "role", "section", "is_active"]
    search_fields = ["category", "duty", "standard", "basis", "department"]
    search_help_text = "按线索分类、责任内容、流程或依据查找"
    ordering = ["position", "id"]
    actions = None
    fields = [
        "group", "category", "role", "section", "department", "duty", "standard", "basis", "position",
        "is_active",
    ]  # fmt: skip
    export_name = "responsibilities"
    export_columns = (
        ("线索大类", lambda row: row.get_group_display() if row.group else "通用"),
        ("线索分类", lambda row: row.category),
        ("责任方", lambda row: row.answerable),
        ("责任内容", lambda row: row.duty),
        ("流程规范", lambda row: row.standard),
        ("依据", lambda row: row.basis),
        ("启用", lambda row: "是" if row.is_active else "否"),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        rows: QuerySet[Any] = super().get_queryset(request)
        return rows.named()  # type: ignore[attr-defined]

    @display(description="适用线索", ordering="group")
    def where(self, item: ResponsibilityItem) -> str:
        if not item.group:
            return "通用"
        return f"{item.get_group_display()} {item.category}".strip()

    @display(description="责任方")
    def who(self, item: ResponsibilityItem) -> str:
        return item.answerable

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        obj.updated_at = clock.now()
        obj.version = obj.version + 1 if change else 1
        super().save_model(request, obj, form, change)
