"""事事有回音 over the API: answers to citizens, surveys by telephone, and revealing who told it."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from grids.access import scope_of
from grids.roles import Role
from kernel.accounts.models import User
from kernel.api import StrictSerializer, both_slashes
from leads import answers, reporters, surveys
from leads.api import bodies
from leads.api.serializers import PersonOut
from leads.api.views import OneLead, user_of
from leads.models import Answer, AnswerAttempt, AnswerState, Rating, Result, Survey, Way
from leads.models.answer import CALL_RESULTS, Question

READS_COMMENTS = (Role.OFFICE_CLERK, Role.OFFICE_HEAD, Role.BUREAU, Role.BUREAU_LEADER, Role.SUBDISTRICT)
"""Who reads what a citizen wrote: not those whom he may have meant."""


class CallSerializer(StrictSerializer):
    """`POST leads/{id}/answers/`: one call that was made."""

    client_uid = serializers.UUIDField()
    result = serializers.ChoiceField(choices=CALL_RESULTS)
    note = serializers.CharField(max_length=500, required=False, allow_blank=True, default="")
    called_at = serializers.DateTimeField(required=False, allow_null=True, default=None)


class RatingSerializer(StrictSerializer):
    """What a citizen says."""

    rating = serializers.ChoiceField(choices=Rating.choices)
    comment = serializers.CharField(max_length=500, required=False, allow_blank=True, default="")


class RevealSerializer(StrictSerializer):
    reason = serializers.CharField(max_length=200)


class RevealByNumberSerializer(RevealSerializer):
    number = serializers.CharField(max_length=24)


class AttemptOut(serializers.Serializer[Any]):
    way = serializers.ChoiceField(choices=Way.choices)
    result = serializers.ChoiceField(choices=Result.choices)
    at = serializers.DateTimeField()
    by = PersonOut(allow_null=True)
    note = serializers.CharField(allow_blank=True)


class AnswerOut(serializers.Serializer[Any]):
    round = serializers.IntegerField()
    state = serializers.ChoiceField(choices=AnswerState.choices)
    owed_at = serializers.DateTimeField()
    due_at = serializers.DateTimeField()
    answered_at = serializers.DateTimeField(allow_null=True)
    way = serializers.ChoiceField(choices=Way.choices, allow_null=True)
    attempts = AttemptOut(many=True)


class AnswersOut(serializers.Serializer[Any]):
    lead = serializers.IntegerField()
    number = serializers.CharField()
    answers = AnswerOut(many=True)


class QuestionOut(serializers.Serializer[Any]):
    """`comment` is null for who does not read what people wrote."""

    round = serializers.IntegerField()
    asked_at = serializers.DateTimeField()
    by_link = serializers.BooleanField()
    expires_at = serializers.DateTimeField()
    answered_at = serializers.DateTimeField(allow_null=True)
    rating = serializers.ChoiceField(choices=Rating.choices, allow_null=True)
    comment = serializers.CharField(allow_null=True)
    how = serializers.ChoiceField(choices=Question.How.choices, allow_null=True)
    entered_by = PersonOut(allow_null=True)
    voided_at = serializers.DateTimeField(allow_null=True)


class SurveyOut(QuestionOut):
    asked = serializers.ChoiceField(choices=Survey.Asked.choices)


class SurveysOut(serializers.Serializer[Any]):
    lead = serializers.IntegerField()
    number = serializers.CharField()
    surveys = SurveyOut(many=True)


class RevealedOut(serializers.Serializer[Any]):
    lead = serializers.IntegerField()
    number = serializers.CharField()
    name = serializers.CharField()
    phone = serializers.CharField()
    revealed_at = serializers.DateTimeField()


def _attempt(row: AnswerAttempt) -> dict[str, Any]:
    return {
        "way": row.way,
        "result": row.result,
        "at": bodies.moment(row.at),
        "by": bodies.person(row.by),
        "note": row.note,
    }


def answers_body(lead_id: int, number: str) -> dict[str, Any]:
    rows = Answer.objects.filter(lead_id=lead_id).order_by("round").prefetch_related("attempts__by")
    return {
        "lead": lead_id,
        "number": number,
        "answers": [
            {
                "round": row.round,
                "state": row.state,
                "owed_at": bodies.moment(row.owed_at),
                "due_at": bodies.moment(row.due_at),
                "answered_at": bodies.moment(row.answered_at),
                "way": row.way or None,
                "attempts": [_attempt(one) for one in row.attempts.all()],
            }
            for row in rows
        ],
    }


def surveys_body(lead_id: int, number: str, user: User) -> dict[str, Any]:
    """Ratings for whoever sees the lead; the citizen's own words for few (`READS_COMMENTS`)."""
    rows = Survey.objects.filter(lead_id=lead_id).order_by("round").select_related("entered_by")
    reads = scope_of(user).has(*READS_COMMENTS)
    return {
        "lead": lead_id,
        "number": number,
        "surveys": [
            {**question(row, read=reads or row.entered_by_id == user.pk), "asked": row.asked} for row in rows
        ],
    }


def question(row: Question, *, read: bool) -> dict[str, Any]:
    """The fields of `QuestionOut`; `read`: may this person read what was said?"""
    return {
        "round": row.round,
        "asked_at": bodies.moment(row.asked_at),
        "by_link": row.token_hash is not None,
        "expires_at": bodies.moment(row.expires_at),
        "answered_at": bodies.moment(row.answered_at),
        "rating": row.rating or None,
        "comment": row.comment if read else None,
        "how": row.how or None,
        "entered_by": bodies.person(row.entered_by),
        "voided_at": bodies.moment(row.voided_at),
    }


class Answers(OneLead):
    """办结回复 of one lead: what is owed, what was tried; enter a call."""

    @extend_schema(operation_id="leads_answers", responses={200: AnswersOut})
    def get(self, request: Request, pk: int) -> Response:
        lead = self.lead(pk)
        return Response(answers_body(lead.pk, lead.number))

    @extend_schema(
        operation_id="leads_answer_by_call",
        request=CallSerializer,
        responses={200: AnswersOut, 201: AnswersOut},
    )
    def post(self, request: Request, pk: int) -> Response:
        given = CallSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        known = AnswerAttempt.objects.filter(
            by=user_of(request), client_uid=given.validated_data["client_uid"]
        ).exists()
        made = answers.record_call(
            lead_id=pk,
            by=user_of(request),
            **given.validated_data | {"result": Result(given.validated_data["result"])},
        )
        lead = made.answer.lead
        code = status.HTTP_200_OK if known else status.HTTP_201_CREATED
        return Response(answers_body(lead.pk, lead.number), status=code)


class SurveyOfLead(OneLead):
    """满意度回访 of one lead; enter what was said by telephone."""

    @extend_schema(operation_id="leads_survey", responses={200: SurveysOut})
    def get(self, request: Request, pk: int) -> Response:
        lead = self.lead(pk)
        return Response(surveys_body(lead.pk, lead.number, user_of(request)))

    @extend_schema(
        operation_id="leads_survey_by_telephone",
        request=RatingSerializer,
        responses={200: SurveysOut, 410: OpenApiResponse(description="voided")},
    )
    def post(self, request: Request, pk: int) -> Response:
        given = RatingSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        made = surveys.record_by_telephone(
            lead_id=pk,
            by=user_of(request),
            rating=Rating(given.validated_data["rating"]),
            comment=given.validated_data["comment"],
        )
        return Response(surveys_body(pk, made.lead.number, user_of(request)))


def _revealed(found: reporters.Revealed) -> Response:
    body = {
        "lead": found.lead_id,
        "number": found.number,
        "name": found.identity.name,
        "phone": found.identity.phone,
        "revealed_at": bodies.moment(found.at),
    }
    return Response(body, headers={"Cache-Control": "no-store"})


class Reveal(APIView):
    """查看反映人: the identity keeper alone, with a reason, noted each time."""

    @extend_schema(
        operation_id="leads_reporter_reveal",
        request=RevealSerializer,
        responses={200: RevealedOut, 410: OpenApiResponse(description="removed")},
    )
    def post(self, request: Request, pk: int) -> Response:
        given = RevealSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        reason = given.validated_data["reason"]
        return _revealed(reporters.reveal(lead_id=pk, by=user_of(request), reason=reason))


class RevealByNumber(APIView):
    """The same by the lead's number: the keeper sees no list of leads."""

    @extend_schema(
        operation_id="reporters_reveal",
        request=RevealByNumberSerializer,
        responses={
            200: RevealedOut,
            404: OpenApiResponse(description="no such lead"),
            410: OpenApiResponse(description="removed"),
        },
    )
    def post(self, request: Request) -> Response:
        given = RevealByNumberSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        return _revealed(reporters.reveal_by_number(by=user_of(request), **given.validated_data))


urlpatterns = [
    *both_slashes("leads/<int:pk>/answers", Answers.as_view(), "lead-answers"),
    *both_slashes("leads/<int:pk>/survey", SurveyOfLead.as_view(), "lead-survey"),
    *both_slashes("leads/<int:pk>/reporter/reveal", Reveal.as_view(), "lead-reporter-reveal"),
    *both_slashes("reporters/reveal", RevealByNumber.as_view(), "reporter-reveal"),
]
