"""Giving files back: an original only while its bytes are what was received (DOMAIN.md §7)."""

from __future__ import annotations

from collections.abc import Iterator
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
        raise _altered(evidence, at) from failure


class Span:
    """The bytes `first` to `last` of an original, each block checked before it is handed out (ADR 0008).

    The first block is checked when this is made. Where a later one turns out altered, what was sent stops
    short of the announced length, and nothing of that block is sent. Its making and its iteration raise
    `Conflict` (`evidence_altered`). Close it when done.
    """

    def __init__(self, evidence: Evidence, first: int, last: int, at: datetime) -> None:
        self._evidence, self._at = evidence, at
        blocks = bytes(evidence.block_digests) or _count_blocks(evidence, at)
        try:
            self._checked = files.Checked(evidence.file.name or "", blocks, first, last)
        except files.Altered as failure:
            raise _altered(evidence, at) from failure

    def __iter__(self) -> Iterator[bytes]:
        try:
            yield from self._checked
        except files.Altered as failure:
            raise _altered(self._evidence, self._at) from failure

    def close(self) -> None:
        self._checked.close()


def _count_blocks(evidence: Evidence, at: datetime) -> bytes:
    """The digests of a file that came before they were kept: counted once, while it is whole."""
    with open_original(evidence=evidence, at=at) as original:
        blocks = files.fingerprint(original).blocks
    Evidence.objects.filter(pk=evidence.pk, block_digests=b"").update(block_digests=blocks)
    return blocks


def _altered(evidence: Evidence, at: datetime) -> Conflict:
    log.critical("evidence_altered", evidence_id=evidence.pk, sha256=evidence.sha256)
    _note(evidence, at)
    return Conflict("原件校验不一致，可能已被改动，请联系系统管理员。", code="evidence_altered")


def _note(evidence: Evidence, at: datetime) -> None:
    stream, kind = f"evidence:{evidence.pk}", "evidence.altered"
    with transaction.atomic():
        Evidence.objects.select_for_update(no_key=True).get(pk=evidence.pk)
        if not Entry.objects.filter(stream=stream, kind=kind).exists():
            journal.append(stream=stream, kind=kind, by=None, at=at, data={"sha256": evidence.sha256})
