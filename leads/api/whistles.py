"""Endpoints of whistles (社区吹哨、部门报到; API.md)."""

from __future__ import annotations

from abc import abstractmethod
from functools import partial
from typing import Any

import django_filters as f
from django.db.models import Exists, OuterRef, Prefetch, Q, QuerySet
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import generics, serializers, status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from grids.access import scope_of
from kernel.api import CursorPages, both_slashes, etag, require_version
from leads import whistle_calls, whistles
from leads.acts import Expect
from leads.api import serializers as s
from leads.api.views import IF_MATCH, user_of
from leads.api.whistle_shapes import (
    WhistleAnswerSerializer,
    WhistleCallSerializer,
    WhistleCheckInSerializer,
    WhistleCloseSerializer,
    WhistleOut,
    WhistleReportSerializer,
    WhistleSerializer,
    body,
)
from leads.models import Whistle, WhistleCall, WhistleEvidence
from leads.whistle_states import Answer, CallState, WhistleState


def full(rows: QuerySet[Whistle]) -> QuerySet[Whistle]:
    """Whistles with all that a row shows, in a fixed number of statements."""
    calls = WhistleCall.objects.select_related(
        "department", "policy", "answered_by", "checked_in_by", "reported_by"
    ).order_by("id")
    return rows.select_related(
        "lead__category", "grid", "called_by", "on_behalf_of", "closed_by"
    ).prefetch_related(
        Prefetch("calls", queryset=calls),
        Prefetch("calls__evidence", queryset=WhistleEvidence.objects.order_by("id")),
    )


class WhistleFilter(f.FilterSet):
    """`state` of the whistle, `department` and `call_state` of its calls, `late`: any clock run out."""

    state = f.ChoiceFilter(choices=WhistleState.choices)
    department = f.CharFilter(method="by_department", max_length=20, label="department")
    call_state = f.ChoiceFilter(choices=CallState.choices, method="by_call_state", label="call_state")
    late = f.BooleanFilter(method="by_late", label="late")
    grid = f.CharFilter(field_name="grid__code", max_length=20)
    lead = f.NumberFilter(field_name="lead_id", min_value=0, max_value=s.BIGGEST, decimal_places=0)
    called_after = f.IsoDateTimeFilter(field_name="called_at", lookup_expr="gte")
    called_before = f.IsoDateTimeFilter(field_name="called_at", lookup_expr="lt")

    class Meta:
        model = Whistle
        fields: list[str] = []

    def by_department(self, rows: Any, name: str, value: str) -> Any:
        return rows.filter(_has_call(department__code=value))

    def by_call_state(self, rows: Any, name: str, value: str) -> Any:
        return rows.filter(_has_call(state=value))

    def by_late(self, rows: Any, name: str, value: bool) -> Any:
        late = _has_call(Q(answer_late=True) | Q(on_site_late=True))
        return rows.filter(late) if value else rows.exclude(late)


def _has_call(*conditions: Q, **values: Any) -> Exists:
    return Exists(WhistleCall.objects.filter(*conditions, whistle=OuterRef("pk"), **values))


def visible(request: Request) -> QuerySet[Whistle]:
    return Whistle.objects.visible_to(user_of(request))


def answered(whistle_id: int, request: Request, code: int = status.HTTP_200_OK) -> Response:
    """The whistle as it is now, with its ETag."""
    row = full(Whistle.objects.filter(pk=whistle_id)).get()
    told = body(row, mask=scope_of(user_of(request)).is_auditor)
    headers = {"ETag": etag(row.version)}
    if code == status.HTTP_201_CREATED:
        headers["Location"] = f"/api/v1/whistles/{row.pk}/"
    return Response(told, status=code, headers=headers)


class WhistleList(generics.GenericAPIView[Whistle]):
    """Call departments; list what one may see, newest first."""

    pagination_class = CursorPages
    filterset_class = WhistleFilter
    ordering_fields = ("id", "called_at")

    def get_queryset(self) -> Any:
        if getattr(self, "swagger_fake_view", False):
            return Whistle.objects.none()
        return visible(self.request)

    def get_serializer_class(self) -> type[serializers.BaseSerializer[Any]]:
        return WhistleSerializer if self.request.method == "POST" else WhistleOut

    @extend_schema(operation_id="whistles_list", responses={200: WhistleOut(many=True)})
    def get(self, request: Request) -> Response:
        page = self.paginate_queryset(full(self.filter_queryset(self.get_queryset())))
        return self.get_paginated_response([body(row) for row in page or []])

    @extend_schema(
        operation_id="whistles_blow",
        request=WhistleSerializer,
        responses={
            200: WhistleOut,
            201: WhistleOut,
            404: OpenApiResponse(description="没有这条线索，或者无权查看"),
        },
    )
    def post(self, request: Request) -> Response:
        given = WhistleSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        made = whistles.blow(request=given.asked(), by=user_of(request))
        code = status.HTTP_201_CREATED if made.created else status.HTTP_200_OK
        return answered(made.whistle.pk, request, code)


class WhistleDetail(APIView):
    @extend_schema(operation_id="whistles_read", responses={200: WhistleOut})
    def get(self, request: Request, pk: int) -> Response:
        generics.get_object_or_404(visible(request), pk=pk)
        return answered(pk, request)


class WhistleStep(APIView):
    """One act on one whistle: read the body, call the service, answer with the whistle."""

    serializer_class: type[serializers.Serializer[Any]]

    def post(self, request: Request, pk: int) -> Response:
        given = self.serializer_class(data=request.data)
        given.is_valid(raise_exception=True)
        self.act(pk, request, given, partial(require_version, request))
        return answered(pk, request)

    @abstractmethod
    def act(self, pk: int, request: Request, given: Any, expect: Expect) -> Whistle:
        """Call the one service of this act."""


def step_schema(name: str, body_in: type[serializers.Serializer[Any]]) -> Any:
    return extend_schema(
        operation_id=f"whistles_{name}",
        request=body_in,
        parameters=[IF_MATCH],
        responses={
            200: WhistleOut,
            412: OpenApiResponse(description="stale"),
            428: OpenApiResponse(description="If-Match missing"),
        },
    )


class CallMore(WhistleStep):
    """再叫其他部门."""

    serializer_class = WhistleCallSerializer

    @step_schema("call", WhistleCallSerializer)
    def post(self, request: Request, pk: int) -> Response:
        return super().post(request, pk)

    def act(self, pk: int, request: Request, given: Any, expect: Expect) -> Whistle:
        return whistles.call_more(whistle_id=pk, by=user_of(request), expect=expect, **given.validated_data)


class AnswerCall(WhistleStep):
    """部门回应."""

    serializer_class = WhistleAnswerSerializer

    @step_schema("answer", WhistleAnswerSerializer)
    def post(self, request: Request, pk: int) -> Response:
        return super().post(request, pk)

    def act(self, pk: int, request: Request, given: Any, expect: Expect) -> Whistle:
        return whistle_calls.answer(
            whistle_id=pk,
            by=user_of(request),
            expect=expect,
            answer=Answer(given.validated_data["answer"]),
            word=given.word(),
            note=given.validated_data["note"],
        )


class CheckIn(WhistleStep):
    """到场签到."""

    serializer_class = WhistleCheckInSerializer

    @step_schema("check_in", WhistleCheckInSerializer)
    def post(self, request: Request, pk: int) -> Response:
        return super().post(request, pk)

    def act(self, pk: int, request: Request, given: Any, expect: Expect) -> Whistle:
        return whistle_calls.check_in(
            whistle_id=pk,
            by=user_of(request),
            expect=expect,
            word=given.word(),
            place=given.place(),
            note=given.validated_data["note"],
        )


class ReportCall(WhistleStep):
    """部门报告处置情况."""

    serializer_class = WhistleReportSerializer

    @step_schema("report", WhistleReportSerializer)
    def post(self, request: Request, pk: int) -> Response:
        return super().post(request, pk)

    def act(self, pk: int, request: Request, given: Any, expect: Expect) -> Whistle:
        ids, hashes = given.validated_data["evidence"]
        return whistle_calls.report(
            whistle_id=pk,
            by=user_of(request),
            expect=expect,
            word=given.word(),
            note=given.validated_data["note"],
            evidence=ids,
            awaited=hashes,
        )


class CloseWhistle(WhistleStep):
    """结束吹哨."""

    serializer_class = WhistleCloseSerializer

    @step_schema("close", WhistleCloseSerializer)
    def post(self, request: Request, pk: int) -> Response:
        return super().post(request, pk)

    def act(self, pk: int, request: Request, given: Any, expect: Expect) -> Whistle:
        return whistles.close(whistle_id=pk, by=user_of(request), expect=expect, **given.validated_data)


urlpatterns = [
    *both_slashes("whistles", WhistleList.as_view(), "whistles"),
    *both_slashes("whistles/<int:pk>", WhistleDetail.as_view(), "whistle"),
    *both_slashes("whistles/<int:pk>/call", CallMore.as_view(), "whistle-call"),
    *both_slashes("whistles/<int:pk>/answer", AnswerCall.as_view(), "whistle-answer"),
    *both_slashes("whistles/<int:pk>/check-in", CheckIn.as_view(), "whistle-check-in"),
    *both_slashes("whistles/<int:pk>/report", ReportCall.as_view(), "whistle-report"),
    *both_slashes("whistles/<int:pk>/close", CloseWhistle.as_view(), "whistle-close"),
]
