"""Endpoints of guidance and leniency (柔性指导、容错纠错)."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import asdict
from datetime import timedelta
from functools import partial
from typing import Any

import django_filters as f
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import generics, serializers, status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from grids.access import scope_of
from grids.models import BusinessEntity
from kernel.accounts.models import User
from kernel.api import CursorPages, StrictSerializer, both_slashes, require_version
from kernel.deadlines.policy import end_of_day
from kernel.errors import NotAllowed
from leads import guidance, leniency
from leads.api import bodies
from leads.api.leniency_shapes import GuidanceOut, LeniencyOut
from leads.api.views import LeadAct, OneLead, act_schema, user_of
from leads.guidance import Given
from leads.models import (
    DisposalKind,
    Guidance,
    GuidanceKind,
    Lead,
    LeniencyDecision,
    Route,
)

BIGGEST = 2**63 - 1


class GuidanceSerializer(StrictSerializer):
    """`POST entities/{id}/guidance/`."""

    client_uid = serializers.UUIDField()
    kind = serializers.ChoiceField(choices=GuidanceKind.choices)
    note = serializers.CharField(max_length=1000, required=False, allow_blank=True, default="")
    lead = serializers.IntegerField(
        min_value=1, max_value=BIGGEST, required=False, allow_null=True, default=None
    )


def guidance_body(row: Guidance) -> dict[str, Any]:
    return {
        "id": row.pk,
        "client_uid": str(row.client_uid),
        "entity": {"id": row.entity_id, "name": row.entity.name},
        "lead": None if row.lead is None else {"id": row.lead.pk, "number": row.lead.number},
        "kind": row.kind,
        "note": bodies.words(row.note, mask=True),
        "by": bodies.person(row.by),
        "at": bodies.moment(row.at),
    }


class EntityGuidance(generics.GenericAPIView[Guidance]):
    """One tap: 提醒、指导、约谈. What was given to this shop, newest first."""

    pagination_class = CursorPages
    serializer_class = GuidanceOut
    filterset_fields = ("kind",)

    def get_queryset(self) -> Any:
        if getattr(self, "swagger_fake_view", False):
            return Guidance.objects.none()
        by = user_of(self.request)
        entity = generics.get_object_or_404(BusinessEntity.objects.visible_to(by), pk=self.kwargs["pk"])
        rows = Guidance.objects.visible_to(by).filter(entity=entity)
        return rows.select_related("entity", "lead", "by")

    @extend_schema(operation_id="entities_guidance_list", responses={200: GuidanceOut(many=True)})
    def get(self, request: Request, pk: int) -> Response:
        page = self.paginate_queryset(self.filter_queryset(self.get_queryset()))
        return self.get_paginated_response([guidance_body(row) for row in page or []])

    @extend_schema(
        operation_id="entities_guidance_give",
        request=GuidanceSerializer,
        responses={200: GuidanceOut, 201: GuidanceOut},
    )
    def post(self, request: Request, pk: int) -> Response:
        form = GuidanceSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        said = form.validated_data
        row, created = guidance.give(
            entity_id=pk,
            by=user_of(request),
            given=Given(said["client_uid"], GuidanceKind(said["kind"]), said["note"]),
            lead_id=said["lead"],
        )
        fresh = Guidance.objects.select_related("entity", "lead", "by").get(pk=row.pk)
        code = status.HTTP_201_CREATED if created else status.HTTP_200_OK
        return Response(guidance_body(fresh), status=code)


# --- leniency --------------------------------------------------------------------------------------


def read_whole(rows: Any) -> Any:
    """Decisions with everything they show."""
    return rows.select_related("lead", "entity", "by").prefetch_related("officers__officer")


def leniency_body(row: LeniencyDecision) -> dict[str, Any]:
    plain = ("round", "route", "result", "harm", "is_first", "state", "form_number")
    return {
        "id": row.pk,
        "lead": {"id": row.lead_id, "number": row.lead.number},
        "entity": {"id": row.entity_id, "name": row.entity.name},
        "category": row.category_id,
        **{name: getattr(row, name) for name in plain},
        "route_label": row.get_route_display(),
        "state_label": row.get_state_display(),
        "corrected_at": bodies.moment(row.corrected_at),
        "first_since": bodies.moment(row.first_since),
        "proof": bodies.words(row.proof, mask=True),
        "guidance": row.guidance_id,
        "by": bodies.person(row.by),
        "at": bodies.moment(row.at),
        "decided_at": bodies.moment(row.decided_at),
        "completed_at": bodies.moment(row.completed_at),
        "officers": [
            {
                "officer": bodies.person(one.officer),
                "card_number": one.card_number,
                "at": bodies.moment(one.at),
                "digest": one.digest,
            }
            for one in row.officers.all()
        ],
    }


class LeniencyFilter(f.FilterSet):
    state = f.MultipleChoiceFilter(choices=LeniencyDecision.State.choices)
    route = f.MultipleChoiceFilter(choices=Route.choices)
    entity = f.NumberFilter(field_name="entity_id", min_value=0, max_value=BIGGEST, decimal_places=0)
    category = f.CharFilter(field_name="category_id", max_length=3)

    class Meta:
        model = LeniencyDecision
        fields: list[str] = []


class LeniencyList(generics.GenericAPIView[LeniencyDecision]):
    """Decisions of leniency that one may see, newest first."""

    pagination_class = CursorPages
    filterset_class = LeniencyFilter
    serializer_class = LeniencyOut

    def get_queryset(self) -> Any:
        if getattr(self, "swagger_fake_view", False):
            return LeniencyDecision.objects.none()
        return read_whole(LeniencyDecision.objects.visible_to(user_of(self.request)))

    @extend_schema(operation_id="leniency_list", responses={200: LeniencyOut(many=True)})
    def get(self, request: Request) -> Response:
        page = self.paginate_queryset(self.filter_queryset(self.get_queryset()))
        return self.get_paginated_response([leniency_body(row) for row in page or []])


class PeriodSerializer(StrictSerializer):
    """A period of whole Shanghai days, both included."""

    since = serializers.DateField()
    until = serializers.DateField()

    def validate(self, given: dict[str, Any]) -> dict[str, Any]:
        if given["until"] < given["since"]:
            raise serializers.ValidationError({"until": "截止日期不能早于开始日期。"})
        return given


class LeniencyCountsOut(serializers.Serializer[Any]):
    since = serializers.DateField()
    until = serializers.DateField()
    entities = serializers.IntegerField()
    guided = serializers.IntegerField()
    lenient = serializers.IntegerField()


class LeniencyCounts(APIView):
    """Shops given guidance or leniency in a period, each shop once, and how many had each."""

    @extend_schema(
        operation_id="leniency_counts",
        parameters=[
            OpenApiParameter("since", OpenApiTypes.DATE, required=True),
            OpenApiParameter("until", OpenApiTypes.DATE, required=True),
        ],
        responses={200: LeniencyCountsOut},
    )
    def get(self, request: Request) -> Response:
        asked = PeriodSerializer(data=request.query_params.dict())
        asked.is_valid(raise_exception=True)
        since, until = asked.validated_data["since"], asked.validated_data["until"]
        if not may_count(user_of(request)):
            raise NotAllowed("您的岗位没有可查看的统计。", code="no_counts_for_role")
        starts, ends = end_of_day(since - timedelta(days=1)), end_of_day(until)
        found = leniency.counts(since=starts, until=ends)
        return Response({"since": since.isoformat(), "until": until.isoformat(), **asdict(found)})


def may_count(user: User) -> bool:
    """The bureau, its sections and leaders, the auditor: the figures are the whole county's."""
    scope = scope_of(user)
    return scope.sees_all or bool(scope.sections)


class HistoryOut(serializers.Serializer[Any]):
    is_first = serializers.BooleanField(allow_null=True)
    since = serializers.DateTimeField(allow_null=True)
    earlier = serializers.ListField(child=serializers.CharField())


class FirstOffence(OneLead):
    """Is it the first of its kind? Looked up before anything is proposed, by those who propose and decide."""

    @extend_schema(operation_id="leads_first_offence", responses={200: HistoryOut})
    def get(self, request: Request, pk: int) -> Response:
        from kernel import clock

        lead = self.lead(pk)
        leniency.refuse_curious(user_of(request))
        found = leniency.history_of(lead, clock.now())
        if found is None:
            return Response({"is_first": None, "since": None, "earlier": []})
        since = bodies.moment(found.since)
        return Response({"is_first": found.is_first, "since": since, "earlier": found.earlier})


class SignSerializer(StrictSerializer):
    card_number = serializers.RegexField(
        r"^[A-Za-z0-9\-]{4,40}$", error_messages={"invalid": "执法证号应为字母、数字和短横。"}
    )
    form_number = serializers.CharField(max_length=60, required=False, allow_blank=True, default="")


class SignLeniency(LeadAct):
    """容错纠错决定签字."""

    serializer_class = SignSerializer

    @act_schema("leniency_sign", SignSerializer)
    def post(self, request: Request, pk: int) -> Response:
        return super().post(request, pk)

    def act(self, pk: int, request: Request, given: Any, expect: Any) -> Lead:
        return leniency.sign(
            lead_id=pk, by=user_of(request), expect=partial(require_version, request), **given.validated_data
        )


def of_lead(lead: Lead, kinds: Collection[str]) -> dict[str, Any]:
    """What the detail of a lead shows of leniency and guidance; `kinds` are those of its results.

    No statement where the lead names no shop, one of guidance, three more where leniency was proposed.
    """
    rows = read_whole(lead.leniencies.order_by("id")) if DisposalKind.LENIENCY in kinds else []
    given: Iterable[Guidance] = []
    if lead.entity_id is not None:
        given = Guidance.objects.filter(lead=lead).select_related("entity", "lead", "by").order_by("id")
    return {
        "leniency": [leniency_body(row) for row in rows],
        "guidance": [guidance_body(row) for row in given],
    }


urlpatterns = [
    *both_slashes("entities/<int:pk>/guidance", EntityGuidance.as_view(), "entity-guidance"),
    *both_slashes("leniency-decisions/counts", LeniencyCounts.as_view(), "leniency-counts"),
    *both_slashes("leniency-decisions", LeniencyList.as_view(), "leniency-decisions"),
    *both_slashes("leads/<int:pk>/first-offence", FirstOffence.as_view(), "lead-first-offence"),
    *both_slashes("leads/<int:pk>/leniency/sign", SignLeniency.as_view(), "lead-leniency-sign"),
]
