"""Departments' contacts and joint notices: kept by the bureau, through the services."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import OuterRef, QuerySet, Subquery
from django.http import HttpRequest
from unfold.decorators import display

from grids.admin_access import BUREAU_PEOPLE, ScopedAdmin
from grids.roles import Role
from kernel import clock
from kernel.clock import KernelNow
from leads import departments
from leads.departments import Card, Terms
from leads.forms_whistles import ContactForm, PolicyForm
from leads.models import DepartmentContact, DepartmentPolicy

__all__ = ["DepartmentContactAdmin", "DepartmentPolicyAdmin"]
BUREAU = frozenset({Role.BUREAU})


@admin.register(DepartmentContact)
class DepartmentContactAdmin(ScopedAdmin):
    """Whom an SMS goes to. Numbers are masked in the list; the form is the bureau's alone."""

    view_roles = BUREAU_PEOPLE | {Role.DEPARTMENT_LIAISON}
    change_roles = BUREAU
    form = ContactForm
    list_display = ["name", "department", "phone_masked", "is_head", "is_active", "account"]
    list_filter = ["department", "is_head", "is_active"]
    list_select_related = ["department", "account"]
    search_fields = ["name", "department__name"]
    search_help_text = "按姓名或部门查找"
    ordering = ["department_id", "-is_head", "id"]
    actions = None
    fields = ["department", "name", "phone", "is_head", "is_active", "account"]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return ["department"] if obj is not None else []

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        if self.has_change_permission(request, obj):
            return self.fields
        return ["phone_masked" if name == "phone" else name for name in self.fields or []]

    @display(description="手机号")
    def phone_masked(self, contact: DepartmentContact) -> str:
        return contact.masked_phone

    def save_model(self, request: HttpRequest, obj: DepartmentContact, form: Any, change: bool) -> None:
        """By the service, which leaves an entry in the journal."""
        card = Card(obj.name, obj.phone, obj.is_head, obj.is_active, obj.account)
        made = departments.keep_contact(
            department=obj.department,
            card=card,
            by=self.me(request),
            at=clock.now(),
            contact=DepartmentContact.objects.get(pk=obj.pk) if change else None,
        )
        obj.pk, obj._state.adding, obj._state.db = made.pk, False, made._state.db


@admin.register(DepartmentPolicy)
class DepartmentPolicyAdmin(ScopedAdmin):
    """Every version of every department's limits. None is ever changed: a new one is added."""

    view_roles = BUREAU_PEOPLE | {Role.DEPARTMENT_LIAISON, Role.OFFICE_HEAD, Role.SUBDISTRICT}
    form = PolicyForm
    list_display = [
        "department", "version", "document_number", "answer_minutes", "on_site_minutes", "in_force_from",
        "standing",
    ]  # fmt: skip
    list_display_links = ["department"]
    list_filter = ["department"]
    list_select_related = ["department"]
    search_fields = ["document_number", "department__name"]
    search_help_text = "按文号或部门查找"
    ordering = ["department_id", "-version"]
    actions = None
    fields = ["department", "document_number", "answer_minutes", "on_site_minutes", "in_force_from"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return self._holds(request, BUREAU) and not self.scope(request).is_auditor

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        begun = DepartmentPolicy.objects.filter(
            department=OuterRef("department"), in_force_from__lte=KernelNow()
        )
        newest = begun.order_by("-in_force_from", "-version").values("version")[:1]
        rows: QuerySet[Any] = super().get_queryset(request)
        return rows.annotate(current=Subquery(newest))

    @display(description="状态", label={"现行": "success", "尚未生效": "info", "已被取代": "default"})
    def standing(self, row: Any) -> str:
        if row.in_force_from > clock.now():
            return "尚未生效"
        return "现行" if row.current == row.version else "已被取代"

    def save_model(self, request: HttpRequest, obj: DepartmentPolicy, form: Any, change: bool) -> None:
        given = form.cleaned_data
        terms = Terms(
            given["document_number"],
            given["answer_minutes"],
            given["on_site_minutes"],
            given["in_force_from"],
        )
        made = departments.add_policy(
            department=given["department"], terms=terms, by=self.me(request), at=clock.now()
        )
        obj.__dict__.update({name: value for name, value in made.__dict__.items() if name != "_state"})
        obj._state.adding, obj._state.db = False, made._state.db
