"""The list of disputes, and the addresses of the pages around one dispute."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import DateTimeField, Value
from django.forms import Media
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect, JsonResponse
from django.urls import URLPattern, path
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import MultipleChoicesDropdownFilter
from unfold.decorators import display

from grids.admin_access import EVERYBODY, ExportsSheet
from grids.models import GONE, BusinessEntity
from grids.own_pages import number_of
from grids.search import best
from kernel.accounts.models import User
from leads.admin.leads import MOST_PAGED, CappedPaginator
from leads.admin.own_pages import OwnPages
from stations import intake, selectors
from stations.acts import UNKNOWN
from stations.admin import act_view, desk, figures_view, intake_view, page, words
from stations.admin.filters import ByGoods, ByProgress, ByRegistered, ByStation
from stations.admin.seats import READERS_NOT
from stations.models import Claim, Dispute

__all__ = ["DisputeAdmin"]

MOST_SHOPS = 10
OWN_MEDIA = Media(
    css={"all": ["leads/leads.css", "suoshe/pages.css", "stations/stations.css"]}, js=["leads/clocks.js"]
)
ROW = ("station", "taken_station", "office", "consumer")


def _consumer(dispute: Dispute) -> Any:
    return getattr(dispute, "consumer", None)


@admin.register(Dispute)
class DisputeAdmin(ExportsSheet, OwnPages):
    """Disputes that `visible_to` gives. All columns are read-only: what changes a dispute is an act."""

    view_roles = EVERYBODY - READERS_NOT
    list_before_template = "stations/list_before.html"
    list_display = [
        "number",
        "what",
        "state_label",
        "tier_label",
        "station",
        "consumer_label",
        "amount",
        "registered_at",
        "clock",
    ]
    list_display_links = ["number"]
    sortable_by = ["number", "registered_at", "amount"]
    list_select_related = ROW
    list_filter = [
        ByProgress,
        ("state", MultipleChoicesDropdownFilter),
        ("tier", MultipleChoicesDropdownFilter),
        ByStation,
        ("source", MultipleChoicesDropdownFilter),
        ByGoods,
        ("registered_at", ByRegistered),
    ]
    list_filter_submit = True
    search_fields = ["number", "entity_name", "goods"]
    free_text = ("entity_name", "goods")
    search_help_text = "按编号、店铺或商品查找"
    ordering = ["-id"]
    paginator = CappedPaginator
    actions = None
    export_name = "disputes"
    export_columns = (
        ("编号", lambda row: row.number),
        ("来源", lambda row: row.get_source_display()),
        ("登记服务站", lambda row: row.taken_station.name),
        ("承办服务站", lambda row: row.station.name),
        ("市场监管所", lambda row: row.office.name if row.office else ""),
        ("店铺", lambda row: words.masked(row.entity_name)),
        ("商品或服务", lambda row: words.masked(row.goods)),
        ("类别", lambda row: row.get_goods_kind_display()),
        ("争议金额（元）", lambda row: "" if row.amount is None else float(row.amount)),
        ("诉求", lambda row: "、".join(str(Claim(one).label) for one in row.claims)),
        ("消费者", lambda row: _consumer(row).masked_name if _consumer(row) else ""),
        ("联系电话", lambda row: _consumer(row).masked_phone if _consumer(row) else ""),
        ("层级", lambda row: row.get_tier_display()),
        ("状态", lambda row: row.get_state_display()),
        ("登记时间", lambda row: row.registered_at),
        ("本层级时限", lambda row: row.due_at),
        ("同意转12315时间", lambda row: row.word_at),
        ("受理决定时间", lambda row: row.decided_at),
        ("不予受理依据", lambda row: row.get_refusal_ground_display()),
        ("达成协议时间", lambda row: row.agreed_at),
        ("办结时间", lambda row: row.ended_at),
        ("结果", lambda row: row.get_outcome_display()),
        ("未达成原因", lambda row: row.get_fail_reason_display()),
    )

    own_media = OWN_MEDIA

    class Media:
        css = {"all": ["leads/leads.css", "stations/stations.css"]}
        js = ["leads/clocks.js"]

    # --- rights --------------------------------------------------------------------------------

    def has_add_permission(self, request: HttpRequest) -> bool:
        """登记纠纷: whoever takes disputes anywhere."""
        user: Any = request.user
        return self.has_view_permission(request) and intake.may_take(user)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    # --- the list ------------------------------------------------------------------------------

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        shown = {"server_now": self.scope(request).at, "most_paged": MOST_PAGED, "title": "消费纠纷"}
        return super().changelist_view(request, {**shown, **(extra_context or {})})

    def get_queryset(self, request: HttpRequest) -> Any:
        rows = super().get_queryset(request)
        return rows.annotate(seen_at=Value(self.scope(request).at, output_field=DateTimeField()))

    @display(description="店铺与商品", header=True)
    def what(self, row: Dispute) -> list[str]:
        return [
            words.masked(row.entity_name)[:24],
            f"{row.get_goods_kind_display()}　{words.masked(row.goods)[:20]}",
        ]

    @display(description="状态", label=words.SHORT_TONES)
    def state_label(self, row: Dispute) -> str:
        return words.state_of(row)

    @display(description="层级")
    def tier_label(self, row: Dispute) -> str:
        return row.get_tier_display()

    @display(description="消费者", empty_value="—")
    def consumer_label(self, row: Dispute) -> str | None:
        who = _consumer(row)
        return (who.masked_name or who.masked_phone) if who else None

    @display(description="时限", empty_value="—")
    def clock(self, row: Any) -> SafeString | None:
        return words.clock(row, row.seen_at) or None

    # --- pages ---------------------------------------------------------------------------------

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        return [
            path("desk/", view(self.desk_view), name="stations_dispute_desk"),
            path("figures/", view(self.figures_view), name="stations_dispute_figures"),
            path("shops/", view(self.shops_view), name="stations_dispute_shops"),
            path("<int:object_id>/act/<slug:key>/", view(self.act_view), name="stations_dispute_act"),
            path(
                "<int:object_id>/session/<int:session_id>/<slug:key>/",
                view(self.session_view),
                name="stations_dispute_session",
            ),
            path(
                "<int:object_id>/agreement/preview/", view(self.preview_view), name="stations_dispute_preview"
            ),
            path(
                "<int:object_id>/agreement/<int:agreement_id>.<slug:kind>",
                view(self.paper_view),
                name="stations_dispute_paper",
            ),
            path("<int:object_id>/reveal/", view(self.reveal_view), name="stations_dispute_reveal"),
            *super().get_urls(),
        ]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """The dispute's page: reads only."""
        if request.method not in ("GET", "HEAD"):
            return HttpResponseNotAllowed(["GET", "HEAD"])
        dispute = self.find(request, object_id)
        return (
            self.unknown(request)
            if dispute is None
            else self.dispute_page(request, dispute, self.me(request))
        )

    def dispute_page(
        self,
        request: HttpRequest,
        dispute: Dispute,
        by: User,
        more: dict[str, Any] | None = None,
        *,
        status: int = 200,
    ) -> HttpResponse:
        opens = self._opens_shop(request, dispute, by)
        shown = {**page.context(dispute, by), "opens_shop": opens, **(more or {})}
        return self.render(request, "stations/dispute_page.html", shown, title=dispute.number, status=status)

    def _opens_shop(self, request: HttpRequest, dispute: Dispute, by: User) -> bool:
        """May he open the shop's own page? A mediator knows the shops of his disputes by name only."""
        shops = self.admin_site._registry[BusinessEntity]
        if dispute.entity_id is None or not shops.has_view_permission(request):
            return False
        return BusinessEntity.objects.visible_to(by).filter(pk=dispute.entity_id).exists()

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        if not self.has_add_permission(request):
            raise PermissionDenied
        return intake_view.show(self, request)

    def act_view(self, request: HttpRequest, object_id: int, key: str) -> HttpResponse:
        return act_view.show(self, request, object_id, key)

    def session_view(self, request: HttpRequest, object_id: int, session_id: int, key: str) -> HttpResponse:
        return act_view.show(self, request, object_id, key, session_id)

    def preview_view(self, request: HttpRequest, object_id: int) -> HttpResponse:
        return act_view.preview(self, request, object_id)

    def paper_view(self, request: HttpRequest, object_id: int, agreement_id: int, kind: str) -> HttpResponse:
        return act_view.paper(self, request, object_id, agreement_id, kind)

    def reveal_view(self, request: HttpRequest, object_id: int) -> HttpResponse:
        return act_view.reveal(self, request, object_id)

    def desk_view(self, request: HttpRequest) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        shown = {"desk": desk.of(self.me(request), request.GET.get("station", ""))}
        return self.render(request, "stations/desk.html", shown, title="服务站工作台")

    def figures_view(self, request: HttpRequest) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        return figures_view.show(self, request)

    def shops_view(self, request: HttpRequest) -> HttpResponse:
        """The best shops for what is typed at the intake: name, address, nothing else (both public)."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        said = request.GET.get("q", "").strip()[:60].replace("\x00", "")
        ranked = best(BusinessEntity.objects.exclude(status__in=GONE), said)[:MOST_SHOPS]
        found = BusinessEntity.objects.in_bulk(ranked)
        rows = [found[number] for number in ranked]
        told = [{"id": one.pk, "name": one.name, "address": one.address} for one in rows]
        return JsonResponse({"results": told}, headers={"Cache-Control": "no-store"})

    def history_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> HttpResponse:
        """The journal is the history: it stands on the dispute's own page."""
        dispute = self.find(request, object_id)
        if dispute is None:
            return self.unknown(request)
        return HttpResponseRedirect(f"{self.row_address(dispute)}#timeline")

    # --- shared by the pages -------------------------------------------------------------------

    def find(self, request: HttpRequest, object_id: Any) -> Dispute | None:
        """The dispute with all that its page names, if this person may see it."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        number = number_of(object_id)
        if number is None:
            return None
        seen = Dispute.objects.visible_to(self.me(request)).filter(pk=number)
        return selectors.full(seen).first()

    def unknown(self, request: HttpRequest) -> HttpResponse:
        messages.warning(request, UNKNOWN)
        return HttpResponseRedirect(self.list_address())
