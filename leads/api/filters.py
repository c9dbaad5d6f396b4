"""Filters of leads, orders and categories, named after fields (API.md)."""

from __future__ import annotations

from typing import Any

import django_filters as f
from django.db.models import Q, QuerySet

from kernel import clock
from kernel.accounts.masked_search import without_numbers
from leads.answered import Answered, having
from leads.models import Category, LateSide, Lead, Severity, SupervisionOrder
from leads.states import State


class LeadFilter(f.FilterSet):
    state = f.MultipleChoiceFilter(choices=State.choices)
    grid = f.CharFilter(field_name="grid__code", max_length=20)
    category = f.CharFilter(field_name="category_id", max_length=3)
    severity = f.MultipleChoiceFilter(choices=Severity.choices)
    assignee = f.NumberFilter(field_name="assignee_id", min_value=0, max_value=2**63 - 1, decimal_places=0)
    entity = f.NumberFilter(field_name="entity_id", min_value=0, max_value=2**63 - 1, decimal_places=0)
    food = f.BooleanFilter()
    answered = f.ChoiceFilter(choices=Answered.choices, method="by_answer", label="answered")
    overdue = f.BooleanFilter(method="by_overdue", label="overdue")
    reported_after = f.IsoDateTimeFilter(field_name="reported_at", lookup_expr="gte")
    reported_before = f.IsoDateTimeFilter(field_name="reported_at", lookup_expr="lt")
    q = f.CharFilter(method="by_words", max_length=80, label="q")

    class Meta:
        model = Lead
        fields: list[str] = []

    def by_answer(self, rows: QuerySet[Lead], name: str, value: str) -> QuerySet[Lead]:
        return having(rows, value)

    def by_overdue(self, rows: Any, name: str, value: bool) -> QuerySet[Lead]:
        late = Lead.objects.overdue(clock.now()).values("id")
        return rows.filter(pk__in=late) if value else rows.exclude(pk__in=late)

    def by_words(self, rows: QuerySet[Lead], name: str, value: str) -> QuerySet[Lead]:
        """Number, name of business or category, or the description without its telephone numbers."""
        return rows.alias(said=without_numbers("description")).filter(
            Q(number__icontains=value)
            | Q(said__icontains=value)
            | Q(entity__name__icontains=value)
            | Q(category__name__icontains=value)
        )


class OrderFilter(f.FilterSet):
    state = f.ChoiceFilter(choices=SupervisionOrder.State.choices)
    level = f.ChoiceFilter(choices=SupervisionOrder.Level.choices)
    cause = f.ChoiceFilter(choices=SupervisionOrder.Cause.choices)
    lead = f.NumberFilter(field_name="lead_id", min_value=0, max_value=2**63 - 1, decimal_places=0)
    late_side = f.ChoiceFilter(choices=LateSide.choices)

    class Meta:
        model = SupervisionOrder
        fields: list[str] = []


class CategoryFilter(f.FilterSet):
    q = f.CharFilter(method="by_words", max_length=40, label="q")
    group = f.CharFilter(field_name="group", max_length=1)

    class Meta:
        model = Category
        fields: list[str] = []

    def by_words(self, rows: QuerySet[Category], name: str, value: str) -> QuerySet[Category]:
        """Code, name, or a word that people say (老鼠 → F03), whole or as part of what was said."""
        said = [c.code for c in Category.objects.all() if any(w in value or value in w for w in c.words)]
        return rows.filter(Q(code__iexact=value) | Q(name__icontains=value) | Q(code__in=said))
