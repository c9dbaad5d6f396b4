"""How a station, a dispute and what belongs to it look in JSON. Plain functions over rows already read."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from grids.access import scope_of
from kernel import clock
from kernel.accounts.models import User
from kernel.api.shown import moment, person
from leads.api.bodies import deadline, words
from leads.models import Lead
from leads.selectors import reads_masked
from stations import people, selectors
from stations.models import (
    Agreement,
    CircleShop,
    ConsumerWord,
    Dispute,
    DisputeEvidence,
    DisputeLead,
    Session,
    Station,
    Testing,
    TierStay,
)


def money(amount: Decimal | None) -> str | None:
    """Yuan with two decimals."""
    return None if amount is None else f"{amount:.2f}"


# --- stations --------------------------------------------------------------------------------------


def named(row: Station | None) -> dict[str, Any] | None:
    return None if row is None else {"code": row.code, "name": row.name}


def stations(rows: Sequence[Station], at: datetime) -> list[dict[str, Any]]:
    """Stations with who mediates there now. Two statements; `rows` read with `stations.api.stations.full`."""
    mediators, _ = people.of_stations([row.pk for row in rows], at)
    ids = {one for found in mediators.values() for one in found}
    users = User.objects.only("id", "username", "name").in_bulk(ids)
    return [_station(row, [users[one] for one in sorted(mediators.get(row.pk, ()))]) for row in rows]


def _station(row: Station, mediators: Sequence[User]) -> dict[str, Any]:
    location = None
    if row.lon is not None and row.lat is not None:
        location = {"lon": float(row.lon), "lat": float(row.lat), "crs": "wgs84"}
    return {
        "code": row.code, "name": row.name, "kind": row.kind, "community": row.community.code,
        "community_name": row.community.name, "grid": row.grid.code if row.grid else None,
        "complex_name": row.complex_name, "address": row.address, "telephone": row.telephone,
        "location": location,
        "hours": [
            {
                "weekday": one.weekday, "weekday_label": one.get_weekday_display(),
                "opens_at": f"{one.opens_at:%H:%M}", "closes_at": f"{one.closes_at:%H:%M}",
            }
            for one in row.hours.all()
        ],
        "mediators": [person(one) for one in mediators],
        "circle_shops": getattr(row, "circle_shops", 0),
        "is_active": row.is_active, "is_demo": row.is_demo,
    }  # fmt: skip


def circle_shop(row: CircleShop, station: Station) -> dict[str, Any]:
    return {
        "id": row.pk, "station": station.code, "entity": {"id": row.entity_id, "name": row.entity.name},
        "address": row.entity.address, "since": row.since.isoformat(),
        "until": row.until.isoformat() if row.until else None,
    }  # fmt: skip


# --- disputes --------------------------------------------------------------------------------------


def dispute_rows(rows: Iterable[Dispute]) -> list[dict[str, Any]]:
    """Disputes, read with `selectors.for_list`, with every number in what people wrote masked."""
    at = clock.now()
    return [dispute_row(row, at) for row in rows]


def dispute_row(row: Dispute, at: datetime, *, mask: bool = True) -> dict[str, Any]:
    """A dispute as it is at a moment. `mask` hides numbers in what people wrote."""
    return {
        "id": row.pk, "number": row.number, "client_uid": str(row.client_uid), "version": row.version,
        "state": row.state, "state_label": row.get_state_display(), "tier": row.tier,
        "tier_label": row.get_tier_display(), "cycle": row.cycle, "round": row.round,
        "source": row.source, "complaint": row.complaint.number if row.complaint else None,
        "their_due_at": moment(row.their_due_at), "station": named(row.station),
        "taken_station": named(row.taken_station), "circle": named(row.circle),
        "office": row.office.code if row.office else None,
        "entity": {"id": row.entity.pk, "name": row.entity.name} if row.entity else None,
        "entity_name": words(row.entity_name, mask=mask), "goods": words(row.goods, mask=mask),
        "goods_kind": row.goods_kind, "amount": money(row.amount), "claims": list(row.claims),
        "description": words(row.description, mask=mask),
        "bought_on": row.bought_on.isoformat() if row.bought_on else None,
        "consumer": consumer(row), "registered_at": moment(row.registered_at),
        "tier_since": moment(row.tier_since), "due_at": moment(row.due_at),
        "due_is_guessed": row.due_is_guessed, "late": selectors.is_late(row, at),
        "word_at": moment(row.word_at), "filed_at": moment(row.filed_at),
        "decided_at": moment(row.decided_at), "refusal_ground": row.refusal_ground or None,
        "refusal_ground_label": row.get_refusal_ground_display() if row.refusal_ground else None,
        "agreed_at": moment(row.agreed_at), "ended_at": moment(row.ended_at),
        "outcome": row.outcome or None, "fail_reason": row.fail_reason or None,
        "withdrawal_reason": row.withdrawal_reason or None,
        "end_note": words(row.end_note, mask=mask),
    }  # fmt: skip


def consumer(row: Dispute) -> dict[str, Any] | None:
    """As lists show him: masked. None where nobody knows who complains."""
    found = getattr(row, "consumer", None)
    if found is None:
        return None
    return {
        "name": found.masked_name, "phone": found.masked_phone, "removed_at": moment(found.removed_at)
    }  # fmt: skip


def dispute(row: Dispute, user: User) -> dict[str, Any]:
    """One dispute, read with `selectors.full`: for the auditor with every number masked."""
    scope = scope_of(user)
    mask = reads_masked(scope)
    said = getattr(row, "word", None)
    return {
        **dispute_row(row, clock.now(), mask=mask),
        "taken_by": person(row.taken_by),
        "decided_by": person(row.decided_by),
        "ended_by": person(row.ended_by),
        "mediation_policy": row.mediation_policy,
        "word": None if said is None else word(said, mask=mask),
        "deadlines": [deadline(one) for one in selectors.deadlines_of(row)],
        "stays": [stay(one, mask=mask) for one in row.stays.all()],
        "sessions": [session(one, row, mask=mask) for one in row.sessions.all()],
        "agreements": [agreement(one, mask=mask) for one in row.agreements.all()],
        "testings": [testing(one, mask=mask) for one in row.testings.all()],
        "leads": leads(row.leads.all(), user),
        "evidence": [file(one) for one in row.evidence.all()],
        "allowed": selectors.allowed(row, scope),
    }


def word(row: ConsumerWord, *, mask: bool) -> dict[str, Any]:
    return {
        "said_at": moment(row.said_at), "way": row.way, "note": words(row.note, mask=mask),
        "entered_by": person(row.entered_by),
    }  # fmt: skip


def stay(row: TierStay, *, mask: bool) -> dict[str, Any]:
    return {
        "cycle": row.cycle, "tier": row.tier, "station": named(row.station), "why": row.why,
        "why_label": row.get_why_display(), "note": words(row.note, mask=mask), "by": person(row.by),
        "since": moment(row.since), "until": moment(row.until),
    }  # fmt: skip


def session(row: Session, of: Dispute, *, mask: bool = True) -> dict[str, Any]:
    return {
        "id": row.pk, "dispute": of.pk, "number": of.number, "version": of.version,
        "station": named(row.station), "mediator": person(row.mediator), "place": row.place,
        "starts_at": moment(row.starts_at), "ends_at": moment(row.ends_at), "state": row.state,
        "state_label": row.get_state_display(), "note": words(row.note, mask=mask),
        "consumer_came": row.consumer_came, "shop_came": row.shop_came,
        "minutes": words(row.minutes, mask=mask), "held_at": moment(row.held_at),
        "cancelled_why": words(row.cancelled_why, mask=mask), "made_by": person(row.made_by),
        "made_at": moment(row.made_at),
    }  # fmt: skip


def agreement(row: Agreement, *, mask: bool) -> dict[str, Any]:
    return {
        "id": row.pk, "number": row.number, "state": row.state, "state_label": row.get_state_display(),
        "tier": row.tier, "station": named(row.station), "mediator": person(row.mediator),
        "terms": words(row.terms, mask=mask), "amount": money(row.amount),
        "perform_by": row.perform_by.isoformat(), "digest": row.digest, "signed_at": moment(row.signed_at),
        "signatures": [
            {
                "party": one.party, "signer": person(one.signer), "image_sha256": one.image_sha256,
                "signed_at": moment(one.signed_at),
            }
            for one in row.signatures.all()
        ],
        "checked_at": moment(row.checked_at), "checked_by": person(row.checked_by),
        "check_note": words(row.check_note, mask=mask),
    }  # fmt: skip


def testing(row: Testing, *, mask: bool) -> dict[str, Any]:
    return {
        "kind": row.kind, "kind_label": row.get_kind_display(), "institution": row.institution,
        "since": moment(row.since), "until": moment(row.until), "result": words(row.result, mask=mask),
        "entered_by": person(row.entered_by),
    }  # fmt: skip


def leads(rows: Iterable[DisputeLead], user: User) -> list[dict[str, Any]]:
    """Leads made of a dispute, those that `user` may see. One statement where there are any."""
    found = list(rows)
    if not found:
        return []
    ids = [one.lead_id for one in found]
    seen = set(Lead.objects.visible_to(user).filter(pk__in=ids).values_list("id", flat=True))
    return [
        {
            "id": one.lead_id, "number": one.lead.number, "made_by": person(one.made_by),
            "made_at": moment(one.made_at),
        }
        for one in found
        if one.lead_id in seen
    ]  # fmt: skip


def file(row: DisputeEvidence) -> dict[str, Any]:
    found = row.evidence
    return {
        "id": row.evidence_id, "sha256": row.sha256, "kind": found.kind if found else None,
        "flags": list(found.flags or []) if found and isinstance(found.flags, list) else [],
        "missing": found is None,
    }  # fmt: skip
