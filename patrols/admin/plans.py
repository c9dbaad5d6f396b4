"""Each night's planning: how much work, and whether the bureau agrees."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from unfold.decorators import action, display

from grids.access import scope_of
from grids.admin_access import BUREAU_PEOPLE, OFFICE_PEOPLE, ScopedAdmin
from grids.roles import Role
from kernel.accounts.models import User
from patrols import consenting
from patrols.kinds import TaskKind
from patrols.models import PlanRun

COUNTED = {
    **{kind.value: str(kind.label) for kind in TaskKind},
    "cancelled": "取消",
    "asked": "因达年度上限待定",
    "without_grid": "未落格主体",
    "without_person": "无人承办",
}


class OfTheBureau(ScopedAdmin):
    view_roles = BUREAU_PEOPLE | OFFICE_PEOPLE
    actions = None
    list_before_template = "patrols/plain_before.html"
    when_empty = ""

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        rows = self.model._default_manager.order_by(*self.ordering)
        return rows if scope_of(request.user).seats else rows.none()

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        return list(self.get_fields(request, obj))


@admin.register(PlanRun)
class PlanRunAdmin(OfTheBureau):
    """计划生成记录, with the bureau's consent where a limit is passed."""

    list_display = ("for_date", "at", "made", "needs_consent", "consented_by", "consented_at")
    list_select_related = ("consented_by",)
    list_filter = ("needs_consent", ("for_date", admin.DateFieldListFilter))
    ordering = ("-for_date",)
    when_empty = "还没有生成过计划。系统每天零点四十分生成当日起的巡查计划。"
    fields = (
        "for_date", "at", "made", "workers", "commissioners", "needs_consent", "consented_by", "consented_at",
    )  # fmt: skip
    actions_detail: Any = ("consent",)

    def has_consent_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        """The bureau, where a limit is passed and nobody has agreed."""
        run = self.get_object(request, str(object_id)) if object_id else None
        asks = run is not None and run.needs_consent and run.consented_at is None
        return asks and self.scope(request).has(Role.BUREAU)

    @display(description="任务数")
    def made(self, run: PlanRun) -> str:
        told = [f"{COUNTED[name]} {many}" for name, many in run.counts.items() if name in COUNTED and many]
        return "，".join(told) or "没有变化"

    @display(description="网格员最忙的一天")
    def workers(self, run: PlanRun) -> str:
        rows = run.load.get("workers") or []
        return "；".join(f"{one['name']} {one['day']} {one['tasks']}项" for one in rows) or "无"

    @display(description="专员本周检查")
    def commissioners(self, run: PlanRun) -> str:
        rows = run.load.get("commissioners") or []
        return "；".join(f"{one['name']} {one['tasks']}户" for one in rows) or "无"

    @action(description="同意工作量", icon="check", url_path="consent", permissions=["consent"])
    def consent(self, request: HttpRequest, object_id: int) -> HttpResponse:
        run: PlanRun = self.wanted(request, object_id)

        def act(values: dict[str, Any], by: User, at: datetime) -> str:
            consenting.consent(run_id=run.pk, by=by)
            return "已同意。"

        effect = "计划已完整生成。同意后，本月内同样的工作量不再询问；不同意的，可调整人员或巡查规则。"
        back = self.row_address(run)
        title = f"同意{run.for_date}计划的工作量"
        return self.ask(request, title=title, submit="同意", act=act, effect=effect, back=back)
