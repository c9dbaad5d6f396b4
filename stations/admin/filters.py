"""Filters of the list of disputes. Each offers only what lies in the person's scope."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta
from typing import Any

from django.db.models import Q, QuerySet
from unfold.contrib.filters.admin import DropdownFilter, RangeDateFilter
from unfold.utils import parse_date_str

from grids.access import scope_of
from kernel.deadlines.policy import end_of_day
from stations.admin import seats
from stations.models import GoodsKind
from stations.states import OPEN, State

__all__ = ["ByGoods", "ByProgress", "ByRegistered", "ByStation"]


class ByStation(DropdownFilter):
    """The stations that have, or took, it."""

    title = "服务站"
    parameter_name = "station"

    def lookups(self, request: Any, model_admin: Any) -> Iterable[Any]:
        return [(one.code, one.name) for one in seats.stations(scope_of(request.user))]

    def queryset(self, request: Any, queryset: QuerySet[Any]) -> QuerySet[Any]:
        code = self.value()
        if not code or not code.isprintable():
            return queryset
        return queryset.filter(Q(station__code=code) | Q(taken_station__code=code))


class ByGoods(DropdownFilter):
    title = "商品或服务"
    parameter_name = "goods_kind"

    def lookups(self, request: Any, model_admin: Any) -> Iterable[Any]:
        return list(GoodsKind.choices)

    def queryset(self, request: Any, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(goods_kind=self.value()) if self.value() in GoodsKind.values else queryset


class ByProgress(DropdownFilter):
    """By the database's clock."""

    title = "办理情况"
    parameter_name = "progress"

    def lookups(self, request: Any, model_admin: Any) -> Iterable[Any]:
        return [
            ("open", "未办结"),
            ("overdue", "已超时"),
            ("decide", "待受理决定"),
            ("word", "已同意转12315"),
        ]

    def queryset(self, request: Any, queryset: QuerySet[Any]) -> QuerySet[Any]:
        match self.value():
            case "open":
                return queryset.filter(state__in=OPEN)
            case "overdue":
                return queryset.filter(state__in=OPEN, due_at__lte=scope_of(request.user).at)
            case "decide":
                return queryset.filter(state=State.FILED)
            case "word":
                return queryset.filter(state__in=OPEN, word_at__isnull=False)
        return queryset


class ByRegistered(RangeDateFilter):
    """Shanghai days, both included."""

    def queryset(self, request: Any, queryset: QuerySet[Any]) -> QuerySet[Any]:
        since, until = self._day("from"), self._day("to")
        if since:
            queryset = queryset.filter(registered_at__gte=end_of_day(since - timedelta(days=1)))
        if until:
            queryset = queryset.filter(registered_at__lt=end_of_day(until))
        return queryset

    def _day(self, end: str) -> date | None:
        given = self.used_parameters.get(f"{self.parameter_name}_{end}")
        day = parse_date_str(given) if isinstance(given, str) else None
        return day if day and 2000 <= day.year <= 2100 else None
