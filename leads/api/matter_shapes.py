"""What a matter looks like coming in, in our own form, and going out."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from rest_framework import serializers

from grids.coordinates import PlaceField
from grids.models import BusinessEntity
from kernel.api import StrictSerializer
from leads.api.named import LeadNameOut
from leads.api.serializers import BIGGEST, EvidenceListField, ToldSerializer
from leads.catalogue import UNSORTED
from leads.intake import Told
from leads.matters import Given, Part
from leads.models import KeptComplaint, MatterKind, Severity

Fields = dict[str, Any]


class RequestPart(StrictSerializer):
    """诉求."""

    description = serializers.CharField(max_length=2000)
    category = serializers.CharField(max_length=3, required=False, default=UNSORTED)
    severity = serializers.ChoiceField(
        choices=Severity.choices, required=False, allow_null=True, default=None
    )


class TipOffPart(StrictSerializer):
    """举报: words of its own, which stand in no other record."""

    description = serializers.CharField(max_length=2000)
    category = serializers.CharField(max_length=3, required=False, default=UNSORTED)


class ComplaintPart(StrictSerializer):
    """投诉."""

    description = serializers.CharField(max_length=2000)
    entity_name = serializers.CharField(max_length=120, required=False, allow_blank=True, default="")
    amount = serializers.DecimalField(
        max_digits=12, decimal_places=2, min_value=Decimal(0), required=False, allow_null=True, default=None
    )


class RequestAtDesk(RequestPart):
    evidence = EvidenceListField(required=False, default=((), ()))


class TipOffAtDesk(TipOffPart):
    evidence = EvidenceListField(required=False, default=((), ()))


class Whose(StrictSerializer):
    """The business as another platform knows it."""

    name = serializers.CharField(max_length=120, required=False, allow_blank=True, default="")
    uscc = serializers.CharField(max_length=18, required=False, allow_blank=True, default="")


def parts_of(given: Fields) -> tuple[Part, ...]:
    """One part a kind that was sent."""
    found = []
    for kind in MatterKind:
        said = given.get(kind.value)
        if said:
            ids, hashes = said.get("evidence", ((), ()))
            more = {name: value for name, value in said.items() if name != "evidence"}
            found.append(Part(kind, evidence=ids, awaited=hashes, **more))
    return tuple(found)


def placed(at: Fields | None) -> Fields:
    """A place that was read, as columns."""
    if not at:
        return {}
    accuracy = at.get("accuracy_m")
    return {
        "lon": Decimal(f"{at['lon']:.6f}"),
        "lat": Decimal(f"{at['lat']:.6f}"),
        "accuracy_m": None if accuracy is None else round(accuracy),
        "crs_in": at.get("crs_in", ""),
    }


def entity_id(uscc: str) -> int | None:
    """The business with this credit code in our register."""
    if not uscc:
        return None
    return BusinessEntity.objects.filter(uscc=uscc.upper()).values_list("id", flat=True).first()


class DeskMatter(StrictSerializer):
    """`POST matters/`: at least one of `request`, `tip_off`, `complaint`."""

    client_uid = serializers.UUIDField()
    request = RequestAtDesk(required=False, allow_null=True, default=None)
    tip_off = TipOffAtDesk(required=False, allow_null=True, default=None)
    complaint = ComplaintPart(required=False, allow_null=True, default=None)
    location = PlaceField(required=False, allow_null=True, default=None)
    entity = serializers.IntegerField(
        min_value=1, max_value=BIGGEST, required=False, allow_null=True, default=None
    )
    reporter = ToldSerializer(required=False, allow_null=True, default=None)
    captured_at = serializers.DateTimeField(required=False, allow_null=True, default=None)

    def given(self) -> Given:
        data = self.validated_data
        return Given(
            parts=parts_of(data),
            client_uid=data["client_uid"],
            told=Told(**data["reporter"]) if data["reporter"] else None,
            entity_id=data["entity"],
            captured_at=data["captured_at"],
            **placed(data["location"]),
        )


class HandedIn(StrictSerializer):
    """Our own form for platforms. `status` is theirs: it is read by nobody and makes no new matter."""

    number = serializers.CharField(max_length=60)
    status = serializers.CharField(max_length=60, required=False, allow_blank=True, default="")
    request = RequestPart(required=False, allow_null=True, default=None)
    tip_off = TipOffPart(required=False, allow_null=True, default=None)
    complaint = ComplaintPart(required=False, allow_null=True, default=None)
    location = PlaceField(required=False, allow_null=True, default=None)
    entity = Whose(required=False, allow_null=True, default=None)
    reporter = ToldSerializer(required=False, allow_null=True, default=None)
    due_at = serializers.DateTimeField(required=False, allow_null=True, default=None)
    occurred_at = serializers.DateTimeField(required=False, allow_null=True, default=None)

    def given(self) -> Given:
        data = self.validated_data
        business = data["entity"] or {"name": "", "uscc": ""}
        complaint = data["complaint"]
        if complaint and not complaint["entity_name"]:
            complaint["entity_name"] = business["name"]
        return Given(
            parts=parts_of(data),
            external_number=data["number"],
            their_due_at=data["due_at"],
            told=Told(**data["reporter"]) if data["reporter"] else None,
            entity_id=entity_id(business["uscc"]),
            captured_at=data["occurred_at"],
            **placed(data["location"]),
        )


# --- answers ---------------------------------------------------------------------------------------


class RecordOut(serializers.Serializer[Any]):
    kind = serializers.ChoiceField(choices=MatterKind.choices)
    number = serializers.CharField()


class ReceiptOut(serializers.Serializer[Any]):
    """What was made of a matter, for who handed it in."""

    id = serializers.IntegerField()
    external_number = serializers.CharField(allow_null=True)
    received_at = serializers.DateTimeField()
    their_due_at = serializers.DateTimeField(allow_null=True)
    records = RecordOut(many=True)


class PlatformNameOut(serializers.Serializer[Any]):
    code = serializers.CharField()
    name = serializers.CharField()


class ComplaintNameOut(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    number = serializers.CharField()


class MatterOut(serializers.Serializer[Any]):
    """A matter as far as who asks may see its records: what he may not see is not there."""

    id = serializers.IntegerField()
    platform = PlatformNameOut(allow_null=True)
    external_number = serializers.CharField(allow_null=True)
    received_at = serializers.DateTimeField()
    their_due_at = serializers.DateTimeField(allow_null=True)
    kinds = serializers.ListField(child=serializers.ChoiceField(choices=MatterKind.choices))
    request = LeadNameOut(allow_null=True)
    tip_off = LeadNameOut(allow_null=True)
    complaint = ComplaintNameOut(allow_null=True)


class ComplaintOut(serializers.Serializer[Any]):
    """A kept complaint; who complains is shown nowhere."""

    id = serializers.IntegerField()
    number = serializers.CharField()
    matter = serializers.IntegerField()
    grid = serializers.CharField(allow_null=True)
    entity = serializers.IntegerField(allow_null=True)
    entity_name = serializers.CharField(allow_blank=True)
    description = serializers.CharField()
    amount = serializers.DecimalField(max_digits=12, decimal_places=2, allow_null=True)
    state = serializers.ChoiceField(choices=KeptComplaint.State.choices)
    has_consumer = serializers.BooleanField()
    received_at = serializers.DateTimeField()
