"""反映人信息: the identity keeper's page. He comes with a lead's number and a reason, and sees no more."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.template.response import TemplateResponse

from grids.admin_access import ScopedAdmin
from grids.roles import Role
from kernel.accounts.models import User
from kernel.errors import DomainError
from leads import answers, reporters, surveys
from leads.admin.own_pages import OWN_MEDIA
from leads.forms_answers import CallForm, RevealForm, TelephoneForm
from leads.models import LeadReporter, Rating, Result

__all__ = ["LeadReporterAdmin"]


@admin.register(LeadReporter)
class LeadReporterAdmin(ScopedAdmin):
    """No list: one form. What was revealed is shown once, and is kept by no cache."""

    view_roles = frozenset({Role.IDENTITY_KEEPER})

    class Media:
        css = {"all": ["leads/leads.css"]}

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """There is no page of one row."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        return HttpResponseRedirect(self.list_address())

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """Ask for number and reason; on a POST show who told it, or enter what he said by telephone."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        if request.method not in ("GET", "HEAD", "POST"):
            return HttpResponseNotAllowed(["GET", "HEAD", "POST"])
        if request.method != "POST":
            return self._page(request, RevealForm(), None)
        by = self.me(request)
        match request.POST.get("act"):
            case "call":
                return self._enter(request, by, CallForm(request.POST), self._call, "已登记电话回复。")
            case "survey":
                return self._enter(request, by, TelephoneForm(request.POST), self._survey, "已登记电话回访。")
        return self._reveal(request, by)

    def _reveal(self, request: HttpRequest, by: User) -> HttpResponse:
        form = RevealForm(request.POST)
        if not form.is_valid():
            return self._page(request, form, None, 400)
        try:
            found = reporters.reveal_by_number(by=by, **form.cleaned_data)
        except DomainError as refused:
            form.add_error("reason" if refused.attr == "reason" else "number", refused.detail)
            return self._page(request, form, None, refused.status)
        return self._page(request, RevealForm(), found)

    def _enter(self, request: HttpRequest, by: User, form: forms.Form, act: Any, done: str) -> HttpResponse:
        """A call or a rating, entered for the lead whose number the form carries. A refusal is a message:
        the identity is not shown again without a new reason."""
        try:
            lead_id = reporters.id_of(request.POST.get("number", ""))
            if form.is_valid():
                act(lead_id, by, form.cleaned_data)
                messages.success(request, done)
            else:
                messages.error(request, "没有登记：请选择一项结果，说明不超过500字。")
        except DomainError as refused:
            messages.error(request, refused.detail)
        return HttpResponseRedirect(self.list_address())

    @staticmethod
    def _call(lead_id: int, by: User, given: dict[str, Any]) -> None:
        answers.record_call(
            lead_id=lead_id,
            by=by,
            client_uid=given["client_uid"],
            result=Result(given["result"]),
            note=given["note"],
        )

    @staticmethod
    def _survey(lead_id: int, by: User, given: dict[str, Any]) -> None:
        surveys.record_by_telephone(
            lead_id=lead_id, by=by, rating=Rating(given["rating"]), comment=given["comment"]
        )

    def _page(
        self, request: HttpRequest, form: RevealForm, found: reporters.Revealed | None, status: int = 200
    ) -> HttpResponse:
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "media": OWN_MEDIA,
            "title": "查看反映人信息",
            "server_now": self.scope(request).at,
            "form": form,
            "found": found,
            "call_form": CallForm(auto_id="call_%s") if found else None,
            "survey_form": TelephoneForm(auto_id="survey_%s") if found else None,
        }
        answer = TemplateResponse(request, "leads/reporter.html", context, status=status)
        answer["Cache-Control"] = "no-store"
        return answer
