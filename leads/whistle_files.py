"""Files of a department's report: bound when they are there, awaited by their hash when they are not.

The whistle's journal tells of what came later.
"""

from __future__ import annotations

from collections.abc import Sequence

from kernel.accounts.models import User
from kernel.evidence import awaiting
from kernel.evidence.captions import Caption
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
    found = awaiting.gather(
        ids=ids, awaited=awaited, subject_kind=SUBJECT, subject_id=act.whistle.pk, by=act.by
    )
    named = {"call": call, "added_by": act.by, "added_at": act.at}
    rows = [WhistleEvidence(sha256=sha, evidence=found.there.get(sha), **named) for sha in found.hashes]
    WhistleEvidence.objects.bulk_create(rows, ignore_conflicts=True)
    return found.hashes


def visible_ids(user: User, ids: set[int]) -> set[int]:
    """Of these whistles, those that `user` may see (asked by `kernel.evidence.access`)."""
    return set(Whistle.objects.visible_to(user).filter(pk__in=ids).values_list("id", flat=True))


def _locked(link: WhistleEvidence) -> Whistle:
    return Whistle.objects.select_for_update(of=("self",)).get(calls=link.call_id)


AWAITING = awaiting.Awaiting(WhistleEvidence, SUBJECT, _locked)


def captions(ids: set[int]) -> dict[int, Caption]:
    """What a watermark says of the files of these whistles. One statement."""
    rows = Whistle.objects.filter(pk__in=ids).select_related("grid")
    return {row.pk: Caption(str(row), row.grid.code, row.place) for row in rows}
