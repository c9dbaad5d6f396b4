"""满意度 by link, without signing in: the token in the address is the right (API.md, `survey/{token}/`)."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from kernel.api import both_slashes
from leads import by_link
from leads.api import bodies
from leads.api.answers import RatingSerializer
from leads.links import PRIVATE, SurveyThrottle
from leads.models import Rating, Survey

OVER = {
    409: OpenApiResponse(description="answered already"),
    410: OpenApiResponse(description="expired, or the lead is being handled again"),
}


class RatingChoiceOut(serializers.Serializer[Any]):
    value = serializers.ChoiceField(choices=Rating.choices)
    label = serializers.CharField()  # type: ignore[assignment]


class AskedOut(serializers.Serializer[Any]):
    number = serializers.CharField()
    asked = serializers.ChoiceField(choices=Survey.Asked.choices)
    done = serializers.CharField()
    asked_at = serializers.DateTimeField()
    expires_at = serializers.DateTimeField()
    ratings = RatingChoiceOut(many=True)


class SaidOut(serializers.Serializer[Any]):
    number = serializers.CharField()
    rating = serializers.ChoiceField(choices=Rating.choices)
    comment = serializers.CharField(allow_blank=True)
    answered_at = serializers.DateTimeField()


class SurveyByLink(APIView):
    """One question, answered once. GET shows it and answers nothing."""

    authentication_classes: tuple[Any, ...] = ()
    permission_classes = (AllowAny,)
    throttle_classes = (SurveyThrottle,)

    @extend_schema(operation_id="survey_read", auth=[], responses={200: AskedOut, **OVER})
    def get(self, request: Request, token: str) -> Response:
        found = by_link.look(token)
        body = {
            "number": found.number,
            "asked": found.whom,
            "done": found.done,
            "asked_at": bodies.moment(found.asked_at),
            "expires_at": bodies.moment(found.expires_at),
            "ratings": [{"value": value, "label": label} for value, label in Rating.choices],
        }
        return Response(body, headers=PRIVATE)

    @extend_schema(
        operation_id="survey_answer", auth=[], request=RatingSerializer, responses={200: SaidOut, **OVER}
    )
    def post(self, request: Request, token: str) -> Response:
        given = RatingSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        asked = given.validated_data
        said = by_link.answer(token, Rating(asked["rating"]), asked["comment"])
        body = {
            "number": said.number,
            "rating": said.rating,
            "comment": said.comment,
            "answered_at": bodies.moment(said.answered_at),
        }
        return Response(body, headers=PRIVATE)


urlpatterns = [*both_slashes("survey/<str:token>", SurveyByLink.as_view(), "survey")]
