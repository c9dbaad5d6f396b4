"""What lists of rows of one business each share: the business by its name, its grid, and no act."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from unfold.decorators import display

from grids.admin_access import ExportsSheet, ScopedAdmin
from grids.models import Grid

SHOP = (
    ("经营主体", lambda row: row.entity.name),
    ("统一社会信用代码", lambda row: row.entity.uscc),
    ("网格", lambda row: row.entity.grid.code if row.entity.grid else ""),
)
"""Columns of a workbook: which business."""


class OfEntity(ExportsSheet, ScopedAdmin):
    """A list of rows of one business each: found by its name or code, read only."""

    search_fields: Any = ("entity__name", "entity__uscc", "entity__code")
    search_help_text = "按主体名称或代码查找"
    actions = None
    list_before_template = "grids/list_before.html"
    when_empty = ""

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        return list(self.get_fields(request, obj))

    @display(description="经营主体", ordering="entity__name")
    def shop(self, row: Any) -> str:
        return str(row.entity.name)


class GridFilter(admin.SimpleListFilter):
    """The grids in who asks' scope."""

    title = "网格"
    parameter_name = "grid"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        rows = Grid.objects.visible_to(request.user).order_by("code")
        return [(grid.code, f"{grid.code} {grid.name}") for grid in rows]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(entity__grid__code=self.value()) if self.value() else queryset
