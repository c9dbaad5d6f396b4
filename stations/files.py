"""Files of a dispute: bound when they are there, awaited by their hash when they are not.

The manner of `leads.files`; the dispute's journal tells of what came later. Files are no part of what is
signed: `version` stays.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.db import connection, transaction

from kernel import clock, journal
from kernel.accounts.models import User
from kernel.deadlines import clocks
from kernel.evidence import attach
from kernel.evidence.captions import Caption
from kernel.evidence.models import Evidence
from leads.files import there_already
from stations.models import Dispute, DisputeEvidence

SUBJECT = "dispute"


def add(dispute: Dispute, *, ids: Sequence[int], awaited: Sequence[str], by: User, at: datetime) -> list[str]:
    """Bind files to a dispute; the SHA-256 of every file named, in order, each once.

    Raises:
        Conflict: `evidence_unavailable` – not there, another's, or bound to something else.
    """
    if not (ids or awaited):
        return []
    asked = [*ids, *there_already(awaited, by=by)]
    there = attach.attach(ids=asked, subject_kind=SUBJECT, subject_id=dispute.pk, by=by)
    by_hash = {one.sha256: one for one in there}
    hashes = list(dict.fromkeys([*by_hash, *awaited]))
    rows = [
        DisputeEvidence(dispute=dispute, sha256=sha, evidence=by_hash.get(sha), added_by=by, added_at=at)
        for sha in hashes
    ]
    DisputeEvidence.objects.bulk_create(rows, ignore_conflicts=True)
    return hashes


def visible_ids(user: User, ids: set[int]) -> set[int]:
    """Of these disputes, those that `user` may see (asked by `kernel.evidence.access`)."""
    return set(Dispute.objects.visible_to(user).filter(pk__in=ids).values_list("id", flat=True))


def arrived(evidence: Evidence) -> None:
    """A file came: bind it to the dispute for which its uploader had named it, in the same transaction."""
    if evidence.subject_kind is not None:
        return
    waiting = DisputeEvidence.objects.filter(
        sha256=evidence.sha256, added_by_id=evidence.uploaded_by_id, evidence__isnull=True
    )
    link = waiting.order_by("id").first()
    if link is not None:
        _bind(link, evidence)


def _bind(link: DisputeEvidence, evidence: Evidence) -> bool:
    """Bind file and waiting row under the dispute's lock (the journal's order). Bound meanwhile: nothing."""
    clocks.cap_waits()
    dispute = Dispute.objects.select_for_update(of=("self",), no_key=True).get(pk=link.dispute_id)
    waiting = DisputeEvidence.objects.filter(pk=link.pk, evidence__isnull=True)
    if not waiting.update(evidence=evidence):
        return False
    attach.attach(ids=[evidence.pk], subject_kind=SUBJECT, subject_id=dispute.pk, by=evidence.uploaded_by)
    evidence.subject_kind, evidence.subject_id = SUBJECT, dispute.pk
    journal.append(
        stream=dispute.stream,
        kind="dispute.evidence_arrived",
        by=evidence.uploaded_by,
        at=clock.now(),
        data={"evidence": evidence.pk, "sha256": evidence.sha256},
    )
    return True


CROSSED = """
SELECT DISTINCT ON (e.id) l.id, e.id
  FROM stations_disputeevidence l
  JOIN evidence_evidence e
    ON e.sha256 = l.sha256 AND e.uploaded_by_id = l.added_by_id AND e.subject_kind IS NULL
 WHERE l.evidence_id IS NULL ORDER BY e.id, l.id LIMIT %s
"""


def bind_crossed(batch: int = 200) -> int:
    """Bind files whose upload and whose naming crossed, each in its own transaction. Returns how many."""
    with connection.cursor() as cursor:
        cursor.execute(CROSSED, [batch])
        pairs = cursor.fetchall()
    bound = 0
    for link_id, evidence_id in pairs:
        with transaction.atomic():
            link = DisputeEvidence.objects.get(pk=link_id)
            evidence = Evidence.objects.select_related("uploaded_by").get(pk=evidence_id)
            if evidence.subject_kind is None:
                bound += _bind(link, evidence)
    return bound


def captions(ids: set[int]) -> dict[int, Caption]:
    """What a watermark says of the files of these disputes: number, station, shop. One statement."""
    rows = Dispute.objects.filter(pk__in=ids).values_list(
        "pk", "number", "taken_station__name", "entity_name"
    )
    return {pk: Caption(number, station, shop) for pk, number, station, shop in rows}
