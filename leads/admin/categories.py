"""The lead catalogue: looked at by the bureau, its words kept by the bureau."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from unfold.decorators import display

from grids.admin_access import BUREAU_PEOPLE, ScopedAdmin
from grids.roles import Role, Section
from kernel import clock
from leads import categories
from leads.admin import words
from leads.forms import CategoryForm
from leads.models import Category

__all__ = ["CategoryAdmin"]


@admin.register(Category)
class CategoryAdmin(ScopedAdmin):
    """Codes, severity and food are rules of the catalogue and read-only here."""

    view_roles = BUREAU_PEOPLE
    change_roles = frozenset({Role.BUREAU})
    form = CategoryForm
    list_display = ["code", "name", "group_name", "severity_label", "food", "spoken_words", "is_active"]
    list_filter = ["group_name", "food", "is_active"]
    search_fields = ["code", "name", "words"]
    search_help_text = "按代码、名称或口语词查找"
    ordering = ["code"]
    actions = None
    readonly_fields = ["code", "group_name", "severity", "food", "section_name"]
    fields = ["code", "group_name", "name", "spoken", "severity", "food", "section_name", "is_active"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Category]:
        return Category.objects.order_by("code")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        if self.has_change_permission(request, obj):
            return self.fields
        return ["spoken_words" if name == "spoken" else name for name in self.fields or []]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        if self.has_change_permission(request, obj):
            return self.readonly_fields
        return [*self.readonly_fields, "name", "spoken_words", "is_active"]

    @display(description="严重程度", label=words.SEVERITY_COLOURS)
    def severity_label(self, category: Category) -> str:
        return category.get_severity_display()

    @display(description="业务科室", empty_value="—")
    def section_name(self, category: Category) -> str | None:
        return str(Section(category.section).label) if category.section else None

    @display(description="口语词")
    def spoken_words(self, category: Category) -> str:
        return "，".join(category.words)

    def save_model(self, request: HttpRequest, obj: Category, form: Any, change: bool) -> None:
        """By the service, which locks the row and leaves an entry in the journal."""
        categories.change(
            code=obj.pk,
            name=form.cleaned_data["name"],
            words=form.cleaned_data["spoken"],
            is_active=form.cleaned_data["is_active"],
            by=self.me(request),
            at=clock.now(),
        )
