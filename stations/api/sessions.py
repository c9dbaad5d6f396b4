"""调解会 over the API: appointments of one dispute, minutes, called off."""

from __future__ import annotations

from abc import abstractmethod
from functools import partial
from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import generics, serializers, status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from grids.access import scope_of
from kernel.accounts.models import User
from kernel.api import CursorPages, StrictSerializer, both_slashes, etag, require_version
from leads.api.serializers import BIGGEST
from leads.api.views import IF_MATCH, user_of
from leads.selectors import reads_masked
from stations import selectors, sessions
from stations.acts import Expect
from stations.api import bodies, shapes
from stations.api.disputes import STALE
from stations.models import Dispute, Session
from stations.sessions import Appointment


class AppointmentSerializer(StrictSerializer):
    """Without `mediator` it is who enters it."""

    client_uid = serializers.UUIDField()
    mediator = serializers.IntegerField(
        min_value=1, max_value=BIGGEST, required=False, allow_null=True, default=None
    )
    place = serializers.ChoiceField(
        choices=Session.Place.choices, required=False, default=Session.Place.STATION
    )
    starts_at = serializers.DateTimeField()
    ends_at = serializers.DateTimeField()
    note = serializers.CharField(max_length=500, required=False, allow_blank=True, default="")

    def appointment(self, by_id: int) -> Appointment:
        said = self.validated_data
        return Appointment(
            client_uid=said["client_uid"],
            mediator_id=said["mediator"] or by_id,
            place=Session.Place(said["place"]),
            starts_at=said["starts_at"],
            ends_at=said["ends_at"],
            note=said["note"],
        )


class HoldSessionSerializer(StrictSerializer):
    consumer_came = serializers.BooleanField()
    shop_came = serializers.BooleanField()
    minutes = serializers.CharField(max_length=4000)


class CancelSessionSerializer(StrictSerializer):
    why = serializers.CharField(max_length=200)


def answer(row: Session, request: Request, code: int = status.HTTP_200_OK) -> Response:
    """The session as it is now; the ETag is the dispute's."""
    fresh = selectors.sessions_shown(Session.objects.filter(pk=row.pk)).get()
    mask = reads_masked(scope_of(user_of(request)))
    body = bodies.session(fresh, fresh.dispute, mask=mask)
    return Response(body, status=code, headers={"ETag": etag(fresh.dispute.version)})


class SessionsOfDispute(generics.GenericAPIView[Session]):
    """调解会 of one dispute, by when they begin; book one."""

    pagination_class = CursorPages
    ordering = ("starts_at", "id")

    def get_queryset(self) -> Any:
        if getattr(self, "swagger_fake_view", False):
            return Session.objects.none()
        seen = Dispute.objects.visible_to(user_of(self.request))
        of = generics.get_object_or_404(seen, pk=self.kwargs["pk"])
        return selectors.sessions_shown(Session.objects.filter(dispute=of))

    def get_serializer_class(self) -> type[serializers.BaseSerializer[Any]]:
        return AppointmentSerializer if self.request.method == "POST" else shapes.SessionOut

    @extend_schema(operation_id="disputes_sessions_list", responses={200: shapes.SessionOut(many=True)})
    def get(self, request: Request, pk: int) -> Response:
        mask = reads_masked(scope_of(user_of(request)))
        page = self.paginate_queryset(self.get_queryset()) or []
        return self.get_paginated_response([bodies.session(row, row.dispute, mask=mask) for row in page])

    @extend_schema(
        operation_id="disputes_sessions_book",
        request=AppointmentSerializer,
        parameters=[IF_MATCH],
        responses={200: shapes.SessionOut, 201: shapes.SessionOut, **STALE},
    )
    def post(self, request: Request, pk: int) -> Response:
        """预约调解会. `If-Match` and `ETag` are the dispute's."""
        form = AppointmentSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        by = user_of(request)
        given = form.appointment(by.pk)
        known = Session.objects.filter(made_by=by, client_uid=given.client_uid).exists()
        expect = partial(require_version, request)
        row = sessions.book(dispute_id=min(pk, BIGGEST), by=by, expect=expect, given=given)
        return answer(row, request, status.HTTP_200_OK if known else status.HTTP_201_CREATED)


class SessionAct(APIView):
    """One act on one session; `If-Match` and `ETag` are the dispute's."""

    serializer_class: type[serializers.Serializer[Any]]

    def post(self, request: Request, pk: int) -> Response:
        form = self.serializer_class(data=request.data)
        form.is_valid(raise_exception=True)
        row = self.act(pk, user_of(request), partial(require_version, request), form.validated_data)
        return answer(row, request)

    @abstractmethod
    def act(self, pk: int, by: User, expect: Expect, said: dict[str, Any]) -> Session:
        """Call the one service of this act."""


def session_schema(name: str, body: type[serializers.Serializer[Any]]) -> Any:
    return extend_schema(
        operation_id=f"mediation_sessions_{name}",
        request=body,
        parameters=[IF_MATCH],
        responses={200: shapes.SessionOut, **STALE},
    )


class Hold(SessionAct):
    """登记调解记录."""

    serializer_class = HoldSessionSerializer

    @session_schema("hold", HoldSessionSerializer)
    def post(self, request: Request, pk: int) -> Response:
        return super().post(request, pk)

    def act(self, pk: int, by: User, expect: Expect, said: dict[str, Any]) -> Session:
        return sessions.hold(session_id=pk, by=by, expect=expect, **said)


class Cancel(SessionAct):
    """取消预约."""

    serializer_class = CancelSessionSerializer

    @session_schema("cancel", CancelSessionSerializer)
    def post(self, request: Request, pk: int) -> Response:
        return super().post(request, pk)

    def act(self, pk: int, by: User, expect: Expect, said: dict[str, Any]) -> Session:
        return sessions.cancel(session_id=pk, by=by, expect=expect, **said)


urlpatterns = [
    *both_slashes("disputes/<int:pk>/sessions", SessionsOfDispute.as_view(), "dispute-sessions"),
    *both_slashes("mediation-sessions/<int:pk>/hold", Hold.as_view(), "mediation-session-hold"),
    *both_slashes("mediation-sessions/<int:pk>/cancel", Cancel.as_view(), "mediation-session-cancel"),
]
