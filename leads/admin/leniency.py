"""容错纠错 and 柔性指导 in the admin: lists, filters, export; guidance in one form."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.decorators import display

from grids.access import scope_of
from grids.admin_access import EVERYBODY, ExportsSheet, ScopedAdmin
from grids.models import BusinessEntity
from grids.roles import Role
from kernel.accounts.models import User
from leads import guidance
from leads.admin import words
from leads.admin.leads import SEES_NO_LEADS
from leads.forms_leniency import LONGEST_NUMBER, GuidanceForm
from leads.guidance import Given
from leads.models import Guidance, GuidanceKind, LeniencyDecision

__all__ = ["GuidanceAdmin", "LeniencyDecisionAdmin"]

State = LeniencyDecision.State
NOT_THEIRS = {Role.STATION_MEDIATOR, Role.DEPARTMENT_LIAISON}
ENDS = {State.COMPLETED: "success", State.REFUSED: "danger"}
TONES = {state.label: ENDS.get(state, "warning") for state in State}


@admin.register(LeniencyDecision)
class LeniencyDecisionAdmin(ExportsSheet, ScopedAdmin):
    """Decisions on leads that the person may see. Read-only: proposing and signing are acts on the lead."""

    view_roles = EVERYBODY - SEES_NO_LEADS - NOT_THEIRS
    list_display = ["lead_number", "shop", "which_route", "standing", "first", "by", "at", "completed_at"]
    list_display_links = ["lead_number"]
    list_select_related = ["lead", "entity", "category", "by"]
    list_filter = [("state", ChoicesDropdownFilter), ("route", ChoicesDropdownFilter)]
    list_filter_submit = True
    search_fields = ["lead__number", "entity__name", "form_number"]
    search_help_text = "按线索编号、经营主体或审批表编号查找"
    ordering = ["-id"]
    actions = None
    export_name = "leniency"
    export_columns = (
        ("线索", lambda one: one.lead.number),
        ("经营主体", lambda one: one.entity.name),
        ("违法类型", lambda one: str(one.category)),
        ("适用情形", lambda one: one.get_route_display()),
        ("决定", lambda one: one.get_result_display()),
        ("初次", lambda one: "是" if one.is_first else "否"),
        ("状态", lambda one: one.get_state_display()),
        ("提出人", lambda one: one.by.name),
        ("提出时间", lambda one: one.at),
        ("决定时间", lambda one: one.decided_at),
        ("审批表编号", lambda one: one.form_number),
    )

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        return super().changelist_view(request, {"title": "容错纠错", **(extra_context or {})})

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """Shown, and signed, on the lead's own page; who sees no more than the decision stays on the list."""
        row = self.get_object(request, str(object_id))
        if row is None:
            return HttpResponseRedirect(self.list_address())
        return HttpResponseRedirect(reverse("admin:leads_lead_change", args=[row.lead_id]))

    @display(description="线索", header=True)
    def lead_number(self, row: LeniencyDecision) -> list[str]:
        return [row.lead.number, row.category.name]

    @display(description="经营主体")
    def shop(self, row: LeniencyDecision) -> str:
        return row.entity.name

    @display(description="适用情形")
    def which_route(self, row: LeniencyDecision) -> str:
        return row.get_route_display().split("，")[0]

    @display(description="状态", label=TONES)
    def standing(self, row: LeniencyDecision) -> str:
        return row.get_state_display()

    @display(description="初次", boolean=True)
    def first(self, row: LeniencyDecision) -> bool:
        return row.is_first


@admin.register(Guidance)
class GuidanceAdmin(ExportsSheet, ScopedAdmin):
    """Guidance to shops of one's grids; a new one in one form, without approval."""

    view_roles = EVERYBODY - SEES_NO_LEADS - NOT_THEIRS
    list_display = ["shop", "which", "told", "by", "at"]
    list_display_links = None
    list_select_related = ["entity", "lead", "by"]
    list_filter = [("kind", ChoicesDropdownFilter)]
    list_filter_submit = True
    search_fields = ["entity__name", "note", "lead__number"]
    free_text = ("note",)
    search_help_text = "按经营主体、内容或线索编号查找"
    date_hierarchy = "at"
    ordering = ["-id"]
    actions = None
    export_name = "guidance"
    export_columns = (
        ("经营主体", lambda one: one.entity.name),
        ("方式", lambda one: one.get_kind_display()),
        ("内容", lambda one: words.masked(one.note)),
        ("线索", lambda one: one.lead.number if one.lead else ""),
        ("指导人", lambda one: one.by.name),
        ("时间", lambda one: one.at),
    )

    def has_add_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request) and guidance.may_give(scope_of(request.user))

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        """One form; the number that it carries makes a second click the same row."""
        if not self.has_add_permission(request):
            return HttpResponseRedirect(self.list_address())
        by = self.me(request)
        came_from = request.GET.get("entity", "")
        asked = {"client_uid": uuid.uuid4(), "entity": came_from, "kind": GuidanceKind.REMIND}
        form = GuidanceForm(request.POST or None, by=by, initial=asked)

        def act(given: dict[str, Any], who: User, at: datetime) -> str:
            said = Given(given["client_uid"], GuidanceKind(given["kind"]), given["note"])
            row, _ = guidance.give(entity_id=given["entity"].pk, by=who, given=said)
            return f"已登记对“{row.entity.name}”的{row.get_kind_display()}。"

        return self.ask(
            request,
            title="登记提醒、指导、约谈",
            submit="登记",
            act=act,
            form=form,
            effect="柔性指导不是处罚，不需要审批。",
            back=self._shop_address(came_from, by),
        )

    def _shop_address(self, number: str, by: User) -> str | None:
        """The page of the business one came from."""
        if not (number.isascii() and number.isdigit() and len(number) < LONGEST_NUMBER):
            return None
        if not BusinessEntity.objects.visible_to(by).filter(pk=int(number)).exists():
            return None
        return reverse("admin:grids_businessentity_change", args=[number])

    @display(description="经营主体", header=True)
    def shop(self, row: Guidance) -> list[str]:
        return [row.entity.name, row.lead.number if row.lead else ""]

    @display(description="方式", label={"提醒": "info", "指导": "info", "约谈": "warning"})
    def which(self, row: Guidance) -> str:
        return row.get_kind_display()

    @display(description="内容", empty_value="—")
    def told(self, row: Guidance) -> str | None:
        return words.masked(row.note)[:60] or None
