"""Forms of guidance and leniency. They ask; services decide."""

from __future__ import annotations

from typing import Any

from django import forms
from unfold.widgets import (
    UnfoldAdminRadioSelectWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminSplitDateTimeWidget,
)

from grids.models import BusinessEntity
from kernel import clock
from kernel.accounts.models import User
from kernel.evidence.uploads import KeepsPhotos
from leads import leniency
from leads.forms import ActForm, text
from leads.forms_after import line
from leads.models import GuidanceKind, Harm, LeniencyResult, Route

MOST_CHOICES = 500
LONGEST_NUMBER = 19
"""So many digits are no number of a row any more."""


class ProposeForm(KeepsPhotos, ActForm):
    """提出容错纠错. What the system found of "first" stands beside the choice; nobody ticks it."""

    route = forms.ChoiceField(label="适用情形", choices=Route.choices, widget=UnfoldAdminRadioSelectWidget)
    result = forms.ChoiceField(
        label="拟作决定",
        choices=LeniencyResult.choices,
        initial=LeniencyResult.NO_PENALTY,
        widget=UnfoldAdminRadioSelectWidget,
    )
    harm = forms.ChoiceField(
        label="危害后果", choices=Harm.choices, initial=Harm.MINOR, widget=UnfoldAdminRadioSelectWidget
    )
    corrected_at = forms.SplitDateTimeField(
        label="改正时间",
        required=False,
        widget=UnfoldAdminSplitDateTimeWidget,
        help_text="情形一、二须已及时改正。",
    )
    proof = text("无主观过错的证据", required=False, rows=3, longest=2000, help_text="仅“没有主观过错”填写。")
    guidance = text(
        "指导内容", required=False, rows=2, longest=1000, help_text="已在本线索中指导过的可不填。"
    )
    note = text("处置说明", longest=2000, help_text="写明违法事实、改正情况。请附上已经改正的证据。")
    field_order = [
        "version", "route", "result", "harm", "corrected_at", "proof", "guidance", "note", "photos", "kept",
    ]  # fmt: skip

    def __init__(self, *args: Any, by: User | None = None, lead: Any = None, **options: Any) -> None:
        super().__init__(*args, by=by, lead=lead, **options)
        found = None if lead is None else leniency.history_of(lead, clock.now())
        self.fields["route"].help_text = _said(found)


def _said(found: leniency.History | None) -> str:
    if found is None:
        return "线索没有经营主体，不能提出容错纠错。"
    since = clock.local_date(found.since)
    if found.is_first:
        return f"系统查询：{since:%Y-%m-%d} 以来该主体没有同类违法，属于初次。"
    return f"系统查询：{since:%Y-%m-%d} 以来，{found.said()}，不属于初次。"


class SignForm(ActForm):
    """容错纠错签字."""

    card_number = line("执法证号", longest=40)
    form_number = line("审批表编号", required=False, help_text="两人签字时至少一人填写。")


class GuidanceForm(forms.Form):
    """登记提醒、指导、约谈."""

    client_uid = forms.UUIDField(widget=forms.HiddenInput)
    entity = forms.ModelChoiceField(
        label="经营主体",
        queryset=BusinessEntity.objects.none(),
        widget=UnfoldAdminSelectWidget,
        error_messages={"invalid_choice": "没有找到该经营主体，或者您无权查看。"},
    )
    kind = forms.ChoiceField(label="方式", choices=GuidanceKind.choices, widget=UnfoldAdminRadioSelectWidget)
    note = text("内容", required=False, rows=3, longest=1000)

    def __init__(self, *args: Any, by: User, **options: Any) -> None:
        """The one that is named – by the page one came from, or by what was sent – else the first 500."""
        super().__init__(*args, **options)
        chooser: Any = self.fields["entity"]
        seen = BusinessEntity.objects.visible_to(by)
        named = str(self.data.get("entity", "") if self.is_bound else self.initial.get("entity") or "")
        if named.isascii() and named.isdigit() and len(named) < LONGEST_NUMBER:
            chooser.queryset = seen.filter(pk=int(named))
        else:
            chooser.queryset = seen.none() if self.is_bound else seen.order_by("name")[:MOST_CHOICES]
