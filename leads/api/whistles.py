"""Endpoints of whistles (社区吹哨、部门报到; API.md)."""

from __future__ import annotations

import uuid
from abc import abstractmethod
from decimal import Decimal
from functools import partial
from typing import Any

import django_filters as f
from django.db.models import Exists, OuterRef, Prefetch, Q, QuerySet
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import generics, serializers, status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from grids.access import scope_of
from grids.coordinates import PlaceField
from kernel.api import CursorPages, StrictSerializer, both_slashes, etag, require_version
from leads import whistle_calls, whistles
from leads.acts import Expect
from leads.api import bodies
from leads.api import serializers as s
from leads.api.views import IF_MATCH, user_of
from leads.models import Side, Whistle, WhistleCall, WhistleEvidence
from leads.whistle_calls import Place, Word
from leads.whistle_states import Answer, CallState, How, WhistleState

# --- what comes in ---------------------------------------------------------------------------------


class DepartmentsField(serializers.ListField):
    """Codes of departments, 1 to 8."""

    child = serializers.CharField(max_length=20)

    def __init__(self, **options: Any) -> None:
        super().__init__(min_length=1, max_length=whistles.MOST_DEPARTMENTS, **options)


class WhistleSerializer(StrictSerializer):
    """`POST whistles/`. `grid` may be left out where the lead's own is meant."""

    client_uid = serializers.UUIDField(required=False, allow_null=True, default=None)
    lead = serializers.IntegerField(
        min_value=1, max_value=s.BIGGEST, required=False, allow_null=True, default=None
    )
    grid = serializers.CharField(max_length=20, required=False, allow_null=True, default=None)
    departments = DepartmentsField()
    reason = serializers.CharField(max_length=500)
    place = serializers.CharField(max_length=200, required=False, allow_blank=True, default="")
    telephone = serializers.RegexField(
        r"^[0-9+\-() ]{5,20}$",
        required=False,
        allow_blank=True,
        default="",
        error_messages={"invalid": "联系电话格式不正确。"},
    )

    def asked(self) -> whistles.Request:
        given = self.validated_data
        return whistles.Request(
            departments=tuple(given["departments"]),
            reason=given["reason"],
            client_uid=given["client_uid"] or uuid.uuid4(),
            grid=given["grid"] or "",
            lead_id=given["lead"],
            place=given["place"],
            telephone=given["telephone"],
        )


class WhistleCallSerializer(StrictSerializer):
    departments = DepartmentsField()


class WhistleWordSerializer(StrictSerializer):
    """`department` where several could be meant; `said_by` where the caller's side enters what was said
    by telephone."""

    department = serializers.CharField(max_length=20, required=False, allow_null=True, default=None)
    said_by = serializers.CharField(max_length=40, required=False, allow_blank=True, default="")

    def word(self) -> Word:
        return Word(self.validated_data["department"], self.validated_data["said_by"])


class WhistleAnswerSerializer(WhistleWordSerializer):
    answer = serializers.ChoiceField(choices=Answer.choices)
    note = serializers.CharField(max_length=500, required=False, allow_blank=True, default="")


class WhistleCheckInSerializer(WhistleWordSerializer):
    location = PlaceField(required=False, allow_null=True, default=None)
    note = serializers.CharField(max_length=500, required=False, allow_blank=True, default="")

    def place(self) -> Place | None:
        at = self.validated_data["location"]
        return None if not at else Place(Decimal(f"{at['lon']:.6f}"), Decimal(f"{at['lat']:.6f}"))


class WhistleReportSerializer(WhistleWordSerializer):
    note = serializers.CharField(max_length=2000)
    evidence = s.EvidenceListField(required=False, default=((), ()))


class WhistleCloseSerializer(StrictSerializer):
    note = serializers.CharField(max_length=500, required=False, allow_blank=True, default="")


# --- what goes out ---------------------------------------------------------------------------------


class CallEvidenceOut(serializers.Serializer[Any]):
    id = serializers.IntegerField(allow_null=True)
    sha256 = serializers.CharField()
    missing = serializers.BooleanField()


class CallOut(serializers.Serializer[Any]):
    """One department. Limits are null where no joint notice sets any."""

    id = serializers.IntegerField()
    department = serializers.CharField()
    department_name = serializers.CharField()
    state = serializers.ChoiceField(choices=CallState.choices)
    state_label = serializers.CharField()
    document_number = serializers.CharField(allow_null=True)
    called_at = serializers.DateTimeField()
    answer_due_at = serializers.DateTimeField(allow_null=True)
    on_site_due_at = serializers.DateTimeField(allow_null=True)
    answer_late = serializers.BooleanField()
    on_site_late = serializers.BooleanField()
    answer = serializers.ChoiceField(choices=Answer.choices, allow_null=True)
    answered_at = serializers.DateTimeField(allow_null=True)
    answered_by = s.PersonOut(allow_null=True)
    answered_how = serializers.ChoiceField(choices=How.choices, allow_null=True)
    said_by = serializers.CharField(allow_blank=True)
    answer_note = serializers.CharField(allow_blank=True)
    declined_at = serializers.DateTimeField(allow_null=True)
    checked_in_at = serializers.DateTimeField(allow_null=True)
    checked_in_by = s.PersonOut(allow_null=True)
    check_in_note = serializers.CharField(allow_blank=True)
    location = s.PlaceOut(allow_null=True)
    reported_at = serializers.DateTimeField(allow_null=True)
    reported_by = s.PersonOut(allow_null=True)
    report = serializers.CharField(allow_blank=True)
    evidence = CallEvidenceOut(many=True)
    ended_at = serializers.DateTimeField(allow_null=True)


class WhistleOut(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    version = serializers.IntegerField()
    state = serializers.ChoiceField(choices=WhistleState.choices)
    state_label = serializers.CharField()
    lead = s.LeadNameOut(allow_null=True)
    category_name = serializers.CharField(allow_null=True)
    grid = serializers.CharField()
    grid_name = serializers.CharField()
    side = serializers.ChoiceField(choices=Side.choices)
    called_by = s.PersonOut()
    reason = serializers.CharField()
    place = serializers.CharField(allow_blank=True)
    telephone = serializers.CharField(allow_blank=True)
    client_uid = serializers.UUIDField()
    called_at = serializers.DateTimeField()
    closed_at = serializers.DateTimeField(allow_null=True)
    closed_by = s.PersonOut(allow_null=True)
    close_note = serializers.CharField(allow_blank=True)
    calls = CallOut(many=True)

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        return super().get_fields() | {"for": s.PersonOut(allow_null=True)}


def call_body(row: WhistleCall, *, mask: bool) -> dict[str, Any]:
    spot = None
    if row.lon is not None and row.lat is not None:
        spot = {"lon": float(row.lon), "lat": float(row.lat), "crs": "wgs84", "accuracy_m": None}
    return {
        "id": row.pk,
        "department": row.department.code,
        "department_name": row.department.name,
        "state": row.state,
        "state_label": row.get_state_display(),
        "document_number": row.policy.document_number if row.policy else None,
        "called_at": bodies.moment(row.called_at),
        "answer_due_at": bodies.moment(row.answer_due_at),
        "on_site_due_at": bodies.moment(row.on_site_due_at),
        "answer_late": row.answer_late,
        "on_site_late": row.on_site_late,
        "answer": row.answer or None,
        "answered_at": bodies.moment(row.answered_at),
        "answered_by": bodies.person(row.answered_by),
        "answered_how": row.answered_how or None,
        "said_by": row.said_by,
        "answer_note": bodies.words(row.answer_note, mask=mask),
        "declined_at": bodies.moment(row.declined_at),
        "checked_in_at": bodies.moment(row.checked_in_at),
        "checked_in_by": bodies.person(row.checked_in_by),
        "check_in_note": bodies.words(row.check_in_note, mask=mask),
        "location": spot,
        "reported_at": bodies.moment(row.reported_at),
        "reported_by": bodies.person(row.reported_by),
        "report": bodies.words(row.report, mask=mask),
        "evidence": [
            {"id": one.evidence_id, "sha256": one.sha256, "missing": one.evidence_id is None}
            for one in row.evidence.all()
        ],
        "ended_at": bodies.moment(row.ended_at),
    }


def body(row: Whistle, *, mask: bool = True) -> dict[str, Any]:
    """A whistle read by `full`; lists are masked, and the telephone in them is left out."""
    lead = row.lead
    return {
        "id": row.pk,
        "version": row.version,
        "state": row.state,
        "state_label": row.get_state_display(),
        "lead": None if lead is None else {"id": lead.pk, "number": lead.number},
        "category_name": None if lead is None else lead.category.name,
        "grid": row.grid.code,
        "grid_name": row.grid.name,
        "side": row.side,
        "called_by": bodies.person(row.called_by),
        "for": bodies.person(row.on_behalf_of),
        "reason": bodies.words(row.reason, mask=mask),
        "place": bodies.words(row.place, mask=mask),
        "telephone": bodies.words(row.telephone, mask=mask),
        "client_uid": str(row.client_uid),
        "called_at": bodies.moment(row.called_at),
        "closed_at": bodies.moment(row.closed_at),
        "closed_by": bodies.person(row.closed_by),
        "close_note": bodies.words(row.close_note, mask=mask),
        "calls": [call_body(call, mask=mask) for call in row.calls.all()],
    }


def full(rows: QuerySet[Whistle]) -> QuerySet[Whistle]:
    """Whistles with all that a row shows, in a fixed number of statements."""
    calls = WhistleCall.objects.select_related(
        "department", "policy", "answered_by", "checked_in_by", "reported_by"
    ).order_by("id")
    return rows.select_related(
        "lead__category", "grid", "called_by", "on_behalf_of", "closed_by"
    ).prefetch_related(
        Prefetch("calls", queryset=calls),
        Prefetch("calls__evidence", queryset=WhistleEvidence.objects.order_by("id")),
    )


# --- endpoints -------------------------------------------------------------------------------------


class WhistleFilter(f.FilterSet):
    """`state` of the whistle, `department` and `call_state` of its calls, `late`: any clock run out."""

    state = f.ChoiceFilter(choices=WhistleState.choices)
    department = f.CharFilter(method="by_department", max_length=20, label="department")
    call_state = f.ChoiceFilter(choices=CallState.choices, method="by_call_state", label="call_state")
    late = f.BooleanFilter(method="by_late", label="late")
    grid = f.CharFilter(field_name="grid__code", max_length=20)
    lead = f.NumberFilter(field_name="lead_id", min_value=0, max_value=s.BIGGEST, decimal_places=0)
    called_after = f.IsoDateTimeFilter(field_name="called_at", lookup_expr="gte")
    called_before = f.IsoDateTimeFilter(field_name="called_at", lookup_expr="lt")

    class Meta:
        model = Whistle
        fields: list[str] = []

    def by_department(self, rows: Any, name: str, value: str) -> Any:
        return rows.filter(_has_call(department__code=value))

    def by_call_state(self, rows: Any, name: str, value: str) -> Any:
        return rows.filter(_has_call(state=value))

    def by_late(self, rows: Any, name: str, value: bool) -> Any:
        late = _has_call(Q(answer_late=True) | Q(on_site_late=True))
        return rows.filter(late) if value else rows.exclude(late)


def _has_call(*conditions: Q, **values: Any) -> Exists:
    return Exists(WhistleCall.objects.filter(*conditions, whistle=OuterRef("pk"), **values))


def visible(request: Request) -> QuerySet[Whistle]:
    return Whistle.objects.visible_to(user_of(request))


def answered(whistle_id: int, request: Request, code: int = status.HTTP_200_OK) -> Response:
    """The whistle as it is now, with its ETag."""
    row = full(Whistle.objects.filter(pk=whistle_id)).get()
    told = body(row, mask=scope_of(user_of(request)).is_auditor)
    headers = {"ETag": etag(row.version)}
    if code == status.HTTP_201_CREATED:
        headers["Location"] = f"/api/v1/whistles/{row.pk}/"
    return Response(told, status=code, headers=headers)


class WhistleList(generics.GenericAPIView[Whistle]):
    """Call departments; list what one may see, newest first."""

    pagination_class = CursorPages
    filterset_class = WhistleFilter
    ordering_fields = ("id", "called_at")

    def get_queryset(self) -> Any:
        if getattr(self, "swagger_fake_view", False):
            return Whistle.objects.none()
        return visible(self.request)

    def get_serializer_class(self) -> type[serializers.BaseSerializer[Any]]:
        return WhistleSerializer if self.request.method == "POST" else WhistleOut

    @extend_schema(operation_id="whistles_list", responses={200: WhistleOut(many=True)})
    def get(self, request: Request) -> Response:
        page = self.paginate_queryset(full(self.filter_queryset(self.get_queryset())))
        return self.get_paginated_response([body(row) for row in page or []])

    @extend_schema(
        operation_id="whistles_blow",
        request=WhistleSerializer,
        responses={
            200: WhistleOut,
            201: WhistleOut,
            404: OpenApiResponse(description="没有这条线索，或者无权查看"),
        },
    )
    def post(self, request: Request) -> Response:
        given = WhistleSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        made = whistles.blow(request=given.asked(), by=user_of(request))
        code = status.HTTP_201_CREATED if made.created else status.HTTP_200_OK
        return answered(made.whistle.pk, request, code)


class WhistleDetail(APIView):
    @extend_schema(operation_id="whistles_read", responses={200: WhistleOut})
    def get(self, request: Request, pk: int) -> Response:
        generics.get_object_or_404(visible(request), pk=pk)
        return answered(pk, request)


class WhistleStep(APIView):
    """One act on one whistle: read the body, call the service, answer with the whistle."""

    serializer_class: type[serializers.Serializer[Any]]

    def post(self, request: Request, pk: int) -> Response:
        given = self.serializer_class(data=request.data)
        given.is_valid(raise_exception=True)
        self.act(pk, request, given, partial(require_version, request))
        return answered(pk, request)

    @abstractmethod
    def act(self, pk: int, request: Request, given: Any, expect: Expect) -> Whistle:
        """Call the one service of this act."""


def step_schema(name: str, body_in: type[serializers.Serializer[Any]]) -> Any:
    return extend_schema(
        operation_id=f"whistles_{name}",
        request=body_in,
        parameters=[IF_MATCH],
        responses={
            200: WhistleOut,
            412: OpenApiResponse(description="stale"),
            428: OpenApiResponse(description="If-Match missing"),
        },
    )


class CallMore(WhistleStep):
    """再叫其他部门."""

    serializer_class = WhistleCallSerializer

    @step_schema("call", WhistleCallSerializer)
    def post(self, request: Request, pk: int) -> Response:
        return super().post(request, pk)

    def act(self, pk: int, request: Request, given: Any, expect: Expect) -> Whistle:
        return whistles.call_more(whistle_id=pk, by=user_of(request), expect=expect, **given.validated_data)


class AnswerCall(WhistleStep):
    """部门回应."""

    serializer_class = WhistleAnswerSerializer

    @step_schema("answer", WhistleAnswerSerializer)
    def post(self, request: Request, pk: int) -> Response:
        return super().post(request, pk)

    def act(self, pk: int, request: Request, given: Any, expect: Expect) -> Whistle:
        return whistle_calls.answer(
            whistle_id=pk,
            by=user_of(request),
            expect=expect,
            answer=Answer(given.validated_data["answer"]),
            word=given.word(),
            note=given.validated_data["note"],
        )


class CheckIn(WhistleStep):
    """到场签到."""

    serializer_class = WhistleCheckInSerializer

    @step_schema("check_in", WhistleCheckInSerializer)
    def post(self, request: Request, pk: int) -> Response:
        return super().post(request, pk)

    def act(self, pk: int, request: Request, given: Any, expect: Expect) -> Whistle:
        return whistle_calls.check_in(
            whistle_id=pk,
            by=user_of(request),
            expect=expect,
            word=given.word(),
            place=given.place(),
            note=given.validated_data["note"],
        )


class ReportCall(WhistleStep):
    """部门报告处置情况."""

    serializer_class = WhistleReportSerializer

    @step_schema("report", WhistleReportSerializer)
    def post(self, request: Request, pk: int) -> Response:
        return super().post(request, pk)

    def act(self, pk: int, request: Request, given: Any, expect: Expect) -> Whistle:
        ids, hashes = given.validated_data["evidence"]
        return whistle_calls.report(
            whistle_id=pk,
            by=user_of(request),
            expect=expect,
            word=given.word(),
            note=given.validated_data["note"],
            evidence=ids,
            awaited=hashes,
        )


class CloseWhistle(WhistleStep):
    """结束吹哨."""

    serializer_class = WhistleCloseSerializer

    @step_schema("close", WhistleCloseSerializer)
    def post(self, request: Request, pk: int) -> Response:
        return super().post(request, pk)

    def act(self, pk: int, request: Request, given: Any, expect: Expect) -> Whistle:
        return whistles.close(whistle_id=pk, by=user_of(request), expect=expect, **given.validated_data)


urlpatterns = [
    *both_slashes("whistles", WhistleList.as_view(), "whistles"),
    *both_slashes("whistles/<int:pk>", WhistleDetail.as_view(), "whistle"),
    *both_slashes("whistles/<int:pk>/call", CallMore.as_view(), "whistle-call"),
    *both_slashes("whistles/<int:pk>/answer", AnswerCall.as_view(), "whistle-answer"),
    *both_slashes("whistles/<int:pk>/check-in", CheckIn.as_view(), "whistle-check-in"),
    *both_slashes("whistles/<int:pk>/report", ReportCall.as_view(), "whistle-report"),
    *both_slashes("whistles/<int:pk>/close", CloseWhistle.as_view(), "whistle-close"),
]
