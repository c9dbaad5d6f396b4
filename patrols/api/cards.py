"""Endpoints of enforcement cards (执法证): whose there are, and keeping one."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import generics, serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from kernel.api import CursorPages, StrictSerializer
from kernel.api.shown import person
from leads.api.named import PersonOut
from leads.api.serializers import BIGGEST
from leads.api.views import user_of
from patrols import cards
from patrols.models import EnforcementCard


class CardSerializer(StrictSerializer):
    officer = serializers.IntegerField(min_value=1, max_value=BIGGEST)
    number = serializers.RegexField(f"^{cards.NUMBER}$", error_messages={"invalid": cards.NO_NUMBER})
    expires_on = serializers.DateField()


class CardOut(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    officer = PersonOut()
    number = serializers.CharField()
    expires_on = serializers.DateField()


def body(card: EnforcementCard) -> dict[str, Any]:
    return {
        "id": card.pk,
        "officer": person(card.officer),
        "number": card.number,
        "expires_on": card.expires_on.isoformat(),
    }


class CardList(generics.GenericAPIView[EnforcementCard]):
    """Cards of the office's people; the second officer of a check is chosen from them."""

    pagination_class = CursorPages
    ordering = ("number",)

    def get_queryset(self) -> Any:
        if getattr(self, "swagger_fake_view", False):
            return EnforcementCard.objects.none()
        return EnforcementCard.objects.visible_to(user_of(self.request)).select_related("officer")

    def get_serializer_class(self) -> type[serializers.BaseSerializer[Any]]:
        return CardSerializer if self.request.method == "POST" else CardOut

    @extend_schema(operation_id="patrols_cards_list", responses={200: CardOut(many=True)})
    def get(self, request: Request) -> Response:
        page = self.paginate_queryset(self.filter_queryset(self.get_queryset()))
        return self.get_paginated_response([body(card) for card in page or []])

    @extend_schema(
        operation_id="patrols_cards_keep", request=CardSerializer, responses={200: CardOut, 201: CardOut}
    )
    def post(self, request: Request) -> Response:
        given = CardSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        said = given.validated_data
        card, created = cards.keep(
            officer_id=said["officer"],
            number=said["number"],
            expires_on=said["expires_on"],
            by=user_of(request),
        )
        return Response(body(card), status=status.HTTP_201_CREATED if created else status.HTTP_200_OK)
