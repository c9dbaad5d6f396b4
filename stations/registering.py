"""The one writer of a new dispute: row, consumer, files, stay, clock, word, journal and notices together.

Whatever way it came – counter, telephone, door, platform – `register` writes it, in the caller's transaction.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.db import connection

from grids.models import BusinessEntity, Grid
from kernel import clock, journal
from kernel.accounts.models import User
from kernel.deadlines import clocks
from kernel.notices import outbox
from leads.identity import Identity
from leads.models import KeptComplaint
from stations import consumers, files, hot_shops, intake_notices, placing, stays
from stations.acts import SUBJECT, Act, safe
from stations.intake_values import LONGEST_DESCRIPTION, LONGEST_GOODS, LONGEST_SHOP
from stations.models import ConsumerWord, Dispute, Source, Station, TierStay, WordWay
from stations.states import State, Tier

WAY = {
    Source.COUNTER: WordWay.IN_PERSON,
    Source.TELEPHONE: WordWay.TELEPHONE,
    Source.DOOR: WordWay.DOOR,
    Source.PLATFORM: WordWay.PLATFORM,
}
"""How the consumer's word came that was said together with the dispute."""


@dataclass(frozen=True, kw_only=True)
class Told:
    """All of a new dispute that its source knows; who complains is empty where nobody said.

    `official`: the consumer has spoken to 12315 already, so it begins at the office. `files_by`: who handed
    in the files (of a public form the account of such forms). `told_inside`: nobody at the station knows yet.
    """

    client_uid: uuid.UUID
    digest: str
    source: Source
    by: User | None
    at: datetime
    station: Station
    entity: BusinessEntity | None
    entity_name: str
    goods: str
    goods_kind: str
    claims: tuple[str, ...]
    name: str = field(default="", repr=False)
    phone: str = field(default="", repr=False)
    amount: Decimal | None = None
    description: str = field(default="", repr=False)
    bought_on: date | None = None
    evidence: tuple[int, ...] = ()
    awaited: tuple[str, ...] = ()
    files_by: User | None = None
    complaint: KeptComplaint | None = None
    their_due_at: datetime | None = None
    grid: Grid | None = None
    word: bool = False
    official: bool = False


def number_of(dispute_id: int, at: datetime) -> str:
    """What people call it by: `JF20260310-000042`, the Shanghai day of registration and the row's number."""
    return f"JF{clock.local_date(at):%Y%m%d}-{dispute_id:06d}"


def register(told: Told) -> Act:
    """Write a new dispute in the caller's transaction; the act on it, whose `live` holds its clocks.

    Raises: Conflict `evidence_unavailable`. IntegrityError where the uid, or the complaint, is there already.
    """
    limits, calendar = clocks.limits(told.at), clocks.calendar()
    dispute = _row(told)
    live = stays.begin(dispute, at=told.at, limits=limits, calendar=calendar)
    dispute.save(force_insert=True)
    consumers.keep(dispute, told.name, told.phone)
    hashes = _files(dispute, told)
    clocks.arm(live)
    _stay(dispute, told)
    act = Act(dispute, told.by, told.at, live)
    _note(act, told, hashes)
    outbox.post(intake_notices.first_words(dispute, told.at), at=told.at)
    hot_shops.check(dispute, told.at)
    return act


def _row(told: Told) -> Dispute:
    with connection.cursor() as cursor:
        cursor.execute("SELECT nextval(pg_get_serial_sequence('stations_dispute', 'id'))")
        number = int(cursor.fetchone()[0])
    who = Identity(name=told.name, phone=told.phone)
    columns: dict[str, Any] = {
        name: getattr(told, name)
        for name in ("client_uid", "source", "complaint", "their_due_at", "entity", "goods_kind", "amount")
    }
    return Dispute(
        pk=number,
        number=number_of(number, told.at),
        content_digest=told.digest,
        taken_by=told.by,
        taken_station=told.station,
        station=told.station,
        circle=placing.circle_of(told.entity, clock.local_date(told.at)),
        office_id=placing.office_of(told.entity, station=told.station, grid=told.grid),
        entity_name=_quiet(who, told.entity_name, LONGEST_SHOP),
        goods=_quiet(who, told.goods, LONGEST_GOODS),
        description=_quiet(who, told.description, LONGEST_DESCRIPTION),
        claims=list(told.claims),
        bought_on=told.bought_on,
        tier=Tier.OFFICIAL if told.official else Tier.SHOP,
        state=State.FILED if told.official else State.NEGOTIATING,
        registered_at=told.at,
        word_at=told.at if told.word else None,
        filed_at=told.at if told.official else None,
        **columns,
    )


def _quiet(who: Identity, said: str, longest: int) -> str:
    """What was written, without the consumer's name and number: no text of a dispute names him."""
    return who.hidden_in(said)[:longest]


def _files(dispute: Dispute, told: Told) -> list[str]:
    if told.files_by is None:
        return []
    return files.add(dispute, ids=told.evidence, awaited=told.awaited, by=told.files_by, at=told.at)


def _stay(dispute: Dispute, told: Told) -> None:
    """Where it begins, and the consumer's word where he has given it."""
    TierStay.objects.create(
        dispute=dispute,
        cycle=dispute.cycle,
        tier=dispute.tier,
        station=dispute.station,
        why=TierStay.Why.WORD if told.official else TierStay.Why.TAKEN,
        by=told.by,
        since=told.at,
    )
    if told.word:
        ConsumerWord.objects.create(
            dispute=dispute, said_at=told.at, way=WAY[told.source], entered_by=told.by
        )


def _note(act: Act, told: Told, hashes: list[str]) -> None:
    dispute = act.dispute
    data = {
        "number": dispute.number,
        "source": dispute.source,
        "station": told.station.code,
        "circle": dispute.circle.code if dispute.circle else None,
        "entity": dispute.entity_id,
        "goods_kind": dispute.goods_kind,
        "tier": dispute.tier,
        "due_at": dispute.due_at.isoformat() if dispute.due_at else None,
        "word": told.word,
        "complaint": told.complaint.number if told.complaint else None,
        "evidence": hashes,
    }
    journal.append(
        stream=f"{SUBJECT}:{dispute.pk}", kind="dispute.taken", by=told.by, at=told.at, data=safe(data)
    )
