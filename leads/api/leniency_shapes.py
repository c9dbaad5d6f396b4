"""How guidance and leniency look in JSON (for the OpenAPI document)."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from leads.api.serializers import EntityNameOut, LeadNameOut, PersonOut
from leads.models import GuidanceKind, Harm, LeniencyDecision, LeniencyResult, Route


class GuidanceOut(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    client_uid = serializers.UUIDField()
    entity = EntityNameOut()
    lead = LeadNameOut(allow_null=True)
    kind = serializers.ChoiceField(choices=GuidanceKind.choices)
    note = serializers.CharField(allow_blank=True)
    by = PersonOut()
    at = serializers.DateTimeField()


class OfficerOut(serializers.Serializer[Any]):
    officer = PersonOut()
    card_number = serializers.CharField()
    at = serializers.DateTimeField()
    digest = serializers.CharField()


class LeniencyOut(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    lead = LeadNameOut()
    round = serializers.IntegerField()
    entity = EntityNameOut()
    category = serializers.CharField()
    route = serializers.ChoiceField(choices=Route.choices)
    route_label = serializers.CharField()
    result = serializers.ChoiceField(choices=LeniencyResult.choices)
    harm = serializers.ChoiceField(choices=Harm.choices)
    corrected_at = serializers.DateTimeField(allow_null=True)
    is_first = serializers.BooleanField()
    first_since = serializers.DateTimeField()
    proof = serializers.CharField(allow_blank=True)
    guidance = serializers.IntegerField()
    state = serializers.ChoiceField(choices=LeniencyDecision.State.choices)
    state_label = serializers.CharField()
    form_number = serializers.CharField(allow_blank=True)
    by = PersonOut()
    at = serializers.DateTimeField()
    decided_at = serializers.DateTimeField(allow_null=True)
    completed_at = serializers.DateTimeField(allow_null=True)
    officers = OfficerOut(many=True)
