"""What stands beside the register: licences, equipment, contacts, key changes, and pairs that look alike."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import Case, CharField, F, Q, QuerySet, Value, When
from django.http import HttpRequest, HttpResponse
from unfold.decorators import action, display
from unfold.widgets import UnfoldAdminTextInputWidget

from grids import duplicates, key_changes
from grids.admin.of_entity import SHOP, GridFilter, OfEntity
from grids.admin_access import (
    BUREAU_PEOPLE,
    GRID_PEOPLE,
    OFFICE_PEOPLE,
    ExportsSheet,
    ScopedAdmin,
    as_listed,
)
from grids.models import (
    BusinessEntity,
    DuplicatePair,
    EntityContact,
    Equipment,
    KeyChange,
    Licence,
)
from grids.models.licences import PERSONAL
from grids.register_words import told
from grids.roles import Role
from kernel import clock
from kernel.accounts.models import User

SOON_DAYS = 30
LOOKS = OFFICE_PEOPLE | BUREAU_PEOPLE | GRID_PEOPLE | {Role.BUREAU_SECTION}
EXPIRED, SOON, GOOD, ENDED, UNLIMITED = "已过期", "即将到期", "有效", "已注销", "长期有效"
TONES = {EXPIRED: "danger", SOON: "warning", GOOD: "success", UNLIMITED: "success", ENDED: "default"}


def validity(until: date | None, ended_on: date | None, today: date) -> str:
    """How a licence, or the test of a piece of equipment, stands on a day."""
    if ended_on is not None and ended_on <= today:
        return ENDED
    if until is None:
        return UNLIMITED
    if until < today:
        return EXPIRED
    return SOON if until <= today + timedelta(days=SOON_DAYS) else GOOD


class ValidityFilter(admin.SimpleListFilter):
    """By the date until which it is good (`column` of the admin)."""

    title = "有效情况"
    parameter_name = "validity"

    def __init__(self, request: HttpRequest, params: Any, model: Any, model_admin: Any) -> None:
        self.column = model_admin.good_until
        super().__init__(request, params, model, model_admin)

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("expired", EXPIRED), ("soon", f"{SOON_DAYS}天内到期"), ("good", GOOD), ("ended", ENDED)]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        today = clock.today()
        soon = today + timedelta(days=SOON_DAYS)
        in_use = Q(ended_on__isnull=True) | Q(ended_on__gt=today)
        match self.value():
            case "expired":
                return queryset.filter(in_use, **{f"{self.column}__lt": today})
            case "soon":
                return queryset.filter(in_use, **{f"{self.column}__range": (today, soon)})
            case "good":
                good = Q(**{f"{self.column}__isnull": True}) | Q(**{f"{self.column}__gt": soon})
                return queryset.filter(in_use & good)
            case "ended":
                return queryset.filter(ended_on__lte=today)
        return queryset


class OfBusiness(OfEntity):
    """A list of rows of one business each; kept on the page of the business, through services."""

    view_roles = LOOKS
    list_select_related: Any = ["entity__grid"]
    search_fields: Any = [*OfEntity.search_fields]
    ordering = ["-id"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        seen = BusinessEntity.objects.visible_to(request.user).values("id")
        return self.model._default_manager.filter(entity__in=seen).order_by(*self.ordering)

    @display(description="网格", ordering="entity__grid__code")
    def grid(self, row: Any) -> str:
        return str(row.entity.grid or "未落格")


@admin.register(Licence)
class LicenceAdmin(OfBusiness):
    """证照, with what has run out or soon will."""

    good_until = "expires_on"
    list_display = ["shop", "type", "told", "grid", "expires_on", "standing"]
    list_filter = [ValidityFilter, "type", GridFilter]
    search_fields = [*OfBusiness.search_fields, "number"]
    search_help_text = "按主体名称、代码或证照编号查找"
    ordering = ["expires_on", "id"]
    when_empty = "还没有登记证照。打开经营主体的页面登记证照，或随登记表一并导入。"
    fields = ["entity", "type", "told", "issued_on", "expires_on", "ended_on"]
    export_name = "licences"
    export_columns = (
        *SHOP,
        ("证照类型", lambda row: row.get_type_display()),
        ("证照编号", lambda row: row.told_number),
        ("发证日期", lambda row: row.issued_on),
        ("有效期至", lambda row: row.expires_on or "长期"),
        ("注销日期", lambda row: row.ended_on),
    )

    def get_search_fields(self, request: HttpRequest) -> list[str]:
        """The number of a person's certificate is masked, so no search reads it."""
        return ["open_number" if one == "number" else one for one in super().get_search_fields(request)]

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        of_person = When(type__in=PERSONAL, then=Value(""))
        found = queryset.alias(open_number=Case(of_person, default=F("number"), output_field=CharField()))
        return super().get_search_results(request, found, search_term)

    @display(description="证照编号", ordering="number")
    def told(self, row: Licence) -> str:
        return row.told_number

    @display(description="有效情况", label=TONES)
    def standing(self, row: Licence) -> str:
        return validity(row.expires_on, row.ended_on, clock.today())


@admin.register(Equipment)
class EquipmentAdmin(OfBusiness):
    """特种设备和计量器具, with the date of the next test."""

    good_until = "next_test_on"
    list_display = ["shop", "kind", "number", "place", "grid", "next_test_on", "standing"]
    list_filter = [ValidityFilter, "kind", GridFilter]
    search_fields = [*OfBusiness.search_fields, "number"]
    search_help_text = "按主体名称、代码或设备编号查找"
    ordering = ["next_test_on", "id"]
    when_empty = "还没有登记特种设备。打开经营主体的页面登记设备，或随登记表一并导入。"
    fields = ["entity", "kind", "number", "place", "next_test_on", "ended_on"]
    export_name = "equipment"
    export_columns = (
        *SHOP,
        ("设备种类", lambda row: row.get_kind_display()),
        ("设备编号", lambda row: row.number),
        ("所在位置", lambda row: row.place),
        ("下次检验日期", lambda row: row.next_test_on),
        ("停用日期", lambda row: row.ended_on),
    )

    @display(description="检验情况", label=TONES)
    def standing(self, row: Equipment) -> str:
        return validity(row.next_test_on, row.ended_on, clock.today())


@admin.register(EntityContact)
class EntityContactAdmin(OfBusiness):
    """入企记录: who entered which shop, when and why."""

    list_display = ["at", "shop", "grid", "purpose", "entered", "by", "with_names"]
    list_select_related = ["entity__grid", "by"]
    list_filter = ["purpose", "entered", ("on", admin.DateFieldListFilter), GridFilter]
    ordering = ["-at", "-id"]
    when_empty = "还没有入企记录。处置线索、巡查走访、检查时由系统自动记入。"
    fields = ["entity", "purpose", "entered", "by", "with_names", "at", "note"]
    written = ("note",)
    export_name = "contacts"
    export_columns = (
        ("入企时间", lambda row: row.at),
        *SHOP,
        ("事由", lambda row: row.get_purpose_display()),
        ("是否入店", lambda row: "是" if row.entered else "否"),
        ("入企人", lambda row: row.by.name if row.by else ""),
        ("同行人员", lambda row: row.with_names),
    )


@admin.register(KeyChange)
class KeyChangeAdmin(OfBusiness):
    """关键信息变更: asked by a grid worker, confirmed with the other approvals."""

    list_display = ["asked_at", "shop", "grid", "what", "state", "asked_by", "decided_by"]
    list_select_related = ["entity__grid", "asked_by", "decided_by"]
    list_filter = ["state", ("asked_at", admin.DateFieldListFilter), GridFilter]
    when_empty = "还没有关键信息变更。网格员改动名称、代码或状态时，由专员在“审批”中确认。"
    fields = [
        "entity", "what", "reason", "state", "asked_by", "asked_at", "decided_by", "decided_at", "note",
    ]  # fmt: skip
    written = ("reason", "note")
    actions_detail: Any = ["take_back"]
    export_name = "key-changes"
    export_columns = (
        ("提出时间", lambda row: row.asked_at),
        *SHOP,
        ("变更内容", lambda row: told(row.changes)),
        ("状态", lambda row: row.get_state_display()),
        ("确认时间", lambda row: row.decided_at),
        ("确认意见", as_listed("note", "确认意见")),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return KeyChange.objects.visible_to(request.user).order_by(*self.ordering)

    @display(description="变更内容")
    def what(self, row: KeyChange) -> str:
        return told(row.changes)

    def has_take_back_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        """For who asked, while it waits."""
        row = self.get_object(request, str(object_id)) if object_id else None
        return (
            self.has_act_permission(request) and row is not None and row.may_be_taken_back_by(request.user.pk)
        )

    @action(description="撤回", icon="undo", url_path="take-back", permissions=["take_back"])
    def take_back(self, request: HttpRequest, object_id: int) -> HttpResponse:
        row: KeyChange = self.wanted(request, object_id)

        def act(values: dict[str, Any], by: User, at: datetime) -> str:
            key_changes.withdraw(key_change_id=row.pk, by=by)
            return "已撤回，登记信息不变。"

        effect = f"撤回“{told(row.changes)}”，不再等专员确认，登记信息不变。"
        title = f"撤回关键信息变更　{row.entity.name}"
        return self.ask(
            request, title=title, submit="撤回", act=act, effect=effect, back=self.row_address(row)
        )


class JudgeForm(forms.Form):
    """What was found."""

    note = forms.CharField(
        label="核对说明", required=False, max_length=200, widget=UnfoldAdminTextInputWidget
    )

    def __init__(self, *args: Any, revising: bool, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["note"].required = revising
        if revising:
            self.fields["note"].label = "更正核对的理由"


@admin.register(DuplicatePair)
class DuplicatePairAdmin(ExportsSheet, ScopedAdmin):
    """疑似重复主体: found by the system, judged here."""

    view_roles = LOOKS
    list_before_template = "grids/list_before.html"
    list_display = ["first", "second", "why", "state", "found_at", "judged_by"]
    list_select_related = ["first__grid", "second__grid", "judged_by"]
    list_filter = ["state", ("found_at", admin.DateFieldListFilter)]
    search_fields = ["first__name", "second__name", "first__uscc", "second__uscc"]
    search_help_text = "按主体名称或代码查找"
    ordering = ["-id"]
    actions = None
    actions_detail = ["same", "different"]
    when_empty = "没有疑似重复的主体。系统每晚比对名称、代码、电话和位置，发现后列在这里。"
    fields = ["first", "second", "why", "state", "found_at", "judged_by", "judged_at", "note"]
    written = ("note",)
    readonly_fields = fields
    export_name = "duplicates"
    export_columns = (
        ("经营主体", lambda row: row.first.name),
        ("代码", lambda row: row.first.uscc),
        ("疑似重复主体", lambda row: row.second.name),
        ("疑似重复主体代码", lambda row: row.second.uscc),
        ("疑似依据", lambda row: row.why),
        ("状态", lambda row: row.get_state_display()),
    )

    @action(description="是同一家", icon="merge", url_path="same", permissions=["act"])
    def same(self, request: HttpRequest, object_id: int) -> HttpResponse:
        return self._judge(request, object_id, same=True)

    @action(description="不是同一家", icon="call_split", url_path="different", permissions=["act"])
    def different(self, request: HttpRequest, object_id: int) -> HttpResponse:
        return self._judge(request, object_id, same=False)

    def _judge(self, request: HttpRequest, object_id: int, *, same: bool) -> HttpResponse:
        pair: DuplicatePair = self.wanted(request, object_id)
        revising = pair.state == (DuplicatePair.State.DIFFERENT if same else DuplicatePair.State.SAME)

        def act(values: dict[str, Any], by: User, at: datetime) -> str:
            duplicates.judge(pair_id=pair.pk, by=by, same=same, note=values["note"], revise=revising)
            return "已更正核对结果。" if revising else "已记录核对结果。"

        first, second = pair.first.name, pair.second.name
        effect = (
            f"“{first}”和“{second}”是同一家：后登记的一家改为已停业，信用事实、证照和红色合伙人称号归入"
            "先登记的一家并重新评定，档案留存；在办的线索照常办理。"
            if same
            else f"“{first}”和“{second}”不是同一家：今后不再提示。"
        )
        if revising and not same:
            effect = (
                f"撤销“同一家”的核对：“{second}”恢复原状态，归入“{first}”的信用事实和证照退回，"
                "因此造成的等级下降一并恢复。"
            )
        title = "是同一家" if same else "不是同一家"
        form = JudgeForm(request.POST or None, revising=revising)
        back = self.row_address(pair)
        return self.ask(request, title=title, submit="确定", act=act, form=form, effect=effect, back=back)
