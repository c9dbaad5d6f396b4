"""What is asked for a shop from its page: an appeal, a nomination. They ask, the services decide."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget, UnfoldAdminTextareaWidget

from credit import appeals, partners
from credit.appeals import KEPT_IN_REGISTER
from credit.facts import LEVEL_LABELS, FactKind
from credit.models import CreditAssessment, CreditFact, CreditStanding
from credit.questions import Entry
from kernel.accounts.models import User

if TYPE_CHECKING:
    from credit.admin.standings import CreditStandingAdmin

MOST_FACTS = 60
NOT_DISPUTED = frozenset({FactKind.WITHDRAWN, *KEPT_IN_REGISTER})


def _text(label: str, **options: Any) -> forms.CharField:
    return forms.CharField(label=label, max_length=500, widget=UnfoldAdminTextareaWidget, **options)


class AppealForm(forms.Form):
    """申诉: which facts the shop denies, and why."""

    client_uid = forms.UUIDField(widget=forms.HiddenInput, initial=uuid.uuid4)
    assessment = forms.IntegerField(widget=forms.HiddenInput, min_value=1)
    disputed = forms.TypedMultipleChoiceField(
        label="有异议的事实", required=False, coerce=int, widget=UnfoldAdminCheckboxSelectMultipleWidget,
        help_text="证照和检验日期有误的，请直接在经营主体页面更正。",
    )  # fmt: skip
    reason = _text("申诉理由")

    def __init__(self, *args: Any, entity_id: int, **options: Any) -> None:
        super().__init__(*args, **options)
        facts = CreditFact.objects.filter(entity_id=entity_id).exclude(kind__in=NOT_DISPUTED)
        self.fields["disputed"].choices = [  # type: ignore[attr-defined]
            (one.pk, f"{one.happened_on}　{one.get_kind_display()}　{LEVEL_LABELS.get(one.level, '')}")
            for one in facts.order_by("-id")[:MOST_FACTS]
        ]


class NominateForm(forms.Form):
    client_uid = forms.UUIDField(widget=forms.HiddenInput, initial=uuid.uuid4)
    reason = _text("提名理由")


class ReasonForm(forms.Form):
    version = forms.IntegerField(widget=forms.HiddenInput, min_value=1)
    reason = _text("原因")


def shop_address(entity_id: int) -> str:
    return reverse("admin:grids_businessentity_change", args=[entity_id])


def appeal(admin: CreditStandingAdmin, request: HttpRequest, row: CreditStanding) -> HttpResponse:
    """Enter an appeal against the latest grading."""
    newest = CreditAssessment.objects.filter(entity_id=row.pk).order_by("-id").values_list("pk", flat=True)
    form = AppealForm(request.POST or None, entity_id=row.pk, initial={"assessment": newest.first()})

    def act(values: dict[str, Any], by: User, at: datetime) -> str:
        given = appeals.Given(
            entity_id=row.pk,
            assessment_id=values["assessment"],
            entry=Entry(client_uid=values["client_uid"], reason=values["reason"]),
            disputed=tuple(values["disputed"]),
        )
        appeals.ask(given=given, by=by)
        return "申诉已登记，由信用监督管理科审核。"

    effect = (
        "代经营主体登记对最近一次评定的申诉。审核期间等级照常执行；申诉成立的，撤销有关事实并即时重新评定。"
    )
    return admin.ask(
        request, title=f"等级申诉　{row.entity.name}", submit="登记申诉", act=act, form=form, effect=effect,
        back=shop_address(row.pk),
    )  # fmt: skip


def nominate(admin: CreditStandingAdmin, request: HttpRequest, row: CreditStanding) -> HttpResponse:
    """Nominate for 红色合伙人; what is missing is said by the refusal."""
    form = NominateForm(request.POST or None)

    def act(values: dict[str, Any], by: User, at: datetime) -> str:
        given = partners.Given(entity_id=row.pk, client_uid=values["client_uid"], reason=values["reason"])
        partners.nominate(given=given, by=by)
        return "已提名，由所长批准。"

    effect = "由社区书记提名，所长批准。信用等级须为A级或达到规定分数的B级，并连续达标。"
    return admin.ask(
        request, title=f"提名红色合伙人　{row.entity.name}", submit="提名", act=act, form=form, effect=effect,
        back=shop_address(row.pk),
    )  # fmt: skip
