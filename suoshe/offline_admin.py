"""Queued operations of offline phones in the admin: what waits and what failed, never what they carry."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from unfold.decorators import display

from kernel.offline.models import Operation
from suoshe.kernel_admin import TECHNICIANS, ReadOnlyAdmin

COLOURS = {
    "等待中": "warning",
    "已执行": "success",
    "有冲突": "danger",
    "被拒绝": "danger",
    "等待超期": "danger",
}


@admin.register(Operation)
class OperationAdmin(ReadOnlyAdmin):
    """Read only, by the technicians: bodies rest sealed and are not shown."""

    view_roles = TECHNICIANS
    list_display = [
        "path",
        "person",
        "standing",
        "captured_at",
        "received_at",
        "skew_s",
        "attempts",
        "finished_at",
    ]
    list_filter = ["state", "received_at"]
    search_fields = ["path", "user__name", "user__username", "client_uid"]
    list_select_related = ["user"]
    exclude = ["sealed", "digest"]

    @display(description="操作人", ordering="user__name")
    def person(self, row: Operation) -> str:
        return row.user.name

    @display(description="状态", ordering="state", label=COLOURS)
    def standing(self, row: Operation) -> str:
        return str(row.get_state_display())

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return [f.name for f in Operation._meta.fields if f.name not in self.exclude]
