"""信用修复 entered for a shop from its page: which penalty, why, and the proof."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from unfold.widgets import UnfoldAdminRadioSelectWidget, UnfoldAdminTextareaWidget

from credit import penalties, repairs
from credit.admin.acts import shop_address
from credit.facts import LEVEL_LABELS
from credit.models import CreditFact, CreditStanding
from credit.questions import Entry, entering_seat
from credit.wording import day
from grids.access import scope_of
from grids.own_pages import say_refused
from grids.refusals import naming_contention
from kernel.accounts.models import User
from kernel.errors import DomainError
from kernel.evidence import uploads
from kernel.evidence.uploads import KeepsPhotos, put

if TYPE_CHECKING:
    from credit.admin.standings import CreditStandingAdmin

EFFECT = (
    "代经营主体登记。已缴清罚款或者已改正的，轻微处罚随时、一般处罚满3个月、严重处罚满12个月后可以申请；"
    "由信用监督管理科审核，通过后该项处罚不再扣分。"
)
USED = "这份申请已登记过另一内容，请核对后再提交。"


class RepairForm(KeepsPhotos):
    """申请信用修复. `kept`: proof stored by an earlier try."""

    client_uid = forms.UUIDField(widget=forms.HiddenInput, initial=uuid.uuid4)
    fact = forms.TypedChoiceField(
        label="行政处罚", coerce=int, widget=UnfoldAdminRadioSelectWidget,
        error_messages={"required": "请选择申请修复的行政处罚。"},
    )  # fmt: skip
    reason = forms.CharField(
        label="申请理由", max_length=500, widget=UnfoldAdminTextareaWidget(attrs={"rows": 3}),
        help_text="写明罚款何时缴清、问题怎样改正。",
    )  # fmt: skip
    field_order = ["client_uid", "fact", "reason", "photos", "kept"]

    def __init__(self, *args: Any, penalties: list[CreditFact], **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["photos"].label = "证明材料（缴款凭证、改正后的照片等，至少一份）"
        chooser: Any = self.fields["fact"]
        chooser.choices = [(one.pk, said_of(one)) for one in penalties]
        if len(penalties) == 1:
            chooser.initial = penalties[0].pk


def said_of(fact: CreditFact) -> str:
    """2026-01-31　一般　肥市监罚〔2026〕1号（2026年4月30日起可以申请）."""
    first = repairs.earliest(fact.level, fact.happened_on)
    named = (str(fact.happened_on), LEVEL_LABELS.get(fact.level, ""), str(fact.data.get("number", "")))
    return f"{'　'.join(one for one in named if one)}（{day(first)}起可以申请）"


def repair(admin: CreditStandingAdmin, request: HttpRequest, row: CreditStanding) -> HttpResponse:
    """Show the form; what is refused is said on it, and neither words nor files are lost."""
    by = admin.me(request)
    if entering_seat(scope_of(by), row.entity) is None:
        raise PermissionDenied
    rows = penalties.of(row.pk) if request.method == "POST" else penalties.repairable(row.pk)
    found = list(rows.order_by("-happened_on", "-pk"))  # sent again, the service knows it again
    form = RepairForm(request.POST or None, request.FILES or None, penalties=found)
    kept: list[int] = []
    status = 200
    if request.method == "POST":
        status, valid = 400, form.is_valid()
        try:
            kept = uploads.of_form(form, by=by)
            if valid:
                _ask(form.cleaned_data, kept, by)
                messages.success(request, "信用修复申请已登记，由信用监督管理科审核。")
                return HttpResponseRedirect(shop_address(row.pk))
        except DomainError as refused:
            say_refused(form, refused, fields={"evidence": "photos"}, used=USED)
            status = refused.status
        put(form, kept=",".join(str(number) for number in kept))
    shown = {
        "form": form, "kept": kept, "penalties": found, "original": row, "entity": row.entity,
        "effect": EFFECT, "back": shop_address(row.pk),
    }  # fmt: skip
    title = f"申请信用修复　{row.entity.name}"
    return admin.render(request, "credit/repair.html", shown, title=title, status=status)


def _ask(said: dict[str, Any], kept: list[int], by: User) -> None:
    entry = Entry(client_uid=said["client_uid"], reason=said["reason"], evidence=tuple(kept))
    with naming_contention():
        repairs.ask(given=repairs.Given(fact_id=said["fact"], entry=entry), by=by)
