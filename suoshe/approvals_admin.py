"""审批 in the admin: what waits for me, what I asked, and the decisions, one or many at once.

It stands here because rights come from postings (`grids`), which the kernel does not know. Nothing is
edited: approving and refusing call the service, each row with its own version and its own answer.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.forms import Media as FormMedia
from django.forms import formset_factory
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from unfold.contrib.filters.admin import ChoicesDropdownFilter, DropdownFilter
from unfold.decorators import display
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from grids.admin_access import EVERYBODY, ScopedAdmin
from grids.roles import Role
from kernel.accounts.models import User
from kernel.approvals import kinds
from kernel.approvals.deciding import decide
from kernel.approvals.models import Approval, State
from kernel.errors import DomainError, StaleVersion
from kernel.notices.policy import masked

__all__ = ["ApprovalAdmin"]

MOST_AT_ONCE = 50
LOOK = FormMedia(css={"all": ["leads/leads.css"]})
COLOURS = {
    State.WAITING.label: "warning",
    State.APPROVED.label: "success",
    State.REFUSED.label: "danger",
    State.LAPSED.label: "default",
    State.WITHDRAWN.label: "default",
}


class DecideRow(forms.Form):
    """One approval of a page: its own version, decision and note."""

    approval = forms.IntegerField(widget=forms.HiddenInput)
    version = forms.IntegerField(widget=forms.HiddenInput, min_value=1)
    refusals: list[str] = []
    decision = forms.ChoiceField(
        label="审批结果",
        choices=[("", "请选择"), ("approve", "同意"), ("refuse", "不同意")],
        widget=UnfoldAdminSelectWidget,
        error_messages={"required": "请选择审批结果。"},
    )
    note = forms.CharField(
        label="审批意见",
        required=False,
        max_length=500,
        widget=UnfoldAdminTextInputWidget(attrs={"placeholder": "审批意见，不同意时请写明原因"}),
    )

    def clean(self) -> dict[str, Any]:
        given: dict[str, Any] = super().clean() or self.cleaned_data
        if given.get("decision") == "refuse" and not given.get("note"):
            self.add_error("note", "不同意时请写明原因。")
        return given


Rows = formset_factory(DecideRow, extra=0, max_num=MOST_AT_ONCE, absolute_max=MOST_AT_ONCE)


class ByPart(DropdownFilter):
    """待我审批, 我的申请: the two lists that people come for."""

    title = "与我有关"
    parameter_name = "part"

    def lookups(self, request: Any, model_admin: Any) -> Iterable[Any]:
        return [("mine", "待我审批"), ("asked", "我的申请")]

    def queryset(self, request: Any, queryset: Any) -> QuerySet[Any]:
        match self.value():
            case "mine":
                return queryset.filter(pk__in=Approval.objects.for_decision_by(request.user).values("pk"))
            case "asked":
                return queryset.filter(pk__in=Approval.objects.asked_by(request.user.pk).values("pk"))
        return queryset


class ByKind(DropdownFilter):
    title = "审批种类"
    parameter_name = "kind"

    def lookups(self, request: Any, model_admin: Any) -> Iterable[Any]:
        return kinds.choices()

    def queryset(self, request: Any, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(kind=self.value()) if self.value() else queryset


def expect_version(version: int, current: int) -> None:
    """Takes only the version that the person had on his page."""
    if current != version:
        raise StaleVersion("这项审批在您查看期间有了变化，请核对后再提交。", code="stale_version")


@admin.register(Approval)
class ApprovalAdmin(ScopedAdmin):
    """Approvals that `visible_to` gives. 审批 calls the service, row by row."""

    view_roles = EVERYBODY - {Role.SYSTEM_ADMIN, Role.IDENTITY_KEEPER}
    list_display = [
        "number", "what", "asker", "said", "asked_at", "due_at", "state_label", "decider",
    ]  # fmt: skip
    list_display_links = ["number"]
    sortable_by = ["asked_at", "due_at"]
    list_filter = [ByPart, ("state", ChoicesDropdownFilter), ByKind]
    list_filter_submit = True
    list_before_template = "approvals/list_before.html"
    search_fields = ["about", "asked_by__name", "reason"]
    free_text = ("reason",)
    search_help_text = "按事项、申请人或理由查找"
    list_select_related = ["asked_by", "asked_on_behalf_of", "decided_by", "decided_on_behalf_of"]
    ordering = ["-id"]
    actions = ["decide_many"]

    class Media:
        css = {"all": ["leads/leads.css"]}

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        waiting = (
            Approval.objects.for_decision_by(self.me(request)).count() if self._may_count(request) else 0
        )
        told = {"title": "审批", "waiting_for_me": waiting, "list_address": self.list_address()}
        return super().changelist_view(request, {**told, **(extra_context or {})})

    def _may_count(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request) and not self.scope(request).is_auditor

    @display(description="编号")
    def number(self, row: Approval) -> str:
        return f"审批 {row.pk}"

    @display(description="申请", header=True)
    def what(self, row: Approval) -> list[str]:
        return [kinds.label(row.kind), row.about]

    @display(description="申请人", empty_value="系统")
    def asker(self, row: Approval) -> str | None:
        return _who(row.asked_by, row.asked_on_behalf_of)

    @display(description="理由")
    def said(self, row: Approval) -> str:
        reason = str(masked(row.reason))
        return reason[:30] + ("…" if len(reason) > 30 else "")

    @display(description="状态", label=COLOURS)
    def state_label(self, row: Approval) -> str:
        return State(row.state).label

    @display(description="审批人", empty_value="—")
    def decider(self, row: Approval) -> str | None:
        return _who(row.decided_by, row.decided_on_behalf_of)

    @admin.action(description="审批所选申请", permissions=["act"])
    def decide_many(self, request: HttpRequest, queryset: QuerySet[Approval]) -> HttpResponse:
        ids = list(queryset.order_by("id").values_list("pk", flat=True)[:MOST_AT_ONCE])
        chosen = ",".join(str(number) for number in ids)
        return HttpResponseRedirect(f"{reverse('admin:approvals_approval_decide')}?ids={chosen}")

    # --- pages ---------------------------------------------------------------------------------

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.decide_view)
        return [path("decide/", view, name="approvals_approval_decide"), *super().get_urls()]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """One approval: the same page as many, with what was decided where it has ended."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        found = _numbers(object_id)
        row = self.get_queryset(request).filter(pk__in=found).first() if found else None
        if row is None:
            messages.warning(request, "没有找到这项审批，或者您无权查看。")
            return HttpResponseRedirect(self.list_address())
        forms_ = Rows(initial=self._initial(request, [row]))
        return self._page(request, [(row, next(iter(forms_), None))], forms_)

    def decide_view(self, request: HttpRequest) -> HttpResponse:
        """GET shows the chosen approvals that wait for this person; POST decides row by row."""
        if not self.has_act_permission(request):
            raise PermissionDenied
        if request.method == "POST":
            return self._sent(request)
        rows = self._waiting(request, _numbers(request.GET.get("ids", "")))
        if not rows:
            messages.warning(request, "所选申请中没有等待您审批的。")
            return HttpResponseRedirect(self.list_address())
        forms_ = Rows(initial=self._initial(request, rows))
        return self._page(request, [*zip(rows, forms_, strict=True)], forms_)

    def _waiting(self, request: HttpRequest, ids: Iterable[int]) -> list[Approval]:
        rows = Approval.objects.for_decision_by(self.me(request)).filter(pk__in=list(ids)[:MOST_AT_ONCE])
        return list(rows.select_related(*self.list_select_related).order_by("id"))

    def _initial(self, request: HttpRequest, rows: list[Approval]) -> list[dict[str, Any]]:
        if not self.has_act_permission(request):
            return []
        mine = {row.pk for row in self._waiting(request, [row.pk for row in rows])}
        return [{"approval": row.pk, "version": row.version} for row in rows if row.pk in mine]

    def _sent(self, request: HttpRequest) -> HttpResponse:
        by, left, done = self.me(request), [], 0
        for form in Rows(request.POST):
            if form.is_valid() and _decided(form, by):
                done += 1
            else:
                left.append(form)
        if done:
            messages.success(request, f"已审批 {done} 项申请。")
        if not left:
            return HttpResponseRedirect(self.list_address())
        messages.error(request, f"还有 {len(left)} 项没有审批，请看每行的说明。")
        return self._left(request, left)

    def _left(self, request: HttpRequest, left: list[Any]) -> HttpResponse:
        """The rows that were refused, as typed, with the version of now."""
        numbers = [form.cleaned_data["approval"] for form in left if "approval" in form.cleaned_data]
        rows = {row.pk: row for row in self._waiting(request, numbers)}
        kept = [form for form in left if form.cleaned_data.get("approval") in rows]
        if not kept:
            for form in left:
                for refusal in _refusals(form):
                    messages.warning(request, refusal)
            return HttpResponseRedirect(self.list_address())
        typed = [
            {
                "approval": form.cleaned_data["approval"],
                "version": rows[form.cleaned_data["approval"]].version,
                "decision": form["decision"].value(),
                "note": form["note"].value(),
            }
            for form in kept
        ]
        again = Rows(initial=typed)
        pairs = []
        for form, old in zip(again, kept, strict=True):
            form.refusals = _refusals(old)
            pairs.append((rows[old.cleaned_data["approval"]], form))
        return self._page(request, pairs, again, status=409)

    def _page(self, request: HttpRequest, pairs: list[Any], forms_: Any, status: int = 200) -> HttpResponse:
        shown = [
            {
                "row": row,
                "form": form,
                "label": kinds.label(row.kind),
                "reason": masked(row.reason),
                "note": masked(row.note),
                "asker": _who(row.asked_by, row.asked_on_behalf_of) or "系统",
                "decider": _who(row.decided_by, row.decided_on_behalf_of),
                "tone": COLOURS[State(row.state).label],
                "subject": _address(row),
            }
            for row, form in pairs
        ]
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": "审批",
            "shown": shown,
            "forms": forms_,
            "deciding": any(one["form"] for one in shown),
            "action": reverse("admin:approvals_approval_decide"),
            "list_address": self.list_address(),
            "server_now": self.scope(request).at,
            "media": LOOK,
        }
        answer = TemplateResponse(request, "approvals/decide.html", context, status=status)
        answer["Cache-Control"] = "no-store"
        return answer


def _refusals(form: Any) -> list[str]:
    return [str(error) for errors in form.errors.values() for error in errors]


def _decided(form: Any, by: User) -> bool:
    """One row by the service; a refusal stands on its form."""
    given = form.cleaned_data
    try:
        decide(
            approval_id=given["approval"],
            by=by,
            approve=given["decision"] == "approve",
            expect=partial(expect_version, given["version"]),
            note=given["note"],
        )
    except DomainError as refused:
        form.add_error(refused.attr if refused.attr in form.fields else None, refused.detail)
        return False
    return True


def _numbers(text: str) -> list[int]:
    asked = text.split(",")
    return [int(one) for one in asked if one.isascii() and one.isdigit() and len(one) < 18][:MOST_AT_ONCE]


def _who(person: User | None, for_whom: User | None) -> str | None:
    if person is None:
        return None
    return person.name if for_whom is None else f"{person.name}（代{for_whom.name}）"


def _address(row: Approval) -> str:
    """The page of what is asked about, where the admin has one."""
    if row.subject_kind == "lead":
        return reverse("admin:leads_lead_change", args=[row.subject_id])
    if row.subject_kind == "dispute":
        return reverse("admin:stations_dispute_change", args=[row.subject_id])
    return ""
