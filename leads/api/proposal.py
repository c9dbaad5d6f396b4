"""What a feedback says where it proposes leniency."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from kernel.api import StrictSerializer
from leads.leniency import Proposal
from leads.models import Harm, LeniencyResult, Route


class ProposalSerializer(StrictSerializer):
    """What the commissioner says of a proposal of leniency; "first" is looked up, not said."""

    route = serializers.ChoiceField(choices=Route.choices)
    result = serializers.ChoiceField(
        choices=LeniencyResult.choices, required=False, default=LeniencyResult.NO_PENALTY
    )
    harm = serializers.ChoiceField(choices=Harm.choices, required=False, default=Harm.NONE)
    corrected_at = serializers.DateTimeField(required=False, allow_null=True, default=None)
    proof = serializers.CharField(max_length=2000, required=False, allow_blank=True, default="")
    guidance = serializers.CharField(max_length=1000, required=False, allow_blank=True, default="")


def proposal(given: dict[str, Any] | None) -> Proposal | None:
    """What `ProposalSerializer` validated, as the service takes it."""
    if given is None:
        return None
    return Proposal(
        route=Route(given["route"]),
        result=LeniencyResult(given["result"]),
        harm=Harm(given["harm"]),
        corrected_at=given["corrected_at"],
        proof=given["proof"],
        guidance=given["guidance"],
    )
