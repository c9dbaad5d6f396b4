"""What a lead's answer shows of the approved side roads (for the OpenAPI document)."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from kernel.approvals.models import State
from leads.api.named import PersonOut
from leads.models import RejectReason, Severity, SuspendReason


class RequestRowOut(serializers.Serializer[Any]):
    """From the lead's own columns. `feedback_strict_due_at` never moves; the other two move with pauses."""

    was_food = serializers.BooleanField()
    suspended_at = serializers.DateTimeField(allow_null=True)
    suspended_until = serializers.DateTimeField(allow_null=True)
    rejected_at = serializers.DateTimeField(allow_null=True)
    feedback_due_at = serializers.DateTimeField()
    feedback_strict_due_at = serializers.DateTimeField()
    closing_due_at = serializers.DateTimeField()


class LeadApprovalOut(serializers.Serializer[Any]):
    """What was asked about the lead; more under `approvals/{id}/`."""

    id = serializers.IntegerField()
    kind = serializers.CharField()
    kind_label = serializers.CharField()
    state = serializers.ChoiceField(choices=State.choices)
    version = serializers.IntegerField()
    asked_by = PersonOut(allow_null=True)
    asked_at = serializers.DateTimeField()
    reason = serializers.CharField()
    due_at = serializers.DateTimeField()
    decided_by = PersonOut(allow_null=True)
    ended_at = serializers.DateTimeField(allow_null=True)
    note = serializers.CharField(allow_blank=True)


class SuspensionOut(serializers.Serializer[Any]):
    reason = serializers.ChoiceField(choices=SuspendReason.choices)
    note = serializers.CharField(allow_blank=True)
    began_at = serializers.DateTimeField()
    until_at = serializers.DateTimeField()
    ended_at = serializers.DateTimeField(allow_null=True)
    approved_by = PersonOut()


class ExtensionOut(serializers.Serializer[Any]):
    clock = serializers.ChoiceField(choices=["feedback", "final"])
    cycle = serializers.IntegerField()
    due_before = serializers.DateTimeField()
    due_after = serializers.DateTimeField()
    keeps_breach = serializers.BooleanField()
    approved_by = PersonOut()


class RejectionOut(serializers.Serializer[Any]):
    reason = serializers.ChoiceField(choices=RejectReason.choices)
    note = serializers.CharField(allow_blank=True)
    proposed_by = PersonOut()
    agreed_by = PersonOut()
    at = serializers.DateTimeField()


class ReclassificationOut(serializers.Serializer[Any]):
    from_category = serializers.CharField()
    to_category = serializers.CharField()
    from_severity = serializers.ChoiceField(choices=Severity.choices)
    to_severity = serializers.ChoiceField(choices=Severity.choices)
    reason = serializers.CharField()
    by = PersonOut()
    agreed_by = PersonOut(allow_null=True)
    at = serializers.DateTimeField()


class RequestsOut(serializers.Serializer[Any]):
    approvals = LeadApprovalOut(many=True)
    suspensions = SuspensionOut(many=True)
    extensions = ExtensionOut(many=True)
    rejection = RejectionOut(allow_null=True)
    reclassifications = ReclassificationOut(many=True)
