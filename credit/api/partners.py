"""Endpoints of 红色合伙人: nominated by the community, approved through `approvals/{id}/approve`, revoked."""

from __future__ import annotations

from functools import partial
from typing import Any

import django_filters as filters
from django.http import Http404
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import generics, serializers, status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from credit import partners
from credit.api import bodies, shapes
from credit.api.asked import IF_MATCH, masks
from credit.api.standing import of_entity, user_of
from credit.models import RedPartner
from kernel.api import CursorPages, both_slashes, etag, require_version


class PartnerFilter(filters.FilterSet):
    entity = of_entity()
    state = filters.MultipleChoiceFilter(choices=RedPartner.State.choices, label="状态")
    grid = filters.CharFilter("entity__grid__code", label="网格编码")
    community = filters.CharFilter("community__code", label="提名社区编码")

    class Meta:
        model = RedPartner
        fields: list[str] = []


def rows_of(request: Request) -> Any:
    rows = RedPartner.objects.visible_to(user_of(request))
    return rows.select_related("entity__grid", "community", "nominated_by", "decided_by", "revoked_by")


def answer(number: int, request: Request, code: int = status.HTTP_200_OK) -> Response:
    row = rows_of(request).filter(pk=number).first()
    if row is None:
        raise Http404
    return Response(
        bodies.red_partner(row, mask=masks(request)), status=code, headers={"ETag": etag(row.version)}
    )


class PartnerList(generics.GenericAPIView[RedPartner]):
    """红色合伙人, newest first; nominate one."""

    pagination_class = CursorPages
    filterset_class = PartnerFilter

    def get_queryset(self) -> Any:
        if getattr(self, "swagger_fake_view", False):
            return RedPartner.objects.none()
        return rows_of(self.request)

    def get_serializer_class(self) -> type[serializers.BaseSerializer[Any]]:
        return shapes.NominateSerializer if self.request.method == "POST" else shapes.RedPartnerOut

    @extend_schema(operation_id="red_partners_list", responses={200: shapes.RedPartnerOut(many=True)})
    def get(self, request: Request) -> Response:
        page = self.paginate_queryset(self.filter_queryset(self.get_queryset()))
        return self.get_paginated_response([bodies.red_partner(row, mask=True) for row in page or []])

    @extend_schema(
        operation_id="red_partners_nominate",
        request=shapes.NominateSerializer,
        responses={
            200: shapes.RedPartnerOut,
            201: shapes.RedPartnerOut,
            404: OpenApiResponse(description="没有这个经营主体，或者无权查看"),
        },
    )
    def post(self, request: Request) -> Response:
        given = shapes.NominateSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        said = given.validated_data
        row, created = partners.nominate(
            given=partners.Given(said["entity"], said["client_uid"], said["reason"]), by=user_of(request)
        )
        return answer(row.pk, request, status.HTTP_201_CREATED if created else status.HTTP_200_OK)


class PartnerDetail(APIView):
    @extend_schema(operation_id="red_partners_read", responses={200: shapes.RedPartnerOut})
    def get(self, request: Request, pk: int) -> Response:
        return answer(pk, request)


class PartnerRevoke(APIView):
    """取消, with a reason."""

    @extend_schema(
        operation_id="red_partners_revoke",
        request=shapes.CreditReasonSerializer,
        parameters=[IF_MATCH],
        responses={
            200: shapes.RedPartnerOut,
            412: OpenApiResponse(description="stale"),
            428: OpenApiResponse(description="If-Match missing"),
        },
    )
    def post(self, request: Request, pk: int) -> Response:
        given = shapes.CreditReasonSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        partners.revoke(
            partner_id=pk,
            by=user_of(request),
            expect=partial(require_version, request),
            reason=given.validated_data["reason"],
        )
        return answer(pk, request)


class PartnerWithdraw(APIView):
    """撤回提名, before it is decided: who nominated."""

    @extend_schema(
        operation_id="red_partners_withdraw",
        request=shapes.TakeBackSerializer,
        parameters=[IF_MATCH],
        responses={
            200: shapes.RedPartnerOut,
            412: OpenApiResponse(description="stale"),
            428: OpenApiResponse(description="If-Match missing"),
        },
    )
    def post(self, request: Request, pk: int) -> Response:
        given = shapes.TakeBackSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        partners.take_back(
            partner_id=pk,
            by=user_of(request),
            expect=partial(require_version, request),
            reason=given.validated_data["reason"],
        )
        return answer(pk, request)


urlpatterns = [
    *both_slashes("credit/red-partners", PartnerList.as_view(), "red-partners"),
    *both_slashes("credit/red-partners/<int:pk>", PartnerDetail.as_view(), "red-partner"),
    *both_slashes("credit/red-partners/<int:pk>/revoke", PartnerRevoke.as_view(), "red-partner-revoke"),
    *both_slashes("credit/red-partners/<int:pk>/withdraw", PartnerWithdraw.as_view(), "red-partner-withdraw"),
]
