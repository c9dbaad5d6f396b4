"""Forms of answers to citizens: a call, a rating by telephone, and the keeper's look at who told it."""

from __future__ import annotations

import uuid
from typing import Any

from django import forms
from unfold.widgets import UnfoldAdminRadioSelectWidget, UnfoldAdminTextareaWidget, UnfoldAdminTextInputWidget

from kernel.accounts.reveal import MAX_REASON, MIN_REASON
from leads.forms import ActForm
from leads.models import Rating
from leads.models.answer import CALL_RESULTS

MASKED = "请勿填写反映人姓名、电话。"


class CallForm(forms.Form):
    """`client_uid` travels with the form, so that a page sent twice enters one call."""

    client_uid = forms.UUIDField(widget=forms.HiddenInput)
    result = forms.ChoiceField(
        label="通话结果",
        choices=CALL_RESULTS,
        widget=UnfoldAdminRadioSelectWidget,
        error_messages={"required": "请选择通话结果。"},
    )
    note = forms.CharField(
        label="说明",
        required=False,
        max_length=500,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 3}),
        help_text=MASKED,
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("initial", {}).setdefault("client_uid", uuid.uuid4())
        super().__init__(*args, **kwargs)


class TelephoneForm(forms.Form):
    rating = forms.ChoiceField(
        label="评价",
        choices=Rating.choices,
        widget=UnfoldAdminRadioSelectWidget,
        error_messages={"required": "请选择一项评价。"},
    )
    comment = forms.CharField(
        label="意见",
        required=False,
        max_length=500,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 3}),
        help_text=MASKED,
    )


class AskShopForm(ActForm, TelephoneForm):
    """The same, from a lead's page."""


class RevealForm(forms.Form):
    number = forms.CharField(
        label="线索编号",
        max_length=24,
        widget=UnfoldAdminTextInputWidget,
        error_messages={"required": "请填写线索编号。"},
    )
    reason = forms.CharField(
        label="查看事由",
        min_length=MIN_REASON,
        max_length=MAX_REASON,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 2}),
        help_text=f"{MIN_REASON} 至 {MAX_REASON} 字。每次查看都会留痕。",
        error_messages={"required": "请填写查看事由。"},
    )
