"""Binding evidence to what it proves."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kernel.errors import Conflict
from kernel.evidence.models import Evidence

if TYPE_CHECKING:
    from kernel.accounts.models import User

_ATTACH = """
UPDATE evidence_evidence SET subject_kind = %(kind)s, subject_id = %(subject)s
WHERE id IN (
    SELECT id FROM evidence_evidence WHERE id = ANY(%(ids)s::bigint[])
        AND ((subject_kind IS NULL AND uploaded_by_id = %(by)s)
            OR (subject_kind = %(kind)s AND subject_id = %(subject)s))
    ORDER BY id FOR NO KEY UPDATE)
RETURNING *
"""


def attach(*, ids: list[int], subject_kind: str, subject_id: int, by: User) -> list[Evidence]:
    """Attach own files that belong to nothing yet; those of the same subject already are left in place.

    One statement, in the caller's transaction, rows locked in id order. Answers the evidence in the
    order of `ids`, each once. All or nothing: on a refusal the caller's transaction has to roll back.

    Raises:
        Conflict: `evidence_unavailable`: not there, another's, or attached to something else.
    """
    asked = list(dict.fromkeys(ids))
    if not asked:
        return []
    values = {"kind": subject_kind, "subject": subject_id, "ids": asked, "by": by.pk}
    attached = {evidence.pk: evidence for evidence in Evidence.objects.raw(_ATTACH, values)}
    missing = [number for number in asked if number not in attached]
    if missing:
        told = "、".join(str(number) for number in missing[:10])
        raise Conflict(
            f"证据 {told} 不存在、不是您上传的或已用于其他事项。",
            code="evidence_unavailable",
            attr="evidence",
        )
    return [attached[number] for number in asked]
