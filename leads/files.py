"""Evidence of a lead: which files belong to which stage, and those still to come.

A file may be named by its hash before it is uploaded. It is bound when it comes (`arrived`), when it
is named after it came (`there_already`), or – where the two crossed – by a sweep (`bind_crossed`).
The list of hashes is what was signed; binding a file changes nothing signed, so `version` stays.
"""

from __future__ import annotations

from collections.abc import Sequence

from django.db import connection, transaction

from kernel import clock, journal
from kernel.accounts.models import User
from kernel.deadlines import clocks
from kernel.evidence import attach
from kernel.evidence.models import Evidence
from leads.acts import Act
from leads.models import FileStage, Lead, LeadEvidence, Stage


def add(act: Act, *, ids: Sequence[int], awaited: Sequence[str], stage: Stage | FileStage) -> list[str]:
    """Bind files to a stage of the present round; hashes without a file are kept until it comes.

    Returns the SHA-256 of every file named, in order, each once. A file named before stays as it is.

    Raises:
        Conflict: `evidence_unavailable` – not there, another's, or bound to something else.
    """
    asked = [*ids, *there_already(awaited, by=act.actor)]
    there = attach.attach(ids=asked, subject_kind="lead", subject_id=act.lead.pk, by=act.actor)
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


def there_already(awaited: Sequence[str], *, by: User) -> list[int]:
    """Of files named by their hash, those that this person has uploaded before, bound to nothing yet."""
    if not awaited:
        return []
    found = Evidence.objects.filter(uploaded_by=by, sha256__in=awaited, subject_kind__isnull=True)
    first: dict[str, int] = {}
    for number, sha in found.order_by("id").values_list("id", "sha256"):
        first.setdefault(sha, number)
    return list(first.values())


def arrived(evidence: Evidence) -> None:
    """A file came: bind it to the lead for which its uploader had named it, in the upload's transaction."""
    link = (
        LeadEvidence.objects.filter(
            sha256=evidence.sha256, added_by_id=evidence.uploaded_by_id, evidence__isnull=True
        )
        .order_by("id")
        .first()
    )
    if link is not None:
        _bind(link, evidence)


def _bind(link: LeadEvidence, evidence: Evidence) -> bool:
    """Bind file and waiting row under the lead's lock (the journal's order). Bound meanwhile: nothing."""
    clocks.cap_waits()
    lead = Lead.objects.select_for_update(of=("self",)).get(pk=link.lead_id)
    waiting = LeadEvidence.objects.filter(pk=link.pk, evidence__isnull=True)
    if not waiting.update(evidence=evidence):
        return False
    attach.attach(ids=[evidence.pk], subject_kind="lead", subject_id=lead.pk, by=evidence.uploaded_by)
    evidence.subject_kind, evidence.subject_id = "lead", lead.pk
    journal.append(
        stream=lead.stream,
        kind="lead.evidence_arrived",
        by=evidence.uploaded_by,
        at=clock.now(),
        data={"evidence": evidence.pk, "sha256": evidence.sha256, "stage": link.stage, "round": link.round},
    )
    return True


CROSSED = """
SELECT DISTINCT ON (e.id) l.id, e.id
  FROM leads_leadevidence l
  JOIN evidence_evidence e
    ON e.sha256 = l.sha256 AND e.uploaded_by_id = l.added_by_id AND e.subject_kind IS NULL
 WHERE l.evidence_id IS NULL ORDER BY e.id, l.id LIMIT %s
"""


def bind_crossed(batch: int = 200) -> int:
    """Bind files whose upload and whose naming crossed, each in its own transaction. Returns how many.

    Neither of two transactions at once sees the other's row; this sweep sees both. Safe to run twice.
    """
    with connection.cursor() as cursor:
        cursor.execute(CROSSED, [batch])
        pairs = cursor.fetchall()
    bound = 0
    for link_id, evidence_id in pairs:
        with transaction.atomic():
            link = LeadEvidence.objects.get(pk=link_id)
            evidence = Evidence.objects.select_related("uploaded_by").get(pk=evidence_id)
            if evidence.subject_kind is None:
                bound += _bind(link, evidence)
    return bound
