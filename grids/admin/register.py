"""The register of businesses, to look at and to export; it is kept through the register's own services."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from unfold.decorators import display

from grids.admin import entity_view
from grids.admin_access import (
    BUREAU_PEOPLE,
    EXPORT,
    GRID_PEOPLE,
    OFFICE_PEOPLE,
    ExportsSheet,
)
from grids.models import BusinessEntity, BusinessType
from grids.own_pages import OwnPages
from grids.roles import Role
from grids.search import found_by, holding
from grids.stickers import PrintsStickers
from kernel.accounts.masking import mask_name

WHOLE = "suoshe.whole_search"
GRADE_TONES = {"A": "success", "B": "info", "C": "warning", "D": "danger"}


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
class BusinessEntityAdmin(PrintsStickers, ExportsSheet, OwnPages):
    """经营主体, one on a page of our own. The operator is masked here and in the export."""

    view_roles = OFFICE_PEOPLE | BUREAU_PEOPLE | GRID_PEOPLE | {Role.BUREAU_SECTION}
    when_empty = "登记册中还没有经营主体。可在手机上逐户登记，或在“导入记录”中整批导入。"
    list_display = ["name", "uscc_or_flag", "kind", "trades", "grid", "standing", "grade", "is_demo"]
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
    search_help_text = "按名称、代码、地址或经营者查找，最多显示最相符的 200 家"
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

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        acts = {
            "edit": entity_view.edit,
            "licence": entity_view.licence,
            "equipment": entity_view.equipment,
            "reveal": entity_view.reveal_one,
        }
        return [
            *(
                path(f"<int:pk>/{name}/", view(self._act(act)), name=f"grids_businessentity_{name}")
                for name, act in acts.items()
            ),
            *super().get_urls(),
        ]

    def _act(self, act: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
        def shown(request: HttpRequest, pk: int) -> HttpResponse:
            entity = self.wanted(request, pk)
            if not entity_view.may_keep(entity, self.me(request)):
                raise PermissionDenied
            return act(self, request, entity)

        return shown

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """一店一档: reads only."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        entity = self.get_object(request, object_id)
        if entity is None:
            messages.warning(request, "没有找到这个经营主体，或者您无权查看。")
            return HttpResponseRedirect(self.list_address())
        return entity_view.show(self, request, entity)

    def history_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> HttpResponse:
        """The journal is the history: it stands on the page of the business."""
        return HttpResponseRedirect(reverse("admin:grids_businessentity_change", args=[object_id]))

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

    @display(
        description="状态",
        ordering="status",
        label={"在营": "success", "歇业": "warning", "吊销": "danger"},
    )
    def standing(self, entity: BusinessEntity) -> str:
        return str(entity.get_status_display())

    @display(description="信用等级", ordering="credit_grade", label=GRADE_TONES, empty_value="未评定")
    def grade(self, entity: BusinessEntity) -> str | None:
        return entity.credit_grade

    @display(description="业态")
    def trades(self, entity: BusinessEntity) -> str:
        return trades(entity)

    @display(description="经营者")
    def operator_masked(self, entity: BusinessEntity) -> str:
        return mask_name(entity.operator_name) or "未填写"
