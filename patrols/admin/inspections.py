"""Papers of inspections, and the officers' cards."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from unfold.decorators import display

from grids.admin_access import BUREAU_PEOPLE, OFFICE_PEOPLE, ExportsSheet, ScopedAdmin
from grids.roles import Role
from kernel import clock
from kernel.accounts.models import User
from kernel.errors import DomainError
from patrols import cards
from patrols.models import EnforcementCard, InspectionPaper, PatrolVisit


@admin.register(InspectionPaper)
class InspectionPaperAdmin(ExportsSheet, ScopedAdmin):
    """检查文书 of each 每周查."""

    view_roles = OFFICE_PEOPLE | BUREAU_PEOPLE | {Role.COMMISSIONER}
    list_display = (
        "platform_no",
        "shop",
        "day",
        "approval_no",
        "notice_no",
        "officer",
        "second_officer",
        "entered",
    )
    list_select_related = ("visit__entity", "officer", "second_officer")
    list_filter = ("year", "entered")
    search_fields = ("platform_no", "approval_no", "notice_no", "visit__entity__name")
    search_help_text = "按平台编号、审批编号、通知书编号或主体名称查找"
    ordering = ("-id",)
    actions = None
    fields = (
        "visit", "officer", "officer_card", "second_officer", "second_officer_card", "basis", "approval_no",
        "notice_no", "platform_no", "entered", "year",
    )  # fmt: skip
    readonly_fields = fields
    export_name = "inspections"
    export_columns = (
        ("检查日期", lambda row: row.visit.done_on),
        ("经营主体", lambda row: row.visit.entity.name),
        ("平台编号", lambda row: row.platform_no),
        ("审批编号", lambda row: row.approval_no),
        ("通知书编号", lambda row: row.notice_no),
        ("检查依据", lambda row: row.basis),
        ("检查人员一", lambda row: f"{row.officer.name}（{row.officer_card}）"),
        ("检查人员二", lambda row: f"{row.second_officer.name}（{row.second_officer_card}）"),
        ("是否入店", lambda row: "是" if row.entered else "否"),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        seen = PatrolVisit.objects.visible_to(request.user).values("id")
        return InspectionPaper.objects.filter(visit__in=seen).order_by("-id")

    @display(description="经营主体")
    def shop(self, row: InspectionPaper) -> str:
        return row.visit.entity.name

    @display(description="检查日期")
    def day(self, row: InspectionPaper) -> Any:
        return row.visit.done_on


class CardForm(forms.ModelForm):
    """A card as its service keeps it: the same refusals, beside their fields."""

    by: User

    def clean(self) -> dict[str, Any]:
        values: dict[str, Any] = super().clean() or {}
        officer = self.instance.officer if self.instance.pk else values.get("officer")
        self._as_kept("officer", officer, lambda one: cards.refuse(one, by=self.by, at=clock.now()))
        self._as_kept("number", values.get("number"), cards.checked)
        return values

    def _as_kept(self, name: str, value: Any, check: Callable[[Any], object]) -> None:
        if value is None:
            return
        try:
            check(value)
        except DomainError as refused:
            error = forms.ValidationError(refused.detail, code=refused.code)
            self.add_error(name if name in self.fields else None, error)


@admin.register(EnforcementCard)
class EnforcementCardAdmin(ScopedAdmin):
    """执法证: kept by office heads and the bureau. Whose a card is stays; until when it is good changes."""

    view_roles = OFFICE_PEOPLE | BUREAU_PEOPLE | {Role.COMMISSIONER}
    change_roles = frozenset({Role.OFFICE_HEAD, Role.BUREAU})
    list_display = ("number", "officer", "expires_on")
    list_select_related = ("officer",)
    search_fields = ("number", "officer__name")
    search_help_text = "按执法证号或姓名查找"
    ordering = ("number",)
    actions = None
    autocomplete_fields: Any = ()

    form = CardForm

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return EnforcementCard.objects.visible_to(self.me(request)).order_by("number")

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        form = super().get_form(request, obj, change=change, **kwargs)
        form.by = self.me(request)
        return form

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        return ["officer", "number"] if obj is not None else []

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        card, _ = cards.keep(
            officer_id=obj.officer_id, number=obj.number, expires_on=obj.expires_on, by=self.me(request)
        )
        obj.pk = card.pk
