"""Files of a department's report: bound when they are there, awaited by their hash when they are not.

The manner of `leads.files`; the whistle's journal tells of what came later.
"""

from __future__ import annotations

from collections.abc import Sequence

from django.db import connection, transaction

from kernel import clock, journal
from kernel.accounts.models import User
from kernel.deadlines import clocks
from kernel.evidence import attach
from kernel.evidence.captions import Caption
from kernel.evidence.models import Evidence
from leads.files import there_already
from leads.models import Whistle, WhistleCall, WhistleEvidence
from leads.whistle_acts import WhistleAct

SUBJECT = "whistle"


def add(act: WhistleAct, call: WhistleCall, *, ids: Sequence[int], awaited: Sequence[str]) -> list[str]:
    """Bind files to a call; the SHA-256 of every file named, in order, each once.

    Raises:
        Conflict: `evidence_unavailable` – not there, another's, or bound to something else.
    """
    if act.by is None:
        raise TypeError("nobody hands in files by a link")
    asked = [*ids, *there_already(awaited, by=act.by)]
    there = attach.attach(ids=asked, subject_kind=SUBJECT, subject_id=act.whistle.pk, by=act.by)
    by_hash = {one.sha256: one for one in there}
    hashes = list(dict.fromkeys([*by_hash, *awaited]))
    rows = [
        WhistleEvidence(call=call, sha256=sha, evidence=by_hash.get(sha), added_by=act.by, added_at=act.at)
        for sha in hashes
    ]
    WhistleEvidence.objects.bulk_create(rows, ignore_conflicts=True)
    return hashes


def visible_ids(user: User, ids: set[int]) -> set[int]:
    """Of these whistles, those that `user` may see (asked by `kernel.evidence.access`)."""
    return set(Whistle.objects.visible_to(user).filter(pk__in=ids).values_list("id", flat=True))


def arrived(evidence: Evidence) -> None:
    """A file came: bind it to the report for which its uploader had named it, in the upload's transaction."""
    if evidence.subject_kind is not None:
        return
    link = (
        WhistleEvidence.objects.filter(
            sha256=evidence.sha256, added_by_id=evidence.uploaded_by_id, evidence__isnull=True
        )
        .select_related("call")
        .order_by("id")
        .first()
    )
    if link is not None:
        _bind(link, evidence)


def _bind(link: WhistleEvidence, evidence: Evidence) -> bool:
    """Bind file and waiting row under the whistle's lock (the journal's order). Bound meanwhile: nothing."""
    clocks.cap_waits()
    whistle = Whistle.objects.select_for_update(of=("self",)).get(pk=link.call.whistle_id)
    waiting = WhistleEvidence.objects.filter(pk=link.pk, evidence__isnull=True)
    if not waiting.update(evidence=evidence):
        return False
    attach.attach(ids=[evidence.pk], subject_kind=SUBJECT, subject_id=whistle.pk, by=evidence.uploaded_by)
    evidence.subject_kind, evidence.subject_id = SUBJECT, whistle.pk
    journal.append(
        stream=whistle.stream,
        kind="whistle.evidence_arrived",
        by=evidence.uploaded_by,
        at=clock.now(),
        data={"evidence": evidence.pk, "sha256": evidence.sha256},
    )
    return True


CROSSED = """
SELECT DISTINCT ON (e.id) l.id, e.id
  FROM leads_whistleevidence l
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
            link = WhistleEvidence.objects.select_related("call").get(pk=link_id)
            evidence = Evidence.objects.select_related("uploaded_by").get(pk=evidence_id)
            if evidence.subject_kind is None:
                bound += _bind(link, evidence)
    return bound


def captions(ids: set[int]) -> dict[int, Caption]:
    """What a watermark says of the files of these whistles. One statement."""
    rows = Whistle.objects.filter(pk__in=ids).select_related("grid")
    return {row.pk: Caption(str(row), row.grid.code, row.place) for row in rows}
