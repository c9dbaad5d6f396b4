"""Endpoints of doing patrols: a task, a stretch, a visit outside the plan, what to know at the door."""

from __future__ import annotations

from functools import partial
from typing import Any

import django_filters as f
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import generics, serializers, status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from grids.access import scope_of
from kernel.api import CursorPages, etag, require_version
from kernel.errors import Malformed
from leads.api.views import IF_MATCH, user_of
from leads.selectors import reads_masked
from patrols import doing, entering
from patrols.api import visit_shapes as s
from patrols.kinds import How, Result
from patrols.models import PatrolVisit


def skewed(request: Request) -> bool:
    return bool(getattr(request._request, "clock_skewed", False))


def full(rows: Any) -> Any:
    """Visits with all that a row shows, in one statement."""
    return rows.select_related(
        "task", "entity", "grid", "by", "on_behalf_of", "lead", "paper__officer", "paper__second_officer"
    )


def answer(visit: PatrolVisit, request: Request, code: int = status.HTTP_200_OK) -> Response:
    """The visit as it is now, with the ETag of its task."""
    fresh = full(PatrolVisit.objects.filter(pk=visit.pk)).get()
    body = s.visits([fresh], mask=reads_masked(scope_of(user_of(request))))[0]
    headers = {"ETag": etag(fresh.task.version)} if fresh.task else {}
    return Response(body, status=code, headers=headers)


class CompleteTask(APIView):
    """完成巡查任务."""

    @extend_schema(
        operation_id="patrols_tasks_complete",
        request=s.CompleteTaskSerializer,
        parameters=[IF_MATCH],
        responses={200: s.VisitOut, 412: OpenApiResponse(description="stale")},
        description="A grid worker's patrol takes no `inspection`; 每周查 needs it whole. The same "
        "`client_uid` with the same content answers the first result, whatever the version.",
    )
    def post(self, request: Request, pk: int) -> Response:
        given = s.CompleteTaskSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        visit = doing.complete(
            task_id=pk,
            by=user_of(request),
            expect=partial(require_version, request),
            given=given.given(clock_skewed=skewed(request)),
        )
        return answer(visit, request)


class CompleteBatch(APIView):
    """沿街巡查，一次提交."""

    @extend_schema(
        operation_id="patrols_tasks_complete_batch",
        request=s.StretchSerializer,
        responses={
            200: s.StretchOut,
            201: s.StretchOut,
            404: OpenApiResponse(description="没有其中一项任务，或者无权查看"),
            409: OpenApiResponse(description="none was done"),
        },
        description="All or nothing; 409 names each task that stands in the way (`attr`: `tasks.<id>`).",
    )
    def post(self, request: Request) -> Response:
        given = s.StretchSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        stretch = given.stretch(clock_skewed=skewed(request))
        try:
            done = doing.complete_batch(by=user_of(request), stretch=stretch)
        except doing.StretchRefused as refused:
            errors = [{"code": e.code, "detail": e.detail, "attr": e.attr} for e in refused.errors]
            return Response({"type": "domain_error", "errors": errors}, status=refused.status)
        rows = full(PatrolVisit.objects.filter(pk__in=[one.pk for one in done.visits])).order_by("id")
        body = {
            "stretch": str(stretch.client_uid),
            "visits": s.visits(list(rows), mask=reads_masked(scope_of(user_of(request)))),
        }
        return Response(body, status=status.HTTP_201_CREATED if done.created else status.HTTP_200_OK)


class VisitFilter(f.FilterSet):
    """`by=me` or a person's number; `from` and `to` are dates, both included; `how` keeps single visits and
    stretches apart; `planned=false` those outside the plan."""

    entity = f.NumberFilter(field_name="entity_id", min_value=0, max_value=s.BIGGEST, decimal_places=0)
    grid = f.CharFilter(field_name="grid__code", max_length=20)
    result = f.MultipleChoiceFilter(choices=Result.choices)
    how = f.MultipleChoiceFilter(choices=How.choices)
    stretch = f.UUIDFilter()
    planned = f.BooleanFilter(field_name="task", lookup_expr="isnull", exclude=True)
    by = f.CharFilter(method="by_person", max_length=20, label="by")

    class Meta:
        model = PatrolVisit
        fields: list[str] = []

    def by_person(self, rows: Any, name: str, value: str) -> Any:
        if value == "me":
            return rows.filter(by_id=self.request.user.pk)
        if not (value.isascii() and value.isdigit()) or int(value) > s.BIGGEST:
            raise serializers.ValidationError({"by": "请填写 me 或人员编号。"})
        return rows.filter(by_id=int(value))


# `from` is a word of the language: a class body cannot name it.
VisitFilter.base_filters["from"] = f.DateFilter(field_name="done_on", lookup_expr="gte")
VisitFilter.base_filters["to"] = f.DateFilter(field_name="done_on", lookup_expr="lte")


class VisitList(generics.GenericAPIView[PatrolVisit]):
    """Visits that one may see, newest first; call on a shop outside the plan."""

    pagination_class = CursorPages
    filterset_class = VisitFilter

    def get_queryset(self) -> Any:
        if getattr(self, "swagger_fake_view", False):
            return PatrolVisit.objects.none()
        return full(PatrolVisit.objects.visible_to(user_of(self.request)))

    def get_serializer_class(self) -> type[serializers.BaseSerializer[Any]]:
        return s.VisitSerializer if self.request.method == "POST" else s.VisitOut

    @extend_schema(operation_id="patrols_visits_list", responses={200: s.VisitOut(many=True)})
    def get(self, request: Request) -> Response:
        page = self.paginate_queryset(self.filter_queryset(self.get_queryset()))
        return self.get_paginated_response(s.visits(page or []))

    @extend_schema(
        operation_id="patrols_visits_make",
        request=s.VisitSerializer,
        responses={
            200: s.VisitOut,
            201: s.VisitOut,
            404: OpenApiResponse(description="没有这个经营主体，或者无权查看"),
        },
        description="无事不扰: a shop of grade A or B is called on outside the plan only with a reason.",
    )
    def post(self, request: Request) -> Response:
        given = s.VisitSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        visit, created = doing.visit(
            entity_id=given.validated_data["entity"],
            by=user_of(request),
            given=given.given(clock_skewed=skewed(request)),
            reason=given.validated_data["reason"],
        )
        return answer(visit, request, status.HTTP_201_CREATED if created else status.HTTP_200_OK)


class BeforeEntering(APIView):
    """入店前先看一眼."""

    @extend_schema(
        operation_id="patrols_before",
        parameters=[OpenApiParameter("entity", int, required=True)],
        responses={200: s.BeforeOut, 404: OpenApiResponse(description="没有这个经营主体，或者无权查看")},
    )
    def get(self, request: Request) -> Response:
        raw = request.query_params.get("entity", "")
        if not (raw.isascii() and raw.isdigit()) or len(raw) > 19:
            raise Malformed("请指明经营主体编号。", code="invalid", attr="entity")
        return Response(s.before(entering.before(entity_id=int(raw), by=user_of(request))))
