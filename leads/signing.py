"""双签字: signing slots over a frozen snapshot (DESIGN.md §3, Signatures).

A slot is `(lead, stage, side, cycle)`: DISCOVERY once, HANDOVER of the office once per owner, RESULT
once per round. Callers hold the lead's row lock.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import models

from kernel.accounts.models import User
from kernel.errors import Conflict
from leads import snapshots
from leads.models import Disposal, Lead, LeadEvidence, OfficerSignature, Recheck, Side, Signature, Stage
from leads.states import State


class SamePerson(Conflict):
    """409: this person has signed on the other side (constraint leads_signature_one_side_a_person)."""

    default_code = "same_person"


@dataclass(frozen=True, slots=True)
class Slot:
    stage: Stage
    side: Side
    cycle: int

    @property
    def name(self) -> str:
        return f"{self.stage}:{self.side}"


def needed(lead: Lead) -> tuple[Slot, ...]:
    """The six slots of the lead's present owner and round, in the order of its life."""
    return (
        Slot(Stage.DISCOVERY, Side.COMMUNITY, 1),
        Slot(Stage.HANDOVER, Side.COMMUNITY, 1),
        Slot(Stage.DISCOVERY, Side.OFFICE, 1),
        Slot(Stage.HANDOVER, Side.OFFICE, lead.owner_cycle or 1),
        Slot(Stage.RESULT, Side.OFFICE, lead.round),
        Slot(Stage.RESULT, Side.COMMUNITY, lead.round),
    )


def missing(lead: Lead, signatures: Sequence[Signature]) -> list[Slot]:
    """Which of the six are still open.

    After feedback any owner's HANDOVER serves: who took over a lead that only waits to be verified
    has no act of his own before it closes.
    """
    signed = {(s.stage, s.side, s.cycle) for s in signatures}
    handed = any(s.stage == Stage.HANDOVER and s.side == Side.OFFICE for s in signatures)
    open_slots = []
    for slot in needed(lead):
        if (slot.stage, slot.side, slot.cycle) in signed:
            continue
        after_feedback = lead.state in (State.FED_BACK, State.CLOSED)
        if (slot.stage, slot.side) == (Stage.HANDOVER, Side.OFFICE) and after_feedback and handed:
            continue
        open_slots.append(slot)
    return open_slots


def already_signed(lead: Lead, slot: Slot, by: User) -> bool:
    """Has this person signed this very slot? Then the request is a repetition (DESIGN.md §3, Versions)."""
    return Signature.objects.filter(
        lead=lead, stage=slot.stage, side=slot.side, cycle=slot.cycle, signer=by
    ).exists()


def has_signed(lead: Lead, side: Side, by: User) -> bool:
    """Has this person signed anything on this side of the lead?"""
    return Signature.objects.filter(lead=lead, signer=by, side=side).exists()


def people_on(lead: Lead, side: Side) -> set[int]:
    """Who has stood on this side of the lead: signed a slot, rechecked or countersigned, or signed its
    leniency as an officer. One statement."""
    found = Signature.objects.filter(lead=lead, side=side).order_by().values_list("signer_id", flat=True)
    rechecks = Recheck.objects.filter(lead=lead).order_by()
    if side == Side.COMMUNITY:
        countersigned = rechecks.filter(countersigned_by__isnull=False)
        return set(found.union(countersigned.values_list("countersigned_by_id", flat=True)))
    officers = OfficerSignature.objects.filter(decision__lead=lead).order_by()
    return set(
        found.union(rechecks.values_list("by_id", flat=True), officers.values_list("officer_id", flat=True))
    )


def refuse_other_side(lead: Lead, side: Side, by: User) -> None:
    """Raise SamePerson where `by` has stood on the other side of this lead (`people_on`)."""
    if by.pk in people_on(lead, Side.COMMUNITY if side == Side.OFFICE else Side.OFFICE):
        raise SamePerson("您已在另一方签过字，同一条线索不能由同一人代表所、社双方签字。")


def facts_of(
    lead: Lead, *, category_name: str, entity_name: str | None, evidence: Sequence[str]
) -> dict[str, Any]:
    """What DISCOVERY signs: frozen when the lead is made, the same for both sides."""
    return {
        "client_uid": str(lead.client_uid),
        "category": lead.category_id,
        "category_name": category_name,
        "severity": lead.severity,
        "description": lead.description,
        "place": None if lead.lon is None else {"lon": str(lead.lon), "lat": str(lead.lat)},
        "entity": None if lead.entity_id is None else {"id": lead.entity_id, "name": entity_name},
        "discovered_at": snapshots.moment(lead.discovered_at),
        "reported_at": snapshots.moment(lead.reported_at),
        "reported_by": lead.reported_by_id,
        "fixed_on_spot": lead.fixed_on_spot,
        "evidence": sorted(evidence),
    }


def build(
    lead: Lead,
    slots: Sequence[Slot],
    *,
    by: User,
    on_behalf_of_id: int | None,
    at: datetime,
    disposal: Disposal | None = None,
    result_evidence: Sequence[str] = (),
    discovered_it: bool = True,
    extra: dict[str, Any] | None = None,
) -> list[Signature]:
    """Unsaved signatures of these slots. `disposal` is needed for RESULT, `extra` joins its snapshot."""
    rows = []
    for slot in slots:
        words = snapshots.sentence(
            slot.stage,
            slot.side,
            discovered_it=discovered_it,
            disposal_kind=disposal.kind if disposal else "",
        )
        snapshot = {
            "number": lead.number,
            "stage": slot.stage.value,
            "side": slot.side.value,
            "cycle": slot.cycle,
            "sentence": words,
            "signer": {"id": by.pk, "name": by.name},
            "on_behalf_of": on_behalf_of_id,
            "signed_at": snapshots.moment(at),
            "signed": _content(lead, slot, disposal, result_evidence, extra),
        }
        rows.append(
            Signature(
                lead_id=lead.pk,
                stage=slot.stage,
                side=slot.side,
                cycle=slot.cycle,
                signer=by,
                on_behalf_of_id=on_behalf_of_id,
                sentence=words,
                snapshot=snapshot,
                digest=snapshots.sha256(snapshot),
                signed_at=at,
            )
        )
    return rows


def _content(
    lead: Lead, slot: Slot, disposal: Disposal | None, evidence: Sequence[str], extra: dict[str, Any] | None
) -> dict[str, Any]:
    if slot.stage == Stage.DISCOVERY:
        return {"facts": lead.facts}
    content: dict[str, Any] = {"facts_sha256": snapshots.sha256(lead.facts)}
    if slot.stage == Stage.HANDOVER:
        return content | {"owner": lead.assignee_id if slot.side == Side.OFFICE else None}
    if disposal is None:
        raise ValueError("a RESULT is signed over its disposal")
    return content | {
        "round": slot.cycle,
        "disposal": {
            "kind": disposal.kind,
            "note": disposal.note,
            "rectify_due_at": None
            if disposal.rectify_due_at is None
            else snapshots.moment(disposal.rectify_due_at),
            **({"case_number": disposal.case_number} if disposal.case_number else {}),
        },
        "evidence": sorted(evidence),
        **(extra or {}),
    }


def sign(
    lead: Lead, slots: Sequence[Slot], *, by: User, on_behalf_of_id: int | None, at: datetime, **content: Any
) -> list[Signature]:
    """Sign these slots now. The caller has asked `refuse_other_side`; the constraint says it again."""
    return Signature.objects.bulk_create(
        build(lead, slots, by=by, on_behalf_of_id=on_behalf_of_id, at=at, **content)
    )


def open_slots(lead: Lead, side: Side) -> list[Slot]:
    """The slots of one side that wait for its next act, RESULT left out."""
    signatures = list(Signature.objects.filter(lead=lead))
    return [s for s in missing(lead, signatures) if s.side == side and s.stage != Stage.RESULT]


def result_evidence(lead: Lead) -> list[str]:
    """Hashes of the files that belong to the result of the present round."""
    found = LeadEvidence.objects.filter(lead=lead, stage=Stage.RESULT, round=lead.round)
    return list(found.values_list("sha256", flat=True))


def closing_digest(lead: Lead) -> str:
    """The hash over the six signatures that close the lead.

    Raises:
        Conflict: `signatures_missing` – a slot is still open.
    """
    signatures = list(Signature.objects.filter(lead=lead).order_by("id"))
    still_open = missing(lead, signatures)
    if still_open:
        names = "、".join(f"{s.side.label}方{s.stage.label}" for s in still_open)
        raise Conflict(f"还缺{names}签字，不能办结。", code="signatures_missing")
    latest: dict[tuple[str, str], Signature] = {}
    for one in signatures:
        latest[one.stage, one.side] = one
    order = [(slot.stage, slot.side) for slot in needed(lead)]
    return snapshots.closing_digest(latest[key].digest for key in order)


def verify_digests(signatures: models.QuerySet[Signature]) -> list[int]:
    """Ids of signatures whose snapshot no longer matches its digest (auditor's check)."""
    return [one.pk for one in signatures.iterator() if snapshots.sha256(one.snapshot) != one.digest]
