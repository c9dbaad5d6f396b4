"""Reading the plan: tasks in walking order, quarterly reviews, completion, frequency, plans."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

import django_filters as f
from django.db.models import OuterRef, Q, QuerySet, Subquery
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import generics
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from grids import contacts
from grids.access import scope_of
from grids.models import BusinessEntity
from kernel import clock
from kernel.api import CursorPages, etag
from kernel.api.days import day_named, span_named
from kernel.api.shown import moment, person
from kernel.errors import NotAllowed
from leads.api.serializers import BIGGEST, NoBody
from leads.api.views import user_of
from patrols import completion, consenting, demand, review_lists, reviews
from patrols.api import task_shapes as s
from patrols.kinds import LIVE, Cause, TaskKind, TaskState
from patrols.models import PatrolTask, PlanRun
from patrols.review_lists import Listed


class TaskFilter(f.FilterSet):
    day = f.DateFilter(method="of_day", label="计划日期；含以前未办、周期未满的")
    kind = f.MultipleChoiceFilter(choices=TaskKind.choices)
    state = f.MultipleChoiceFilter(choices=TaskState.choices)
    grid = f.CharFilter("grid__code", max_length=20)
    assignee = f.NumberFilter("assignee_id", min_value=0, max_value=BIGGEST, decimal_places=0)
    entity = f.NumberFilter("entity_id", min_value=0, max_value=BIGGEST, decimal_places=0)
    mine = f.BooleanFilter(method="of_mine", label="只看本人承办的")

    class Meta:
        model = PatrolTask
        fields: list[str] = []

    def of_day(self, rows: QuerySet[Any], name: str, value: date) -> QuerySet[Any]:
        """Of this day; and what was planned before, is to be done still, and may be."""
        left = Q(planned_on__lt=value, period_end__gte=value, state__in=LIVE)
        return rows.filter(Q(planned_on=value) | left)

    def of_mine(self, rows: QuerySet[Any], name: str, value: bool) -> QuerySet[Any]:
        own = Q(assignee_id=self.request.user.pk)
        return rows.filter(own) if value else rows.exclude(own)


TaskFilter.base_filters["from"] = f.DateFilter("planned_on", lookup_expr="gte", label="计划日期起")
TaskFilter.base_filters["to"] = f.DateFilter("planned_on", lookup_expr="lte", label="计划日期止")


def bodies(rows: Sequence[PatrolTask]) -> list[dict[str, Any]]:
    """Tasks with the line about entering and the way from the stop before. Two statements."""
    lines = contacts.lines([row.entity_id for row in rows], clock.now())
    places = {row.pk: shop_id for row in rows if (shop_id := getattr(row, "before_id", None)) is not None}
    shops = {
        one.pk: one for one in BusinessEntity.objects.filter(pk__in=set(places.values())).only("lon", "lat")
    }
    before = {task_id: shops[shop_id] for task_id, shop_id in places.items()}
    return [s.task(row, lines, before) for row in rows]


def full(rows: QuerySet[PatrolTask]) -> QuerySet[PatrolTask]:
    """With all that a task shows, and the business of the stop before it in its walk."""
    walk = PatrolTask.objects.filter(
        assignee_id=OuterRef("assignee_id"), planned_on=OuterRef("planned_on"), sequence__gt=0,
        sequence__lt=OuterRef("sequence"),
    ).exclude(state=TaskState.CANCELLED)  # fmt: skip
    before = Subquery(walk.order_by("-sequence", "-id").values("entity_id")[:1])
    return rows.select_related("entity", "grid", "assignee").annotate(before_id=before)


class TaskList(generics.GenericAPIView[PatrolTask]):
    """巡查任务, in the order of days and of the walk."""

    pagination_class = CursorPages
    filterset_class = TaskFilter
    ordering = ("planned_on", "sequence", "id")
    serializer_class = s.TaskOut

    def get_queryset(self) -> Any:
        if getattr(self, "swagger_fake_view", False):
            return PatrolTask.objects.none()
        return PatrolTask.objects.visible_to(user_of(self.request))

    @extend_schema(operation_id="patrols_tasks_list", responses={200: s.TaskOut(many=True)})
    def get(self, request: Request) -> Response:
        page = self.paginate_queryset(full(self.filter_queryset(self.get_queryset())))
        return self.get_paginated_response(bodies(page or []))


class TaskDetail(APIView):
    """一项巡查任务."""

    @extend_schema(operation_id="patrols_tasks_read", responses={200: s.TaskOut})
    def get(self, request: Request, pk: int) -> Response:
        rows = full(PatrolTask.objects.visible_to(user_of(request)))
        row = generics.get_object_or_404(rows, pk=pk)
        return Response(bodies([row])[0], headers={"ETag": etag(row.version)})


# --- reviews ---------------------------------------------------------------------------------------


class ReviewList(generics.GenericAPIView[PatrolTask]):
    """季度评清单 of a quarter (`quarter`: its first day; the present one by default) and grid."""

    pagination_class = CursorPages
    ordering = ("id",)
    serializer_class = s.ReviewOut

    def get_queryset(self) -> Any:
        if getattr(self, "swagger_fake_view", False):
            return PatrolTask.objects.none()
        rows = review_lists.seen_by(user_of(self.request), self._quarter())
        grid = self.request.query_params.get("grid")
        return rows.filter(grid__code=grid) if grid else rows

    def _quarter(self) -> date:
        return reviews.quarter_named(day_named(self.request, "quarter"), clock.today())

    @extend_schema(
        operation_id="patrols_reviews_list",
        parameters=[OpenApiParameter("quarter", date), OpenApiParameter("grid", str)],
        responses={200: s.ReviewOut(many=True)},
    )
    def get(self, request: Request) -> Response:
        rows = self.paginate_queryset(self.get_queryset()) or []
        return self.get_paginated_response(
            [_review(one) for one in review_lists.listed(rows, self._quarter())]
        )


def _review(one: Listed) -> dict[str, Any]:
    row, computed = one.task, one.computed
    return {
        "task": row.pk, "entity": s.stop(row.entity), "grid": row.grid.code, "state": row.state,
        "grade": row.entity.credit_grade,
        "total": None if computed is None else str(computed.total),
        "before": computed and computed.before, "after": computed and computed.grade,
        "changed": one.moved, "confirmed_by": person(one.confirmed_by),
        "confirmed_at": moment(one.confirmed_at), "exception": one.exception,
    }  # fmt: skip


class ConfirmReviews(APIView):
    """确认季度评."""

    @extend_schema(
        operation_id="patrols_reviews_confirm",
        request=s.ConfirmSerializer,
        responses={200: s.ConfirmedOut, 404: OpenApiResponse(description="没有这个网格，或者无权查看")},
        description="Confirms the whole list of a grid and quarter; `exceptions` are opened. Again: "
        "`businesses` is 0.",
    )
    def post(self, request: Request) -> Response:
        given = s.ConfirmSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        said = given.validated_data
        done = reviews.confirm(
            by=user_of(request),
            quarter=said["quarter"],
            grid=said["grid"],
            exceptions={one["entity"]: one["note"] for one in said["exceptions"]},
        )
        return Response(
            {
                "quarter": done.quarter.isoformat(), "grid": said["grid"], "businesses": done.businesses,
                "exceptions": done.exceptions, "confirmed_at": moment(done.at),
            }
        )  # fmt: skip


# --- figures ---------------------------------------------------------------------------------------


class Completion(APIView):
    """巡查完成率 per grid and kind, never per person."""

    @extend_schema(
        operation_id="patrols_completion",
        parameters=[OpenApiParameter("from", date), OpenApiParameter("to", date)],
        responses={200: s.CompletionOut},
    )
    def get(self, request: Request) -> Response:
        first, last = span_named(request, today=clock.today())
        grids = completion.grids_of(user_of(request))
        rows = completion.by_grid(first, last, today=clock.today(), grid_ids=grids)
        return Response(
            {
                "first": first.isoformat(), "last": last.isoformat(),
                "key_supervisions": completion.key_supervisions(first, last, grid_ids=grids),
                "totals": [s.completed(row) for row in completion.by_kind(rows)],
                "grids": [s.completed(row) for row in rows],
            }
        )  # fmt: skip


class FrequencyList(APIView):
    """巡查频次 by grade and cause."""

    @extend_schema(operation_id="patrols_frequency", responses={200: s.FrequenciesOut})
    def get(self, request: Request) -> Response:
        rows = demand.frequency(completion.grids_of(user_of(request)))
        return Response({"results": [_frequency(row) for row in rows]})


def _frequency(row: demand.Frequency) -> dict[str, Any]:
    kinds = demand.kinds_of(row.rhythm, row.grade)
    return {
        "grade": row.grade, "grade_label": f"{row.grade}级" if row.grade else "未评级", "cause": row.cause,
        "cause_label": Cause(row.cause).label, "kinds": [str(kind) for kind in kinds],
        "kind_labels": [kind.label for kind in kinds], "entities": row.entities,
    }  # fmt: skip


# --- plans -----------------------------------------------------------------------------------------


class PlanList(generics.GenericAPIView[PlanRun]):
    """计划生成记录: for who sees the whole house."""

    pagination_class = CursorPages
    ordering = ("-for_date",)
    serializer_class = s.PlanRunOut

    def get_queryset(self) -> Any:
        if getattr(self, "swagger_fake_view", False):
            return PlanRun.objects.none()
        if not scope_of(user_of(self.request)).sees_all:
            raise NotAllowed("计划工作量由市场监管局查看。", code="not_bureau")
        return PlanRun.objects.select_related("consented_by")

    @extend_schema(operation_id="patrols_plans_list", responses={200: s.PlanRunOut(many=True)})
    def get(self, request: Request) -> Response:
        return self.get_paginated_response(s.plan_runs(self.paginate_queryset(self.get_queryset()) or []))


class ConsentToPlan(APIView):
    """同意超出工作量上限的计划."""

    @extend_schema(operation_id="patrols_plans_consent", request=NoBody, responses={200: s.PlanRunOut})
    def post(self, request: Request, pk: int) -> Response:
        run = consenting.consent(run_id=pk, by=user_of(request))
        return Response(s.plan_runs([run])[0])
