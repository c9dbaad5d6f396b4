"""How a lead, an order and an entry look in JSON. Plain functions over rows already read."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from grids import responsibilities
from grids.access import scope_of
from kernel.accounts.models import User
from kernel.api.shown import moment, person
from kernel.deadlines.models import Deadline
from kernel.journal.models import Entry
from kernel.notices.policy import masked
from leads import case_numbers, selectors, signing
from leads.answered import answered
from leads.api import after_bodies, request_bodies
from leads.intake import Made
from leads.models import Disposal, Lead, LeadEvidence, Matter, Rework, Signature, SupervisionOrder


def place(lead: Lead) -> dict[str, Any] | None:
    if lead.lon is None or lead.lat is None:
        return None
    return {"lon": float(lead.lon), "lat": float(lead.lat), "crs": "wgs84", "accuracy_m": lead.accuracy_m}


def deadline(row: Deadline) -> dict[str, Any]:
    return {
        "kind": row.kind,
        "cycle": row.cycle,
        "state": row.shown_state,
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


def words(text: str, *, mask: bool) -> str:
    """What a person wrote, its telephone and identity numbers masked where asked."""
    return str(masked(text)) if mask else text


def rework(row: Rework, *, mask: bool) -> dict[str, Any]:
    return {
        "round": row.round,
        "reason": words(row.reason, mask=mask),
        "by": person(row.by),
        "at": moment(row.at),
    }


def disposal(row: Disposal | None, *, mask: bool) -> dict[str, Any] | None:
    if row is None:
        return None
    return {
        "round": row.round,
        "kind": row.kind,
        "note": words(row.note, mask=mask),
        "rectify_due_at": moment(row.rectify_due_at),
        "case_number": case_numbers.of(row),
        "by": person(row.by),
        "at": moment(row.at),
    }


def lead_row(
    lead: Lead,
    deadlines: Iterable[Deadline],
    signatures: Sequence[Signature],
    evidence: Iterable[LeadEvidence],
    disposals: Sequence[Disposal],
    reworks: Iterable[Rework] = (),
    *,
    mask: bool,
) -> dict[str, Any]:
    """A lead with its rows. `mask` hides telephone and identity numbers in what people wrote."""
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
        "restricted": lead.restricted,
        "description": words(lead.description, mask=mask),
        "location": place(lead),
        "grid": lead.grid.code if lead.grid else None,
        "grid_name": lead.grid.name if lead.grid else None,
        "entity": None if lead.entity is None else {"id": lead.entity.pk, "name": lead.entity.name},
        "assignee": person(lead.assignee),
        "routing_reason": lead.routing_reason,
        "boundary_match": lead.boundary_match,
        "told_by_citizen": lead.told_by_citizen,
        "answered": answered(lead),
        "fixed_on_spot": lead.fixed_on_spot,
        "flags": lead.flags,
        "discovered_at": moment(lead.discovered_at),
        "reported_at": moment(lead.reported_at),
        "dispatched_at": moment(lead.dispatched_at),
        "responded_at": moment(lead.responded_at),
        "respond_plan": lead.respond_plan or None,
        "respond_note": words(lead.respond_note, mask=mask),
        "controlled_at": moment(lead.controlled_at),
        "control_note": words(lead.control_note, mask=mask),
        "fed_back_at": moment(lead.fed_back_at),
        "closed_at": moment(lead.closed_at),
        "verify_method": lead.verify_method or None,
        "verify_note": words(lead.verify_note, mask=mask),
        "verified_in_stead": lead.verified_in_stead,
        "deadlines": [deadline(row) for row in deadlines],
        "signatures": [signature(row) for row in signatures],
        "missing_signatures": [slot.name for slot in signing.missing(lead, signatures)],
        "evidence": [file(row) for row in evidence],
        "disposal": disposal(next((d for d in disposals if d.round == lead.round), None), mask=mask),
        "earlier_disposals": [disposal(d, mask=mask) for d in disposals if d.round != lead.round],
        "reworks": [rework(row, mask=mask) for row in reworks],
        **after_bodies.row(lead, disposals),
        **request_bodies.row(lead),
    }


def lead_rows(leads: Sequence[Lead], *, mask: bool = True) -> list[dict[str, Any]]:
    """A page of leads read by `selectors.for_list`; lists are masked (DESIGN.md §7)."""
    clocks = selectors.deadlines_of([lead.pk for lead in leads])
    return [
        lead_row(
            lead,
            clocks[lead.pk],
            list(lead.signatures.all()),
            lead.evidence.all(),
            list(lead.disposals.all()),
            lead.reworks.all(),
            mask=mask,
        )
        for lead in leads
    ]


def lead_detail(lead: Lead, user: User) -> dict[str, Any]:
    """One lead with what it may repeat; masked for the auditor and for liaisons."""
    body = lead_rows([lead], mask=selectors.reads_masked(scope_of(user)))[0]
    return body | {
        "possible_duplicates": duplicates(lead, user),
        "whistle_departments": whistle_departments(lead),
        "responsibilities": responsibilities.beside(lead.category_id),
        "platform": platform(selectors.handed_in(lead)),
        **leniency_of(lead),
        **after_bodies.detail(lead, mask=selectors.reads_masked(scope_of(user))),
        **request_bodies.detail(lead, mask=selectors.reads_masked(scope_of(user))),
    }


def leniency_of(lead: Lead) -> dict[str, Any]:
    """Guidance given and leniency proposed with this lead."""
    from leads.api.leniency import of_lead

    return of_lead(lead, {d.kind for d in lead.disposals.all()})


def made(result: Made, user: User) -> dict[str, Any]:
    """A lead just made: nothing is read again but its possible duplicates and two names."""
    lead = result.lead
    body = lead_row(lead, result.deadlines, result.signatures, result.evidence, [], mask=False)
    return body | {
        "possible_duplicates": duplicates(lead, user),
        "whistle_departments": whistle_departments(lead),
        "platform": None,
        **after_bodies.NOTHING,
        **request_bodies.NOTHING,
    }


def platform(row: Matter | None) -> dict[str, Any] | None:
    """Which platform handed it in, with its own number and limit."""
    if row is None or row.platform is None:
        return None
    return {
        "code": row.platform.code,
        "name": row.platform.name,
        "external_number": row.external_number,
        "due_at": moment(row.their_due_at),
    }


def whistle_departments(lead: Lead) -> list[str]:
    """Codes of the departments that the lead's category proposes to whistle for; none for a tip-off."""
    return [] if lead.restricted else list(lead.category.departments)


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


def orders(rows: Sequence[SupervisionOrder], *, mask: bool = True) -> list[dict[str, Any]]:
    """Orders with the moments by which each side has to acknowledge; lists are masked."""
    dues = selectors.acknowledge_by([row.pk for row in rows])
    return [order(row, dues[row.pk], mask=mask) for row in rows]


def order(row: SupervisionOrder, dues: dict[str, datetime], *, mask: bool) -> dict[str, Any]:
    return {
        "id": row.pk,
        "lead": row.lead_id,
        "number": row.lead.number,
        "cause": row.cause,
        "cycle": row.cycle,
        "late_side": row.late_side,
        "charged_approval": row.charged_approval_id,
        "raised_at": moment(row.raised_at),
        "level": row.level,
        "state": row.state,
        "version": row.version,
        "escalated_at": moment(row.escalated_at),
        "lifted_at": moment(row.lifted_at),
        "acknowledge_by": {side: moment(due_at) for side, due_at in sorted(dues.items())},
        "acknowledgements": [
            {
                "side": a.side,
                "by": person(a.by),
                "for": person(a.on_behalf_of),
                "at": moment(a.at),
                "instruction": a.instruction,
                "note": words(a.note, mask=mask),
            }
            for a in row.acknowledgements.all()
        ],
    }
