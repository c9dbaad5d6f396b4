"""Whistles (社区吹哨、部门报到) in the admin: the list, one whistle's page with its acts, and a new one."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.urls import reverse
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import ChoicesDropdownFilter, DropdownFilter
from unfold.decorators import display
from unfold.views import ChangeList

from grids.access import scope_of
from grids.admin_access import EVERYBODY, ExportsSheet
from grids.models import Department
from grids.roles import Role
from kernel.errors import DomainError
from leads import whistles
from leads.admin import clock_face, whistle_steps, whistles_shown, words
from leads.admin.filters import ByGrid
from leads.admin.leads import SEES_NO_LEADS
from leads.admin.own_pages import OwnPages
from leads.admin.whistles_shown import CallShown, WhistleShown
from leads.forms_whistles import CallMoreForm, CloseForm, StepForm, WhistleForm
from leads.models import Lead, Whistle, WhistleCall
from leads.selectors import reads_masked
from leads.whistle_states import CallState, WhistleState

__all__ = ["WhistleAdmin"]

UNKNOWN = "没有找到这次吹哨，或者您无权查看。"
USED = "这张表单已经提交过一次，内容与现在的不同。如果确实是另一次吹哨，请再次提交。"


def _has(*conditions: Q, **values: Any) -> Exists:
    return Exists(WhistleCall.objects.filter(*conditions, whistle=OuterRef("pk"), **values))


class ByDepartment(DropdownFilter):
    title = "部门"
    parameter_name = "department"

    def lookups(self, request: Any, model_admin: Any) -> Iterable[Any]:
        return list(Department.objects.order_by("id").values_list("code", "name"))

    def queryset(self, request: Any, queryset: QuerySet[Any]) -> QuerySet[Any]:
        value = self.value()
        return queryset.filter(_has(department__code=value)) if value else queryset


class ByCallState(DropdownFilter):
    title = "部门报到情况"
    parameter_name = "call"

    def lookups(self, request: Any, model_admin: Any) -> Iterable[Any]:
        return [*CallState.choices, ("late", "超时")]

    def queryset(self, request: Any, queryset: QuerySet[Any]) -> QuerySet[Any]:
        value = self.value()
        if value == "late":
            return queryset.filter(_has(Q(answer_late=True) | Q(on_site_late=True)))
        return queryset.filter(_has(state=value)) if value in CallState.values else queryset


class WhistleList(ChangeList):
    """A page of whistles, each with the limit that is due first."""

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        rows: list[Any] = list(self.result_list)  # type: ignore[has-type]
        for whistle in rows:
            whistle.seen_at = scope_of(request.user).at
        self.result_list = rows


def _late(call: WhistleCall) -> str:
    late = [word for flag, word in ((call.answer_late, "回应超时"), (call.on_site_late, "到场超时")) if flag]
    return "、".join(late)


@admin.register(Whistle)
class WhistleAdmin(ExportsSheet, OwnPages):
    """Whistles that `visible_to` gives. Read-only; every act calls a service."""

    view_roles = EVERYBODY - SEES_NO_LEADS - {Role.STATION_MEDIATOR}
    list_before_template = "leads/whistles_before.html"
    list_display = ["number", "about", "departments", "state_label", "caller", "called_at", "countdown"]
    list_display_links = ["number"]
    sortable_by = ["called_at"]
    list_select_related = ["lead__category", "grid", "called_by"]
    list_filter = [("state", ChoicesDropdownFilter), ByDepartment, ByCallState, ByGrid]
    list_filter_submit = True
    search_fields = ["lead__number", "grid__name", "place"]
    search_help_text = "按线索编号、网格或地点查找"
    ordering = ["-id"]
    actions = None
    export_name = "whistles"
    export_columns = (
        ("吹哨", lambda call: call.whistle_id),
        ("网格", lambda call: str(call.whistle.grid)),
        ("线索", lambda call: call.whistle.lead.number if call.whistle.lead else ""),
        ("地点", lambda call: words.masked(call.whistle.place)),
        ("部门", lambda call: call.department.name),
        ("状态", lambda call: call.get_state_display()),
        ("联合发文文号", lambda call: call.policy.document_number if call.policy else "未约定时限"),
        ("通知时间", lambda call: call.called_at),
        ("首次回应时间", lambda call: call.answered_at),
        ("回应方式", lambda call: call.get_answered_how_display()),
        ("回应时限", lambda call: call.answer_due_at),
        ("到场时间", lambda call: call.checked_in_at),
        ("到场时限", lambda call: call.on_site_due_at),
        ("超时", _late),
        ("报告时间", lambda call: call.reported_at),
        ("处置报告", lambda call: words.masked(call.report)),
    )

    class Media:
        css = {"all": ["leads/leads.css"]}
        js = ["leads/clocks.js"]

    # --- rights and rows -----------------------------------------------------------------------

    def has_add_permission(self, request: HttpRequest) -> bool:
        scope = self.scope(request)
        may = bool(scope.grid_ids or scope.office_ids or scope.community_ids)
        return may and self.has_view_permission(request) and not scope.is_auditor

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_queryset(self, request: HttpRequest) -> QuerySet[Whistle]:
        return super().get_queryset(request).prefetch_related("calls__department")

    def _sheet(self, rows: QuerySet[Any]) -> HttpResponse:
        """One line a department called."""
        calls = WhistleCall.objects.filter(whistle__in=[row.pk for row in rows])
        named = calls.select_related("whistle__grid", "whistle__lead", "department", "policy")
        return super()._sheet(named.order_by("-whistle_id", "id"))

    # --- the list ------------------------------------------------------------------------------

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return WhistleList

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        told = {"server_now": self.scope(request).at, "title": "社区吹哨、部门报到"}
        return super().changelist_view(request, {**told, **(extra_context or {})})

    @display(description="吹哨")
    def number(self, whistle: Whistle) -> str:
        return str(whistle)

    @display(description="地点与事项", header=True)
    def about(self, whistle: Whistle) -> list[str]:
        lead = whistle.lead
        return [whistle.grid.name, f"{lead.number}　{lead.category.name}" if lead else "无线索"]

    @display(description="部门报到")
    def departments(self, whistle: Whistle) -> str:
        return whistles_shown.standing(whistle)

    @display(
        description="状态",
        label={WhistleState.OPEN.label: "warning", WhistleState.CLOSED.label: "success"},
    )
    def state_label(self, whistle: Whistle) -> str:
        return WhistleState(whistle.state).label

    @display(description="吹哨人")
    def caller(self, whistle: Whistle) -> str:
        return f"{whistle.called_by.name}（{whistle.get_side_display()}）"

    @display(description="最近时限", empty_value="—")
    def countdown(self, whistle: Any) -> SafeString | None:
        if whistle.state != WhistleState.OPEN:
            return None
        clock = whistles_shown.nearest(whistle.calls.all(), whistle.seen_at)
        return clock_face.draw(clock.name, clock.due_at, whistle.seen_at) if clock else None

    # --- one whistle ---------------------------------------------------------------------------

    def find(self, request: HttpRequest, object_id: Any) -> Whistle | None:
        if not self.has_view_permission(request):
            raise PermissionDenied
        number = str(object_id)
        if not (number.isascii() and number.isdigit() and len(number) < 19):
            return None
        user: Any = request.user
        return whistles_shown.full(Whistle.objects.visible_to(user)).filter(pk=int(number)).first()

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """The whistle's page; a POST is one act of who looks."""
        if request.method not in ("GET", "HEAD", "POST"):
            return HttpResponseNotAllowed(["GET", "HEAD", "POST"])
        whistle = self.find(request, object_id)
        if whistle is None:
            messages.warning(request, UNKNOWN)
            return HttpResponseRedirect(self.list_address())
        if request.method == "POST":
            if not self.has_act_permission(request):
                raise PermissionDenied
            return whistle_steps.take(self, request, whistle)
        return self.page(request, whistle)

    def page(
        self,
        request: HttpRequest,
        whistle: Whistle,
        *,
        bound: dict[str, Any] | None = None,
        kept: list[int] | None = None,
        phones: Any = None,
        status: int = 200,
    ) -> HttpResponse:
        """`bound` are forms sent and refused, by their prefix: shown again as they were typed."""
        by = self.me(request)
        say: whistles_shown.Say = words.masked if reads_masked(scope_of(by)) else str
        row = whistles_shown.shown(whistle, by, say)
        forms = bound or {}
        context = {
            "row": row,
            "original": whistle,
            "calls": [(one, self._step_form(one, row, forms)) for one in row.calls],
            "close_form": forms.get("close")
            or CloseForm(initial={"version": whistle.version}, prefix="close"),
            "more_form": forms.get("more") or self._more_form(row),
            "kept": kept or [],
            "phones": phones,
            "lead_address": _lead_address(whistle, by),
        }
        return self.render(request, "leads/whistle.html", context, title=str(whistle), status=status)

    @staticmethod
    def _step_form(one: CallShown, row: WhistleShown, forms: dict[str, Any]) -> Any:
        prefix = one.call.department.code
        return forms.get(prefix) or StepForm(initial={"version": row.whistle.version}, prefix=prefix)

    @staticmethod
    def _more_form(row: WhistleShown) -> CallMoreForm:
        called = {one.call.department.code for one in row.calls}
        return CallMoreForm(initial={"version": row.whistle.version}, prefix="more", called=called)

    # --- a new one -----------------------------------------------------------------------------

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        """吹哨: `?lead=` fills in the lead's grid and the departments that its category proposes."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        by = self.me(request)
        grids = whistles_shown.callers_grids(by)
        if request.method == "POST":
            return self._blow(request, WhistleForm(request.POST, grids=grids))
        lead = self._lead(request.GET.get("lead", ""), by)
        form = WhistleForm(initial=self._proposed(lead, grids, by), grids=grids)
        return self._ask(request, form, lead)

    @staticmethod
    def _lead(number: str, by: Any) -> Lead | None:
        if not (number.isascii() and number.isdigit() and len(number) < 19):
            return None
        rows = Lead.objects.visible_to(by).select_related("category", "grid", "entity")
        return rows.filter(pk=int(number), restricted=False).first()

    @staticmethod
    def _proposed(lead: Lead | None, grids: list[Any], by: Any) -> dict[str, Any]:
        last = Whistle.objects.filter(called_by=by).exclude(telephone="").order_by("-id").first()
        told: dict[str, Any] = {
            "client_uid": uuid.uuid4(),
            "grid": grids[0].code if len(grids) == 1 else "",
            "telephone": last.telephone if last else "",
        }
        if lead is not None:
            told |= {"lead": lead.pk, "departments": list(lead.category.departments)}
            told["place"] = lead.entity.name if lead.entity else ""
            if lead.grid is not None:
                told["grid"] = lead.grid.code
        return told

    def _blow(self, request: HttpRequest, form: WhistleForm) -> HttpResponse:
        by = self.me(request)
        status = 400
        if form.is_valid():
            given = form.cleaned_data
            asked = whistles.Request(
                departments=tuple(given["departments"]),
                reason=given["reason"],
                client_uid=given["client_uid"],
                grid=given["grid"],
                lead_id=given["lead"],
                place=given["place"],
                telephone=given["telephone"],
            )
            try:
                made = whistles.blow(request=asked, by=by)
            except DomainError as refused:
                used = refused.code == "client_uid_conflict"
                field = refused.attr if refused.attr in form.fields and not used else None
                form.add_error(field, USED if used else refused.detail)
                status = refused.status
            else:
                messages.success(request, f"{made.whistle}已发出，已通知所选部门。")
                return HttpResponseRedirect(self.row_address(made.whistle))
        return self._ask(request, form, self._lead(str(form["lead"].value() or ""), by), status)

    def _ask(
        self, request: HttpRequest, form: WhistleForm, lead: Lead | None, status: int = 200
    ) -> HttpResponse:
        back = reverse("admin:leads_lead_change", args=[lead.pk]) if lead else self.list_address()
        context = {"form": form, "lead": lead, "back": back}
        return self.render(request, "leads/whistle_new.html", context, title="吹哨", status=status)


def _lead_address(whistle: Whistle, by: Any) -> str:
    """The lead's page, where the person may see the lead."""
    lead = whistle.lead
    if lead is None or not Lead.objects.visible_to(by).filter(pk=lead.pk).exists():
        return ""
    return reverse("admin:leads_lead_change", args=[lead.pk])
