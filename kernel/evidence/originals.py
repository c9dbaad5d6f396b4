"""Giving files back: an original only while its bytes are what was received (DOMAIN.md §7)."""

from __future__ import annotations

from datetime import datetime
from typing import IO, TYPE_CHECKING, Any

import structlog
from django.db import transaction

from kernel import journal
from kernel.errors import Conflict, NotVisible
from kernel.evidence import files
from kernel.evidence.models import Evidence
from kernel.journal.models import Entry

if TYPE_CHECKING:
    from kernel.accounts.models import User

log = structlog.get_logger(__name__)


def find(*, evidence_id: int, by: User) -> Evidence:
    """The evidence, if `by` may see it.

    Raises:
        NotVisible: it does not exist, or he may not know of it.
    """
    evidence = Evidence.objects.filter(pk=evidence_id).visible_to(by).first()
    if evidence is None:
        raise NotVisible("没有找到这份证据材料。")
    return evidence


def open_original(*, evidence: Evidence, at: datetime) -> IO[Any]:
    """The original bytes, checked against their hash.

    Altered or missing bytes are never served: it is logged as critical and written once to the journal
    of the evidence.

    Raises:
        Conflict: `evidence_altered`.
    """
    try:
        return files.checked(evidence.file.name or "", evidence.sha256)
    except files.Altered as failure:
        log.critical("evidence_altered", evidence_id=evidence.pk, sha256=evidence.sha256)
        _note(evidence, at)
        raise Conflict(
            "原件校验不一致，可能已被改动，请联系系统管理员。", code="evidence_altered"
        ) from failure


def _note(evidence: Evidence, at: datetime) -> None:
    stream, kind = f"evidence:{evidence.pk}", "evidence.altered"
    with transaction.atomic():
        Evidence.objects.select_for_update(no_key=True).get(pk=evidence.pk)
        if not Entry.objects.filter(stream=stream, kind=kind).exists():
            journal.append(stream=stream, kind=kind, by=None, at=at, data={"sha256": evidence.sha256})
