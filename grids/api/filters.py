"""Filters named after fields (API.md)."""

from __future__ import annotations

from datetime import date
from typing import Any

import django_filters as filters
from django.db.models import Exists, OuterRef, Q, QuerySet

from grids.models import (
    Absence,
    BusinessEntity,
    BusinessType,
    Community,
    CreditGrade,
    DuplicatePair,
    DutyShift,
    EntityContact,
    EntityStatus,
    Grid,
    KeyChange,
    Licence,
    Purpose,
)
from grids.roles import DutyRole
from grids.search import found_by, holding
from kernel import clock

LONGEST_Q = 60


class GridFilter(filters.FilterSet):
    office = filters.CharFilter("office__code", label="市场监管所编码")
    community = filters.CharFilter("communities__code", label="社区编码")
    is_active = filters.BooleanFilter(label="启用")

    class Meta:
        model = Grid
        fields: list[str] = []


class CommunityFilter(filters.FilterSet):
    subdistrict = filters.CharFilter("subdistrict__code", label="街道编码")

    class Meta:
        model = Community
        fields: list[str] = []


class EntityFilter(filters.FilterSet):
    grid = filters.CharFilter("grid__code", label="网格编码")
    business_type = filters.ChoiceFilter(method="of_type", choices=BusinessType.choices, label="业态")
    grade = filters.ChoiceFilter("credit_grade", choices=CreditGrade.choices, label="信用等级")
    status = filters.ChoiceFilter(choices=EntityStatus.choices, label="状态")
    uscc = filters.CharFilter(lookup_expr="iexact", max_length=18, label="统一社会信用代码")
    community = filters.CharFilter("community__code", label="社区编码")
    campus = filters.BooleanFilter("is_campus_peripheral", label="校园周边")
    lacks_code = filters.BooleanFilter(method="without_code", label="无代码，待补")
    expiring_before = filters.DateFilter(method="expiring", label="有证照在此日期前到期（含已过期）")
    # Last: what was searched for is cut to the best of what the others leave.
    q = filters.CharFilter(
        method="search", max_length=LONGEST_Q, label="名称、地址、经营者或编码中的文字，最相符的在前"
    )

    class Meta:
        model = BusinessEntity
        fields: list[str] = []

    def search(self, rows: QuerySet[Any], name: str, value: str) -> QuerySet[Any]:
        return found_by(rows, value)

    def of_type(self, rows: QuerySet[Any], name: str, value: str) -> QuerySet[Any]:
        return rows.filter(business_types__contains=[value])

    def without_code(self, rows: QuerySet[Any], name: str, value: bool) -> QuerySet[Any]:
        return rows.filter(uscc="") if value else rows.exclude(uscc="")

    def expiring(self, rows: QuerySet[Any], name: str, value: date) -> QuerySet[Any]:
        soon = Licence.objects.filter(entity=OuterRef("pk"), expires_on__lt=value, ended_on__isnull=True)
        return rows.filter(Exists(soon))


class EntityExportFilter(EntityFilter):
    """The same, but a search gives all that it finds: a sheet is read to its end."""

    def search(self, rows: QuerySet[Any], name: str, value: str) -> QuerySet[Any]:
        return holding(rows, value)


class EntityContactFilter(filters.FilterSet):
    purpose = filters.ChoiceFilter(choices=Purpose.choices, label="事由")
    entered = filters.BooleanFilter(label="是否入店")
    on_after = filters.DateFilter("on", lookup_expr="gte", label="自(含)")
    on_before = filters.DateFilter("on", lookup_expr="lte", label="至(含)")

    class Meta:
        model = EntityContact
        fields: list[str] = []


class KeyChangeFilter(filters.FilterSet):
    state = filters.ChoiceFilter(choices=KeyChange.State.choices, label="状态")
    entity = filters.NumberFilter("entity_id", max_value=2**63 - 1, label="经营主体")
    grid = filters.CharFilter("entity__grid__code", label="网格编码")

    class Meta:
        model = KeyChange
        fields: list[str] = []


class DuplicateFilter(filters.FilterSet):
    state = filters.ChoiceFilter(choices=DuplicatePair.State.choices, label="状态")
    entity = filters.NumberFilter(method="of_entity", max_value=2**63 - 1, label="经营主体")
    grid = filters.CharFilter(method="in_grid", label="网格编码")

    class Meta:
        model = DuplicatePair
        fields: list[str] = []

    def of_entity(self, rows: QuerySet[Any], name: str, value: int) -> QuerySet[Any]:
        return rows.filter(Q(first_id=value) | Q(second_id=value))

    def in_grid(self, rows: QuerySet[Any], name: str, value: str) -> QuerySet[Any]:
        return rows.filter(Q(first__grid__code=value) | Q(second__grid__code=value))


class AbsenceFilter(filters.FilterSet):
    person = filters.CharFilter("user__username", label="请假人账号")
    stand_in = filters.CharFilter("stand_in__username", label="代岗人账号")
    running = filters.BooleanFilter(method="now", label="正在请假")

    class Meta:
        model = Absence
        fields: list[str] = []

    def now(self, rows: QuerySet[Any], name: str, value: bool) -> QuerySet[Any]:
        at = clock.now()
        away = {"starts_at__lte": at, "ends_at__gt": at}
        return rows.filter(**away) if value else rows.exclude(**away)


class DutyShiftFilter(filters.FilterSet):
    office = filters.CharFilter("office__code", label="市场监管所编码")
    role = filters.ChoiceFilter(choices=DutyRole.choices, label="班次岗位")
    person = filters.CharFilter("user__username", label="值班人账号")
    day = filters.DateFilter(label="日期")
    day_after = filters.DateFilter("day", lookup_expr="gte", label="自(含)")
    day_before = filters.DateFilter("day", lookup_expr="lte", label="至(含)")

    class Meta:
        model = DutyShift
        fields: list[str] = []
