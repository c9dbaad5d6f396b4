"""What a whistle looks like coming in and going out (社区吹哨、部门报到)."""

from __future__ import annotations

import uuid
from decimal import Decimal
from typing import Any

from rest_framework import serializers

from grids.coordinates import PlaceField
from kernel.api import StrictSerializer
from leads import whistles
from leads.api import bodies
from leads.api import serializers as s
from leads.models import Side, Whistle, WhistleCall
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
    """A whistle read by `full`; lists are masked, the telephone in them too."""
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
