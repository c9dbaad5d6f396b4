"""Files of a dispute: bound when they are there, awaited by their hash when they are not.

The dispute's journal tells of what came later. Files are no part of what is signed: `version` stays.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from kernel.accounts.models import User
from kernel.evidence import awaiting
from kernel.evidence.captions import Caption
from stations.models import Dispute, DisputeEvidence

SUBJECT = "dispute"


def add(dispute: Dispute, *, ids: Sequence[int], awaited: Sequence[str], by: User, at: datetime) -> list[str]:
    """Bind files to a dispute; the SHA-256 of every file named, in order, each once.

    Raises:
        Conflict: `evidence_unavailable` – not there, another's, or bound to something else.
    """
    if not (ids or awaited):
        return []
    found = awaiting.gather(ids=ids, awaited=awaited, subject_kind=SUBJECT, subject_id=dispute.pk, by=by)
    named = {"dispute": dispute, "added_by": by, "added_at": at}
    rows = [DisputeEvidence(sha256=sha, evidence=found.there.get(sha), **named) for sha in found.hashes]
    DisputeEvidence.objects.bulk_create(rows, ignore_conflicts=True)
    return found.hashes


def visible_ids(user: User, ids: set[int]) -> set[int]:
    """Of these disputes, those that `user` may see (asked by `kernel.evidence.access`)."""
    return set(Dispute.objects.visible_to(user).filter(pk__in=ids).values_list("id", flat=True))


def _locked(link: DisputeEvidence) -> Dispute:
    return Dispute.objects.select_for_update(of=("self",), no_key=True).get(pk=link.dispute_id)


AWAITING = awaiting.Awaiting(DisputeEvidence, SUBJECT, _locked)


def captions(ids: set[int]) -> dict[int, Caption]:
    """What a watermark says of the files of these disputes: number, station, shop. One statement."""
    rows = Dispute.objects.filter(pk__in=ids).values_list(
        "pk", "number", "taken_station__name", "entity_name"
    )
    return {pk: Caption(number, station, shop) for pk, number, station, shop in rows}
