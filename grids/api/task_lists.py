"""A grid's tasks, responsibilities and work group (API.md)."""

from __future__ import annotations

import re
from functools import partial
from typing import Any

import django_filters as filters
from django.db.models import QuerySet
from django.http import Http404
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import generics, serializers, status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from grids import task_lists, task_rights
from grids.access import scope_of
from grids.api import work_shapes as w
from grids.api.people import me
from grids.models import Grid, TaskItem
from grids.states import TaskState
from grids.work_groups import members_of
from kernel import clock
from kernel.api import CursorPages, etag, require_version

IF_MATCH = OpenApiParameter(
    "If-Match", str, OpenApiParameter.HEADER, description='`"v<version>"`', required=False
)
CATEGORY = re.compile(r"00|[FLPQSDACX]\d\d")


def grid_of(request: Request, code: str) -> Grid:
    """The grid of the path, as far as its map is known to who asks. Raises Http404."""
    return get_object_or_404(Grid.objects.visible_to(request.user).select_related("office"), code=code)


# --- tasks -----------------------------------------------------------------------------------------


class TaskFilter(filters.FilterSet):
    state = filters.ChoiceFilter(choices=TaskState.choices, label="状态")
    owner = filters.CharFilter("owner__username", label="责任人账号")
    overdue = filters.BooleanFilter(method="late", label="逾期")
    due_after = filters.IsoDateTimeFilter("due_at", lookup_expr="gte", label="期限自（含）")
    due_before = filters.IsoDateTimeFilter("due_at", lookup_expr="lt", label="期限至（不含）")

    class Meta:
        model = TaskItem
        fields: list[str] = []

    def late(self, rows: QuerySet[TaskItem], name: str, value: bool) -> QuerySet[TaskItem]:
        wanted = {"state": TaskState.OPEN, "due_at__lte": clock.now()}
        return rows.filter(**wanted) if value else rows.exclude(**wanted)


def task_rows(user: Any) -> QuerySet[TaskItem]:
    people = ("grid", "owner", "created_by", "done_by", "cancelled_by")
    return TaskItem.objects.visible_to(user).select_related(*people)


def task_answer(task: TaskItem, request: Request, code: int = status.HTTP_200_OK) -> Response:
    """The task as it is now, with its ETag."""
    fresh = task_rows(request.user).filter(pk=task.pk).first() or TaskItem.objects.get(pk=task.pk)
    shape = w.TaskSerializer(fresh, context=w.reading(request.user, clock.now()))
    return Response(shape.data, status=code, headers={"ETag": etag(fresh.version)})


def owner_of(grid: Grid, username: str) -> int:
    """A member of the grid's group by account. Raises ValidationError `unknown_person`."""
    for member in members_of([grid.pk], clock.now()):
        if member.username == username:
            return member.user_id
    raise serializers.ValidationError(
        {"owner": [serializers.ErrorDetail("本网格工作群中没有该人员，请核对账号。", code="unknown_person")]}
    )


class TaskList(generics.GenericAPIView[TaskItem]):
    """The tasks of a grid, newest first. A grid worker may note tasks for himself only."""

    queryset = TaskItem.objects.none()
    pagination_class = CursorPages
    filterset_class = TaskFilter
    ordering_fields = ("id", "due_at")

    def get_serializer_class(self) -> type[serializers.BaseSerializer[Any]]:
        return w.NewTaskSerializer if self.request.method == "POST" else w.TaskSerializer

    @extend_schema(operation_id="grids_tasks_list", responses={200: w.TaskSerializer(many=True)})
    def get(self, request: Request, code: str) -> Response:
        rows = self.filter_queryset(task_rows(request.user).filter(grid=grid_of(request, code)))
        page = self.paginate_queryset(rows)
        context = w.reading(request.user, clock.now(), mask=True)
        return self.get_paginated_response(w.TaskSerializer(page, many=True, context=context).data)

    @extend_schema(
        operation_id="grids_tasks_add",
        request=w.NewTaskSerializer,
        responses={200: w.TaskSerializer, 201: w.TaskSerializer},
    )
    def post(self, request: Request, code: str) -> Response:
        grid = grid_of(request, code)
        body = w.NewTaskSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        given = body.validated_data
        task_rights.require_may_give(scope_of(request.user), grid, None)
        wish = task_lists.Wish(
            given["title"], owner_of(grid, given["owner"]), given["due_at"], given.get("note", "")
        )
        made = task_lists.add(
            grid=grid, wish=wish, client_uid=given["client_uid"], by=me(request), at=clock.now()
        )
        code_ = status.HTTP_201_CREATED if made.created else status.HTTP_200_OK
        return task_answer(made.task, request, code_)


class OneTask(APIView):
    """A task of a grid that the person may see; else 404."""

    def task(self, request: Request, code: str, pk: int) -> TaskItem:
        found = task_rows(request.user).filter(grid__code=code, pk=pk).first()
        if found is None:
            raise Http404
        return found


class TaskDetail(OneTask):
    @extend_schema(operation_id="grids_tasks_read", responses=w.TaskSerializer)
    def get(self, request: Request, code: str, pk: int) -> Response:
        return task_answer(self.task(request, code, pk), request)

    @extend_schema(
        operation_id="grids_tasks_change",
        request=w.ChangedTaskSerializer,
        parameters=[IF_MATCH],
        responses={200: w.TaskSerializer, 412: OpenApiResponse(description="stale")},
    )
    def patch(self, request: Request, code: str, pk: int) -> Response:
        """Another title, note, owner or due time; what is left out stays."""
        task = self.task(request, code, pk)
        body = w.ChangedTaskSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        given = dict(body.validated_data)
        if "owner" in given:
            username = given.pop("owner")
            given["owner_id"] = (
                task.owner_id if username == task.owner.username else owner_of(task.grid, username)
            )
        expect = partial(require_version, request)
        return task_answer(
            task_lists.change(task_id=task.pk, by=me(request), expect=expect, **given), request
        )


class TaskDone(OneTask):
    """完成: by the owner, who stands in for him, who gave it, or who leads in the grid."""

    @extend_schema(
        operation_id="grids_tasks_done",
        request=w.DoneSerializer,
        parameters=[IF_MATCH],
        responses={200: w.TaskSerializer, 412: OpenApiResponse(description="stale")},
    )
    def post(self, request: Request, code: str, pk: int) -> Response:
        task = self.task(request, code, pk)
        body = w.DoneSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        expect = partial(require_version, request)
        return task_answer(
            task_lists.finish(task_id=task.pk, by=me(request), expect=expect, **body.validated_data), request
        )


class TaskCancel(OneTask):
    """取消, with a reason."""

    @extend_schema(
        operation_id="grids_tasks_cancel",
        request=w.CancelSerializer,
        parameters=[IF_MATCH],
        responses={200: w.TaskSerializer, 412: OpenApiResponse(description="stale")},
    )
    def post(self, request: Request, code: str, pk: int) -> Response:
        task = self.task(request, code, pk)
        body = w.CancelSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        expect = partial(require_version, request)
        return task_answer(
            task_lists.cancel(task_id=task.pk, by=me(request), expect=expect, **body.validated_data), request
        )
