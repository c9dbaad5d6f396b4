"""The register of businesses, to look at and to export; it is kept through the register's own services."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from unfold.decorators import display

from grids.admin_access import (
    BUREAU_PEOPLE,
    EXPORT,
    GRID_PEOPLE,
    OFFICE_PEOPLE,
    ExportsSheet,
    ScopedAdmin,
)
from grids.models import BusinessEntity, BusinessType
from grids.roles import Role
from grids.search import found_by, holding
from grids.stickers import PrintsStickers
from kernel.accounts.masking import mask_name

WHOLE = "suoshe.whole_search"


class TradeFilter(admin.SimpleListFilter):
    title = "业态"
    parameter_name = "business_type"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return list(BusinessType.choices)

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(business_types__contains=[self.value()]) if self.value() else queryset


def trades(entity: BusinessEntity) -> str:
    """The trades of a business in words."""
    return "、".join(str(BusinessType(one).label) for one in entity.business_types)


@admin.register(BusinessEntity)
class BusinessEntityAdmin(PrintsStickers, ExportsSheet, ScopedAdmin):
    """经营主体. The operator's name is masked here and in the export."""

    view_roles = OFFICE_PEOPLE | BUREAU_PEOPLE | GRID_PEOPLE | {Role.BUREAU_SECTION}
    list_display = ["name", "uscc_or_flag", "kind", "trades", "grid", "status", "credit_grade", "is_demo"]
    list_select_related = ["grid"]
    list_filter = [
        "status",
        "credit_grade",
        TradeFilter,
        "kind",
        "is_campus_peripheral",
        "grid__office",
        "grid",
    ]
    search_fields = ["name", "uscc", "address", "operator_name", "code"]
    search_help_text = "按名称、代码、地址或经营者查找，最多显示最相符的 500 家"
    ordering = ["-id"]
    actions = None
    fields = [
        "code", "name", "uscc", "kind", "trades", "is_campus_peripheral", "operator_masked", "grid", "lon",
        "lat", "address", "status", "credit_grade", "is_demo", "created_at",
    ]  # fmt: skip
    readonly_fields = fields
    export_name = "entities"
    export_columns = (
        ("一店一码", lambda row: row.code),
        ("名称", lambda row: row.name),
        ("统一社会信用代码", lambda row: row.uscc),
        ("主体类型", lambda row: row.get_kind_display()),
        ("业态", trades),
        ("经营者", lambda row: mask_name(row.operator_name)),
        ("网格", lambda row: row.grid.code if row.grid else ""),
        ("经营地址", lambda row: row.address),
        ("状态", lambda row: row.get_status_display()),
        ("信用等级", lambda row: row.credit_grade),
    )

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        request.META[WHOLE] = EXPORT in request.GET
        return super().changelist_view(request, extra_context)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """By the register's own search: the best as one types, all that is found where it becomes a sheet."""
        if not search_term.strip():
            return queryset, False
        find = holding if request.META.get(WHOLE) else found_by
        return find(queryset, search_term), False

    @display(description="统一社会信用代码", ordering="uscc")
    def uscc_or_flag(self, entity: BusinessEntity) -> str:
        return entity.uscc or "无代码，待补"

    @display(description="业态")
    def trades(self, entity: BusinessEntity) -> str:
        return trades(entity)

    @display(description="经营者")
    def operator_masked(self, entity: BusinessEntity) -> str:
        return mask_name(entity.operator_name) or "未填写"
