"""巡查规则: its versions, a new one with what it would change shown first, one that waits taken back."""

from __future__ import annotations

import hashlib
import json
from datetime import datetime, timedelta
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from unfold.decorators import action, display
from unfold.widgets import UnfoldAdminTextareaWidget, UnfoldAdminTextInputWidget, UnfoldBooleanSwitchWidget

from grids.own_pages import OwnPages
from grids.refusals import naming_contention
from kernel import clock
from kernel.accounts.models import User
from kernel.clock import local_date
from kernel.errors import DomainError
from patrols import policies, policy_effects, policy_versions
from patrols.admin.plans import OfTheBureau
from patrols.models import PatrolPolicy
from patrols.policy_versions import BOUNDS, LONGEST_BASIS, RULES, Terms

CURRENT, WAITS, PAST = "现行", "待施行", "已被取代"
LOOK_FIRST = "请核对下面列出的影响，再点“确定施行”。"
LOOK_AGAIN = "内容有改动，下面是按新内容计算的影响，请核对后再点“确定施行”。"


class NumberInput(UnfoldAdminTextInputWidget):
    """A number, with the keys for it on a telephone."""

    input_type = "number"


def number(name: str) -> forms.IntegerField:
    """The bounds are the service's; it says so in words."""
    column: Any = PatrolPolicy._meta.get_field(name)
    label = str(column.verbose_name)
    least, most = BOUNDS[name]
    widget = NumberInput(attrs={"min": least, "max": most})
    return forms.IntegerField(
        label=label, widget=widget, help_text=f"{least}–{most}。", error_messages={"invalid": "请填写整数。"}
    )


class TermsForm(forms.Form):
    """A new version. `shown`: the digest of the values whose effect stood on the page."""

    shown = forms.CharField(required=False, max_length=64, widget=forms.HiddenInput)
    in_force_on = forms.DateField(
        label="施行日期", widget=UnfoldAdminTextInputWidget(attrs={"type": "date"}),
        help_text="从当日零时起，最早明天；当日零点四十分生成的计划即按新规则。",
    )  # fmt: skip
    daily_on_rest_days = forms.BooleanField(
        label="休息日也安排每日巡", required=False, widget=UnfoldBooleanSwitchWidget
    )
    worker_daily_limit = number("worker_daily_limit")
    commissioner_weekly_limit = number("commissioner_weekly_limit")
    inspections_a_year = number("inspections_a_year")
    closed_in_a_row = number("closed_in_a_row")
    basis = forms.CharField(
        label="依据",
        max_length=LONGEST_BASIS,
        widget=UnfoldAdminTextInputWidget,
        help_text="文件名称、文号。",
    )

    def terms(self) -> Terms:
        said = self.cleaned_data
        return Terms(**{name: said[name] for name in ("in_force_on", *RULES, "basis")})

    def digest(self) -> str:
        said = {name: value for name, value in self.cleaned_data.items() if name != "shown"}
        return hashlib.sha256(json.dumps(said, default=str, sort_keys=True).encode()).hexdigest()


class TakeBackForm(forms.Form):
    reason = forms.CharField(
        label="撤回理由", max_length=LONGEST_BASIS, widget=UnfoldAdminTextareaWidget(attrs={"rows": 2})
    )


@admin.register(PatrolPolicy)
class PatrolPolicyAdmin(OfTheBureau, OwnPages):
    """巡查规则: a new version is added, none is changed."""

    list_display = (
        "version", "standing", "in_force_at", "worker_daily_limit", "commissioner_weekly_limit",
        "inspections_a_year", "closed_in_a_row", "daily_on_rest_days", "basis",
    )  # fmt: skip
    ordering = ("-version",)
    when_empty = "还没有巡查规则。"
    fields = (
        "version", "standing", "in_force_at", "daily_on_rest_days", "worker_daily_limit",
        "commissioner_weekly_limit", "inspections_a_year", "closed_in_a_row", "basis", "by",
    )  # fmt: skip
    actions_detail: Any = ("take_back",)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.is_staff) and policy_versions.may_write(self.scope(request))

    def has_take_back_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        row = self.get_object(request, str(object_id)) if object_id else None
        return self.has_add_permission(request) and row is not None and row.in_force_at > clock.now()

    @display(description="状态", label={CURRENT: "success", WAITS: "info", PAST: "default"})
    def standing(self, row: PatrolPolicy) -> str:
        if row.in_force_at > clock.now():
            return WAITS
        return CURRENT if policies.in_force(clock.now()).version == row.version else PAST

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        """One form: first what it would change, then the word. What is refused stands beside its field."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        last = policy_versions.latest()
        form = TermsForm(request.POST or None, initial=_initial(last))
        effect, status, hint = None, 200, ""
        if request.method == "POST":
            status = 400
            if form.is_valid():
                try:
                    policy_versions.refuse(form.terms(), last, clock.now())
                    if request.POST.get("step") == "confirm" and form.cleaned_data["shown"] == form.digest():
                        return self._add(request, form)
                    effect, status = policy_effects.of(form.terms(), last, clock.today()), 200
                    hint = LOOK_AGAIN if request.POST.get("step") == "confirm" else LOOK_FIRST
                    _note_shown(form)
                except DomainError as refused:
                    form.add_error(refused.attr if refused.attr in form.fields else None, refused.detail)
                    status = refused.status
        shown = {
            "form": form, "effect": effect, "last": last, "hint": hint, "back": self.list_address(),
            "rest_days": form.is_bound and form.data.get("daily_on_rest_days"),
        }  # fmt: skip
        return self.render(request, "patrols/policy.html", shown, title="制定新版巡查规则", status=status)

    def _add(self, request: HttpRequest, form: TermsForm) -> HttpResponse:
        with naming_contention():
            made = policy_versions.add(terms=form.terms(), by=self.me(request))
        day = local_date(made.in_force_at)
        messages.success(request, f"第{made.version}版巡查规则已登记，{day}零时起施行；施行前可以撤回。")
        return HttpResponseRedirect(self.row_address(made))

    @action(description="撤回", icon="undo", url_path="take-back", permissions=["take_back"])
    def take_back(self, request: HttpRequest, object_id: int) -> HttpResponse:
        row: PatrolPolicy = self.wanted(request, object_id)

        def act(values: dict[str, Any], by: User, at: datetime) -> str:
            policy_versions.take_back(version=row.version, by=by, reason=values["reason"])
            return f"第{row.version}版巡查规则已撤回。"

        form = TakeBackForm(request.POST or None)
        effect = "撤回后不再施行，留有记录；之前的版本继续有效。已经施行的版本不能撤回。"
        title = f"撤回{row}巡查规则"
        return self.ask(request, title=title, submit="撤回", act=act, form=form, effect=effect)


def _initial(last: PatrolPolicy) -> dict[str, Any]:
    """The values of the last version, from tomorrow on or after it."""
    first = max(clock.today(), local_date(last.in_force_at)) + timedelta(days=1)
    return {"in_force_on": first, **{name: getattr(last, name) for name in RULES}}


def _note_shown(form: TermsForm) -> None:
    data: Any = form.data.copy()  # type: ignore[attr-defined]
    data["shown"] = form.digest()
    form.data = data
