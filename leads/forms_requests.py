"""Forms of the approved side roads: 暂缓、恢复、延期、退单、改类. They ask; services decide."""

from __future__ import annotations

from typing import Any

from django import forms
from unfold.widgets import UnfoldAdminRadioSelectWidget, UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from kernel.accounts.models import User
from kernel.evidence.uploads import KeepsPhotos
from leads.forms import ActForm, text
from leads.models import Category, RejectReason, Severity, SuspendReason

REASON = 400


def day(label: str, help_text: str) -> forms.DateField:
    """A day: until 24:00 of it."""
    return forms.DateField(
        label=label, help_text=help_text, widget=UnfoldAdminTextInputWidget(attrs={"type": "date"})
    )


class SuspendForm(ActForm):
    """申请暂缓."""

    reason_kind = forms.ChoiceField(
        label="暂缓原因", choices=SuspendReason.choices, widget=UnfoldAdminRadioSelectWidget
    )
    until_on = day("暂缓至", "到当日 24 时为止，最长 7 天；期满自动恢复。")
    note = text("说明", required=False, rows=2, longest=REASON, help_text="选择“其他”时必填。")


class ResumeForm(ActForm):
    """恢复办理."""

    note = text("说明", required=False, rows=2, longest=REASON)


class ExtendForm(ActForm):
    """申请延期."""

    until_on = day("延期至", "到当日 24 时为止，比原时限最多延长 7 天。")
    reason = text("延期理由", rows=3, longest=REASON)


class RejectForm(KeepsPhotos, ActForm):
    """提出退单."""

    reason_kind = forms.ChoiceField(
        label="退单原因", choices=RejectReason.choices, widget=UnfoldAdminRadioSelectWidget
    )
    note = text("情况说明", required=False, longest=REASON, help_text="说明和照片至少有一项。")
    field_order = ["version", "reason_kind", "note", "photos", "kept"]


class ReclassifyForm(ActForm):
    """改类."""

    category = forms.ModelChoiceField(
        Category.objects.none(), label="新的分类", error_messages={"required": "请选择线索分类。"}
    )
    severity = forms.ChoiceField(
        label="严重程度",
        required=False,
        choices=[("", "按分类默认"), *Severity.choices],
        widget=UnfoldAdminSelectWidget,
    )
    reason = text("改类理由", rows=3, longest=REASON)

    def __init__(self, *args: Any, by: User | None = None, lead: Any = None, **options: Any) -> None:
        super().__init__(*args, by=by, lead=lead, **options)
        categories: Any = self.fields["category"]
        categories.queryset = Category.objects.filter(is_active=True)
        categories.widget = UnfoldAdminSelectWidget()
        categories.widget.choices = categories.choices
        if lead is not None:
            categories.initial = lead.category_id
