"""Evidence of a visit. A file may be named by its hash before it is uploaded (`kernel.evidence.awaiting`).

The visit keeps the list of hashes and never changes; the file is bound when it comes (`arrived`), when it is
named after it came, or – where the two crossed – by a sweep (`bind_crossed`). Of a visit that found a
problem the lead takes the files, and the visit keeps their hashes.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from django.db import connection
from django.db.models import Q

from kernel import clock
from kernel.accounts.models import User
from kernel.evidence import attach, awaiting
from kernel.evidence.captions import Caption
from kernel.evidence.models import Evidence
from leads.policy import OLDEST_CAPTURE
from patrols.models import PatrolVisit

SUBJECT = "patrol_visit"
WAITS = OLDEST_CAPTURE + timedelta(days=5)
"""How long after a visit its files may come."""

CROSSED = """
SELECT DISTINCT ON (e.id) v.id, e.id
  FROM patrols_patrolvisit v
  JOIN evidence_evidence e
    ON e.sha256 = ANY(v.evidence) AND e.uploaded_by_id = v.by_id AND e.subject_kind IS NULL
 WHERE v.done_on >= %s AND v.evidence <> '{}' AND v.lead_id IS NULL ORDER BY e.id, v.id LIMIT %s
"""


def add(visit_id: int, *, ids: Sequence[int], awaited: Sequence[str], by: User) -> list[str]:
    """Bind what is there to a visit about to be written; SHA-256 of every file named, in order, each once.

    Raises:
        Conflict: `evidence_unavailable` – not there, another's, or bound to something else.
    """
    if not ids and not awaited:
        return []
    return awaiting.gather(ids=ids, awaited=awaited, subject_kind=SUBJECT, subject_id=visit_id, by=by).hashes


def arrived(evidence: Evidence) -> None:
    """A file came: bind it to the visit for which its uploader had named it, in the upload's transaction."""
    if evidence.subject_kind is not None:
        return
    since = clock.local_date(evidence.received_at - WAITS)
    rows = PatrolVisit.objects.filter(by_id=evidence.uploaded_by_id, done_on__gte=since, lead__isnull=True)
    found = rows.filter(evidence__contains=[evidence.sha256]).order_by("id").values_list("id", flat=True)
    number = found.first()
    if number is not None:
        _bind(number, evidence)


def _bind(visit_id: int, evidence: Evidence) -> bool:
    attach.attach(ids=[evidence.pk], subject_kind=SUBJECT, subject_id=visit_id, by=evidence.uploaded_by)
    evidence.subject_kind, evidence.subject_id = SUBJECT, visit_id
    return True


def bind_crossed(batch: int = 200) -> int:
    """Bind files whose upload and whose naming crossed, each in its own transaction. Returns how many."""
    with connection.cursor() as cursor:
        cursor.execute(CROSSED, [clock.today() - WAITS, batch])
        pairs = cursor.fetchall()
    return awaiting.bind_each(pairs, _bind)


def visible_ids(user: User, ids: set[int]) -> set[int]:
    """Of these visits, those that `user` may see (asked by `kernel.evidence.access`)."""
    return set(PatrolVisit.objects.visible_to(user).filter(pk__in=ids).values_list("id", flat=True))


def captions(ids: set[int]) -> dict[int, Caption]:
    """What a watermark says of the files of these visits. One statement."""
    rows = PatrolVisit.objects.filter(pk__in=ids).select_related("grid", "entity")
    return {row.pk: Caption(f"走访{row.pk}", row.grid.code, row.entity.name) for row in rows}


def evidence_of(visits: Sequence[PatrolVisit]) -> dict[int, dict[str, Evidence]]:
    """The files that are there, by visit and hash; those of a finding are the lead's. One statement."""
    own = {visit.pk for visit in visits if visit.evidence and visit.lead_id is None}
    leads = {visit.lead_id for visit in visits if visit.evidence and visit.lead_id is not None}
    if not own and not leads:
        return {}
    rows = Evidence.objects.filter(
        Q(subject_kind=SUBJECT, subject_id__in=own) | Q(subject_kind="lead", subject_id__in=leads)
    )
    found = {(row.subject_kind, row.subject_id, row.sha256): row for row in rows}
    told: dict[int, dict[str, Evidence]] = {}
    for visit in visits:
        of = ("lead", visit.lead_id) if visit.lead_id else (SUBJECT, visit.pk)
        told[visit.pk] = {sha: found[(*of, sha)] for sha in visit.evidence if (*of, sha) in found}
    return told
