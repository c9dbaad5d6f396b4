"""Stations and the disputes that are settled in them (DOMAIN.md §1, DESIGN.md §9).

What SQL can say of the life of a dispute is said here as constraints; who moves it and what happens beside
it stands in the services.
"""

from __future__ import annotations

from stations.models.agreement import Agreement, AgreementSignature, Party
from stations.models.choices import (
    Claim,
    FailReason,
    GoodsKind,
    Outcome,
    RefusalGround,
    Source,
    TestingKind,
    Tier,
    WithdrawalReason,
    WordWay,
)
from stations.models.dispute import Dispute, DisputeQuerySet
from stations.models.parts import (
    ConsumerWord,
    DisputeConsumer,
    DisputeEvidence,
    DisputeLead,
    Testing,
    TierStay,
)
from stations.models.session import Session
from stations.models.station import CircleShop, Station, StationHours, StationKind, StationQuerySet
from stations.models.survey import DisputeSurvey, HotShop

__all__ = [
    "Agreement",
    "AgreementSignature",
    "CircleShop",
    "Claim",
    "ConsumerWord",
    "Dispute",
    "DisputeConsumer",
    "DisputeEvidence",
    "DisputeLead",
    "DisputeQuerySet",
    "DisputeSurvey",
    "FailReason",
    "GoodsKind",
    "HotShop",
    "Outcome",
    "Party",
    "RefusalGround",
    "Session",
    "Source",
    "Station",
    "StationHours",
    "StationKind",
    "StationQuerySet",
    "Testing",
    "TestingKind",
    "Tier",
    "TierStay",
    "WithdrawalReason",
    "WordWay",
]
