"""What follows a dispute: a lead made of it, and the consumer's satisfaction (API.md)."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from grids.access import scope_of
from grids.roles import Section
from kernel.accounts.models import User
from kernel.api import StrictSerializer, both_slashes
from leads.api.answers import READS_COMMENTS, QuestionOut, RatingSerializer, question
from leads.api.named import LeadNameOut
from leads.api.views import user_of
from leads.models import Rating, Severity
from stations import lead_made, surveys
from stations.api.disputes import OneDispute
from stations.lead_made import Hint
from stations.models import Dispute, DisputeSurvey


class HintSerializer(StrictSerializer):
    """Without `description` the dispute's own words are told; the consumer's name and number never."""

    client_uid = serializers.UUIDField()
    category = serializers.CharField(max_length=3)
    description = serializers.CharField(
        max_length=lead_made.MOST, required=False, allow_blank=True, default=""
    )
    severity = serializers.ChoiceField(
        choices=Severity.choices, required=False, allow_null=True, default=None
    )


class MadeLeadOut(LeadNameOut):
    dispute = serializers.IntegerField()


class DisputeSurveyOut(QuestionOut):
    """`comment` is null for who does not read what consumers wrote."""


class DisputeSurveysOut(serializers.Serializer[Any]):
    dispute = serializers.IntegerField()
    number = serializers.CharField()
    surveys = DisputeSurveyOut(many=True)


class LeadOfDispute(APIView):
    """纠纷转线索: a hint of wrongdoing, in one click."""

    @extend_schema(
        operation_id="disputes_lead",
        request=HintSerializer,
        responses={200: MadeLeadOut, 201: MadeLeadOut},
    )
    def post(self, request: Request, pk: int) -> Response:
        """The dispute goes on as before: its version does not move, and no `If-Match` is asked for."""
        form = HintSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        hint = Hint(**form.validated_data)
        lead, created = lead_made.make_lead(dispute_id=pk, by=user_of(request), given=hint)
        code = status.HTTP_201_CREATED if created else status.HTTP_200_OK
        return Response({"id": lead.pk, "number": lead.number, "dispute": pk}, status=code)


def surveys_body(of: Dispute, user: User) -> dict[str, Any]:
    """Ratings for whoever sees the dispute; the consumer's own words for few."""
    scope = scope_of(user)
    reads = scope.has(*READS_COMMENTS) or Section.CONSUMER in scope.sections
    rows = DisputeSurvey.objects.filter(dispute=of).order_by("round").select_related("entered_by")
    return {
        "dispute": of.pk,
        "number": of.number,
        "surveys": [question(row, read=reads or row.entered_by_id == user.pk) for row in rows],
    }


class SurveyOfDispute(OneDispute):
    """满意度回访 of one dispute; enter what was said by telephone."""

    @extend_schema(operation_id="disputes_survey", responses={200: DisputeSurveysOut})
    def get(self, request: Request, pk: int) -> Response:
        return Response(surveys_body(self.dispute(pk), user_of(request)))

    @extend_schema(
        operation_id="disputes_survey_by_telephone",
        request=RatingSerializer,
        responses={200: DisputeSurveysOut, 410: OpenApiResponse(description="voided")},
    )
    def post(self, request: Request, pk: int) -> Response:
        form = RatingSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        said = form.validated_data
        row = surveys.record_by_telephone(
            dispute_id=pk, by=user_of(request), rating=Rating(said["rating"]), comment=said["comment"]
        )
        return Response(surveys_body(row.dispute, user_of(request)))


urlpatterns = [
    *both_slashes("disputes/<int:pk>/lead", LeadOfDispute.as_view(), "dispute-lead"),
    *both_slashes("disputes/<int:pk>/survey", SurveyOfDispute.as_view(), "dispute-survey"),
]
