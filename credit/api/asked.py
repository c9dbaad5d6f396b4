"""Endpoints of 等级申诉 and 信用修复: entered for a shop, decided by section CREDIT (API.md)."""

from __future__ import annotations

from functools import partial
from typing import Any

import django_filters as filters
from django.http import Http404
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import generics, serializers, status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from credit import appeals, repairs
from credit.api import bodies, shapes
from credit.api.standing import of_entity, user_of
from credit.models import Appeal, Repair
from credit.models.asking import Outcome
from grids.access import scope_of
from kernel.api import CursorPages, both_slashes, etag, require_version

IF_MATCH = OpenApiParameter(
    "If-Match", str, OpenApiParameter.HEADER, description='`"v<version>"`', required=False
)


class AskedFilter(filters.FilterSet):
    entity = of_entity()
    state = filters.MultipleChoiceFilter(choices=Outcome.choices, label="状态")


class AppealFilter(AskedFilter):
    class Meta:
        model = Appeal
        fields: list[str] = []


class RepairFilter(AskedFilter):
    class Meta:
        model = Repair
        fields: list[str] = []


def appeals_of(request: Request) -> Any:
    rows = Appeal.objects.visible_to(user_of(request))
    return rows.select_related("entity__grid", "assessment", "asked_by", "decided_by").prefetch_related(
        "disputed"
    )


def repairs_of(request: Request) -> Any:
    rows = Repair.objects.visible_to(user_of(request))
    return rows.select_related("entity__grid", "fact", "asked_by", "decided_by")


def masks(request: Request) -> bool:
    """Are numbers in what people wrote hidden on one matter's own answer? In lists they always are."""
    return scope_of(user_of(request)).is_auditor


def appeal_answer(number: int, request: Request, code: int = status.HTTP_200_OK) -> Response:
    row = appeals_of(request).filter(pk=number).first()
    if row is None:
        raise Http404
    [body] = bodies.appeals([row], mask=masks(request))
    return Response(body, status=code, headers={"ETag": etag(row.version)})


def repair_answer(number: int, request: Request, code: int = status.HTTP_200_OK) -> Response:
    row = repairs_of(request).filter(pk=number).first()
    if row is None:
        raise Http404
    [body] = bodies.repairs([row], mask=masks(request))
    return Response(body, status=code, headers={"ETag": etag(row.version)})


def _made(created: bool) -> int:
    return status.HTTP_201_CREATED if created else status.HTTP_200_OK


def _schema(
    operation: str, body: type[serializers.Serializer[Any]], answer: type[serializers.Serializer[Any]]
) -> Any:
    return extend_schema(
        operation_id=operation,
        request=body,
        parameters=[IF_MATCH],
        responses={
            200: answer,
            412: OpenApiResponse(description="stale"),
            428: OpenApiResponse(description="If-Match missing"),
        },
    )


class AppealList(generics.GenericAPIView[Appeal]):
    """申诉, newest first; enter one for a shop."""

    pagination_class = CursorPages
    filterset_class = AppealFilter

    def get_queryset(self) -> Any:
        if getattr(self, "swagger_fake_view", False):
            return Appeal.objects.none()
        return appeals_of(self.request)

    def get_serializer_class(self) -> type[serializers.BaseSerializer[Any]]:
        return shapes.AppealSerializer if self.request.method == "POST" else shapes.AppealOut

    @extend_schema(operation_id="credit_appeals_list", responses={200: shapes.AppealOut(many=True)})
    def get(self, request: Request) -> Response:
        page = self.paginate_queryset(self.filter_queryset(self.get_queryset()))
        return self.get_paginated_response(bodies.appeals(page or [], mask=True))

    @extend_schema(
        operation_id="credit_appeals_ask",
        request=shapes.AppealSerializer,
        responses={
            200: shapes.AppealOut,
            201: shapes.AppealOut,
            404: OpenApiResponse(description="没有这个经营主体，或者无权查看"),
        },
    )
    def post(self, request: Request) -> Response:
        given = shapes.AppealSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        said = given.validated_data
        row, created = appeals.ask(
            given=appeals.Given(said["entity"], said["assessment"], given.entry(), tuple(said["disputed"])),
            by=user_of(request),
        )
        return appeal_answer(row.pk, request, _made(created))


class AppealDetail(APIView):
    @extend_schema(operation_id="credit_appeals_read", responses={200: shapes.AppealOut})
    def get(self, request: Request, pk: int) -> Response:
        """One appeal, with the answer as a text to hand to the shop."""
        return appeal_answer(pk, request)


class AppealDecide(APIView):
    """审核: does it hold, and which facts do not?"""

    @_schema("credit_appeals_decide", shapes.DecideAppealSerializer, shapes.AppealOut)
    def post(self, request: Request, pk: int) -> Response:
        given = shapes.DecideAppealSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        said = given.validated_data
        appeals.decide(
            appeal_id=pk,
            by=user_of(request),
            uphold=said["upheld"],
            expect=partial(require_version, request),
            note=said["note"],
            withdrawn=said["withdrawn"],
        )
        return appeal_answer(pk, request)


class AppealWithdraw(APIView):
    """撤回, before it is decided."""

    @_schema("credit_appeals_withdraw", shapes.CreditActSerializer, shapes.AppealOut)
    def post(self, request: Request, pk: int) -> Response:
        shapes.CreditActSerializer(data=request.data).is_valid(raise_exception=True)
        appeals.take_back(appeal_id=pk, by=user_of(request), expect=partial(require_version, request))
        return appeal_answer(pk, request)


class RepairList(generics.GenericAPIView[Repair]):
    """信用修复, newest first; apply for one for a shop."""

    pagination_class = CursorPages
    filterset_class = RepairFilter

    def get_queryset(self) -> Any:
        if getattr(self, "swagger_fake_view", False):
            return Repair.objects.none()
        return repairs_of(self.request)

    def get_serializer_class(self) -> type[serializers.BaseSerializer[Any]]:
        return shapes.RepairSerializer if self.request.method == "POST" else shapes.RepairOut

    @extend_schema(operation_id="credit_repairs_list", responses={200: shapes.RepairOut(many=True)})
    def get(self, request: Request) -> Response:
        page = self.paginate_queryset(self.filter_queryset(self.get_queryset()))
        return self.get_paginated_response(bodies.repairs(page or [], mask=True))

    @extend_schema(
        operation_id="credit_repairs_ask",
        request=shapes.RepairSerializer,
        responses={
            200: shapes.RepairOut,
            201: shapes.RepairOut,
            404: OpenApiResponse(description="没有这条处罚，或者无权查看"),
        },
    )
    def post(self, request: Request) -> Response:
        given = shapes.RepairSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        row, created = repairs.ask(
            given=repairs.Given(given.validated_data["fact"], given.entry()), by=user_of(request)
        )
        return repair_answer(row.pk, request, _made(created))


class RepairDetail(APIView):
    @extend_schema(operation_id="credit_repairs_read", responses={200: shapes.RepairOut})
    def get(self, request: Request, pk: int) -> Response:
        return repair_answer(pk, request)


class RepairDecide(APIView):
    """审核 of an application for repair."""

    @_schema("credit_repairs_decide", shapes.DecideRepairSerializer, shapes.RepairOut)
    def post(self, request: Request, pk: int) -> Response:
        given = shapes.DecideRepairSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        said = given.validated_data
        repairs.decide(
            repair_id=pk,
            by=user_of(request),
            uphold=said["upheld"],
            expect=partial(require_version, request),
            note=said["note"],
        )
        return repair_answer(pk, request)


urlpatterns = [
    *both_slashes("credit/appeals", AppealList.as_view(), "credit-appeals"),
    *both_slashes("credit/appeals/<int:pk>", AppealDetail.as_view(), "credit-appeal"),
    *both_slashes("credit/appeals/<int:pk>/decide", AppealDecide.as_view(), "credit-appeal-decide"),
    *both_slashes("credit/appeals/<int:pk>/withdraw", AppealWithdraw.as_view(), "credit-appeal-withdraw"),
    *both_slashes("credit/repairs", RepairList.as_view(), "credit-repairs"),
    *both_slashes("credit/repairs/<int:pk>", RepairDetail.as_view(), "credit-repair"),
    *both_slashes("credit/repairs/<int:pk>/decide", RepairDecide.as_view(), "credit-repair-decide"),
]
