"""Endpoints of supervision orders (督办单)."""

from __future__ import annotations

from functools import partial
from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import generics
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from grids.access import scope_of
from kernel.api import CursorPages, etag, require_version
from leads import supervision
from leads.api import bodies
from leads.api import serializers as s
from leads.api.filters import OrderFilter
from leads.api.views import IF_MATCH, user_of
from leads.models import Lead, SupervisionOrder


def orders(request: Request) -> Any:
    """Orders on leads that the person may see."""
    seen = Lead.objects.visible_to(user_of(request))
    return (
        SupervisionOrder.objects.filter(lead__in=seen)
        .select_related("lead")
        .prefetch_related("acknowledgements__by", "acknowledgements__on_behalf_of")
    )


def one(row: SupervisionOrder, request: Request) -> Response:
    """One order with its ETag; masked for the auditor."""
    body = bodies.orders([row], mask=scope_of(user_of(request)).is_auditor)[0]
    return Response(body, headers={"ETag": etag(row.version)})


class OrderList(generics.GenericAPIView[SupervisionOrder]):
    pagination_class = CursorPages
    filterset_class = OrderFilter
    serializer_class = s.OrderOut

    def get_queryset(self) -> Any:
        if getattr(self, "swagger_fake_view", False):
            return SupervisionOrder.objects.none()
        return orders(self.request)

    @extend_schema(operation_id="supervision_orders_list", responses={200: s.OrderOut(many=True)})
    def get(self, request: Request) -> Response:
        page = self.paginate_queryset(self.filter_queryset(self.get_queryset()))
        return self.get_paginated_response(bodies.orders(page or []))


class OrderDetail(APIView):
    @extend_schema(operation_id="supervision_orders_read", responses={200: s.OrderOut})
    def get(self, request: Request, pk: int) -> Response:
        row = generics.get_object_or_404(orders(request), pk=pk)
        return one(row, request)


class Acknowledge(APIView):
    """签收督办单."""

    @extend_schema(
        operation_id="supervision_orders_acknowledge",
        request=s.AcknowledgeSerializer,
        parameters=[IF_MATCH],
        responses={200: s.OrderOut},
    )
    def post(self, request: Request, pk: int) -> Response:
        given = s.AcknowledgeSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        supervision.acknowledge(
            order_id=pk,
            by=user_of(request),
            expect=partial(require_version, request),
            **given.validated_data,
        )
        row = orders(request).get(pk=pk)
        return one(row, request)
