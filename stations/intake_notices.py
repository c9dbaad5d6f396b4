"""Who is told of a new dispute: the station that did not take it itself, the office, and the consumer."""

from __future__ import annotations

from datetime import datetime

from kernel.notices import sms, templates
from kernel.notices.outbox import Draft
from kernel.notices.policy import Urgency
from stations import consumers, notices, people
from stations.acts import SUBJECT
from stations.models import Dispute, Source
from stations.states import OPEN, State, Tier

TAKEN = "您的消费纠纷已登记，编号{number}，由{station}联系您，联系电话{public_telephone}。"
TAKEN_WITHOUT_TELEPHONE = "您的消费纠纷已登记，编号{number}，由{station}联系您。"
TAKEN_OFFICIAL = "您的投诉已收到，编号{number}，市场监管部门将在七个工作日内告知是否受理。"


def register() -> None:
    """Register every template of the intake (called once, at start-up)."""
    templates.register(
        "stations.taken",
        "新纠纷 {number}（{source}）",
        "{shop}，{goods}。请尽快联系消费者，于 {due_at} 前协商。",
        notices.dispute_is(State.NEGOTIATING),
    )
    templates.register(
        "stations.taken_official",
        "12315转来投诉 {number}",
        "{shop}。请于 {due_at} 前决定是否受理。",
        notices.dispute_is(State.FILED),
    )
    templates.register(
        "stations.hot_shop",
        "纠纷集中：{shop}",
        "该店{days}日内发生{disputes}起消费纠纷，请关注。",
        urgency=Urgency.NEWS,
    )
    for what, said in (
        ("taken", TAKEN),
        ("taken_without_telephone", TAKEN_WITHOUT_TELEPHONE),
        ("taken_official", TAKEN_OFFICIAL),
    ):
        templates.register(
            f"stations.to_consumer_{what}",
            "消费纠纷 {number}",
            said,
            notices.dispute_is(*OPEN),
            urgency=Urgency.NEWS,
            sms=said,
        )


def first_words(dispute: Dispute, at: datetime) -> list[Draft]:
    """Drafts of what is told when a dispute is taken. At a counter the station knows already."""
    found: list[Draft] = []
    if dispute.taken_by is None or dispute.source == Source.PLATFORM:
        found += _to_handlers(dispute, at)
    return found + _to_consumer(dispute)


def _to_handlers(dispute: Dispute, at: datetime) -> list[Draft]:
    what = "taken_official" if dispute.tier == Tier.OFFICIAL else "taken"
    told = people.handlers([dispute], at)
    told[dispute.pk] -= {dispute.taken_by_id or 0}
    source = str(Source(dispute.source).label)
    return notices.drafts(what, told, [dispute], key="taken", source=source)


def _to_consumer(dispute: Dispute) -> list[Draft]:
    """One SMS with the number and whom to call; none without a mobile, or where the house has no gateway."""
    told = consumers.identity_of(dispute) if sms.configured() else None
    if told is None or told.mobile is None:
        return []
    station = dispute.taken_station
    what = "taken" if station.telephone else "taken_without_telephone"
    if dispute.tier == Tier.OFFICIAL:
        what = "taken_official"
    params = {"number": dispute.number, "station": station.name, "public_telephone": station.telephone}
    key = f"dispute:{dispute.pk}:consumer:taken"
    return [Draft(key, f"stations.to_consumer_{what}", params, SUBJECT, dispute.pk, sms_to=told.phone)]
