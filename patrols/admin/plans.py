"""The policy of the plan, and what each night's planning did."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from grids.access import scope_of
from grids.admin_access import BUREAU_PEOPLE, OFFICE_PEOPLE, ScopedAdmin
from patrols.models import PatrolPolicy, PlanRun


class OfTheBureau(ScopedAdmin):
    view_roles = BUREAU_PEOPLE | OFFICE_PEOPLE
    actions = None

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        rows = self.model._default_manager.order_by(*self.ordering)
        return rows if scope_of(request.user).seats else rows.none()

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        return list(self.get_fields(request, obj))


@admin.register(PatrolPolicy)
class PatrolPolicyAdmin(OfTheBureau):
    """巡查规则: a new version is added, none is changed."""

    list_display = (
        "version", "in_force_at", "worker_daily_limit", "commissioner_weekly_limit", "inspections_a_year",
        "daily_on_rest_days",
    )  # fmt: skip
    ordering = ("-version",)


@admin.register(PlanRun)
class PlanRunAdmin(OfTheBureau):
    """计划生成记录."""

    list_display = ("for_date", "at", "needs_consent", "consented_by", "consented_at")
    list_filter = ("needs_consent",)
    ordering = ("-for_date",)
