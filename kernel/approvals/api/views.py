"""审批 (API.md): what waits for one's decision, what one asked, and the decision itself."""

from __future__ import annotations

from functools import partial
from typing import Any, cast

import django_filters
from django.db.models import Case, QuerySet, Value, When
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import generics
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from kernel.accounts.models import User
from kernel.api import etag, require_version
from kernel.approvals.api.serializers import ApprovalOut, DecideSerializer
from kernel.approvals.deciding import decide
from kernel.approvals.models import Approval, State

IF_MATCH = OpenApiParameter(
    "If-Match", str, OpenApiParameter.HEADER, description='`"v<version>"`', required=False
)


def seen_by(user: User) -> QuerySet[Approval]:
    """The approvals that a person may see, each with whether it waits for him. One statement."""
    mine = Approval.objects.for_decision_by(user).values("pk")
    rows = Approval.objects.visible_to(user).annotate(
        waits_for_me=Case(When(pk__in=mine, then=Value(True)), default=Value(False))
    )
    return rows.select_related("asked_by", "asked_on_behalf_of", "decided_by", "decided_on_behalf_of")


class ApprovalFilters(django_filters.FilterSet):
    """`?state=&kind=&subject_kind=&subject_id=&waits_for_me=true&asked_by_me=true`."""

    state = django_filters.ChoiceFilter(choices=State.choices, label="状态")
    kind = django_filters.CharFilter(label="审批种类")
    subject_kind = django_filters.CharFilter(label="对象类别")
    subject_id = django_filters.NumberFilter(label="对象编号", min_value=1, max_value=2**63 - 1)
    waits_for_me = django_filters.BooleanFilter(field_name="waits_for_me", label="待我审批")
    asked_by_me = django_filters.BooleanFilter(method="of_me", label="我的申请")

    class Meta:
        model = Approval
        fields = ["state", "kind", "subject_kind", "subject_id", "waits_for_me", "asked_by_me"]

    def of_me(self, rows: Any, name: str, value: bool) -> Any:
        own = Approval.objects.asked_by(cast(User, self.request.user).pk).values("pk")
        return rows.filter(pk__in=own) if value else rows.exclude(pk__in=own)


class ApprovalList(generics.ListAPIView[Approval]):
    """审批, newest first."""

    serializer_class = ApprovalOut
    filterset_class = ApprovalFilters
    queryset = Approval.objects.none()
    ordering_fields = ("id", "due_at")

    def get_queryset(self) -> QuerySet[Approval]:
        if getattr(self, "swagger_fake_view", False):
            return Approval.objects.none()
        return seen_by(cast(User, self.request.user))


class OneApproval(APIView):
    @extend_schema(operation_id="approvals_read", responses={200: ApprovalOut})
    def get(self, request: Request, approval_id: int) -> Response:
        return answer(approval_id, request)


def answer(approval_id: int, request: Request) -> Response:
    """The approval as it is now, with its ETag."""
    row = generics.get_object_or_404(seen_by(cast(User, request.user)), pk=approval_id)
    return Response(ApprovalOut(row).data, headers={"ETag": etag(row.version)})


class _Decide(APIView):
    approve: bool

    def decide(self, request: Request, approval_id: int) -> Response:
        given = DecideSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        decide(
            approval_id=approval_id,
            by=cast(User, request.user),
            approve=self.approve,
            expect=partial(require_version, request),
            note=given.validated_data["note"],
        )
        return answer(approval_id, request)


def _schema(name: str) -> Any:
    return extend_schema(
        operation_id=f"approvals_{name}",
        request=DecideSerializer,
        parameters=[IF_MATCH],
        responses={
            200: ApprovalOut,
            412: OpenApiResponse(description="stale"),
            428: OpenApiResponse(description="If-Match missing"),
        },
    )


class Approve(_Decide):
    """同意."""

    approve = True

    @_schema("approve")
    def post(self, request: Request, approval_id: int) -> Response:
        return self.decide(request, approval_id)


class Refuse(_Decide):
    """不同意."""

    approve = False

    @_schema("refuse")
    def post(self, request: Request, approval_id: int) -> Response:
        return self.decide(request, approval_id)
