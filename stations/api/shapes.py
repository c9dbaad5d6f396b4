"""What the stations' endpoints answer (for the OpenAPI document)."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from leads.api.named import LeadNameOut, PersonOut
from leads.api.serializers import DeadlineOut, EntityNameOut, EntryOut
from stations.models import (
    Agreement,
    Claim,
    FailReason,
    GoodsKind,
    Outcome,
    Party,
    RefusalGround,
    Session,
    Source,
    StationKind,
    TestingKind,
    TierStay,
    WithdrawalReason,
    WordWay,
)
from stations.states import State, Tier


class PlacedOut(serializers.Serializer[Any]):
    lon = serializers.FloatField()
    lat = serializers.FloatField()
    crs = serializers.CharField()


class HoursOut(serializers.Serializer[Any]):
    """Shanghai time, `HH:MM`; a weekday (1 = Monday) that is not named is closed."""

    weekday = serializers.IntegerField(min_value=1, max_value=7)
    weekday_label = serializers.CharField()
    opens_at = serializers.CharField()
    closes_at = serializers.CharField()


class StationNameOut(serializers.Serializer[Any]):
    code = serializers.CharField()
    name = serializers.CharField()


class StationOut(StationNameOut):
    """`mediators` are those who mediate there today; `circle_shops` how many shops belong to its circle."""

    kind = serializers.ChoiceField(choices=StationKind.choices)
    community = serializers.CharField()
    community_name = serializers.CharField()
    grid = serializers.CharField(allow_null=True)
    complex_name = serializers.CharField(allow_blank=True)
    address = serializers.CharField(allow_blank=True)
    telephone = serializers.CharField(allow_blank=True)
    location = PlacedOut(allow_null=True)
    hours = HoursOut(many=True)
    mediators = PersonOut(many=True)
    circle_shops = serializers.IntegerField()
    is_active = serializers.BooleanField()
    is_demo = serializers.BooleanField()


class CircleShopOut(serializers.Serializer[Any]):
    """`until` is the first day on which it does not belong to the circle any more."""

    id = serializers.IntegerField()
    station = serializers.CharField()
    entity = EntityNameOut()
    address = serializers.CharField(allow_blank=True)
    since = serializers.DateField()
    until = serializers.DateField(allow_null=True)


# --- disputes --------------------------------------------------------------------------------------


class ConsumerOut(serializers.Serializer[Any]):
    """Masked; `removed_at`: kept long enough and emptied."""

    name = serializers.CharField(allow_blank=True)
    phone = serializers.CharField(allow_blank=True)
    removed_at = serializers.DateTimeField(allow_null=True)


class DisputeRowOut(serializers.Serializer[Any]):
    """`station` handles it now, `taken_station` took it. `amount` in yuan. `late`: its running clock is over.
    `due_is_guessed`: counted over a year whose holidays nobody has announced."""

    id = serializers.IntegerField()
    number = serializers.CharField()
    client_uid = serializers.UUIDField()
    version = serializers.IntegerField()
    state = serializers.ChoiceField(choices=State.choices)
    state_label = serializers.CharField()
    tier = serializers.ChoiceField(choices=Tier.choices)
    tier_label = serializers.CharField()
    cycle = serializers.IntegerField()
    round = serializers.IntegerField()
    source = serializers.ChoiceField(choices=Source.choices)  # type: ignore[assignment]
    complaint = serializers.CharField(allow_null=True)
    their_due_at = serializers.DateTimeField(allow_null=True)
    station = StationNameOut()
    taken_station = StationNameOut()
    circle = StationNameOut(allow_null=True)
    office = serializers.CharField(allow_null=True)
    entity = EntityNameOut(allow_null=True)
    entity_name = serializers.CharField()
    goods = serializers.CharField()
    goods_kind = serializers.ChoiceField(choices=GoodsKind.choices)
    amount = serializers.DecimalField(max_digits=12, decimal_places=2, allow_null=True)
    claims = serializers.ListField(child=serializers.ChoiceField(choices=Claim.choices))
    description = serializers.CharField(allow_blank=True)
    bought_on = serializers.DateField(allow_null=True)
    consumer = ConsumerOut(allow_null=True)
    registered_at = serializers.DateTimeField()
    tier_since = serializers.DateTimeField()
    due_at = serializers.DateTimeField(allow_null=True)
    due_is_guessed = serializers.BooleanField()
    late = serializers.BooleanField()
    word_at = serializers.DateTimeField(allow_null=True)
    filed_at = serializers.DateTimeField(allow_null=True)
    decided_at = serializers.DateTimeField(allow_null=True)
    refusal_ground = serializers.ChoiceField(choices=RefusalGround.choices, allow_null=True)
    refusal_ground_label = serializers.CharField(allow_null=True)
    agreed_at = serializers.DateTimeField(allow_null=True)
    ended_at = serializers.DateTimeField(allow_null=True)
    outcome = serializers.ChoiceField(choices=Outcome.choices, allow_null=True)
    fail_reason = serializers.ChoiceField(choices=FailReason.choices, allow_null=True)
    withdrawal_reason = serializers.ChoiceField(choices=WithdrawalReason.choices, allow_null=True)
    end_note = serializers.CharField(allow_blank=True)


class StayOut(serializers.Serializer[Any]):
    cycle = serializers.IntegerField()
    tier = serializers.ChoiceField(choices=Tier.choices)
    station = StationNameOut()
    why = serializers.ChoiceField(choices=TierStay.Why.choices)
    why_label = serializers.CharField()
    note = serializers.CharField(allow_blank=True)
    by = PersonOut(allow_null=True)
    since = serializers.DateTimeField()
    until = serializers.DateTimeField(allow_null=True)


class SessionOut(serializers.Serializer[Any]):
    """One 调解会; `version` is the dispute's, asked for in `If-Match`."""

    id = serializers.IntegerField()
    dispute = serializers.IntegerField()
    number = serializers.CharField()
    version = serializers.IntegerField()
    station = StationNameOut()
    mediator = PersonOut()
    place = serializers.ChoiceField(choices=Session.Place.choices)
    starts_at = serializers.DateTimeField()
    ends_at = serializers.DateTimeField()
    state = serializers.ChoiceField(choices=Session.State.choices)
    state_label = serializers.CharField()
    note = serializers.CharField(allow_blank=True)
    consumer_came = serializers.BooleanField(allow_null=True)
    shop_came = serializers.BooleanField(allow_null=True)
    minutes = serializers.CharField(allow_blank=True)
    held_at = serializers.DateTimeField(allow_null=True)
    cancelled_why = serializers.CharField(allow_blank=True)
    made_by = PersonOut()
    made_at = serializers.DateTimeField()


class PartySignatureOut(serializers.Serializer[Any]):
    """The image itself is sealed; its hash stands in what was signed."""

    party = serializers.ChoiceField(choices=Party.choices)
    signer = PersonOut(allow_null=True)
    image_sha256 = serializers.CharField(allow_blank=True)
    signed_at = serializers.DateTimeField()


class AgreementOut(serializers.Serializer[Any]):
    """`terms` without the consumer's name; the whole stands on the paper (`agreement.pdf`)."""

    id = serializers.IntegerField()
    number = serializers.CharField()
    state = serializers.ChoiceField(choices=Agreement.State.choices)
    state_label = serializers.CharField()
    tier = serializers.ChoiceField(choices=Tier.choices)
    station = StationNameOut()
    mediator = PersonOut()
    terms = serializers.CharField()
    amount = serializers.DecimalField(max_digits=12, decimal_places=2, allow_null=True)
    perform_by = serializers.DateField()
    digest = serializers.CharField()
    signed_at = serializers.DateTimeField()
    signatures = PartySignatureOut(many=True)
    checked_at = serializers.DateTimeField(allow_null=True)
    checked_by = PersonOut(allow_null=True)
    check_note = serializers.CharField(allow_blank=True)


class TestingOut(serializers.Serializer[Any]):
    kind = serializers.ChoiceField(choices=TestingKind.choices)
    kind_label = serializers.CharField()
    institution = serializers.CharField()
    since = serializers.DateTimeField()
    until = serializers.DateTimeField(allow_null=True)
    result = serializers.CharField(allow_blank=True)
    entered_by = PersonOut()


class WordOut(serializers.Serializer[Any]):
    """消费者同意转12315."""

    said_at = serializers.DateTimeField()
    way = serializers.ChoiceField(choices=WordWay.choices)
    note = serializers.CharField(allow_blank=True)
    entered_by = PersonOut(allow_null=True)


class DisputeLeadOut(LeadNameOut):
    made_by = PersonOut()
    made_at = serializers.DateTimeField()


class DisputeFileOut(serializers.Serializer[Any]):
    """`missing`: the file is still to come."""

    id = serializers.IntegerField(allow_null=True)
    sha256 = serializers.CharField()
    kind = serializers.CharField(allow_null=True)
    flags = serializers.ListField(child=serializers.CharField())
    missing = serializers.BooleanField()


class DisputeOut(DisputeRowOut):
    """`allowed`: what this person may do now, named as the paths below the dispute's. `leads` are those made
    of it which he may see."""

    taken_by = PersonOut(allow_null=True)
    decided_by = PersonOut(allow_null=True)
    ended_by = PersonOut(allow_null=True)
    mediation_policy = serializers.IntegerField(allow_null=True)
    word = WordOut(allow_null=True)
    deadlines = DeadlineOut(many=True)
    stays = StayOut(many=True)
    sessions = SessionOut(many=True)
    agreements = AgreementOut(many=True)
    testings = TestingOut(many=True)
    leads = DisputeLeadOut(many=True)
    evidence = DisputeFileOut(many=True)
    allowed = serializers.ListField(child=serializers.CharField())


class DisputeTimelineOut(serializers.Serializer[Any]):
    dispute = serializers.IntegerField()
    entries = EntryOut(many=True)


class RevealedConsumerOut(serializers.Serializer[Any]):
    dispute = serializers.IntegerField()
    number = serializers.CharField()
    name = serializers.CharField(allow_blank=True)
    phone = serializers.CharField(allow_blank=True)
    revealed_at = serializers.DateTimeField()


class TodayOut(serializers.Serializer[Any]):
    """`sessions`: held today, or to be held before and not entered. `disputes`: those that lie here and are
    open, the one whose clock ends first before the others; at most 500 of each."""

    station = StationNameOut()
    day = serializers.DateField()
    sessions = SessionOut(many=True)
    disputes = DisputeRowOut(many=True)
