"""What a person reads of an approval, and what he says to it."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from kernel.api import StrictSerializer
from kernel.api.shown import person
from kernel.approvals import kinds
from kernel.approvals.models import Approval, State
from kernel.notices.policy import masked


class DecideSerializer(StrictSerializer):
    """`POST approvals/{id}/approve|refuse/`."""

    note = serializers.CharField(max_length=500, required=False, allow_blank=True, default="")


class ApprovalSubjectOut(serializers.Serializer[Any]):
    """What is asked about, e.g. `{"kind": "lead", "id": 42}`."""

    kind = serializers.CharField()
    id = serializers.IntegerField()


class ApprovalPersonOut(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    username = serializers.CharField()
    name = serializers.CharField()


class ApprovalOut(serializers.ModelSerializer[Approval]):
    """An approval. Telephone and identity numbers in what people wrote are masked (DOMAIN.md §7)."""

    kind = serializers.CharField()
    kind_label = serializers.SerializerMethodField()
    subject = serializers.SerializerMethodField()
    asked_by = serializers.SerializerMethodField()
    asked_on_behalf_of = serializers.SerializerMethodField()
    reason = serializers.SerializerMethodField()
    payload = serializers.SerializerMethodField()
    state = serializers.ChoiceField(choices=State.choices)
    decided_by = serializers.SerializerMethodField()
    decided_on_behalf_of = serializers.SerializerMethodField()
    note = serializers.SerializerMethodField()
    waits_for_me = serializers.SerializerMethodField()

    class Meta:
        model = Approval
        fields = [
            "id",
            "kind",
            "kind_label",
            "subject",
            "about",
            "asked_by",
            "asked_on_behalf_of",
            "asked_at",
            "reason",
            "payload",
            "state",
            "due_at",
            "decided_by",
            "decided_on_behalf_of",
            "decided_at",
            "ended_at",
            "note",
            "version",
            "waits_for_me",
        ]
        read_only_fields = fields

    def get_kind_label(self, row: Approval) -> str:
        return kinds.label(row.kind)

    @extend_schema_field(ApprovalSubjectOut)
    def get_subject(self, row: Approval) -> dict[str, Any]:
        return {"kind": row.subject_kind, "id": row.subject_id}

    @extend_schema_field(ApprovalPersonOut(allow_null=True))
    def get_asked_by(self, row: Approval) -> dict[str, Any] | None:
        return person(row.asked_by)

    @extend_schema_field(ApprovalPersonOut(allow_null=True))
    def get_asked_on_behalf_of(self, row: Approval) -> dict[str, Any] | None:
        return person(row.asked_on_behalf_of)

    @extend_schema_field(ApprovalPersonOut(allow_null=True))
    def get_decided_by(self, row: Approval) -> dict[str, Any] | None:
        return person(row.decided_by)

    @extend_schema_field(ApprovalPersonOut(allow_null=True))
    def get_decided_on_behalf_of(self, row: Approval) -> dict[str, Any] | None:
        return person(row.decided_on_behalf_of)

    def get_reason(self, row: Approval) -> str:
        return str(masked(row.reason))

    def get_note(self, row: Approval) -> str:
        return str(masked(row.note))

    def get_payload(self, row: Approval) -> dict[str, Any]:
        found: dict[str, Any] = masked(row.payload)
        return found

    def get_waits_for_me(self, row: Any) -> bool:
        return bool(row.waits_for_me)
