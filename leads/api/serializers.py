"""What the endpoints of leads take, and the shapes they answer with (for the OpenAPI document)."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from rest_framework import serializers

from grids.coordinates import PlaceField
from kernel.api import StrictSerializer
from kernel.deadlines.models import Deadline
from kernel.evidence.api.fields import EvidenceListField
from leads.answered import Answered
from leads.api.after_shapes import AfterOut, AfterRowOut
from leads.api.named import LeadNameOut, PersonOut
from leads.api.proposal import ProposalSerializer, proposal
from leads.api.request_shapes import RequestRowOut, RequestsOut
from leads.intake import Report, Told
from leads.lifecycle import Outcome
from leads.models import (
    DisposalKind,
    FileStage,
    Instruction,
    LateSide,
    Method,
    Plan,
    Severity,
    Side,
    Stage,
    SupervisionOrder,
)
from leads.states import State

BIGGEST = 2**63 - 1


class ToldSerializer(StrictSerializer):
    name = serializers.CharField(max_length=40)
    phone = serializers.RegexField(r"^[0-9+\-() ]{5,20}$", error_messages={"invalid": "联系电话格式不正确。"})


class ReportSerializer(StrictSerializer):
    """`POST leads/`."""

    client_uid = serializers.UUIDField()
    category = serializers.CharField(max_length=3)
    description = serializers.CharField(max_length=2000, required=False, allow_blank=True, default="")
    location = PlaceField(required=False, allow_null=True, default=None)
    entity = serializers.IntegerField(
        min_value=1, max_value=BIGGEST, required=False, allow_null=True, default=None
    )
    severity = serializers.ChoiceField(
        choices=Severity.choices, required=False, allow_null=True, default=None
    )
    captured_at = serializers.DateTimeField(required=False, allow_null=True, default=None)
    evidence = EvidenceListField(required=False, default=((), ()))
    reporter = ToldSerializer(required=False, allow_null=True, default=None)
    fixed_on_spot = serializers.BooleanField(required=False, default=False)

    def report(self, *, clock_skewed: bool = False) -> Report:
        given = self.validated_data
        at = given["location"] or {}
        ids, hashes = given["evidence"]
        accuracy = at.get("accuracy_m")
        return Report(
            client_uid=given["client_uid"],
            category=given["category"],
            description=given["description"],
            lon=None if not at else Decimal(f"{at['lon']:.6f}"),
            lat=None if not at else Decimal(f"{at['lat']:.6f}"),
            accuracy_m=None if accuracy is None else round(accuracy),
            crs_in=at.get("crs_in", ""),
            entity_id=given["entity"],
            severity=given["severity"],
            captured_at=given["captured_at"],
            evidence=ids,
            awaited=hashes,
            told=Told(**given["reporter"]) if given["reporter"] else None,
            fixed_on_spot=given["fixed_on_spot"],
            clock_skewed=clock_skewed,
        )


class NoBody(StrictSerializer):
    """An act that needs no words."""


class RespondSerializer(StrictSerializer):
    plan = serializers.ChoiceField(choices=Plan.choices, required=False, default=Plan.ON_MY_WAY)
    note = serializers.CharField(max_length=500, required=False, allow_blank=True, default="")


class ControlSerializer(StrictSerializer):
    note = serializers.CharField(max_length=500)
    evidence = EvidenceListField(required=False, default=((), ()))


class DisposalInSerializer(StrictSerializer):
    kind = serializers.ChoiceField(choices=DisposalKind.choices)
    note = serializers.CharField(max_length=2000)
    rectify_due_at = serializers.DateTimeField(required=False, allow_null=True, default=None)
    department = serializers.CharField(max_length=20, required=False, allow_blank=True, default="")
    document_number = serializers.CharField(max_length=60, required=False, allow_blank=True, default="")
    leniency = ProposalSerializer(required=False, allow_null=True, default=None)
    case_number = serializers.CharField(max_length=60, required=False, allow_blank=True, default="")


class FeedbackSerializer(StrictSerializer):
    disposal = DisposalInSerializer()
    evidence = EvidenceListField(required=False, default=((), ()))

    def outcome(self) -> Outcome:
        given = self.validated_data["disposal"]
        return Outcome(
            DisposalKind(given["kind"]),
            given["note"],
            given["rectify_due_at"],
            department=given["department"],
            document_number=given["document_number"],
            leniency=proposal(given["leniency"]),
            case_number=given["case_number"],
        )


class VerifySerializer(StrictSerializer):
    method = serializers.ChoiceField(choices=Method.choices, required=False, default=Method.ON_SITE)
    note = serializers.CharField(max_length=500, required=False, allow_blank=True, default="")


class ReworkSerializer(StrictSerializer):
    reason = serializers.CharField(max_length=500)


class DispatchSerializer(StrictSerializer):
    assignee = serializers.IntegerField(min_value=1, max_value=BIGGEST)
    grid = serializers.CharField(max_length=20, required=False, allow_null=True, default=None)
    reason = serializers.CharField(max_length=200)


class AcknowledgeSerializer(StrictSerializer):
    """`assignee` goes with `reassign` of the office's side: the new owner."""

    instruction = serializers.ChoiceField(choices=Instruction.choices)
    note = serializers.CharField(max_length=500, required=False, allow_blank=True, default="")
    assignee = serializers.IntegerField(
        min_value=1, max_value=BIGGEST, required=False, allow_null=True, default=None
    )


class AcknowledgeOneOfMany(AcknowledgeSerializer):
    id = serializers.IntegerField(min_value=1, max_value=BIGGEST)
    version = serializers.IntegerField(min_value=1, max_value=2**31 - 1)


class AcknowledgeManySerializer(StrictSerializer):
    """Each its own row, its own instruction, its own answer."""

    orders = serializers.ListField(child=AcknowledgeOneOfMany(), min_length=1, max_length=50)


# --- answers ---------------------------------------------------------------------------------------


class PlaceOut(serializers.Serializer[Any]):
    lon = serializers.FloatField()
    lat = serializers.FloatField()
    crs = serializers.ChoiceField(choices=["wgs84"])
    accuracy_m = serializers.IntegerField(allow_null=True)


class DeadlineOut(serializers.Serializer[Any]):
    kind = serializers.CharField()
    cycle = serializers.IntegerField()
    state = serializers.ChoiceField(choices=Deadline.State.choices)
    due_at = serializers.DateTimeField()
    closed_at = serializers.DateTimeField(allow_null=True)


class SignatureOut(serializers.Serializer[Any]):
    stage = serializers.ChoiceField(choices=Stage.choices)
    side = serializers.ChoiceField(choices=Side.choices)
    cycle = serializers.IntegerField()
    signer = PersonOut()
    sentence = serializers.CharField()
    signed_at = serializers.DateTimeField()
    digest = serializers.CharField()

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        return super().get_fields() | {"for": PersonOut(allow_null=True)}


class EvidenceOut(serializers.Serializer[Any]):
    id = serializers.IntegerField(allow_null=True)
    sha256 = serializers.CharField()
    stage = serializers.ChoiceField(choices=FileStage.choices)
    round = serializers.IntegerField()
    kind = serializers.CharField(allow_null=True)
    flags = serializers.ListField(child=serializers.CharField())
    missing = serializers.BooleanField()


class DisposalOut(serializers.Serializer[Any]):
    round = serializers.IntegerField()
    kind = serializers.ChoiceField(choices=DisposalKind.choices)
    note = serializers.CharField()
    rectify_due_at = serializers.DateTimeField(allow_null=True)
    case_number = serializers.CharField(allow_blank=True)
    by = PersonOut()
    at = serializers.DateTimeField()


class ReworkOut(serializers.Serializer[Any]):
    round = serializers.IntegerField()
    reason = serializers.CharField()
    by = PersonOut()
    at = serializers.DateTimeField()


class AcknowledgeByOut(serializers.Serializer[Any]):
    office = serializers.DateTimeField(required=False)
    community = serializers.DateTimeField(required=False)


class EntityNameOut(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    name = serializers.CharField()


class LeadRowOut(RequestRowOut, AfterRowOut):
    id = serializers.IntegerField()
    number = serializers.CharField()
    client_uid = serializers.UUIDField()
    state = serializers.ChoiceField(choices=State.choices)
    state_label = serializers.CharField()
    version = serializers.IntegerField()
    round = serializers.IntegerField()
    category = serializers.CharField()
    category_name = serializers.CharField()
    severity = serializers.ChoiceField(choices=Severity.choices)
    food = serializers.BooleanField()
    restricted = serializers.BooleanField()
    description = serializers.CharField()
    location = PlaceOut(allow_null=True)
    grid = serializers.CharField(allow_null=True)
    grid_name = serializers.CharField(allow_null=True)
    entity = EntityNameOut(allow_null=True)
    assignee = PersonOut(allow_null=True)
    routing_reason = serializers.CharField()
    boundary_match = serializers.ChoiceField(choices=["inside", "near", "entity", "manual", "none"])
    told_by_citizen = serializers.BooleanField()
    answered = serializers.ChoiceField(choices=Answered.choices, allow_null=True)
    fixed_on_spot = serializers.BooleanField()
    flags = serializers.ListField(child=serializers.CharField())
    discovered_at = serializers.DateTimeField()
    reported_at = serializers.DateTimeField()
    dispatched_at = serializers.DateTimeField(allow_null=True)
    responded_at = serializers.DateTimeField(allow_null=True)
    respond_plan = serializers.ChoiceField(choices=Plan.choices, allow_null=True)
    respond_note = serializers.CharField(allow_blank=True)
    controlled_at = serializers.DateTimeField(allow_null=True)
    control_note = serializers.CharField(allow_blank=True)
    fed_back_at = serializers.DateTimeField(allow_null=True)
    closed_at = serializers.DateTimeField(allow_null=True)
    verify_method = serializers.ChoiceField(choices=Method.choices, allow_null=True)
    verify_note = serializers.CharField(allow_blank=True)
    verified_in_stead = serializers.BooleanField()
    deadlines = DeadlineOut(many=True)
    signatures = SignatureOut(many=True)
    missing_signatures = serializers.ListField(child=serializers.CharField())
    evidence = EvidenceOut(many=True)
    disposal = DisposalOut(allow_null=True)
    earlier_disposals = DisposalOut(many=True)
    reworks = ReworkOut(many=True)


class ResponsibilityOut(serializers.Serializer[Any]):
    """Who answers for what in leads of this category (责任清单)."""

    who = serializers.CharField()
    role = serializers.CharField(allow_null=True)
    section = serializers.CharField(allow_null=True)
    department = serializers.CharField(allow_null=True)
    duty = serializers.CharField()
    standard = serializers.CharField()
    basis = serializers.CharField()


class HandedInByOut(serializers.Serializer[Any]):
    """The platform that handed a lead in, with its own number and limit; the earlier limit rules."""

    code = serializers.CharField()
    name = serializers.CharField()
    external_number = serializers.CharField()
    due_at = serializers.DateTimeField(allow_null=True)


class LeadOut(AfterOut, RequestsOut, LeadRowOut):
    platform = HandedInByOut(allow_null=True)
    possible_duplicates = LeadNameOut(many=True)
    whistle_departments = serializers.ListField(child=serializers.CharField())
    responsibilities = ResponsibilityOut(many=True, required=False)  # not in the answer to a new report

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        from leads.api.leniency_shapes import GuidanceOut, LeniencyOut

        return super().get_fields() | {
            "leniency": LeniencyOut(many=True, required=False),
            "guidance": GuidanceOut(many=True, required=False),
        }


class ActorOut(serializers.Serializer[Any]):
    id = serializers.IntegerField(allow_null=True)
    name = serializers.CharField()


class EntryOut(serializers.Serializer[Any]):
    seq = serializers.IntegerField()
    kind = serializers.CharField()
    actor = ActorOut()
    at = serializers.DateTimeField()
    data = serializers.JSONField()  # type: ignore[assignment]
    prev_hash = serializers.CharField(allow_blank=True)
    hash = serializers.CharField()


class TimelineOut(serializers.Serializer[Any]):
    lead = serializers.IntegerField()
    entries = EntryOut(many=True)


class WhyOut(serializers.Serializer[Any]):
    kind = serializers.CharField()
    cycle = serializers.IntegerField()
    state = serializers.CharField()
    due_at = serializers.DateTimeField()
    text_zh = serializers.CharField()


class ExplainOut(serializers.Serializer[Any]):
    lead = serializers.IntegerField()
    number = serializers.CharField()
    grid = serializers.CharField(allow_null=True)
    assignee = PersonOut(allow_null=True)
    routing_reason = serializers.CharField()
    deadlines = WhyOut(many=True)
    warnings = serializers.ListField(child=serializers.CharField())
    text_zh = serializers.CharField()


class AcknowledgementOut(serializers.Serializer[Any]):
    side = serializers.ChoiceField(choices=Side.choices)
    by = PersonOut()
    at = serializers.DateTimeField()
    instruction = serializers.ChoiceField(choices=Instruction.choices)
    note = serializers.CharField(allow_blank=True)

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        return super().get_fields() | {"for": PersonOut(allow_null=True)}


class OrderOut(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    lead = serializers.IntegerField()
    number = serializers.CharField()
    cause = serializers.ChoiceField(choices=SupervisionOrder.Cause.choices)
    cycle = serializers.IntegerField()
    late_side = serializers.ChoiceField(choices=LateSide.choices)
    charged_approval = serializers.IntegerField(allow_null=True)
    raised_at = serializers.DateTimeField()
    level = serializers.ChoiceField(choices=SupervisionOrder.Level.choices)
    state = serializers.ChoiceField(choices=SupervisionOrder.State.choices)
    version = serializers.IntegerField()
    escalated_at = serializers.DateTimeField(allow_null=True)
    lifted_at = serializers.DateTimeField(allow_null=True)
    acknowledge_by = AcknowledgeByOut()
    acknowledgements = AcknowledgementOut(many=True)


class CategoryOut(serializers.Serializer[Any]):
    code = serializers.CharField()
    name = serializers.CharField()
    group = serializers.CharField()
    group_name = serializers.CharField()
    severity = serializers.ChoiceField(choices=Severity.choices)
    food = serializers.BooleanField()
    departments = serializers.ListField(child=serializers.CharField())
    words = serializers.ListField(child=serializers.CharField())
