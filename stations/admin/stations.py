"""服务站、商圈店铺、纠纷集中店铺 in the admin."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from unfold.admin import TabularInline
from unfold.contrib.filters.admin import DropdownFilter
from unfold.decorators import action, display
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from grids import door
from grids.access import scope_of
from grids.admin_access import BUREAU_PEOPLE, EVERYBODY, OFFICE_PEOPLE, ExportsSheet, ScopedAdmin
from grids.roles import Role, Section
from kernel import clock
from stations import circles, intake
from stations.admin import seats
from stations.models import CircleShop, HotShop, Station, StationHours, StationKind

__all__ = ["CircleShopAdmin", "HotShopAdmin", "StationAdmin"]

EXACT_CODE = 20


class HoursInline(TabularInline):
    """服务时间: a row a day of the week, or two where it closes at noon."""

    model = StationHours
    extra = 0
    hide_title = True
    verbose_name = "服务时间"
    verbose_name_plural = "服务时间（没有填写的日子不开放）"

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return True  # shown on the station's page only, which has a door of its own

    def _keeps(self, request: HttpRequest) -> bool:
        return seats.keeps_stations(scope_of(request.user))

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self._keeps(request)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self._keeps(request)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self._keeps(request)


@admin.register(Station)
class StationAdmin(ScopedAdmin):
    """Entered and kept by the bureau and its consumers' section; every save is journaled. A code never
    changes: postings and posters carry it."""

    view_roles = EVERYBODY
    journal_stream = "station"
    list_display = ["code", "name", "kind", "community", "telephone", "shown_hours", "is_active", "is_demo"]
    list_select_related = ["community"]
    list_filter = ["kind", "is_active", "community"]
    search_fields = ["code", "name", "complex_name", "address"]
    search_help_text = "按编码、名称、综合体或地址查找"
    ordering = ["code"]
    inlines = [HoursInline]
    actions = None
    actions_detail = ["poster", "desk"]
    fields = [
        "code", "name", "kind", "community", "grid", "complex_name", "address", "telephone", "lon", "lat",
        "is_active", "is_demo",
    ]  # fmt: skip

    def has_add_permission(self, request: HttpRequest) -> bool:
        return self._keeps(request)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self._keeps(request)

    def _keeps(self, request: HttpRequest) -> bool:
        user = request.user
        return bool(user.is_active and user.is_staff and seats.keeps_stations(self.scope(request)))

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).prefetch_related("hours")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return ["code", "kind", "is_demo"] if obj is not None else ["is_demo"]

    @display(description="服务时间", empty_value="未填写")
    def shown_hours(self, row: Station) -> str | None:
        """周一至周五 08:30—17:30, where all days are alike."""
        spans: dict[str, list[int]] = {}
        for one in row.hours.all():
            spans.setdefault(f"{one.opens_at:%H:%M}—{one.closes_at:%H:%M}", []).append(one.weekday)
        return "；".join(f"{_days(days)} {span}" for span, days in spans.items()) or None

    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: bool) -> None:
        """The hours, with an entry of their own."""
        from kernel import journal

        super().save_formset(request, form, formset, change)
        if formset.has_changed():
            hours = [str(one) for one in StationHours.objects.filter(station=form.instance)]
            journal.append(
                stream=f"{self.journal_stream}:{form.instance.pk}",
                kind="station.hours_changed",
                by=self.me(request),
                at=clock.now(),
                data={"hours": hours},
            )

    @action(description="打印二维码海报", icon="qr_code_2", url_path="poster", permissions=["view"])
    def poster(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """A poster of A4 with the code that leads to the station's own page."""
        row = self.get_object(request, str(object_id))
        if row is None or not self.has_view_permission(request):
            raise PermissionDenied
        base = _base(request)
        address = base + reverse("station-page", args=[row.code]).lstrip("/")
        shown = {"station": row, "svg": door.drawn(address), "hours": self.shown_hours(row)}
        return render(request, "stations/poster.html", shown)

    @action(description="工作台", icon="desk", url_path="desk", permissions=["view"])
    def desk(self, request: HttpRequest, object_id: int) -> HttpResponse:
        row = self.get_object(request, str(object_id))
        if row is None or not self.has_view_permission(request):
            raise PermissionDenied
        return HttpResponseRedirect(f"{reverse('admin:stations_dispute_desk')}?station={row.code}")

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self._holds(request, self.view_roles)


def _base(request: HttpRequest) -> str:
    from django.conf import settings

    return (
        f"{settings.SUOSHE_PUBLIC_URL.rstrip('/')}/"
        if settings.SUOSHE_PUBLIC_URL
        else request.build_absolute_uri("/")
    )


def _days(days: list[int]) -> str:
    words = "一二三四五六日"
    if len(days) > 2 and days == list(range(days[0], days[-1] + 1)):
        return f"周{words[days[0] - 1]}至周{words[days[-1] - 1]}"
    return "、".join(f"周{words[one - 1]}" for one in days)


# --- circles ---------------------------------------------------------------------------------------


class ByCircle(DropdownFilter):
    title = "商圈"
    parameter_name = "circle"

    def lookups(self, request: Any, model_admin: Any) -> Any:
        return [(one.code, one.name) for one in circles_of(request)]

    def queryset(self, request: Any, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(station__code=self.value()) if self.value() else queryset


class ByNow(DropdownFilter):
    title = "是否在商圈"
    parameter_name = "now"

    def lookups(self, request: Any, model_admin: Any) -> Any:
        return [("yes", "现在"), ("no", "已退出")]

    def queryset(self, request: Any, queryset: QuerySet[Any]) -> QuerySet[Any]:
        from django.db.models import Q

        over = Q(until__isnull=False, until__lte=clock.today())
        match self.value():
            case "yes":
                return queryset.exclude(over)
            case "no":
                return queryset.filter(over)
        return queryset


def circles_of(request: HttpRequest) -> QuerySet[Station]:
    """The circles that this person works at or looks after."""
    return seats.stations(scope_of(request.user)).filter(kind=StationKind.COMPLEX)


class JoinForm(forms.Form):
    """加入商圈, by the code on the door or the whole name of the shop."""

    station = forms.ChoiceField(label="商圈", widget=UnfoldAdminSelectWidget)
    entity = forms.CharField(
        label="店铺",
        max_length=120,
        widget=UnfoldAdminTextInputWidget(attrs={"autocomplete": "off"}),
        help_text="填写门牌码、统一社会信用代码或完整名称。",
    )
    since = forms.DateField(
        label="加入日期",
        required=False,
        widget=UnfoldAdminTextInputWidget(attrs={"type": "date"}),
        help_text="不填即为今天。",
    )

    def __init__(self, *args: Any, stations: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        chooser: Any = self.fields["station"]
        chooser.choices = [(one.code, one.name) for one in stations]

    def clean_entity(self) -> int:
        from django.db.models import Q

        from grids.models import GONE, BusinessEntity

        said = self.cleaned_data["entity"].strip()
        same = Q(name=said) | Q(uscc__iexact=said) | Q(code__iexact=said[:EXACT_CODE])
        found = list(BusinessEntity.objects.exclude(status__in=GONE).filter(same)[:2])
        if not found:
            raise forms.ValidationError("没有找到这家店铺，请核对后填写完整名称或代码。")
        if len(found) > 1:
            raise forms.ValidationError("有同名的店铺，请填写门牌码或统一社会信用代码。")
        return int(found[0].pk)


class LeaveForm(forms.Form):
    until = forms.DateField(
        label="退出日期",
        required=False,
        widget=UnfoldAdminTextInputWidget(attrs={"type": "date"}),
        help_text="从这一天起不再属于该商圈；不填即为今天。",
    )


@admin.register(CircleShop)
class CircleShopAdmin(ExportsSheet, ScopedAdmin):
    """Which shops belong to a circle; entered and ended by who takes disputes there, through `circles`."""

    view_roles = OFFICE_PEOPLE | BUREAU_PEOPLE | {
        Role.STATION_MEDIATOR, Role.COMMUNITY_HEAD, Role.SUBDISTRICT, Role.BUREAU_SECTION
    }  # fmt: skip
    list_display = ["shop", "station", "since", "until"]
    list_select_related = ["station", "entity"]
    list_filter = [ByCircle, ByNow]
    search_fields = ["entity__name", "entity__uscc", "entity__code"]
    search_help_text = "按店铺名称或代码查找"
    ordering = ["station__code", "entity__name"]
    actions = None
    actions_detail = ["leave"]
    fields = ["shop", "station", "since", "until"]
    readonly_fields = fields
    export_name = "circle-shops"
    export_columns = (
        ("店铺", lambda row: row.entity.name),
        ("统一社会信用代码", lambda row: row.entity.uscc),
        ("商圈服务站", lambda row: row.station.name),
        ("自", lambda row: row.since.isoformat()),
        ("至", lambda row: row.until.isoformat() if row.until else ""),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        rows = CircleShop.objects.filter(station__in=circles_of(request).order_by().values("id"))
        return rows.select_related("station", "entity").order_by(*self.ordering)

    def has_add_permission(self, request: HttpRequest) -> bool:
        user: Any = request.user
        return self.has_view_permission(request) and intake.may_take(user)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    @display(description="店铺", ordering="entity__name")
    def shop(self, row: CircleShop) -> str:
        return row.entity.name

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        if not self.has_add_permission(request):
            raise PermissionDenied
        form = JoinForm(request.POST or None, stations=circles_of(request))

        def act(values: dict[str, Any], by: Any, at: Any) -> str:
            joined = circles.join(
                code=values["station"], entity_id=values["entity"], by=by, since=values["since"]
            )
            return "店铺已加入商圈。" if joined.created else "该店铺已在商圈中，没有重复登记。"

        return self.ask(request, title="店铺加入商圈", submit="加入", act=act, form=form)

    @action(description="退出商圈", icon="logout", url_path="leave", permissions=["act"])
    def leave(self, request: HttpRequest, object_id: int) -> HttpResponse:
        row: CircleShop = self.wanted(request, object_id)

        def act(values: dict[str, Any], by: Any, at: Any) -> str:
            done = circles.leave(shop_id=row.pk, by=by, until=values["until"])
            return f"{done.entity.name}自{done.until}起退出商圈。"

        return self.ask(
            request,
            title=f"退出商圈：{row.entity.name}",
            submit="退出",
            act=act,
            form=LeaveForm(request.POST or None),
            effect="此前登记的纠纷不受影响。",
        )


# --- shops with many disputes ----------------------------------------------------------------------


@admin.register(HotShop)
class HotShopAdmin(ExportsSheet, ScopedAdmin):
    """Told to the bureau once in each stretch of 30 days: where to look, never a score."""

    view_roles = BUREAU_PEOPLE | {Role.BUREAU_SECTION}
    list_display = ["shop", "disputes", "told_at"]
    list_select_related = ["entity__grid"]
    list_filter = [("told_at", admin.DateFieldListFilter)]
    search_fields = ["entity__name", "entity__uscc"]
    search_help_text = "按店铺名称或代码查找"
    ordering = ["-id"]
    actions = None
    fields = ["shop", "disputes", "told_at"]
    readonly_fields = fields
    export_name = "hot-shops"
    export_columns = (
        ("店铺", lambda row: row.entity.name),
        ("网格", lambda row: row.entity.grid.name if row.entity.grid else ""),
        ("30日内纠纷数", lambda row: row.disputes),
        ("提示时间", lambda row: row.told_at),
    )

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        scope = self.scope(request)
        return self._holds(request, BUREAU_PEOPLE) or (
            self._holds(request, self.view_roles) and Section.CONSUMER in scope.sections
        )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return HotShop.objects.select_related("entity__grid").order_by("-id")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    @display(description="店铺", ordering="entity__name")
    def shop(self, row: HotShop) -> str:
        return row.entity.name
