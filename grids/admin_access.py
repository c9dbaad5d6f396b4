"""What every admin of business rows shares: rights from postings, never from columns (DESIGN.md §7).

Default is nothing: a subclass names the roles that look (`view_roles`) and that change
(`change_roles`). Rows come from `visible_to`. Nothing is ever deleted in the admin.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Collection
from datetime import datetime
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.views.main import ChangeList
from django.core.exceptions import PermissionDenied
from django.db import models
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from unfold.admin import ModelAdmin
from unfold.decorators import display

from grids.access import Scope, scope_of
from grids.refusals import naming_contention
from grids.roles import DUTY_LEADER, DUTY_OFFICER, Role
from kernel import clock, journal
from kernel.accounts.masked_search import without_numbers
from kernel.accounts.models import User
from kernel.api.downloads import xlsx
from kernel.clock import SHANGHAI
from kernel.errors import DomainError
from kernel.notices.policy import masked

MOST_EXPORTED = 20_000
EXPORT = "_export"

OFFICE_PEOPLE = frozenset({Role.OFFICE_CLERK, Role.OFFICE_HEAD, DUTY_OFFICER, DUTY_LEADER})
BUREAU_PEOPLE = frozenset({Role.BUREAU, Role.BUREAU_LEADER, Role.AUDITOR})
GRID_PEOPLE = frozenset({Role.COMMISSIONER, Role.COMMUNITY_HEAD, Role.SUBDISTRICT})
EVERYBODY = frozenset({*Role.values, DUTY_OFFICER, DUTY_LEADER})


class ScopedAdmin(ModelAdmin):
    """Lists of 50, only of rows that `visible_to` gives, with rights by role.

    Attributes:
        view_roles: who may look; default nobody.
        change_roles: who may add and edit through Django's own form; default nobody. Rows whose
            life is a matter of services keep this empty and offer actions.
        journal_stream: where set, every save through the form leaves an entry `<stream>:<id>`.
        free_text: those of `search_fields` that are shown masked; no search reads the numbers in them.
        written: what people wrote; an auditor reads it masked on the row's own page. Lists and workbooks
            mask it for everybody (`as_listed`).
    """

    view_roles: Collection[str] = frozenset()
    change_roles: Collection[str] = frozenset()
    journal_stream = ""
    free_text: Collection[str] = ()
    written: Collection[str] = ()
    list_per_page = 50
    list_max_show_all = 50
    show_full_result_count = False

    def scope(self, request: HttpRequest) -> Scope:
        """The scope of who asks; read once a request."""
        return scope_of(request.user)

    def me(self, request: HttpRequest) -> User:
        """Who asks, as a row, with the scope already read."""
        user = User.objects.get(pk=request.user.pk)
        scope_of(user)
        return user

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self._holds(request, {*self.view_roles, *self.change_roles})

    def has_add_permission(self, request: HttpRequest) -> bool:
        return self._holds(request, self.change_roles) and not self.scope(request).is_auditor

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self._holds(request, self.change_roles) and not self.scope(request).is_auditor

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_act_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        """For actions (`permissions=["act"]`): who looks may try; the service decides."""
        return self.has_view_permission(request) and not self.scope(request).is_auditor

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[Any]:
        rows: models.QuerySet[Any] = self.model._default_manager.visible_to(request.user)
        ordering = self.get_ordering(request)
        return rows.order_by(*ordering) if ordering else rows

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Any:
        row: Any = super().get_object(request, object_id, from_field)
        if row is not None and self.written and self.scope(request).is_auditor:
            for name in self.written:
                setattr(row, name, masked(getattr(row, name)))
        return row

    def get_changelist_instance(self, request: HttpRequest) -> ChangeList:
        """A filter that no database can ask for is a wrong filter, not an error of ours."""
        if any("\0" in value for _, values in request.GET.lists() for value in values):
            raise IncorrectLookupParameters
        return super().get_changelist_instance(request)

    def get_search_fields(self, request: HttpRequest) -> list[str]:
        found = super().get_search_fields(request)
        return [f"said_{one}" if one in self.free_text else str(one) for one in found]

    def get_search_results(
        self, request: HttpRequest, queryset: models.QuerySet[Any], search_term: str
    ) -> tuple[models.QuerySet[Any], bool]:
        said = {f"said_{column}": without_numbers(column) for column in self.free_text}
        return super().get_search_results(request, queryset.alias(**said), search_term)

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        target = db_field.remote_field.model
        if "queryset" not in kwargs and target is not User and hasattr(target._default_manager, "visible_to"):
            kwargs["queryset"] = target._default_manager.visible_to(request.user)
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        if self.journal_stream:
            journal.append(
                stream=f"{self.journal_stream}:{obj.pk}",
                kind="changed" if change else "created",
                by=self.me(request),
                at=clock.now(),
                data={"fields": sorted(form.changed_data)},
            )

    def _holds(self, request: HttpRequest, roles: Collection[str]) -> bool:
        user = request.user
        return bool(user.is_active and user.is_staff and self.scope(request).has(*roles))

    # -- pages of one question -------------------------------------------------

    def wanted(self, request: HttpRequest, object_id: Any) -> Any:
        """The row of an action, as far as it is visible to who asks. Raises PermissionDenied."""
        row = self.get_object(request, str(object_id))
        if row is None or not self.has_act_permission(request):
            raise PermissionDenied
        return row

    def ask(
        self,
        request: HttpRequest,
        *,
        title: str,
        submit: str,
        act: Callable[[dict[str, Any], User, datetime], str],
        form: forms.Form | None = None,
        effect: str = "",
        back: str | None = None,
    ) -> HttpResponse:
        """Show a form (or only a question); on a valid POST call `act(values, by, at)`.

        `act` calls the service and gives the sentence of success; a refusal, and that others are at work
        on the same rows, is shown on the form.
        """
        back = back or self.list_address()
        if request.method == "POST" and (form is None or form.is_valid()):
            try:
                with naming_contention():
                    done = act(form.cleaned_data if form else {}, self.me(request), clock.now())
            except DomainError as refused:
                if form is None:
                    messages.error(request, refused.detail)
                    return HttpResponseRedirect(back)
                form.add_error(refused.attr if refused.attr in form.fields else None, refused.detail)
            else:
                messages.success(request, done)
                return HttpResponseRedirect(back)
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": title,
            "form": form,
            "submit": submit,
            "effect": effect,
            "back": back,
        }
        return TemplateResponse(request, "grids/ask.html", context)

    def list_address(self) -> str:
        return reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_changelist")

    def row_address(self, row: Any) -> str:
        return reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_change", args=[row.pk])


Column = tuple[str, Callable[[Any], Any]]


def as_listed(column: str, title: str) -> Callable[[Any], str]:
    """What people wrote, for `list_display` and workbooks: every number in it masked."""

    @display(description=title, ordering=column, empty_value="—")
    def told(row: Any) -> str:
        return str(masked(getattr(row, column)))

    told.__name__ = f"{column}_as_listed"
    return told


class ExportsSheet:
    """A link above the list that gives the filtered rows as .xlsx. Columns name what is told: masked.

    Put before `ScopedAdmin`. At most 20,000 rows; moments in Shanghai time.
    """

    list_before_template = "grids/export_link.html"
    export_name = "export"
    export_columns: tuple[Column, ...] = ()

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        if request.GET.get(EXPORT) == "xlsx":
            asked = request.GET.copy()
            del asked[EXPORT]
            request.GET = asked  # type: ignore[assignment]
            if not self.has_view_permission(request):  # type: ignore[attr-defined]
                raise PermissionDenied
            try:
                changes = self.get_changelist_instance(request)  # type: ignore[attr-defined]
            except IncorrectLookupParameters:
                return HttpResponseRedirect(self.list_address())  # type: ignore[attr-defined]
            return self._sheet(changes.get_queryset(request)[:MOST_EXPORTED])
        return super().changelist_view(request, extra_context)  # type: ignore[misc]

    def _sheet(self, rows: models.QuerySet[Any]) -> HttpResponse:
        import xlsxwriter  # only where a workbook is written: not in every process

        out = io.BytesIO()
        plain = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
        with xlsxwriter.Workbook(out, plain) as book:
            page = book.add_worksheet()
            page.set_column(0, len(self.export_columns) - 1, 18)
            page.write_row(0, 0, [name for name, _ in self.export_columns], book.add_format({"bold": True}))
            for number, row in enumerate(rows, start=1):
                page.write_row(number, 0, [_cell(told(row)) for _, told in self.export_columns])
        return xlsx(out.getvalue(), f"{self.export_name}.xlsx")


def _cell(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(SHANGHAI).strftime("%Y-%m-%d %H:%M")
    return value if isinstance(value, int | float) else str(value if value is not None else "")
