"""A grid's responsibilities and its work group (API.md)."""

from __future__ import annotations

import re
from collections import defaultdict
from functools import partial
from typing import Any

from django.shortcuts import get_object_or_404
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import generics, serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from grids import work_groups
from grids.access import scope_of
from grids.api import work_shapes as w
from grids.api.people import me
from grids.api.task_lists import IF_MATCH, grid_of
from grids.models import Grid, ResponsibilityItem, WorkGroup
from grids.responsibilities import rows_of, shown
from grids.roles import Role
from grids.work_groups import Member, members_of
from kernel import clock
from kernel.accounts.models import User
from kernel.api import etag, require_version
from kernel.notices.models import Robot

CATEGORY = re.compile(r"00|[FLPQSDACX]\d\d")


def served(request: Request, grid: Grid) -> bool:
    """Does who asks serve this grid, or administer?"""
    if scope_of(request.user).has(Role.SYSTEM_ADMIN):
        return True
    return Grid.objects.served_by(request.user).filter(pk=grid.pk).exists()


class Responsibilities(generics.GenericAPIView[ResponsibilityItem]):
    """Who answers for what in this grid, by `?category=F03` or all of it; people only for who serves it."""

    queryset = ResponsibilityItem.objects.none()
    serializer_class = w.ResponsibilitySerializer
    pagination_class = None

    @extend_schema(
        operation_id="grids_responsibilities",
        parameters=[OpenApiParameter("category", str, description="such as F03")],
        responses=w.ResponsibilityListSerializer,
    )
    def get(self, request: Request, code: str) -> Response:
        grid = grid_of(request, code)
        category = request.query_params.get("category", "")
        if category and not CATEGORY.fullmatch(category):
            raise serializers.ValidationError({"category": "没有这个线索分类。"}, code="unknown_category")
        visible = ResponsibilityItem.objects.visible_to(request.user).filter(is_active=True)
        rows = rows_of(category) if category else visible.named().order_by("position", "id")
        people = self._people(grid) if served(request, grid) else None
        items = [
            {
                "group": row.group or None,
                "category": row.category or None,
                **shown(row),
                "people": None if people is None else people[row.role],
            }
            for row in rows
        ]
        return Response({"grid": grid.code, "category": category or None, "items": items})

    def _people(self, grid: Grid) -> dict[str, list[dict[str, str]]]:
        found: dict[str, list[dict[str, str]]] = defaultdict(list)
        for member in members_of([grid.pk], clock.now()):
            found[member.role].append({"username": member.username, "name": member.name})
        return found


# --- the work group --------------------------------------------------------------------------------


def group_body(group: WorkGroup, members: list[Member], user: User) -> dict[str, Any]:
    """The group; whoever keeps it also sees the robots there are to choose from. Addresses never."""
    robots = list(Robot.objects.order_by("name", "id")) if work_groups.may_keep(user) else None
    return {
        "grid": group.grid.code,
        "name": group.name,
        "version": group.version,
        "robot": _robot(group.robot),
        "members": [
            {
                "person": {"username": one.username, "name": one.name},
                "role": one.role,
                "role_name": one.role_name,
                "seat": one.seat,
            }
            for one in members
        ],
        "robots": None if robots is None else [_robot(one) for one in robots],
    }


def _robot(robot: Robot | None) -> dict[str, Any] | None:
    if robot is None:
        return None
    return {"id": robot.pk, "name": robot.name, "kind": robot.kind, "is_active": robot.is_active}


class WorkGroupDetail(APIView):
    """The grid's group: its members are who is posted there. Bureau and administrator set its robot."""

    def _group(self, request: Request, code: str) -> WorkGroup:
        rows = WorkGroup.objects.visible_to(request.user).select_related("grid", "robot")
        return get_object_or_404(rows, grid__code=code)

    def _answer(self, group: WorkGroup, request: Request) -> Response:
        members = members_of([group.grid_id], clock.now())
        body = group_body(group, members, me(request))
        return Response(body, headers={"ETag": etag(group.version)})

    @extend_schema(operation_id="grids_work_group_read", responses=w.WorkGroupSerializer)
    def get(self, request: Request, code: str) -> Response:
        return self._answer(self._group(request, code), request)

    @extend_schema(
        operation_id="grids_work_group_change",
        request=w.ChangedGroupSerializer,
        parameters=[IF_MATCH],
        responses={200: w.WorkGroupSerializer, 412: OpenApiResponse(description="stale")},
    )
    def patch(self, request: Request, code: str) -> Response:
        group = self._group(request, code)
        body = w.ChangedGroupSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        given = body.validated_data
        work_groups.change(
            group_id=group.pk,
            name=given.get("name"),
            robot_id=given.get("robot", group.robot_id),
            by=me(request),
            expect=partial(require_version, request),
            at=clock.now(),
        )
        return self._answer(self._group(request, code), request)
