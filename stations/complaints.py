"""投诉 that other platforms, or the desk, hand in: each becomes a dispute at the shop's station (DESIGN §9).

12315's go straight to the office: the consumer has spoken there already. What nobody can place stays kept
(待转服务站) until the office's clerk or the consumers' section names a station; every night it is tried anew.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime

import structlog
from django.db import transaction

from grids.access import scope_of
from grids.models import BusinessEntity
from grids.roles import Section
from kernel import clock, journal, sealed
from kernel.accounts.models import User
from kernel.errors import Conflict, NotAllowed, NotVisible, Refused
from leads import identity, snapshots
from leads.identity import Identity
from leads.models import KeptComplaint, Platform
from stations import placing, registering
from stations.acts import BIGGEST, OFFICE_DESK
from stations.intake_values import LONGEST_SHOP
from stations.models import Claim, Dispute, GoodsKind, Source, Station
from stations.registering import Told

log = structlog.get_logger(__name__)

TAKEN_AT_ONCE = 200
UNKNOWN = "没有找到这件投诉，或者您无权查看。"
GOODS, SHOP = "平台未载明", "平台未载明店铺"
"""What a platform's words leave open; the mediator learns it from the consumer."""


@dataclass(frozen=True, slots=True)
class Taken:
    """The dispute; `created` is False where it was there already."""

    dispute: Dispute
    created: bool


def may_send(user: User) -> bool:
    """Does he send complaints to stations: the office's desk, the consumers' section?"""
    scope = scope_of(user)
    return not scope.is_auditor and (scope.has(*OFFICE_DESK) or Section.CONSUMER in scope.sections)


def take_new(complaint: KeptComplaint) -> Dispute | None:
    """Make a dispute of a complaint that was just kept, in its transaction; None where nobody can place it
    (registered with `leads.matters.on_complaint`)."""
    at = clock.now()
    station = _place(complaint, at)
    return None if station is None else _take(complaint, station, None, at)


def take_complaint(complaint_id: int, *, station: str | None = None, by: User | None = None) -> Taken:
    """Send a kept complaint to a station, named by its code, or to where it belongs. By hand only the desk of
    an office that sees it, and the consumers' section. Sent to the same station again it is given back.

    Raises:
        NotVisible; NotAllowed `not_sender`. Refused: `unknown_station`, `station_required`, `no_office`.
        Conflict: `already_taken` – it lies with another station; `seal_broken`.
    """
    with transaction.atomic():
        at = clock.now()
        complaint = _locked(complaint_id, by)
        if by is not None and not may_send(by):
            raise NotAllowed("转服务站由市场监管所内勤或局消保科办理。", code="not_sender")
        named = None if station is None else _named(station)
        if complaint.state == KeptComplaint.State.TAKEN:
            return _again(complaint, named)
        found = named or _place(complaint, at)
        if found is None:
            raise Refused("无法自动确定服务站，请选择。", code="station_required", attr="station")
        return Taken(_take(complaint, found, by, at), created=True)


def take_kept() -> int:
    """Take what was kept before and can be placed now, each in its own transaction. How many went well.
    Any number may run at once, and again."""
    kept = KeptComplaint.objects.filter(state=KeptComplaint.State.KEPT).order_by("id")
    taken = 0
    for number in list(kept.values_list("id", flat=True)[:TAKEN_AT_ONCE]):
        try:
            take_complaint(number)
            taken += 1
        except Refused:
            continue
        except Exception:
            log.exception("complaint_not_taken", complaint_id=number)
    return taken


def _locked(complaint_id: int, by: User | None) -> KeptComplaint:
    rows = KeptComplaint.objects.all() if by is None else KeptComplaint.objects.visible_to(by)
    rows = rows.select_related("matter__platform", "entity__grid", "grid")
    found = None
    if 0 < complaint_id <= BIGGEST:
        found = rows.select_for_update(of=("self", "matter"), no_key=True).filter(pk=complaint_id).first()
    if found is None:
        raise NotVisible(UNKNOWN)
    return found


def _named(code: str) -> Station:
    found = placing.named(code)
    if found is None:
        raise Refused("没有这个服务站，或者已停用。", code="unknown_station", attr="station")
    return found


def _again(complaint: KeptComplaint, named: Station | None) -> Taken:
    dispute = Dispute.objects.select_related("taken_station").get(complaint=complaint)
    if named is not None and dispute.taken_station_id != named.pk:
        words = f"这件投诉已转{dispute.taken_station.name}，编号{dispute.number}。"
        raise Conflict(words, code="already_taken")
    return Taken(dispute, created=False)


def _is_official(complaint: KeptComplaint) -> bool:
    """Has the consumer spoken to 12315?"""
    platform = complaint.matter.platform
    return platform is not None and platform.kind == Platform.Kind.P12315


def _place(complaint: KeptComplaint, at: datetime) -> Station | None:
    """The station it belongs to; None where the shop and the place are unknown, or – of 12315's – where no
    office answers for them."""
    entity, grid = complaint.entity, complaint.grid
    if not _is_official(complaint):
        return placing.from_outside(entity, grid=grid, on=clock.local_date(at))
    station = placing.official_record(entity, grid=grid)
    known = station is not None and placing.office_of(entity, station=station, grid=grid) is not None
    return station if known else None


def _take(complaint: KeptComplaint, station: Station, by: User | None, at: datetime) -> Dispute:
    """Write the dispute and move the sealed consumer to it; the complaint keeps the platform's words."""
    official, matter, entity = _is_official(complaint), complaint.matter, complaint.entity
    if official and placing.office_of(entity, station=station, grid=complaint.grid) is None:
        raise Refused("该服务站没有对应的市场监管所，请选择其他服务站。", code="no_office", attr="station")
    who = _consumer(complaint)
    told = Told(
        client_uid=uuid.uuid5(uuid.NAMESPACE_URL, f"complaint:{complaint.pk}"),
        digest=snapshots.sha256(["complaint", complaint.pk]),
        source=Source.PLATFORM,
        by=by,
        at=at,
        station=station,
        entity=entity,
        entity_name=_shop(complaint, entity),
        goods=GOODS,
        goods_kind=GoodsKind.OTHER,
        claims=(Claim.OTHER,),
        name=who.name,
        phone=who.phone,
        amount=complaint.amount,
        description=complaint.description,
        complaint=complaint,
        their_due_at=matter.their_due_at,
        grid=complaint.grid,
        word=official,
        official=official,
    )
    dispute = registering.register(told).dispute
    complaint.state, complaint.sealed_consumer = KeptComplaint.State.TAKEN, None
    complaint.save(update_fields=["state", "sealed_consumer"])
    gone_to = {"complaint": complaint.number, "dispute": dispute.number, "station": station.code}
    journal.append(stream=f"matter:{matter.pk}", kind="matter.complaint_taken", by=by, at=at, data=gone_to)
    return dispute


def _shop(complaint: KeptComplaint, entity: BusinessEntity | None) -> str:
    return (entity.name if entity else complaint.entity_name.strip() or SHOP)[:LONGEST_SHOP]


def _consumer(complaint: KeptComplaint) -> Identity:
    """Who complains, as far as the platform said. Raises Conflict `seal_broken`."""
    if not complaint.sealed_consumer:
        return Identity(name="", phone="")
    try:
        return identity.opened(complaint.sealed_consumer)
    except sealed.SealBroken:
        raise Conflict("消费者信息无法解密，请联系系统管理员核对密钥。", code="seal_broken") from None
