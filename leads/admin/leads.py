"""The list of leads, and the addresses of the pages around one lead."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.functional import cached_property
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import MultipleChoicesDropdownFilter
from unfold.decorators import display
from unfold.views import ChangeList

from grids.access import scope_of
from grids.admin_access import EVERYBODY, ExportsSheet
from grids.own_pages import number_of
from grids.roles import Role
from leads import selectors
from leads.admin import act_view, clock_face, front, intake_view, page, words
from leads.admin.filters import ByAnswer, ByCategoryGroup, ByGrid, ByOffice, ByProgress, ByReportedDate
from leads.admin.own_pages import OwnPages
from leads.intake import REPORTS_NOT
from leads.models import Lead

__all__ = ["LeadAdmin"]

MOST_PAGED = 10_000
UNKNOWN = "没有找到这条线索，或者您无权查看。"
SEES_NO_LEADS = {Role.SYSTEM_ADMIN, Role.IDENTITY_KEEPER}


class CappedPaginator(Paginator):
    """Counts no further than `MOST_PAGED`: nobody turns ten thousand pages, and counting all is dear."""

    @cached_property
    def count(self) -> int:
        rows: Any = self.object_list
        counted: int = rows.order_by()[: MOST_PAGED + 1].count()
        return min(counted, MOST_PAGED)


class LeadList(ChangeList):
    """A page of leads, each with the clock that people look at. One statement for all clocks."""

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        rows: list[Any] = list(self.result_list)  # type: ignore[has-type]
        clocks = selectors.deadlines_of([lead.pk for lead in rows])
        at = scope_of(request.user).at
        for lead in rows:
            lead.clock_face = clock_face.nearest(lead, clocks[lead.pk], at)
            lead.seen_at = at
        self.result_list = rows


def _entity(lead: Lead) -> str:
    return lead.entity.name if lead.entity else ""


@admin.register(Lead)
class LeadAdmin(ExportsSheet, OwnPages):
    """Leads that `visible_to` gives. All columns are read-only: what changes a lead is an act."""

    view_roles = EVERYBODY - SEES_NO_LEADS
    list_before_template = "leads/list_before.html"
    list_display = [
        "number",
        "what",
        "severity_label",
        "state_label",
        "where",
        "owner",
        "reported_at",
        "clock",
    ]
    list_display_links = ["number"]
    sortable_by = ["number", "reported_at"]
    list_select_related = ["category", "grid", "entity", "assignee"]
    list_filter = [
        ByProgress,
        ("state", MultipleChoicesDropdownFilter),
        ("severity", MultipleChoicesDropdownFilter),
        "food",
        ByGrid,
        ByOffice,
        ByCategoryGroup,
        ByAnswer,
        ("reported_at", ByReportedDate),
    ]
    list_filter_submit = True
    search_fields = ["number", "description", "entity__name", "category__name"]
    free_text = ("description",)
    search_help_text = "按编号、问题描述、经营主体或分类查找"
    ordering = ["-id"]
    paginator = CappedPaginator
    actions = None
    export_name = "leads"
    export_columns = (
        ("编号", lambda lead: lead.number),
        ("分类", lambda lead: str(lead.category)),
        ("严重程度", lambda lead: lead.get_severity_display()),
        ("食品安全", lambda lead: "是" if lead.food else "否"),
        ("状态", lambda lead: lead.get_state_display()),
        ("轮次", lambda lead: lead.round),
        ("网格", lambda lead: str(lead.grid or "")),
        ("经营主体", _entity),
        ("问题描述", lambda lead: words.masked(lead.description)),
        ("承办人", lambda lead: lead.assignee.name if lead.assignee else ""),
        ("发现时间", lambda lead: lead.discovered_at),
        ("上报时间", lambda lead: lead.reported_at),
        ("派单时间", lambda lead: lead.dispatched_at),
        ("首次接单时间", lambda lead: lead.first_responded_at),
        ("接单时限", lambda lead: lead.respond_due_at),
        ("现场处置时间", lambda lead: lead.controlled_at),
        ("首次反馈时间", lambda lead: lead.first_fed_back_at),
        ("反馈时限", lambda lead: lead.feedback_due_at),
        ("办结时间", lambda lead: lead.closed_at),
        ("办结时限", lambda lead: lead.closing_due_at),
    )

    class Media:
        css = {"all": ["leads/leads.css"]}
        js = ["leads/clocks.js"]

    # --- rights --------------------------------------------------------------------------------

    def has_add_permission(self, request: HttpRequest) -> bool:
        """新线索 at the desk: whoever may report."""
        scope = self.scope(request)
        return self.has_view_permission(request) and not scope.is_auditor and bool(scope.roles - REPORTS_NOT)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    # --- the list ------------------------------------------------------------------------------

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return LeadList

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        shown = {"server_now": self.scope(request).at, "most_paged": MOST_PAGED, "title": "问题线索"}
        return super().changelist_view(request, {**shown, **(extra_context or {})})

    @display(description="分类与对象", header=True)
    def what(self, lead: Lead) -> list[str]:
        about = _entity(lead) or words.masked(lead.description)
        name = f"【举报】{lead.category.name}" if lead.restricted else lead.category.name
        return [name, about[:24] + ("…" if len(about) > 24 else "")]

    @display(description="严重程度", label=words.SEVERITY_COLOURS)
    def severity_label(self, lead: Lead) -> str:
        return lead.get_severity_display()

    @display(description="状态", label=words.STATE_COLOURS)
    def state_label(self, lead: Lead) -> str:
        return lead.get_state_display()

    @display(description="网格", empty_value="未匹配")
    def where(self, lead: Lead) -> str | None:
        return lead.grid.name if lead.grid else None

    @display(description="承办人", empty_value="待派单")
    def owner(self, lead: Lead) -> str | None:
        return lead.assignee.name if lead.assignee else None

    @display(description="最近时限", empty_value="—")
    def clock(self, lead: Any) -> SafeString | str | None:
        face = lead.clock_face
        if face is None:
            return None
        return face.name if face.paused else face.html(lead.seen_at)

    # --- pages ---------------------------------------------------------------------------------

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        return [
            path("front/", view(self.front_view), name="leads_lead_front"),
            path("<int:object_id>/act/<slug:key>/", view(self.act_view), name="leads_lead_act"),
            *super().get_urls(),
        ]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """The lead's page: reads only."""
        if request.method not in ("GET", "HEAD"):
            return HttpResponseNotAllowed(["GET", "HEAD"])
        lead = self.find(request, object_id)
        if lead is None:
            return self.unknown(request)
        return self.render(
            request,
            "leads/lead.html",
            {**page.context(lead, self.me(request)), "original": lead},
            title=lead.number,
        )

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        if not self.has_add_permission(request):
            raise PermissionDenied
        return intake_view.show(self, request)

    def act_view(self, request: HttpRequest, object_id: int, key: str) -> HttpResponse:
        return act_view.show(self, request, object_id, key)

    def front_view(self, request: HttpRequest) -> HttpResponse:
        """The workbench's live part, for the script that refreshes it."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        answer = TemplateResponse(request, "leads/front.html", {"front": front.of(request.user)})
        answer["Cache-Control"] = "no-store"
        return answer

    def history_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> HttpResponse:
        """The journal is the history: it stands on the lead's own page."""
        lead = self.find(request, object_id)
        return (
            self.unknown(request)
            if lead is None
            else HttpResponseRedirect(f"{self.row_address(lead)}#timeline")
        )

    # --- shared by the pages -------------------------------------------------------------------

    def find(self, request: HttpRequest, object_id: Any) -> Lead | None:
        """The lead with all that its page names, if this person may see it. One statement."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        number = number_of(object_id)
        if number is None:
            return None
        named = (
            "category",
            "grid__lead_community",
            "office",
            "entity",
            "assignee",
            "reported_by",
            "closed_by",
        )
        found: Lead | None = self.get_queryset(request).select_related(*named).filter(pk=number).first()
        return found

    def unknown(self, request: HttpRequest) -> HttpResponse:
        messages.warning(request, UNKNOWN)
        return HttpResponseRedirect(self.list_address())
