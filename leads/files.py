"""Evidence of a lead: which files belong to which stage, and those still to come."""

from __future__ import annotations

from collections.abc import Sequence

from kernel.evidence import attach
from leads.acts import Act
from leads.models import LeadEvidence, Stage


def add(act: Act, *, ids: Sequence[int], awaited: Sequence[str], stage: Stage) -> list[str]:
    """Bind files to a stage of the present round; hashes without a file are kept until it comes.

    Returns the SHA-256 of every file named, in order, each once. A file named before stays as it is.
    """
    there = (
        attach.attach(ids=list(ids), subject_kind="lead", subject_id=act.lead.pk, by=act.actor) if ids else []
    )
    by_hash = {one.sha256: one for one in there}
    hashes = list(dict.fromkeys([*by_hash, *awaited]))
    bound = set(
        LeadEvidence.objects.filter(evidence__in=[one.pk for one in there]).values_list(
            "evidence_id", flat=True
        )
    )
    rows = []
    for sha in hashes:
        found = by_hash.get(sha)
        if found is not None and found.pk in bound:
            continue
        rows.append(
            LeadEvidence(
                lead=act.lead,
                sha256=sha,
                evidence=found,
                stage=stage,
                round=act.lead.round,
                added_by=act.actor,
                added_at=act.at,
            )
        )
    LeadEvidence.objects.bulk_create(rows, ignore_conflicts=True)
    return hashes


def arrived(evidence_id: int, sha256: str, uploaded_by_id: int) -> int | None:
    """A file came that a lead was waiting for: bind it. Returns the lead's id, or None.

    Called in the upload's transaction. The list of hashes was signed before; nothing signed changes.
    """
    link = (
        LeadEvidence.objects.select_for_update()
        .filter(sha256=sha256, added_by_id=uploaded_by_id, evidence__isnull=True)
        .order_by("id")
        .first()
    )
    if link is None:
        return None
    link.evidence_id = evidence_id
    link.save(update_fields=["evidence"])
    return link.lead_id
