"""办结回复 and 满意度回访 in the admin: what citizens are owed, how they were answered, what they say."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.decorators import display

from grids.access import scope_of
from grids.admin_access import EVERYBODY, ScopedAdmin
from kernel.accounts.models import User
from kernel.errors import DomainError
from leads import answers, surveys
from leads.admin.leads import SEES_NO_LEADS
from leads.admin.own_pages import OWN_MEDIA
from leads.api.answers import READS_COMMENTS
from leads.forms_answers import CallForm, TelephoneForm
from leads.models import Answer, AnswerState, Lead, Rating, Result, Survey

__all__ = ["AnswerAdmin", "SurveyAdmin"]

STATE_COLOURS = {
    AnswerState.OWED.label: "warning",
    AnswerState.ANSWERED.label: "success",
    AnswerState.CANCELLED.label: "default",
}
RATING_COLOURS = {
    Rating.VERY_SATISFIED.label: "success",
    Rating.SATISFIED.label: "success",
    Rating.NEUTRAL.label: "info",
    Rating.UNSATISFIED.label: "danger",
    Rating.VERY_UNSATISFIED.label: "danger",
    "未评价": "default",
    "已作废": "default",
}


class OfALead(ScopedAdmin):
    """Rows of leads that the person may see: read-only, with one form that calls a service."""

    view_roles = EVERYBODY - SEES_NO_LEADS
    list_display_links = ["lead_number"]
    search_fields = ["lead__number", "lead__category__name"]
    search_help_text = "按线索编号或分类查找"
    list_filter_submit = True
    ordering = ["-id"]
    actions = None
    unknown = "没有找到，或者您无权查看。"
    template = ""
    done = ""

    class Media:
        css = {"all": ["leads/leads.css"]}

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        rows = self.model._default_manager.order_by(*self.get_ordering(request))
        seen = Lead.objects.visible_to(request.user)  # type: ignore[arg-type]
        return rows.filter(lead__in=seen).select_related("lead__category", "lead__grid")

    @display(description="线索", header=True)
    def lead_number(self, row: Any) -> list[str]:
        return [row.lead.number, row.lead.category.name]

    @display(description="网格", empty_value="未匹配")
    def where(self, row: Any) -> str | None:
        return row.lead.grid.name if row.lead.grid else None

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """The row's page; a POST is the one act on it."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        if request.method not in ("GET", "HEAD", "POST"):
            return HttpResponseNotAllowed(["GET", "HEAD", "POST"])
        number = object_id if object_id.isascii() and object_id.isdigit() and len(object_id) < 18 else "0"
        row = self.get_queryset(request).filter(pk=int(number)).first()
        if row is None:
            messages.warning(request, self.unknown)
            return HttpResponseRedirect(self.list_address())
        by, form, status = self.me(request), self.question(request), 200
        if request.method == "POST":
            if not self.has_act_permission(request):
                raise PermissionDenied
            status = self._try(form, row, by)
            if status == 200:
                messages.success(request, self.done)
                return HttpResponseRedirect(self.row_address(row))
            row.refresh_from_db()
        return self._page(request, row, by, form, status)

    def _try(self, form: forms.Form, row: Any, by: User) -> int:
        if not form.is_valid():
            return 400
        try:
            self.act(row, by, form.cleaned_data)
        except DomainError as refused:
            form.add_error(refused.attr if refused.attr in form.fields else None, refused.detail)
            return refused.status
        return 200

    def _page(self, request: HttpRequest, row: Any, by: User, form: forms.Form, status: int) -> HttpResponse:
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "media": OWN_MEDIA,
            "title": f"{self.opts.verbose_name} {row.lead.number}",
            "server_now": scope_of(by).at,
            "list_address": self.list_address(),
            "lead_address": reverse("admin:leads_lead_change", args=[row.lead_id]),
            "row": row,
            "lead": row.lead,
            "form": form if self.may_act(row, by) else None,
            "original": row,
            **self.shown(row, by),
        }
        answer = TemplateResponse(request, self.template, context, status=status)
        answer["Cache-Control"] = "no-store"
        return answer

    def question(self, request: HttpRequest) -> forms.Form:
        raise NotImplementedError

    def act(self, row: Any, by: User, given: dict[str, Any]) -> None:
        raise NotImplementedError

    def may_act(self, row: Any, by: User) -> bool:
        raise NotImplementedError

    def shown(self, row: Any, by: User) -> dict[str, Any]:
        return {}


@admin.register(Answer)
class AnswerAdmin(OfALead):
    """Answers that citizens are owed; a call is entered on the row's page."""

    list_display = ["lead_number", "where", "round", "state_label", "owed_at", "due_at", "answered_at", "way"]
    list_filter = [("state", ChoicesDropdownFilter), ("way", ChoicesDropdownFilter)]
    sortable_by = ["owed_at", "due_at"]
    template = "leads/answer.html"
    done = "已登记电话回复。"

    @display(description="状态", label=STATE_COLOURS)
    def state_label(self, row: Answer) -> str:
        return row.get_state_display()

    def question(self, request: HttpRequest) -> forms.Form:
        return CallForm(request.POST or None)

    def act(self, row: Answer, by: User, given: dict[str, Any]) -> None:
        answers.record_call(
            lead_id=row.lead_id,
            by=by,
            client_uid=given["client_uid"],
            result=Result(given["result"]),
            note=given["note"],
        )

    def may_act(self, row: Answer, by: User) -> bool:
        allowed = answers.may_call(by) or (row.lead.reported_by_id == by.pk and not scope_of(by).is_auditor)
        return row.state == AnswerState.OWED and row.round == row.lead.round and allowed

    def shown(self, row: Answer, by: User) -> dict[str, Any]:
        return {"attempts": row.attempts.select_related("by").order_by("id")}


@admin.register(Survey)
class SurveyAdmin(OfALead):
    """Satisfaction surveys; an answer by telephone is entered on the row's page by somebody uninvolved."""

    list_display = [
        "lead_number",
        "where",
        "round",
        "asked",
        "asked_at",
        "rating_label",
        "how",
        "answered_at",
    ]
    list_filter = [("rating", ChoicesDropdownFilter), ("how", ChoicesDropdownFilter)]
    sortable_by = ["asked_at", "answered_at"]
    template = "leads/survey_admin.html"
    done = "已登记电话回访。"

    @display(description="评价", label=RATING_COLOURS)
    def rating_label(self, row: Survey) -> str:
        if row.answered_at is None:
            return "已作废" if row.voided_at else "未评价"
        return row.get_rating_display()

    def question(self, request: HttpRequest) -> forms.Form:
        return TelephoneForm(request.POST or None)

    def act(self, row: Survey, by: User, given: dict[str, Any]) -> None:
        surveys.record_by_telephone(
            lead_id=row.lead_id, by=by, rating=Rating(given["rating"]), comment=given["comment"]
        )

    def may_act(self, row: Survey, by: User) -> bool:
        still = row.answered_at is None and row.voided_at is None and row.round == row.lead.round
        return still and surveys.may_survey(by) and not surveys.is_involved(row.lead, by)

    def shown(self, row: Survey, by: User) -> dict[str, Any]:
        reads = scope_of(by).has(*READS_COMMENTS) or row.entered_by_id == by.pk
        return {"comment": row.comment if reads else "", "reads": reads}
