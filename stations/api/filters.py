"""Filters of stations, circles and disputes, named after fields (API.md)."""

from __future__ import annotations

from typing import Any

import django_filters as f
from django.db.models import Q, QuerySet

from kernel import clock
from leads.api.serializers import BIGGEST
from stations.models import CircleShop, Dispute, GoodsKind, Source, Station, StationKind
from stations.states import OPEN, State, Tier


class StationFilter(f.FilterSet):
    kind = f.ChoiceFilter(choices=StationKind.choices, label="类型")
    community = f.CharFilter("community__code", max_length=20, label="社区编码")

    class Meta:
        model = Station
        fields: list[str] = []


class CircleShopFilter(f.FilterSet):
    q = f.CharFilter("entity__name", lookup_expr="icontains", max_length=60, label="店铺名称")

    class Meta:
        model = CircleShop
        fields: list[str] = []


class DisputeFilter(f.FilterSet):
    state = f.MultipleChoiceFilter(choices=State.choices)
    tier = f.MultipleChoiceFilter(choices=Tier.choices)
    open = f.BooleanFilter(method="by_open", label="尚未办结")
    station = f.CharFilter("station__code", max_length=20, label="承办服务站编码")
    taken_station = f.CharFilter("taken_station__code", max_length=20, label="登记服务站编码")
    office = f.CharFilter("office__code", max_length=20, label="市场监管所编码")
    entity = f.NumberFilter("entity_id", min_value=0, max_value=BIGGEST, decimal_places=0)
    source = f.MultipleChoiceFilter(choices=Source.choices)
    goods_kind = f.MultipleChoiceFilter(choices=GoodsKind.choices)
    overdue = f.BooleanFilter(method="by_overdue", label="已超过本层级时限")
    registered_after = f.IsoDateTimeFilter("registered_at", lookup_expr="gte")
    registered_before = f.IsoDateTimeFilter("registered_at", lookup_expr="lt")
    ended_after = f.IsoDateTimeFilter("ended_at", lookup_expr="gte")
    ended_before = f.IsoDateTimeFilter("ended_at", lookup_expr="lt")
    q = f.CharFilter(method="by_words", max_length=80, label="编号、店铺或商品")

    class Meta:
        model = Dispute
        fields: list[str] = []

    def by_open(self, rows: QuerySet[Dispute], name: str, value: bool) -> QuerySet[Dispute]:
        return rows.filter(state__in=OPEN) if value else rows.exclude(state__in=OPEN)

    def by_overdue(self, rows: Any, name: str, value: bool) -> QuerySet[Dispute]:
        late = Q(state__in=OPEN, due_at__isnull=False, due_at__lte=clock.now())
        found: QuerySet[Dispute] = rows.filter(late) if value else rows.exclude(late)
        return found

    def by_words(self, rows: QuerySet[Dispute], name: str, value: str) -> QuerySet[Dispute]:
        """Number, shop or goods; never what the consumer told."""
        said = Q(number__icontains=value) | Q(entity_name__icontains=value) | Q(goods__icontains=value)
        return rows.filter(said | Q(entity__name__icontains=value))
