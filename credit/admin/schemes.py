"""The versions of the scheme. Drafts are edited, tried and put in force through their services."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from credit.models import CreditScheme
from grids.admin_access import BUREAU_PEOPLE, ScopedAdmin
from grids.roles import Role


@admin.register(CreditScheme)
class CreditSchemeAdmin(ScopedAdmin):
    """信用评分方案."""

    view_roles = BUREAU_PEOPLE | {Role.BUREAU_SECTION}
    list_display = ("version", "title", "state", "drafted_at", "trial_at", "in_force_at", "retired_at")
    list_filter = ("state",)
    search_fields = ("title", "basis")
    search_help_text = "按名称或依据查找"
    ordering = ("-version",)
    actions = None
    fields = (
        "version", "title", "basis", "state", "rules", "trial", "trial_at", "in_force_at", "retired_at",
        "drafted_by", "drafted_at", "decided_by",
    )  # fmt: skip
    readonly_fields = fields

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return CreditScheme.objects.order_by("-version")
