"""How the side roads and the time after closing look in a lead's answer (for the OpenAPI document)."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from leads.api.named import LeadNameOut, PersonOut
from leads.models import LookBack, Recheck, Referral, Reopening, Severity


class AfterRowOut(serializers.Serializer[Any]):
    """What every row of a list shows of it; no statement of its own."""

    settled_at = serializers.DateTimeField(allow_null=True)
    first_interim_at = serializers.DateTimeField(allow_null=True)
    final_due_at = serializers.DateTimeField(allow_null=True)
    handed_over_at = serializers.DateTimeField(allow_null=True)
    waits_for_receipt = serializers.BooleanField(help_text="待回执")
    cleared_at = serializers.DateTimeField(allow_null=True)
    merged_into = serializers.IntegerField(allow_null=True)
    reopened_at = serializers.DateTimeField(allow_null=True)
    reopen_count = serializers.IntegerField()


class InterimOut(serializers.Serializer[Any]):
    round = serializers.IntegerField()
    number = serializers.IntegerField()
    done = serializers.CharField()
    remaining = serializers.CharField()
    final_due_at = serializers.DateTimeField()
    by = PersonOut()
    approved_by = PersonOut(allow_null=True)
    at = serializers.DateTimeField()


class RecusalOut(serializers.Serializer[Any]):
    person = PersonOut()
    reason = serializers.CharField()
    was_owner = serializers.BooleanField()
    at = serializers.DateTimeField()


class MergedOut(LeadNameOut):
    """A lead merged into this one; its files stay with it and are seen from here."""

    reported_at = serializers.DateTimeField()
    merged_at = serializers.DateTimeField()
    description = serializers.CharField(allow_blank=True)
    evidence = serializers.ListField(child=serializers.IntegerField(), help_text="ids of its files")


class ReferralOut(serializers.Serializer[Any]):
    round = serializers.IntegerField()
    department = serializers.CharField()
    department_name = serializers.CharField()
    document_number = serializers.CharField(allow_blank=True)
    state = serializers.ChoiceField(choices=Referral.Stage.choices)
    sent_at = serializers.DateTimeField()
    receipt_at = serializers.DateTimeField(allow_null=True)
    receipt_number = serializers.CharField(allow_blank=True)
    reply_due_at = serializers.DateTimeField(allow_null=True)
    reply_at = serializers.DateTimeField(allow_null=True)
    reply = serializers.CharField(allow_blank=True)


class CorrectionOut(serializers.Serializer[Any]):
    round = serializers.IntegerField()
    note = serializers.CharField()
    in_time = serializers.BooleanField()
    evidence = serializers.ListField(child=serializers.CharField())
    by = PersonOut()
    at = serializers.DateTimeField()


class RecheckOut(serializers.Serializer[Any]):
    round = serializers.IntegerField()
    state = serializers.ChoiceField(choices=Recheck.State.choices)
    note = serializers.CharField()
    evidence = serializers.ListField(child=serializers.CharField())
    by = PersonOut()
    at = serializers.DateTimeField()
    countersigned_by = PersonOut(allow_null=True)
    countersigned_at = serializers.DateTimeField(allow_null=True)
    countersign_note = serializers.CharField(allow_blank=True)

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        return super().get_fields() | {"for": PersonOut(allow_null=True)}


class LookBackOut(serializers.Serializer[Any]):
    """One look-back (回头看), alone or in its lead."""

    id = serializers.IntegerField()
    version = serializers.IntegerField()
    lead = serializers.IntegerField()
    lead_number = serializers.CharField()
    round = serializers.IntegerField()
    number = serializers.ChoiceField(choices=LookBack.Number.choices)
    state = serializers.ChoiceField(choices=LookBack.State.choices)
    opens_at = serializers.DateTimeField()
    due_on = serializers.DateField()
    due_at = serializers.DateTimeField()
    done_at = serializers.DateTimeField(allow_null=True)
    by = PersonOut(allow_null=True)
    note = serializers.CharField(allow_blank=True)
    evidence = serializers.ListField(child=serializers.CharField())

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        return super().get_fields() | {"for": PersonOut(allow_null=True)}


class ReopeningOut(serializers.Serializer[Any]):
    round = serializers.IntegerField()
    cause = serializers.ChoiceField(choices=Reopening.Cause.choices)
    reason = serializers.CharField()
    closed_at = serializers.DateTimeField()
    severity_before = serializers.ChoiceField(choices=Severity.choices)
    severity_after = serializers.ChoiceField(choices=Severity.choices)
    by = PersonOut(allow_null=True)
    at = serializers.DateTimeField()


class AfterOut(serializers.Serializer[Any]):
    """What only one lead's own answer shows of it."""

    interims = InterimOut(many=True)
    recusals = RecusalOut(many=True)
    merged = MergedOut(many=True)
    referrals = ReferralOut(many=True)
    corrections = CorrectionOut(many=True)
    rechecks = RecheckOut(many=True)
    look_backs = LookBackOut(many=True)
    reopenings = ReopeningOut(many=True)
