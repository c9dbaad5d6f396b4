"""Supervision orders (双督办): the list, one order's page, and acknowledging one or many."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.decorators import display
from unfold.views import ChangeList

from grids.access import scope_of
from grids.admin_access import EVERYBODY
from grids.own_pages import number_of
from kernel.accounts.models import User
from kernel.errors import DomainError, StaleVersion
from kernel.evidence.uploads import put
from leads import supervision
from leads.admin import clock_face, many_view, words
from leads.admin.act_view import seen
from leads.admin.leads import SEES_NO_LEADS
from leads.admin.orders_shown import acknowledgement_clocks, order_rows, shown
from leads.admin.own_pages import OwnPages
from leads.forms import AcknowledgeForm
from leads.models import Instruction, Lead, SupervisionOrder

__all__ = ["SupervisionOrderAdmin"]

UNKNOWN = "没有找到这张督办单，或者您无权查看。"
State, Level = SupervisionOrder.State, SupervisionOrder.Level


class OrderList(ChangeList):
    """A page of orders, each with its sides and their clocks. Two statements more."""

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        rows: list[Any] = list(self.result_list)  # type: ignore[has-type]
        clocks = acknowledgement_clocks([order.pk for order in rows])
        at = scope_of(request.user).at
        for order in rows:
            order.shown = shown(order, clocks, request.user, at)  # type: ignore[arg-type]
            order.seen_at = at
        self.result_list = rows


@admin.register(SupervisionOrder)
class SupervisionOrderAdmin(OwnPages):
    """Orders on leads that the person may see. Read-only; 签收 calls the service."""

    view_roles = EVERYBODY - SEES_NO_LEADS
    list_display = ["order_number", "lead_number", "cause", "level_label", "state_label", "office_side",
                    "community_side", "raised_at", "countdown"]  # fmt: skip
    list_display_links = ["order_number"]
    sortable_by = ["raised_at"]
    list_filter = [
        ("state", ChoicesDropdownFilter),
        ("level", ChoicesDropdownFilter),
        ("cause", ChoicesDropdownFilter),
        ("late_side", ChoicesDropdownFilter),
    ]
    list_filter_submit = True
    list_before_template = "leads/orders_before.html"
    search_fields = ["lead__number", "lead__category__name"]
    search_help_text = "按线索编号或分类查找"
    ordering = ["-id"]
    actions = ["acknowledge_many"]

    class Media:
        css = {"all": ["leads/leads.css"]}
        js = ["leads/clocks.js"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_queryset(self, request: HttpRequest) -> QuerySet[SupervisionOrder]:
        user: Any = request.user
        rows = SupervisionOrder.objects.order_by(*self.get_ordering(request))
        if not self.scope(request).sees_all:
            rows = rows.filter(lead__in=Lead.objects.visible_to(user))
        return rows.select_related("lead__category", "lead__grid", "lead__assignee").prefetch_related(
            "acknowledgements__by", "acknowledgements__on_behalf_of"
        )

    # --- the list ------------------------------------------------------------------------------

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return OrderList

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        told = {"server_now": self.scope(request).at, "title": "督办单"}
        return super().changelist_view(request, {**told, **(extra_context or {})})

    @display(description="督办单")
    def order_number(self, order: SupervisionOrder) -> str:
        return f"督办单 {order.pk}"

    @display(description="线索", header=True)
    def lead_number(self, order: SupervisionOrder) -> list[str]:
        return [order.lead.number, order.lead.category.name]

    @display(description="层级", label={Level.OFFICE.label: "info", Level.BUREAU.label: "danger"})
    def level_label(self, order: SupervisionOrder) -> str:
        return Level(order.level).label

    @display(description="状态", label={State.OPEN.label: "warning", State.LIFTED.label: "success"})
    def state_label(self, order: SupervisionOrder) -> str:
        return State(order.state).label

    @display(description="所方签收")
    def office_side(self, order: Any) -> str:
        return self._side(order, 0)

    @display(description="社方签收")
    def community_side(self, order: Any) -> str:
        return self._side(order, 1)

    @staticmethod
    def _side(order: Any, place: int) -> str:
        side = order.shown.sides[place]
        if side.answer:
            return f"{side.answer.by.name}：{Instruction(side.answer.instruction).label}"
        return "超时未签" if side.late else "未签"

    @display(description="签收时限", empty_value="—")
    def countdown(self, order: Any) -> SafeString | None:
        due_at = order.shown.waits_until
        if due_at is None or order.state != State.OPEN:
            return None
        return clock_face.draw("签收", due_at, order.seen_at)

    @admin.action(description="签收所选督办单", permissions=["act"])
    def acknowledge_many(self, request: HttpRequest, queryset: QuerySet[SupervisionOrder]) -> HttpResponse:
        ids = list(queryset.order_by("id").values_list("pk", flat=True)[: many_view.MOST_AT_ONCE])
        chosen = ",".join(str(number) for number in ids)
        return HttpResponseRedirect(f"{reverse('admin:leads_supervisionorder_many')}?ids={chosen}")

    # --- pages ---------------------------------------------------------------------------------

    def get_urls(self) -> list[URLPattern]:
        many = self.admin_site.admin_view(self.many_view)
        return [path("acknowledge/", many, name="leads_supervisionorder_many"), *super().get_urls()]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """The order's page; a POST is the acknowledgement of who looks."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        if request.method not in ("GET", "HEAD", "POST"):
            return HttpResponseNotAllowed(["GET", "HEAD", "POST"])
        order = self.find(request, object_id)
        if order is None:
            messages.warning(request, UNKNOWN)
            return HttpResponseRedirect(self.list_address())
        by = self.me(request)
        form = AcknowledgeForm(
            request.POST or None, initial={"version": order.version}, by=by, lead=order.lead
        )
        status = 200
        if request.method == "POST":
            if not self.has_act_permission(request):
                raise PermissionDenied
            status = self._acknowledge(form, order, by)
            if status == 200:
                messages.success(request, "已签收督办单。")
                return HttpResponseRedirect(self.row_address(order))
            order = self.find(request, object_id) or order
            put(form, version=str(order.version))
        return self._page(request, order, by, form, status)

    def _acknowledge(self, form: AcknowledgeForm, order: SupervisionOrder, by: User) -> int:
        """The service's answer as a status; a refusal stands on the form."""
        if not form.is_valid():
            return 400
        given = form.cleaned_data
        try:
            supervision.acknowledge(
                order_id=order.pk,
                by=by,
                expect=seen(given["version"]),
                instruction=Instruction(given["instruction"]),
                note=given["note"],
                assignee_id=given["assignee"],
            )
        except StaleVersion as refused:
            form.add_error(None, "督办单在您填写期间有了变化，您填写的内容已保留，请核对后再提交。")
            return refused.status
        except DomainError as refused:
            form.add_error(refused.attr if refused.attr in form.fields else None, refused.detail)
            return refused.status
        return 200

    def _page(
        self, request: HttpRequest, order: SupervisionOrder, by: User, form: AcknowledgeForm, status: int
    ) -> HttpResponse:
        scope = scope_of(by)
        row = order_rows(
            SupervisionOrder.objects.filter(pk=order.pk),
            by,
            scope.at,
            words.masked if scope.is_auditor else str,
        )[0]
        context = {
            "row": row,
            "order": order,
            "original": order,
            "lead": order.lead,
            "lead_address": reverse("admin:leads_lead_change", args=[order.lead_id]),
            "form": form,
            "severity_tone": words.SEVERITY_COLOURS[order.lead.get_severity_display()],
            "state_tone": words.STATE_COLOURS[order.lead.get_state_display()],
        }
        return self.render(request, "leads/order.html", context, title=f"督办单 {order.pk}", status=status)

    def many_view(self, request: HttpRequest) -> HttpResponse:
        return many_view.show(self, request)

    def find(self, request: HttpRequest, object_id: str) -> SupervisionOrder | None:
        number = number_of(object_id)
        return None if number is None else self.get_queryset(request).filter(pk=number).first()
