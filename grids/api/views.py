"""Grids, reference data and the register: read only in this issue (API.md)."""

from __future__ import annotations

from typing import Any

from django.db.models import Prefetch, QuerySet
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import generics, serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from grids.access import scope_of
from grids.api import filters as f
from grids.api import serializers as s
from grids.api.best_first import BestFirst
from grids.coordinates import BAD_CRS, CRS_NAMES, read_degrees, to_wgs84
from grids.locate import locate
from grids.models import BusinessEntity, Community, Department, Grid, Office, Posting
from grids.roles import Role
from grids.search import nearest
from grids.shortages import shortages
from kernel.api import CursorPages
from kernel.errors import NotAllowed

NO_SEAT = "您当前没有任职，不能查看。"


class ByCode(CursorPages):
    ordering = "code"


def point_of(params: Any) -> tuple[float, float]:
    """`lon`, `lat` and `crs` of a query string, as WGS-84.

    Raises:
        serializers.ValidationError: a number that is none, not finite or off the Earth; unknown crs.
    """
    errors: dict[str, Any] = {}
    read = {}
    for name, limit in (("lon", 180.0), ("lat", 90.0)):
        try:
            read[name] = read_degrees(params.get(name), limit)
        except serializers.ValidationError as refused:
            errors[name] = refused.detail
    if params.get("crs") not in CRS_NAMES:
        errors["crs"] = [serializers.ErrorDetail(BAD_CRS, code="bad_crs")]
    if errors:
        raise serializers.ValidationError(errors)
    return to_wgs84(read["lon"], read["lat"], params["crs"])


def grid_rows(user: Any) -> QuerySet[Grid]:
    """Grids with what a list shows."""
    communities = Prefetch("communities", Community.objects.order_by("code"))
    rows: QuerySet[Grid] = Grid.objects.visible_to(user)
    return rows.select_related("office", "lead_community").prefetch_related(communities)


class GridList(generics.ListAPIView[Grid]):
    """All grids, by code."""

    queryset = Grid.objects.none()
    serializer_class = s.GridSerializer
    filterset_class = f.GridFilter
    pagination_class = ByCode
    ordering_fields = ("code",)

    def get_queryset(self) -> QuerySet[Grid]:
        return grid_rows(self.request.user)


class GridDetail(generics.RetrieveAPIView[Grid]):
    """One grid with its boundary; its people and what it lacks, for who serves it."""

    queryset = Grid.objects.none()
    serializer_class = s.GridDetailSerializer
    lookup_field = "code"

    def get_queryset(self) -> QuerySet[Grid]:
        return grid_rows(self.request.user)

    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        grid = self.get_object()
        context = self.get_serializer_context()
        scope = scope_of(request.user)
        served = Grid.objects.served_by(request.user).filter(pk=grid.pk)
        if scope.has(Role.SYSTEM_ADMIN) or served.exists():
            running = Posting.objects.active(scope.at).filter(grid=grid).select_related("user", "backup")
            context["staff"] = list(running.order_by("role", "seat"))
            held = {posting.pk for posting in context["staff"]}
            context["shortages"] = [
                one
                for one in shortages(scope.at)
                if (one.subject_kind == "grid" and one.subject_id == grid.pk)
                or (one.subject_kind == "posting" and one.subject_id in held)
            ]
        return Response(self.get_serializer_class()(grid, context=context).data)


class Locate(APIView):
    """Which grid a point lies in. Every coordinate names its system."""

    @extend_schema(
        parameters=[
            OpenApiParameter("lon", OpenApiTypes.DOUBLE, required=True),
            OpenApiParameter("lat", OpenApiTypes.DOUBLE, required=True),
            OpenApiParameter("crs", OpenApiTypes.STR, required=True, enum=CRS_NAMES),
        ],
        responses=s.LocatedSerializer,
    )
    def get(self, request: Request) -> Response:
        if not scope_of(request.user).seats:
            raise NotAllowed(NO_SEAT, code="no_posting")
        return Response(s.LocatedSerializer(locate(*point_of(request.query_params))).data)


class GridsGeoJson(APIView):
    """All active grids as a GeoJSON FeatureCollection in WGS-84."""

    @extend_schema(responses={(200, "application/geo+json"): OpenApiTypes.OBJECT})
    def get(self, request: Request) -> Response:
        features = [
            {
                "type": "Feature",
                "id": grid.code,
                "geometry": grid.boundary,
                "properties": {
                    "code": grid.code,
                    "name": grid.name,
                    "office": grid.office.code,
                    "lead_community": grid.lead_community.code,
                    "is_demo": grid.is_demo,
                },
            }
            for grid in Grid.objects.visible_to(request.user)
            .filter(is_active=True)
            .select_related("office", "lead_community")
            .order_by("code")
        ]
        body = {"type": "FeatureCollection", "features": features}
        return Response(body, content_type="application/geo+json")


class CommunityList(generics.ListAPIView[Community]):
    """社区, by code."""

    queryset = Community.objects.none()
    serializer_class = s.CommunitySerializer
    filterset_class = f.CommunityFilter
    pagination_class = ByCode

    def get_queryset(self) -> QuerySet[Community]:
        rows: QuerySet[Community] = Community.objects.visible_to(self.request.user)
        return rows.select_related("subdistrict")


class OfficeList(generics.ListAPIView[Office]):
    """市场监管所, by code."""

    queryset = Office.objects.none()
    serializer_class = s.OfficeSerializer
    pagination_class = ByCode

    def get_queryset(self) -> QuerySet[Office]:
        return Office.objects.visible_to(self.request.user)


class DepartmentList(generics.ListAPIView[Department]):
    """部门 that a community may whistle for, by code."""

    queryset = Department.objects.none()
    serializer_class = s.DepartmentSerializer
    pagination_class = ByCode

    def get_queryset(self) -> QuerySet[Department]:
        return Department.objects.visible_to(self.request.user)


class EntityList(generics.ListAPIView[BusinessEntity]):
    """The register. With `near=lon,lat` (and `crs`, WGS-84 if left out): the 10 nearest, with distance."""

    queryset = BusinessEntity.objects.none()
    serializer_class = s.EntitySerializer
    filterset_class = f.EntityFilter
    pagination_class = BestFirst

    def get_queryset(self) -> QuerySet[BusinessEntity]:
        return BusinessEntity.objects.visible_to(self.request.user).select_related("grid", "community")

    @extend_schema(
        parameters=[
            OpenApiParameter("near", OpenApiTypes.STR, description="lon,lat"),
            OpenApiParameter("crs", OpenApiTypes.STR, enum=CRS_NAMES),
        ]
    )
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        near = request.query_params.get("near")
        if near is None:
            return self.list(request, *args, **kwargs)
        lon, _, lat = near.partition(",")
        crs = request.query_params.get("crs", "wgs84")
        try:
            point = point_of({"lon": lon, "lat": lat, "crs": crs})
        except serializers.ValidationError as refused:
            detail: Any = refused.detail
            raise serializers.ValidationError(
                {"crs" if "crs" in detail else "near": detail.get("crs", "应为 经度，纬度 两个数字。")}
            ) from None
        rows = nearest(self.filter_queryset(self.get_queryset()), *point)
        found = self.get_serializer(rows, many=True).data
        return Response({"next": None, "previous": None, "results": found})
