"""Evidence of a lead: which files belong to which stage, and those still to come.

The list of hashes is what was signed; a file that comes later is bound (`kernel.evidence.awaiting`), which
changes nothing signed, so `version` stays.
"""

from __future__ import annotations

from collections.abc import Sequence

from kernel.evidence import awaiting
from leads.acts import Act
from leads.models import FileStage, Lead, LeadEvidence, Stage


def add(act: Act, *, ids: Sequence[int], awaited: Sequence[str], stage: Stage | FileStage) -> list[str]:
    """Bind files to a stage of the present round; hashes without a file are kept until it comes.

    Returns the SHA-256 of every file named, in order, each once. A file named before stays as it is.

    Raises:
        Conflict: `evidence_unavailable` – not there, another's, or bound to something else.
    """
    lead, by = act.lead, act.actor
    found = awaiting.gather(ids=ids, awaited=awaited, subject_kind="lead", subject_id=lead.pk, by=by)
    files = [one.pk for one in found.there.values()]
    bound = set(LeadEvidence.objects.filter(evidence__in=files).values_list("evidence_id", flat=True))
    named = {"lead": lead, "stage": stage, "round": lead.round, "added_by": by, "added_at": act.at}
    rows = []
    for sha in found.hashes:
        file = found.there.get(sha)
        if file is None or file.pk not in bound:
            rows.append(LeadEvidence(sha256=sha, evidence=file, **named))
    LeadEvidence.objects.bulk_create(rows, ignore_conflicts=True)
    return found.hashes


def _locked(link: LeadEvidence) -> Lead:
    return Lead.objects.select_for_update(of=("self",)).get(pk=link.lead_id)


AWAITING = awaiting.Awaiting(
    LeadEvidence, "lead", _locked, told=lambda link: {"stage": link.stage, "round": link.round}
)
