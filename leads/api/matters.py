"""Matters over the API: signed intake of other platforms, the office's desk, and what was made of them."""

from __future__ import annotations

import io
from collections.abc import Iterable
from functools import partial
from typing import Any

from django.conf import settings
from django.http import Http404
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, PolymorphicProxySerializer, extend_schema
from rest_framework import exceptions, generics, serializers, status
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.throttling import SimpleRateThrottle
from rest_framework.views import APIView

from kernel.accounts.addresses import client_ip
from kernel.accounts.models import User
from kernel.api import CursorPages, JsonBody, both_slashes
from kernel.errors import TooLarge
from kernel.notices.policy import masked
from leads import matters, platforms, tip_offs
from leads.acts import Expect
from leads.api import bodies, intake_forms
from leads.api import matter_shapes as shapes
from leads.api.views import LeadAct, act_schema, user_of
from leads.matters import Taken
from leads.models import KeptComplaint, Lead, Matter, MatterKind, Platform
from leads.platforms import Signed, Unsigned

LARGEST_BODY = 64 * 1024
HEADERS = [
    OpenApiParameter(
        "X-Signature",
        str,
        OpenApiParameter.HEADER,
        description="十六进制 HMAC-SHA256（密钥，X-Timestamp 与请求正文原文相连）",
    ),
    OpenApiParameter(
        "X-Timestamp", str, OpenApiParameter.HEADER, description="Unix 秒，与服务器相差不超过5分钟"
    ),
]


class IntakeThrottle(SimpleRateThrottle):
    """`SUOSHE_INTAKE_RATE` per platform and address: a stranger cannot use up a platform's share."""

    scope = "intake"

    def get_rate(self) -> str | None:
        rate: str | None = settings.SUOSHE_INTAKE_RATE
        return rate

    def get_cache_key(self, request: Any, view: Any) -> str | None:
        source = str(view.kwargs.get("source", ""))[:12]
        return f"throttle:intake:{source.encode().hex()}:{client_ip(request._request) or 'local'}"


class Intake(APIView):
    """Another platform hands in a matter: signed, without session or token."""

    authentication_classes: tuple[Any, ...] = ()
    permission_classes = (AllowAny,)
    throttle_classes = (IntakeThrottle,)

    @extend_schema(
        operation_id="intake",
        auth=[],
        parameters=HEADERS,
        request=PolymorphicProxySerializer(
            component_name="HandIn",
            serializers=[
                shapes.HandedIn,
                intake_forms.Form12345,
                intake_forms.Form12315,
                intake_forms.FormCity,
            ],
            resource_type_field_name=None,
        ),
        responses={
            200: shapes.ReceiptOut,
            201: shapes.ReceiptOut,
            401: OpenApiResponse(description="unknown, badly signed, or too old"),
        },
    )
    def post(self, request: Request, source: str) -> Response:
        """The same number again with a fresh signature answers 200 with the first result; the same
        signature again 409 `replay`; the same number with other content 409."""
        raw = _raw(request)
        signed = Signed(
            source, request.headers.get("X-Timestamp", ""), request.headers.get("X-Signature", ""), raw
        )
        try:
            taken = platforms.hand_in(signed, partial(_read, raw))
        except Unsigned as unsigned:
            raise exceptions.AuthenticationFailed(unsigned.detail, code=unsigned.code) from None
        return _receipt(taken)

    def get_authenticate_header(self, request: Request) -> str:
        return "HMAC-SHA256"


def _raw(request: Request) -> bytes:
    stream: Any = request._request
    raw: bytes = stream.read(LARGEST_BODY + 1)
    if len(raw) > LARGEST_BODY:
        raise TooLarge("提交的内容过大，请分几次提交。", code="body_too_large")
    return raw


def _read(raw: bytes, platform: Platform) -> matters.Given:
    return intake_forms.read(platform, JsonBody().parse(io.BytesIO(raw)))


def _receipt(taken: Taken) -> Response:
    code = status.HTTP_201_CREATED if taken.created else status.HTTP_200_OK
    return Response(receipt(taken), status=code)


def receipt(taken: Taken) -> dict[str, Any]:
    """The numbers of all records that a matter was split into."""
    matter, made = taken.matter, []
    if matter.lead is not None:
        made.append({"kind": MatterKind.REQUEST, "number": matter.lead.number})
    if matter.tip_off is not None:
        made.append({"kind": MatterKind.TIP_OFF, "number": matter.tip_off.number})
    if taken.complaint is not None:
        made.append({"kind": MatterKind.COMPLAINT, "number": taken.complaint.number})
    return {
        "id": matter.pk,
        "external_number": matter.external_number or None,
        "received_at": bodies.moment(matter.received_at),
        "their_due_at": bodies.moment(matter.their_due_at),
        "records": made,
    }


# --- reads -----------------------------------------------------------------------------------------


def matter_rows(rows: Iterable[Matter], user: User) -> list[dict[str, Any]]:
    """Matters with the records that `user` may see; the others are as if they were not. Two statements."""
    found = list(rows)
    ids = {one for row in found for one in (row.lead_id, row.tip_off_id) if one is not None}
    seen = set(Lead.objects.visible_to(user).filter(pk__in=ids).values_list("id", flat=True))
    kept = KeptComplaint.objects.visible_to(user).filter(matter__in=[row.pk for row in found])
    complaints = {one.matter_id: one for one in kept}
    return [_matter(row, seen, complaints.get(row.pk)) for row in found]


def _matter(row: Matter, seen: set[int], complaint: KeptComplaint | None) -> dict[str, Any]:
    records: dict[str, Any] = {
        "request": _named(row.lead, seen),
        "tip_off": _named(row.tip_off, seen),
        "complaint": complaint and {"id": complaint.pk, "number": complaint.number},
    }
    return {
        "id": row.pk,
        "platform": row.platform and {"code": row.platform.code, "name": row.platform.name},
        "external_number": row.external_number or None,
        "received_at": bodies.moment(row.received_at),
        "their_due_at": bodies.moment(row.their_due_at),
        "kinds": [kind for kind, record in records.items() if record],
        **records,
    }


def _named(lead: Lead | None, seen: set[int]) -> dict[str, Any] | None:
    return {"id": lead.pk, "number": lead.number} if lead is not None and lead.pk in seen else None


NAMED = ("platform", "lead", "tip_off")


class MatterList(generics.GenericAPIView[Matter]):
    """Take a matter at the desk; list those of whose records one may see any."""

    pagination_class = CursorPages
    ordering_fields = ("id", "received_at")

    def get_queryset(self) -> Any:
        if getattr(self, "swagger_fake_view", False):
            return Matter.objects.none()
        return Matter.objects.visible_to(user_of(self.request))

    def get_serializer_class(self) -> type[serializers.BaseSerializer[Any]]:
        return shapes.DeskMatter if self.request.method == "POST" else shapes.MatterOut

    @extend_schema(operation_id="matters_list", responses={200: shapes.MatterOut(many=True)})
    def get(self, request: Request) -> Response:
        page = self.paginate_queryset(self.filter_queryset(self.get_queryset()).select_related(*NAMED))
        return self.get_paginated_response(matter_rows(page or [], user_of(request)))

    @extend_schema(
        operation_id="matters_take",
        request=shapes.DeskMatter,
        responses={200: shapes.ReceiptOut, 201: shapes.ReceiptOut},
    )
    def post(self, request: Request) -> Response:
        """The office's desk: 诉求, 举报, 投诉, or several at once, each with its own words."""
        if not matters.may_take(user_of(request)):
            raise exceptions.PermissionDenied(matters.NOT_THE_DESK, code="not_the_desk")
        given = shapes.DeskMatter(data=request.data)
        given.is_valid(raise_exception=True)
        return _receipt(matters.take(given.given(), by=user_of(request)))


class MatterDetail(APIView):
    @extend_schema(operation_id="matters_read", responses={200: shapes.MatterOut})
    def get(self, request: Request, pk: int) -> Response:
        """One matter, as far as one may see its records."""
        rows = Matter.objects.visible_to(user_of(request)).select_related(*NAMED).filter(pk=pk)
        found = matter_rows(rows, user_of(request))
        if not found:
            raise Http404
        return Response(found[0])


class ComplaintList(generics.GenericAPIView[KeptComplaint]):
    """待转投诉: kept for the stations; masked."""

    pagination_class = CursorPages
    ordering_fields = ("id", "received_at")
    serializer_class = shapes.ComplaintOut

    def get_queryset(self) -> Any:
        if getattr(self, "swagger_fake_view", False):
            return KeptComplaint.objects.none()
        return KeptComplaint.objects.visible_to(user_of(self.request))

    @extend_schema(operation_id="complaints_list", responses={200: shapes.ComplaintOut(many=True)})
    def get(self, request: Request) -> Response:
        rows = self.filter_queryset(self.get_queryset()).select_related("grid")
        return self.get_paginated_response([complaint(row) for row in self.paginate_queryset(rows) or []])


def complaint(row: KeptComplaint) -> dict[str, Any]:
    return {
        "id": row.pk,
        "number": row.number,
        "matter": row.matter_id,
        "grid": row.grid.code if row.grid else None,
        "entity": row.entity_id,
        "entity_name": masked(row.entity_name),
        "description": masked(row.description),
        "amount": None if row.amount is None else f"{row.amount:.2f}",
        "state": row.state,
        "has_consumer": bool(row.sealed_consumer),
        "received_at": bodies.moment(row.received_at),
    }


# --- tip-offs --------------------------------------------------------------------------------------


class ExtendTipOffSerializer(shapes.StrictSerializer):
    reason = serializers.CharField(max_length=200)


class ExtendTipOff(LeadAct):
    """举报核查延期: once, by the office's head."""

    serializer_class = ExtendTipOffSerializer

    @act_schema("tip_off_extend", ExtendTipOffSerializer)
    def post(self, request: Request, pk: int) -> Response:
        return super().post(request, pk)

    def act(self, pk: int, request: Request, given: Any, expect: Expect) -> Lead:
        return tip_offs.extend(lead_id=pk, by=user_of(request), expect=expect, **given.validated_data)


urlpatterns = [
    *both_slashes("intake/<str:source>", Intake.as_view(), "intake"),
    *both_slashes("matters", MatterList.as_view(), "matters"),
    *both_slashes("matters/<int:pk>", MatterDetail.as_view(), "matter"),
    *both_slashes("complaints", ComplaintList.as_view(), "complaints"),
    *both_slashes("leads/<int:pk>/tip-off/extend", ExtendTipOff.as_view(), "lead-tip-off-extend"),
]
