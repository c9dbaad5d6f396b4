"""Stations as reference data (API.md)."""

from __future__ import annotations

import django_filters as filters
from django.db.models import QuerySet
from rest_framework import generics, serializers

from kernel.api import CursorPages
from stations.models import Station, StationKind


class StationSerializer(serializers.ModelSerializer[Station]):
    community = serializers.CharField(source="community.code", read_only=True)
    community_name = serializers.CharField(source="community.name", read_only=True)

    class Meta:
        model = Station
        fields = ["code", "name", "kind", "community", "community_name", "is_demo"]
        read_only_fields = fields


class StationFilter(filters.FilterSet):
    kind = filters.ChoiceFilter(choices=StationKind.choices, label="类型")
    community = filters.CharFilter("community__code", label="社区编码")

    class Meta:
        model = Station
        fields: list[str] = []


class ByCode(CursorPages):
    ordering = "code"


class StationList(generics.ListAPIView[Station]):
    """消费维权服务站, by code."""

    queryset = Station.objects.none()
    serializer_class = StationSerializer
    filterset_class = StationFilter
    pagination_class = ByCode

    def get_queryset(self) -> QuerySet[Station]:
        return Station.objects.visible_to(self.request.user).select_related("community")
