"""What the stations' endpoints take. Unknown fields are refused."""

from __future__ import annotations

import base64
import binascii
from decimal import Decimal
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from kernel.api import StrictSerializer
from kernel.evidence.api.fields import EvidenceListField
from leads.api.serializers import BIGGEST
from stations import drawn, intake, official
from stations.agreements import MOST_TERMS, Terms, Word
from stations.intake import Given
from stations.intake_values import (
    LONGEST_DESCRIPTION,
    LONGEST_GOODS,
    LONGEST_NAME,
    LONGEST_SHOP,
)
from stations.models import Claim, GoodsKind, Party, RefusalGround, Source, TestingKind, WordWay
from stations.models.choices import CHOSEN_FAIL_REASONS, WithdrawalReason

PREFIX = "data:image/png;base64,"
LONGEST_URL = len(PREFIX) + -(-drawn.MOST_BYTES // 3) * 4
LONGEST_PHONE = 20
BY_HAND = [(one.value, one.label) for one in intake.BY_HAND]
CONDITIONS = list(official.CONDITIONS.items())
REASONS = [(one.value, one.label) for one in CHOSEN_FAIL_REASONS]


def _money() -> Any:
    return serializers.DecimalField(
        max_digits=12,
        decimal_places=2,
        min_value=Decimal(0),
        required=False,
        allow_null=True,
        default=None,
    )


def _note(longest: int = 500) -> Any:
    return serializers.CharField(max_length=longest, required=False, allow_blank=True, default="")


# --- taking ----------------------------------------------------------------------------------------


class ConsumerIn(StrictSerializer):
    """Who complains: kept sealed. No identity card is ever asked for."""

    name = serializers.CharField(max_length=LONGEST_NAME, required=False, allow_blank=True, default="")
    phone = serializers.CharField(max_length=LONGEST_PHONE)


class IntakeSerializer(StrictSerializer):
    """`POST stations/{code}/disputes/`. The shop by `entity`, or – not in the register – by `entity_name`.
    `settled_at_once`: 当场和解, in the same tap. `wants_official`: should it come to nothing, to 12315."""

    client_uid = serializers.UUIDField()
    source = serializers.ChoiceField(  # type: ignore[assignment]
        choices=BY_HAND, required=False, default=Source.COUNTER
    )
    entity = serializers.IntegerField(
        min_value=1, max_value=BIGGEST, required=False, allow_null=True, default=None
    )
    entity_name = serializers.CharField(max_length=LONGEST_SHOP, required=False, allow_blank=True, default="")
    goods = serializers.CharField(max_length=LONGEST_GOODS)
    goods_kind = serializers.ChoiceField(choices=GoodsKind.choices)
    amount = _money()
    claims = serializers.ListField(
        child=serializers.ChoiceField(choices=Claim.choices), min_length=1, max_length=len(Claim.values)
    )
    description = _note(LONGEST_DESCRIPTION)
    bought_on = serializers.DateField(required=False, allow_null=True, default=None)
    consumer = ConsumerIn()
    evidence = EvidenceListField(required=False, default=((), ()))
    wants_official = serializers.BooleanField(required=False, default=False)
    settled_at_once = serializers.BooleanField(required=False, default=False)

    def given(self, station_code: str) -> Given:
        said = self.validated_data
        ids, hashes = said["evidence"]
        same = ("client_uid", "entity_name", "goods", "goods_kind", "amount", "description", "bought_on")
        return Given(
            **{name: said[name] for name in (*same, "wants_official", "settled_at_once")},
            station_code=station_code,
            entity_id=said["entity"],
            claims=tuple(said["claims"]),
            name=said["consumer"]["name"],
            phone=said["consumer"]["phone"],
            evidence=ids,
            awaited=hashes,
        )


class CorrectSerializer(StrictSerializer):
    """What was written down wrongly; what is left out stays. Never the consumer's words."""

    entity = serializers.IntegerField(min_value=1, max_value=BIGGEST, required=False)
    goods = serializers.CharField(max_length=LONGEST_GOODS, required=False)
    goods_kind = serializers.ChoiceField(choices=GoodsKind.choices, required=False)
    amount = serializers.DecimalField(
        max_digits=12, decimal_places=2, min_value=Decimal(0), required=False, allow_null=True
    )
    claims = serializers.ListField(
        child=serializers.ChoiceField(choices=Claim.choices),
        min_length=1,
        max_length=len(Claim.values),
        required=False,
    )
    bought_on = serializers.DateField(required=False, allow_null=True)


class CircleShopIn(StrictSerializer):
    entity = serializers.IntegerField(min_value=1, max_value=BIGGEST)
    since = serializers.DateField(required=False, allow_null=True, default=None)


class CircleShopLeaveIn(StrictSerializer):
    """`until`: the first day on which it does not belong to the circle any more; today, where left out."""

    until = serializers.DateField(required=False, allow_null=True, default=None)


class ToStationSerializer(StrictSerializer):
    """Without `station`: to where it belongs."""

    station = serializers.CharField(max_length=20, required=False, allow_null=True, default=None)


# --- acts ------------------------------------------------------------------------------------------


class SettleDisputeSerializer(StrictSerializer):
    note = _note(1000)


class EscalateSerializer(StrictSerializer):
    """Which party asks for it, and why."""

    note = serializers.CharField(max_length=500)


class FailDisputeSerializer(StrictSerializer):
    reason = serializers.ChoiceField(choices=REASONS)
    note = _note(1000)


class WithdrawDisputeSerializer(StrictSerializer):
    reason = serializers.ChoiceField(choices=WithdrawalReason.choices)
    note = _note(1000)


class ConsumerWordSerializer(StrictSerializer):
    """The consumer's word: to 12315."""

    way = serializers.ChoiceField(choices=WordWay.choices)
    note = _note()


class ToOfficialSerializer(ConsumerWordSerializer):
    """`said_at` where it is entered later than it was said."""

    said_at = serializers.DateTimeField(required=False, allow_null=True, default=None)


class AcceptDisputeSerializer(StrictSerializer):
    """Every legal condition is confirmed by its name."""

    conditions = serializers.ListField(
        child=serializers.ChoiceField(choices=CONDITIONS),
        max_length=2 * len(CONDITIONS),
    )
    note = _note()


class RefuseDisputeSerializer(StrictSerializer):
    ground = serializers.ChoiceField(choices=RefusalGround.choices)
    note = _note(1000)


class BeginTestingSerializer(StrictSerializer):
    kind = serializers.ChoiceField(choices=TestingKind.choices)
    institution = serializers.CharField(max_length=80)


class EndTestingSerializer(StrictSerializer):
    """`ended_at` where it is entered late."""

    result = serializers.CharField(max_length=500)
    ended_at = serializers.DateTimeField(required=False, allow_null=True, default=None)


class RevealConsumerSerializer(StrictSerializer):
    reason = serializers.CharField(max_length=200)


# --- agreements ------------------------------------------------------------------------------------


@extend_schema_field(
    {
        "type": "string",
        "pattern": "^data:image/png;base64,[A-Za-z0-9+/]+={0,2}$",
        "maxLength": LONGEST_URL,
        "description": "签名图：PNG，每边40至2000像素，不超过200,000字节，以 data URL 提交",
    }
)
class SignatureField(serializers.Field[Any, Any, Any, Any]):
    """A drawn signature as a data URL (`data:image/png;base64,…`) → its bytes."""

    default_error_messages = {
        "invalid": "签名应为 PNG 图片的 data URL（data:image/png;base64,…）。",
        "too_long": "签名图过大，请重新签名。",
    }

    def to_internal_value(self, data: Any) -> bytes:
        if not isinstance(data, str) or not data.startswith(PREFIX):
            self.fail("invalid")
        if len(data) > LONGEST_URL:
            self.fail("too_long")
        try:
            return base64.b64decode(data.removeprefix(PREFIX).encode("ascii"), validate=True)
        except (binascii.Error, UnicodeEncodeError):
            self.fail("invalid")

    def to_representation(self, value: Any) -> Any:
        return value


class SignaturesIn(StrictSerializer):
    """Both parties draw; the mediator signs by account, and may draw too."""

    consumer = SignatureField()
    shop = SignatureField()
    mediator = SignatureField(required=False, allow_null=True, default=None)


class AgreementTermsSerializer(StrictSerializer):
    """`perform_by`: the last day, up to a year ahead. `amount` in yuan, null where nothing is paid."""

    terms = serializers.CharField(max_length=MOST_TERMS)
    amount = _money()
    perform_by = serializers.DateField()

    def agreed(self) -> Terms:
        said = self.validated_data
        return Terms(terms=said["terms"], perform_by=said["perform_by"], amount=said["amount"])


class AgreeSerializer(AgreementTermsSerializer):
    client_uid = serializers.UUIDField()
    signatures = SignaturesIn()

    def drawn(self) -> dict[Party, bytes]:
        said = self.validated_data["signatures"]
        return {party: said[party.lower()] for party in Party if said[party.lower()]}


class PerformSerializer(StrictSerializer):
    """Performed, or not: then `note` says what is missing, and `to_official` the consumer's word where he
    wants it to go to 12315."""

    performed = serializers.BooleanField()
    note = _note()
    to_official = ConsumerWordSerializer(required=False, allow_null=True, default=None)

    def word(self) -> Word | None:
        said = self.validated_data["to_official"]
        return None if said is None else Word(WordWay(said["way"]), said["note"])
