"""Filters of the list of leads. Each offers only what lies in the person's scope."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta
from typing import Any

from django.db.models import QuerySet
from unfold.contrib.filters.admin import DropdownFilter, RangeDateFilter
from unfold.utils import parse_date_str

from grids.access import scope_of
from grids.models import Grid, Office
from kernel.deadlines.policy import end_of_day
from leads.answered import Answered, having
from leads.catalogue import GROUPS

__all__ = ["ByAnswer", "ByCategoryGroup", "ByGrid", "ByOffice", "ByProgress", "ByReportedDate"]


class ByGrid(DropdownFilter):
    title = "网格"
    parameter_name = "grid"

    def lookups(self, request: Any, model_admin: Any) -> Iterable[Any]:
        return [(str(g.pk), g.name) for g in Grid.objects.served_by(request.user).order_by("code")]

    def queryset(self, request: Any, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return _by_number(queryset, "grid_id", self.value())


class ByOffice(DropdownFilter):
    title = "监管所"
    parameter_name = "office"

    def lookups(self, request: Any, model_admin: Any) -> Iterable[Any]:
        scope = scope_of(request.user)
        offices = Office.objects.order_by("code")
        if not (scope.sees_all or scope.sections):
            offices = offices.filter(pk__in=scope.office_ids)
        return [(str(office.pk), office.name) for office in offices]

    def queryset(self, request: Any, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return _by_number(queryset, "office_id", self.value())


class ByCategoryGroup(DropdownFilter):
    title = "大类"
    parameter_name = "group"

    def lookups(self, request: Any, model_admin: Any) -> Iterable[Any]:
        return [(letter, name) for letter, (name, _) in GROUPS.items()]

    def queryset(self, request: Any, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(category__group=self.value()) if self.value() else queryset


class ByProgress(DropdownFilter):
    """Open leads whose limits have passed, by the database's clock."""

    title = "办理情况"
    parameter_name = "progress"

    def lookups(self, request: Any, model_admin: Any) -> Iterable[Any]:
        return [("overdue", "已超时"), ("open", "未办结"), ("mine", "由我承办")]

    def queryset(self, request: Any, queryset: Any) -> QuerySet[Any]:
        match self.value():
            case "overdue":
                return queryset.overdue(scope_of(request.user).at)
            case "open":
                return queryset.open()
            case "mine":
                return queryset.open().filter(assignee_id=request.user.pk)
        return queryset


class ByAnswer(DropdownFilter):
    title = "回复反映人"
    parameter_name = "answered"

    def lookups(self, request: Any, model_admin: Any) -> Iterable[Any]:
        return list(Answered.choices)

    def queryset(self, request: Any, queryset: QuerySet[Any]) -> QuerySet[Any]:
        value = self.value()
        return having(queryset, value) if value in Answered.values else queryset


class ByReportedDate(RangeDateFilter):
    """Shanghai days, both included."""

    def queryset(self, request: Any, queryset: QuerySet[Any]) -> QuerySet[Any]:
        since = self._day("from")
        until = self._day("to")
        if since:
            queryset = queryset.filter(reported_at__gte=end_of_day(since - timedelta(days=1)))
        if until:
            queryset = queryset.filter(reported_at__lt=end_of_day(until))
        return queryset

    def _day(self, end: str) -> date | None:
        given = self.used_parameters.get(f"{self.parameter_name}_{end}")
        day = parse_date_str(given) if isinstance(given, str) else None
        return day if day and 2000 <= day.year <= 2100 else None


def _by_number(queryset: QuerySet[Any], column: str, value: str | None) -> QuerySet[Any]:
    if not value:
        return queryset
    return queryset.filter(**{column: int(value)}) if value.isdigit() and len(value) < 18 else queryset.none()
