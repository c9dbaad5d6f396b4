"""Endpoints of look-backs (回头看): what is to be done, and doing it."""

from __future__ import annotations

from functools import partial
from typing import Any

import django_filters as f
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import generics, serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from grids.access import scope_of
from kernel import clock
from kernel.api import CursorPages, StrictSerializer, both_slashes, etag, require_version
from kernel.deadlines import policy as arithmetic
from leads import look_backs
from leads.api import after_bodies
from leads.api import serializers as s
from leads.api.after_shapes import LookBackOut
from leads.api.views import IF_MATCH, user_of
from leads.models import LookBack


class LookBackFilter(f.FilterSet):
    """`due=true`: still to be done, and owed by the end of today."""

    state = f.MultipleChoiceFilter(choices=LookBack.State.choices)
    grid = f.CharFilter(field_name="lead__grid__code", max_length=20)
    lead = f.NumberFilter(field_name="lead_id", min_value=0, max_value=2**63 - 1, decimal_places=0)
    due = f.BooleanFilter(method="by_due", label="due")

    class Meta:
        model = LookBack
        fields: list[str] = []

    def by_due(self, rows: Any, name: str, value: bool) -> Any:
        owed = look_backs.due_by(arithmetic.end_of_day(clock.today()))
        return rows.filter(owed) if value else rows.exclude(owed)


class CompleteSerializer(StrictSerializer):
    result = serializers.ChoiceField(choices=LookBack.Result.choices)
    note = serializers.CharField(max_length=2000)
    evidence = s.EvidenceListField(required=False, default=((), ()))


def rows_for(request: Request) -> Any:
    seen = LookBack.objects.visible_to(user_of(request))
    return seen.select_related("lead", "by", "on_behalf_of")


class LookBackList(generics.GenericAPIView[LookBack]):
    """Look-backs of the leads that one may see, the one owed first on top."""

    pagination_class = CursorPages
    filterset_class = LookBackFilter
    ordering = ("due_at", "id")
    serializer_class = LookBackOut

    def get_queryset(self) -> Any:
        if getattr(self, "swagger_fake_view", False):
            return LookBack.objects.none()
        return rows_for(self.request)

    @extend_schema(operation_id="look_backs_list", responses={200: LookBackOut(many=True)})
    def get(self, request: Request) -> Response:
        page = self.paginate_queryset(self.filter_queryset(self.get_queryset()))
        return self.get_paginated_response([after_bodies.look_back(one, mask=True) for one in page or []])


def answer(row: LookBack, request: Request) -> Response:
    """One look-back with its ETag; masked for the auditor."""
    body = after_bodies.look_back(row, mask=scope_of(user_of(request)).is_auditor)
    return Response(body, headers={"ETag": etag(row.version)})


class LookBackDetail(APIView):
    @extend_schema(operation_id="look_backs_read", responses={200: LookBackOut})
    def get(self, request: Request, pk: int) -> Response:
        return answer(generics.get_object_or_404(rows_for(request), pk=pk), request)


class Complete(APIView):
    """登记回头看结果."""

    @extend_schema(
        operation_id="look_backs_complete",
        request=CompleteSerializer,
        parameters=[IF_MATCH],
        responses={200: LookBackOut, 412: OpenApiResponse(description="stale")},
    )
    def post(self, request: Request, pk: int) -> Response:
        given = CompleteSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        said = given.validated_data
        ids, hashes = said["evidence"]
        look_backs.complete(
            look_back_id=pk,
            by=user_of(request),
            expect=partial(require_version, request),
            passed=said["result"] == LookBack.Result.PASSED,
            note=said["note"],
            evidence=ids,
            awaited=hashes,
        )
        return answer(rows_for(request).get(pk=pk), request)


urlpatterns = [
    *both_slashes("look-backs", LookBackList.as_view(), "look-backs"),
    *both_slashes("look-backs/<int:pk>", LookBackDetail.as_view(), "look-back"),
    *both_slashes("look-backs/<int:pk>/complete", Complete.as_view(), "look-back-complete"),
]
