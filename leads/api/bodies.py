"""How a lead, an order and an entry look in JSON. Plain functions over rows already read."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from django.utils.timezone import localtime

from kernel.accounts.models import User
from kernel.deadlines.models import Deadline
from kernel.journal.models import Entry
from leads import selectors, signing
from leads.intake import Made
from leads.models import Disposal, Lead, LeadEvidence, Signature, SupervisionOrder


def moment(at: Any) -> str | None:
    """ISO 8601 with the Shanghai offset."""
    return None if at is None else localtime(at).isoformat()


def person(user: User | None) -> dict[str, Any] | None:
    return None if user is None else {"id": user.pk, "username": user.username, "name": user.name}


def place(lead: Lead) -> dict[str, Any] | None:
    if lead.lon is None or lead.lat is None:
        return None
    return {"lon": float(lead.lon), "lat": float(lead.lat), "crs": "wgs84", "accuracy_m": lead.accuracy_m}


def deadline(row: Deadline) -> dict[str, Any]:
    return {
        "kind": row.kind,
        "cycle": row.cycle,
        "state": row.state,
        "due_at": moment(row.due_at),
        "closed_at": moment(row.closed_at),
    }


def signature(row: Signature) -> dict[str, Any]:
    return {
        "stage": row.stage,
        "side": row.side,
        "cycle": row.cycle,
        "signer": person(row.signer),
        "for": person(row.on_behalf_of),
        "sentence": row.sentence,
        "signed_at": moment(row.signed_at),
        "digest": row.digest,
    }


def file(row: LeadEvidence) -> dict[str, Any]:
    found = row.evidence
    return {
        "id": row.evidence_id,
        "sha256": row.sha256,
        "stage": row.stage,
        "round": row.round,
        "kind": found.kind if found else None,
        "flags": list(found.flags or []) if found and isinstance(found.flags, list) else [],
        "missing": found is None,
    }


def disposal(row: Disposal | None) -> dict[str, Any] | None:
    if row is None:
        return None
    return {
        "round": row.round,
        "kind": row.kind,
        "note": row.note,
        "rectify_due_at": moment(row.rectify_due_at),
        "by": person(row.by),
        "at": moment(row.at),
    }


def lead_row(
    lead: Lead,
    deadlines: Iterable[Deadline],
    signatures: Sequence[Signature],
    evidence: Iterable[LeadEvidence],
    disposals: Sequence[Disposal],
) -> dict[str, Any]:
    """A lead as it stands in a list."""
    return {
        "id": lead.pk,
        "number": lead.number,
        "client_uid": str(lead.client_uid),
        "state": lead.state,
        "state_label": lead.get_state_display(),
        "version": lead.version,
        "round": lead.round,
        "category": lead.category_id,
        "category_name": lead.category.name,
        "severity": lead.severity,
        "food": lead.food,
        "description": lead.description,
        "location": place(lead),
        "grid": lead.grid.code if lead.grid else None,
        "grid_name": lead.grid.name if lead.grid else None,
        "entity": None if lead.entity is None else {"id": lead.entity.pk, "name": lead.entity.name},
        "assignee": person(lead.assignee),
        "routing_reason": lead.routing_reason,
        "boundary_match": lead.boundary_match,
        "told_by_citizen": lead.told_by_citizen,
        "fixed_on_spot": lead.fixed_on_spot,
        "flags": lead.flags,
        "discovered_at": moment(lead.discovered_at),
        "reported_at": moment(lead.reported_at),
        "dispatched_at": moment(lead.dispatched_at),
        "responded_at": moment(lead.responded_at),
        "respond_plan": lead.respond_plan or None,
        "controlled_at": moment(lead.controlled_at),
        "fed_back_at": moment(lead.fed_back_at),
        "closed_at": moment(lead.closed_at),
        "verify_method": lead.verify_method or None,
        "verified_in_stead": lead.verified_in_stead,
        "deadlines": [deadline(row) for row in deadlines],
        "signatures": [signature(row) for row in signatures],
        "missing_signatures": [slot.name for slot in signing.missing(lead, signatures)],
        "evidence": [file(row) for row in evidence],
        "disposal": disposal(next((d for d in disposals if d.round == lead.round), None)),
    }


def lead_rows(leads: Sequence[Lead]) -> list[dict[str, Any]]:
    """A page of leads read by `selectors.for_list`."""
    clocks = selectors.deadlines_of([lead.pk for lead in leads])
    return [
        lead_row(lead, clocks[lead.pk], lead.signatures.all(), lead.evidence.all(), lead.disposals.all())  # type: ignore[arg-type]
        for lead in leads
    ]


def lead_detail(lead: Lead, user: User) -> dict[str, Any]:
    """One lead with what it may repeat."""
    body = lead_rows([lead])[0]
    return body | {"possible_duplicates": duplicates(lead, user)}


def made(result: Made, user: User) -> dict[str, Any]:
    """A lead just made: nothing is read again but its possible duplicates and two names."""
    lead = result.lead
    body = lead_row(lead, result.deadlines, result.signatures, result.evidence, [])
    return body | {"possible_duplicates": duplicates(lead, user)}


def duplicates(lead: Lead, user: User) -> list[dict[str, Any]]:
    return [{"id": d.id, "number": d.number} for d in selectors.possible_duplicates(lead, user)]


def entry(row: Entry) -> dict[str, Any]:
    return {
        "seq": row.seq,
        "kind": row.kind,
        "actor": {"id": row.actor_id, "name": row.actor_name},
        "at": moment(row.at),
        "data": row.data,
        "prev_hash": row.prev_hash,
        "hash": row.hash,
    }


def order(row: SupervisionOrder) -> dict[str, Any]:
    return {
        "id": row.pk,
        "lead": row.lead_id,
        "number": row.lead.number,
        "cause": row.cause,
        "cycle": row.cycle,
        "late_side": row.late_side,
        "raised_at": moment(row.raised_at),
        "level": row.level,
        "state": row.state,
        "version": row.version,
        "escalated_at": moment(row.escalated_at),
        "lifted_at": moment(row.lifted_at),
        "acknowledgements": [
            {
                "side": a.side,
                "by": person(a.by),
                "for": person(a.on_behalf_of),
                "at": moment(a.at),
                "instruction": a.instruction,
                "note": a.note,
            }
            for a in row.acknowledgements.all()
        ],
    }
