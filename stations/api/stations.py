"""Stations: reference data, a station's desk of today, the shops of its circle (API.md)."""

from __future__ import annotations

from typing import Any

from django.db.models import Count, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce
from drf_spectacular.utils import extend_schema
from rest_framework import generics, serializers, status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from kernel import clock
from kernel.api import CursorPages, both_slashes
from leads.api.views import user_of
from stations import circles, selectors
from stations.api import bodies, shapes
from stations.api import given as g
from stations.api.filters import CircleShopFilter, StationFilter
from stations.models import CircleShop, Station


def full(rows: QuerySet[Station]) -> QuerySet[Station]:
    """Stations with all that one shows: two statements, and those of `bodies.stations`."""
    today = clock.today()
    now = Q(since__lte=today) & (Q(until__isnull=True) | Q(until__gt=today))
    of_it = CircleShop.objects.filter(now, station=OuterRef("pk")).order_by().values("station")
    counted = Coalesce(Subquery(of_it.annotate(n=Count("id")).values("n")), 0)
    return rows.select_related("community", "grid").prefetch_related("hours").annotate(circle_shops=counted)


class ByCode(CursorPages):
    ordering = "code"


class StationList(generics.GenericAPIView[Station]):
    """消费维权服务站, by code."""

    queryset = Station.objects.none()
    serializer_class = shapes.StationOut
    filterset_class = StationFilter
    pagination_class = ByCode

    def get_queryset(self) -> QuerySet[Station]:
        if getattr(self, "swagger_fake_view", False):
            return Station.objects.none()
        return Station.objects.visible_to(user_of(self.request))

    @extend_schema(operation_id="stations_list", responses={200: shapes.StationOut(many=True)})
    def get(self, request: Request) -> Response:
        page = self.paginate_queryset(full(self.filter_queryset(self.get_queryset())))
        return self.get_paginated_response(bodies.stations(page or [], clock.now()))


class StationDetail(APIView):
    @extend_schema(operation_id="stations_read", responses={200: shapes.StationOut})
    def get(self, request: Request, code: str) -> Response:
        """Kind, place, hours, and who mediates there now."""
        rows = full(Station.objects.visible_to(user_of(request)))
        row = generics.get_object_or_404(rows, code=code)
        return Response(bodies.stations([row], clock.now())[0])


class Today(APIView):
    """今日安排: for who works at the station, or looks after it."""

    @extend_schema(operation_id="stations_today", responses={200: shapes.TodayOut})
    def get(self, request: Request, code: str) -> Response:
        station = circles.inside(code, by=user_of(request))
        at = clock.now()
        return Response(
            {
                "station": bodies.named(station),
                "day": clock.local_date(at).isoformat(),
                "sessions": [
                    bodies.session(row, row.dispute) for row in selectors.todays_sessions(station, at)
                ],
                "disputes": bodies.dispute_rows(selectors.running(station)),
            }
        )


class Shops(generics.GenericAPIView[CircleShop]):
    """商圈店铺: those that belong to it today; enter one."""

    pagination_class = CursorPages
    filterset_class = CircleShopFilter

    def get_queryset(self) -> Any:
        if getattr(self, "swagger_fake_view", False):
            return CircleShop.objects.none()
        self.station = circles.inside(self.kwargs["code"], by=user_of(self.request))
        return circles.shops(self.station, clock.today())

    def get_serializer_class(self) -> type[serializers.BaseSerializer[Any]]:
        return g.CircleShopIn if self.request.method == "POST" else shapes.CircleShopOut

    @extend_schema(operation_id="stations_shops_list", responses={200: shapes.CircleShopOut(many=True)})
    def get(self, request: Request, code: str) -> Response:
        page = self.paginate_queryset(self.filter_queryset(self.get_queryset()))
        return self.get_paginated_response([bodies.circle_shop(row, self.station) for row in page or []])

    @extend_schema(
        operation_id="stations_shops_join",
        request=g.CircleShopIn,
        responses={200: shapes.CircleShopOut, 201: shapes.CircleShopOut},
    )
    def post(self, request: Request, code: str) -> Response:
        """A shop belongs to this circle from today, or from `since` on."""
        form = g.CircleShopIn(data=request.data)
        form.is_valid(raise_exception=True)
        said = form.validated_data
        joined = circles.join(code=code, entity_id=said["entity"], by=user_of(request), since=said["since"])
        body = bodies.circle_shop(joined.shop, joined.shop.station)
        return Response(body, status=status.HTTP_201_CREATED if joined.created else status.HTTP_200_OK)


class ShopLeaves(APIView):
    """退出商圈."""

    @extend_schema(
        operation_id="stations_shops_leave",
        request=g.CircleShopLeaveIn,
        responses={200: shapes.CircleShopOut},
    )
    def post(self, request: Request, code: str, pk: int) -> Response:
        """A shop belongs to this circle no more from today, or from `until` on. Repeated, it is the same."""
        form = g.CircleShopLeaveIn(data=request.data)
        form.is_valid(raise_exception=True)
        until = form.validated_data["until"]
        row = circles.leave(code=code, shop_id=pk, by=user_of(request), until=until)
        return Response(bodies.circle_shop(row, row.station))


urlpatterns = [
    *both_slashes("stations", StationList.as_view(), "stations"),
    *both_slashes("stations/<str:code>", StationDetail.as_view(), "station"),
    *both_slashes("stations/<str:code>/today", Today.as_view(), "station-today"),
    *both_slashes("stations/<str:code>/shops", Shops.as_view(), "station-shops"),
    *both_slashes("stations/<str:code>/shops/<int:pk>/leave", ShopLeaves.as_view(), "station-shop-leave"),
]
