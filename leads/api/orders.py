"""Endpoints of supervision orders (督办单)."""

from __future__ import annotations

from functools import partial
from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import generics, serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from grids.access import scope_of
from kernel.accounts.models import User
from kernel.api import CursorPages, etag, require_version
from kernel.errors import DomainError, StaleVersion
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
            **_said(given.validated_data),
        )
        row = orders(request).get(pk=pk)
        return one(row, request)


def _said(said: dict[str, Any]) -> dict[str, Any]:
    return {
        "instruction": said["instruction"], "note": said["note"], "assignee_id": said["assignee"],
    }  # fmt: skip


class OrderReceiptOut(serializers.Serializer[Any]):
    """What became of one order of many: acknowledged, or refused with the error it would get alone."""

    id = serializers.IntegerField()
    result = serializers.ChoiceField(choices=["acknowledged", "refused"])
    status = serializers.IntegerField()
    version = serializers.IntegerField(allow_null=True)
    code = serializers.CharField(allow_null=True)
    detail = serializers.CharField(allow_null=True)
    attr = serializers.CharField(allow_null=True)


class OrderReceiptsOut(serializers.Serializer[Any]):
    receipts = OrderReceiptOut(many=True)


class AcknowledgeMany(APIView):
    """签收多张督办单: each in a transaction of its own, with its own version; a receipt each, in order."""

    @extend_schema(
        operation_id="supervision_orders_acknowledge_many",
        request=s.AcknowledgeManySerializer,
        responses={200: OrderReceiptsOut},
    )
    def post(self, request: Request) -> Response:
        given = s.AcknowledgeManySerializer(data=request.data)
        given.is_valid(raise_exception=True)
        by = user_of(request)
        return Response({"receipts": [_receipt(said, by) for said in given.validated_data["orders"]]})


def _receipt(said: dict[str, Any], by: User) -> dict[str, Any]:
    def expect(current: int) -> None:
        if current != said["version"]:
            raise StaleVersion("督办单有了变化，请核对后再提交。", code="stale_version")

    receipt: dict[str, Any] = {
        "id": said["id"], "result": "acknowledged", "status": 200,
        "version": None, "code": None, "detail": None, "attr": None,
    }  # fmt: skip
    try:
        row = supervision.acknowledge(order_id=said["id"], by=by, expect=expect, **_said(said))
    except DomainError as refused:
        return receipt | {
            "result": "refused", "status": refused.status,
            "code": refused.code, "detail": refused.detail, "attr": refused.attr,
        }  # fmt: skip
    return receipt | {"version": row.version}
