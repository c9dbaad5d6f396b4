"""What stands: the scheme in force, the grade of a business with its reasons, gradings, facts (API.md)."""

from __future__ import annotations

from typing import Any, cast

import django_filters as filters
from django.http import Http404
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import generics
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from credit import explaining, withdrawing
from credit.api import bodies, shapes
from credit.facts import FactKind
from credit.models import CreditAssessment, CreditFact, CreditScheme
from grids.models import BusinessEntity, CreditGrade
from kernel import clock
from kernel.accounts.models import User
from kernel.api import CursorPages, both_slashes, etag

BIGGEST = 2**63 - 1


def user_of(request: Request) -> User:
    return cast(User, request.user)


def of_entity() -> filters.NumberFilter:
    return filters.NumberFilter(
        field_name="entity_id", min_value=0, max_value=BIGGEST, decimal_places=0, label="经营主体编号"
    )


class SchemeInForce(APIView):
    @extend_schema(
        operation_id="credit_scheme",
        responses={200: shapes.SchemeOut, 404: OpenApiResponse(description="none in force, or not visible")},
    )
    def get(self, request: Request) -> Response:
        """施行中的信用评分方案, every value with its name."""
        rows = CreditScheme.objects.visible_to(user_of(request)).filter(state=CreditScheme.State.IN_FORCE)
        row = rows.defer("trial").select_related("drafted_by", "decided_by").first()
        if row is None:
            raise Http404
        return Response(bodies.scheme(row), headers={"ETag": etag(row.revision)})


class EntityCredit(APIView):
    @extend_schema(operation_id="entities_credit", responses={200: shapes.EntityCreditOut})
    def get(self, request: Request, pk: int) -> Response:
        """信用等级 of one business, in words to hand over, down to the fact and until when it counts."""
        rows = BusinessEntity.objects.visible_to(user_of(request)).select_related("grid")
        entity = rows.filter(pk=pk).first()
        if entity is None:
            raise Http404
        return Response(bodies.entity_credit(entity, explaining.read(entity, clock.today())))


class AssessmentFilter(filters.FilterSet):
    entity = of_entity()
    grade = filters.ChoiceFilter("effective_grade", choices=CreditGrade.choices, label="执行等级")
    trigger = filters.ChoiceFilter(choices=CreditAssessment.Trigger.choices, label="起因")
    on = filters.DateFilter(label="评定日期")

    class Meta:
        model = CreditAssessment
        fields: list[str] = []


class AssessmentList(generics.GenericAPIView[CreditAssessment]):
    """信用评定记录, newest first."""

    pagination_class = CursorPages
    filterset_class = AssessmentFilter
    serializer_class = shapes.CreditAssessmentOut

    def get_queryset(self) -> Any:
        if getattr(self, "swagger_fake_view", False):
            return CreditAssessment.objects.none()
        return CreditAssessment.objects.visible_to(user_of(self.request))

    @extend_schema(operation_id="credit_assessments", responses={200: shapes.CreditAssessmentOut(many=True)})
    def get(self, request: Request) -> Response:
        rows = self.filter_queryset(self.get_queryset()).select_related("scheme").defer("scheme__trial")
        page = self.paginate_queryset(rows)
        return self.get_paginated_response([bodies.assessment(row) for row in page or []])


class FactFilter(filters.FilterSet):
    entity = of_entity()
    kind = filters.MultipleChoiceFilter(choices=FactKind.choices, label="事实")
    ref = filters.CharFilter(max_length=120, label="事项")

    class Meta:
        model = CreditFact
        fields: list[str] = []


class FactList(generics.GenericAPIView[CreditFact]):
    """信用事实, newest first."""

    pagination_class = CursorPages
    filterset_class = FactFilter
    serializer_class = shapes.CreditFactOut

    def get_queryset(self) -> Any:
        if getattr(self, "swagger_fake_view", False):
            return CreditFact.objects.none()
        return CreditFact.objects.visible_to(user_of(self.request))

    @extend_schema(operation_id="credit_facts", responses={200: shapes.CreditFactOut(many=True)})
    def get(self, request: Request) -> Response:
        page = self.paginate_queryset(self.filter_queryset(self.get_queryset()))
        return self.get_paginated_response(bodies.facts(page or []))


class FactWithdraw(APIView):
    """撤销 what was entered or brought in by a file and is not true; the business is graded anew at once."""

    @extend_schema(
        operation_id="credit_facts_withdraw",
        request=shapes.CreditReasonSerializer,
        responses={
            200: shapes.CreditFactOut,
            404: OpenApiResponse(description="没有这条信用事实，或者无权查看"),
            409: OpenApiResponse(description="不在这里撤销，或者正在申诉、修复"),
        },
    )
    def post(self, request: Request, pk: int) -> Response:
        """By the bureau or its section for credit. Again by the same person, it gives the fact back."""
        get_object_or_404(CreditFact.objects.visible_to(user_of(request)), pk=pk)
        given = shapes.CreditReasonSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        fact = withdrawing.withdraw(fact_id=pk, by=user_of(request), why=given.validated_data["reason"])
        [body] = bodies.facts([fact])
        return Response(body)


urlpatterns = [
    *both_slashes("credit/scheme", SchemeInForce.as_view(), "credit-scheme"),
    *both_slashes("entities/<int:pk>/credit", EntityCredit.as_view(), "entity-credit"),
    *both_slashes("credit/assessments", AssessmentList.as_view(), "credit-assessments"),
    *both_slashes("credit/facts", FactList.as_view(), "credit-facts"),
    *both_slashes("credit/facts/<int:pk>/withdraw", FactWithdraw.as_view(), "credit-fact-withdraw"),
]
