"""Disputes: taken at a station, listed, read; who complains shown to handlers (API.md)."""

from __future__ import annotations

from functools import partial
from typing import Any

from django.http import Http404
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import generics, serializers, status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from kernel.api import CursorPages, both_slashes, etag, require_version
from kernel.api.shown import moment
from leads.api.bodies import entry
from leads.api.views import IF_MATCH, user_of
from stations import circles, complaints, consumers, correcting, intake, selectors
from stations.api import bodies, shapes
from stations.api import given as g
from stations.api.filters import DisputeFilter
from stations.models import Dispute, Source

STALE = {412: OpenApiResponse(description="stale"), 428: OpenApiResponse(description="If-Match missing")}


def answer(dispute_id: int, request: Request, code: int = status.HTTP_200_OK) -> Response:
    """The dispute as it is now, with its ETag: for who just did something with it."""
    fresh = selectors.full(Dispute.objects.filter(pk=dispute_id)).get()
    headers = {"ETag": etag(fresh.version)}
    if code == status.HTTP_201_CREATED:
        headers["Location"] = f"/api/v1/disputes/{fresh.pk}/"
    return Response(bodies.dispute(fresh, user_of(request)), status=code, headers=headers)


class DisputeList(generics.GenericAPIView[Dispute]):
    """消费纠纷 that one may see, newest first; numbers in what people wrote are masked."""

    pagination_class = CursorPages
    filterset_class = DisputeFilter
    ordering_fields = ("id", "registered_at")
    serializer_class: type[serializers.BaseSerializer[Any]] = shapes.DisputeRowOut

    def get_queryset(self) -> Any:
        if getattr(self, "swagger_fake_view", False):
            return Dispute.objects.none()
        return Dispute.objects.visible_to(user_of(self.request))

    @extend_schema(operation_id="disputes_list", responses={200: shapes.DisputeRowOut(many=True)})
    def get(self, request: Request, **where: Any) -> Response:
        page = self.paginate_queryset(selectors.for_list(self.filter_queryset(self.get_queryset())))
        return self.get_paginated_response(bodies.dispute_rows(page or []))


class DisputesOfStation(DisputeList):
    """What a station took, or has now; take one at its counter or by telephone."""

    def get_queryset(self) -> Any:
        if getattr(self, "swagger_fake_view", False):
            return Dispute.objects.none()
        station = circles.station(self.kwargs["code"], by=user_of(self.request))
        return selectors.at_station(super().get_queryset(), station)

    def get_serializer_class(self) -> type[serializers.BaseSerializer[Any]]:
        return g.IntakeSerializer if self.request.method == "POST" else shapes.DisputeRowOut

    @extend_schema(operation_id="stations_disputes_list", responses={200: shapes.DisputeRowOut(many=True)})
    def get(self, request: Request, **where: Any) -> Response:
        return super().get(request, **where)

    @extend_schema(
        operation_id="stations_disputes_take",
        request=g.IntakeSerializer,
        responses={200: shapes.DisputeOut, 201: shapes.DisputeOut},
    )
    def post(self, request: Request, code: str) -> Response:
        form = g.IntakeSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        by = user_of(request)
        station = circles.station(code, by=by)
        source = Source(form.validated_data["source"])
        taken = intake.take(form.given(station.code), by=by, source=source)
        made = status.HTTP_201_CREATED if taken.created else status.HTTP_200_OK
        return answer(taken.dispute.pk, request, made)


class OneDispute(APIView):
    """A dispute that the person may see; else 404."""

    def dispute(self, pk: int, *, full: bool = False) -> Dispute:
        rows = Dispute.objects.visible_to(user_of(self.request))
        found = (selectors.full(rows) if full else rows).filter(pk=pk).first()
        if found is None:
            raise Http404
        return found


class DisputeDetail(OneDispute):
    @extend_schema(operation_id="disputes_read", responses={200: shapes.DisputeOut})
    def get(self, request: Request, pk: int) -> Response:
        """All of one dispute, with what this person may do now; the consumer masked."""
        row = self.dispute(pk, full=True)
        return Response(bodies.dispute(row, user_of(request)), headers={"ETag": etag(row.version)})

    @extend_schema(
        operation_id="disputes_correct",
        request=g.CorrectSerializer,
        parameters=[IF_MATCH],
        responses={200: shapes.DisputeOut, **STALE},
    )
    def patch(self, request: Request, pk: int) -> Response:
        """更正登记内容: shop, goods, amount, claims; its handlers, while it is open and nothing is signed."""
        form = g.CorrectSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        expect = partial(require_version, request)
        correcting.correct(dispute_id=pk, by=user_of(request), expect=expect, changes=form.validated_data)
        return answer(pk, request)


class DisputeTimeline(OneDispute):
    @extend_schema(operation_id="disputes_timeline", responses={200: shapes.DisputeTimelineOut})
    def get(self, request: Request, pk: int) -> Response:
        """The journal of the dispute, oldest first, with hashes."""
        row = self.dispute(pk)
        return Response({"dispute": row.pk, "entries": [entry(one) for one in selectors.timeline(row)]})


class RevealConsumer(APIView):
    """查看消费者: its handlers, with a reason, noted each time."""

    @extend_schema(
        operation_id="disputes_consumer_reveal",
        request=g.RevealConsumerSerializer,
        responses={200: shapes.RevealedConsumerOut, 410: OpenApiResponse(description="removed")},
    )
    def post(self, request: Request, pk: int) -> Response:
        form = g.RevealConsumerSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        found = consumers.reveal(dispute_id=pk, by=user_of(request), reason=form.validated_data["reason"])
        body = {
            "dispute": found.dispute_id,
            "number": found.number,
            "name": found.identity.name,
            "phone": found.identity.phone,
            "revealed_at": moment(found.at),
        }
        return Response(body, headers={"Cache-Control": "no-store"})


class ComplaintToStation(APIView):
    """待转投诉 → 服务站: the office's desk, the consumers' section."""

    @extend_schema(
        operation_id="complaints_to_station",
        request=g.ToStationSerializer,
        responses={200: shapes.DisputeOut, 201: shapes.DisputeOut},
    )
    def post(self, request: Request, pk: int) -> Response:
        """Sent to the same station again, the dispute is given back."""
        form = g.ToStationSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        taken = complaints.take_complaint(pk, station=form.validated_data["station"], by=user_of(request))
        made = status.HTTP_201_CREATED if taken.created else status.HTTP_200_OK
        return answer(taken.dispute.pk, request, made)


urlpatterns = [
    *both_slashes("stations/<str:code>/disputes", DisputesOfStation.as_view(), "station-disputes"),
    *both_slashes("disputes", DisputeList.as_view(), "disputes"),
    *both_slashes("disputes/<int:pk>", DisputeDetail.as_view(), "dispute"),
    *both_slashes("disputes/<int:pk>/timeline", DisputeTimeline.as_view(), "dispute-timeline"),
    *both_slashes("disputes/<int:pk>/consumer/reveal", RevealConsumer.as_view(), "dispute-consumer-reveal"),
    *both_slashes("complaints/<int:pk>/to-station", ComplaintToStation.as_view(), "complaint-to-station"),
]
