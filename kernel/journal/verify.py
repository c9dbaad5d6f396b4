"""Is the record still what was written? (DESIGN.md §5)

The digests are recomputed in SQL, set-based, a range of ids at a time; the seals are recomputed here.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass

from django.db import connection

from kernel.journal.models import Entry, Seal

STEP = 50_000

BROKEN_ENTRY = """
SELECT e.id, e.stream, e.seq,
       CASE WHEN e.hash <> journal_entry_digest(
                    e.prev_hash, e.stream, e.seq, e.kind, e.actor_id, e.actor_name, e.at, e.data)
                 THEN 'content'
            WHEN e.seq = 1 AND e.prev_hash <> '' THEN 'link'
            WHEN e.seq > 1 AND p.id IS NULL THEN 'gap'
            ELSE 'link' END AS fault
  FROM journal_entry e
  LEFT JOIN journal_entry p ON p.stream = e.stream AND p.seq = e.seq - 1
 WHERE e.id > %s AND e.id <= %s
   AND (e.hash <> journal_entry_digest(
            e.prev_hash, e.stream, e.seq, e.kind, e.actor_id, e.actor_name, e.at, e.data)
        OR e.prev_hash <> COALESCE(p.hash, '') OR (e.seq > 1 AND p.id IS NULL) OR e.seq < 1)
 ORDER BY e.id LIMIT 1
"""


@dataclass(frozen=True, slots=True)
class Fault:
    """The first thing found wrong. `what`: content | link | gap | seal | seal_link | missing."""

    what: str
    stream: str
    seq: int
    entry_id: int

    def sentence(self) -> str:
        """One Chinese sentence for the auditor."""
        reasons = {
            "content": "内容与校验值不符，记录被改动过",
            "link": "与前一条记录的校验值衔接不上",
            "gap": "前一条记录缺失",
            "seal": "封存值与所封存的记录不符",
            "seal_link": "与前一次封存衔接不上",
            "missing": "已封存的记录缺失",
        }
        return f"{self.stream} 第 {self.seq} 条（记录号 {self.entry_id}）：{reasons[self.what]}。"


def verify(*, progress: Callable[[int, int], None] | None = None) -> Fault | None:
    """Check every entry and every seal; the first fault in id order, or None.

    Args:
        progress: called with (entry id reached, last entry id) after each range.
    """
    last = Entry.objects.order_by("-id").values_list("id", flat=True).first() or 0
    reached = 0
    while reached < last:
        upto = min(reached + STEP, last)
        with connection.cursor() as cursor:
            cursor.execute(BROKEN_ENTRY, [reached, upto])
            row = cursor.fetchone()
        if row:
            return Fault(what=row[3], stream=row[1], seq=row[2], entry_id=row[0])
        reached = upto
        if progress:
            progress(reached, last)
    return _verify_seals()


def digest_range(prev_hash: str, first_id: int, last_id: int) -> tuple[str, int]:
    """The seal over entries `first_id..last_id`: sha256(previous seal ‖ every hash, in id order)."""
    running = hashlib.sha256(prev_hash.encode())
    entries = 0
    found = Entry.objects.filter(id__gte=first_id, id__lte=last_id).order_by("id")
    for one in found.values_list("hash", flat=True).iterator(chunk_size=10_000):
        running.update(one.encode())
        entries += 1
    return running.hexdigest(), entries


def _verify_seals() -> Fault | None:
    prev_hash, next_id = "", 0
    for seal in Seal.objects.order_by("id").iterator():
        name = f"seal:{seal.pk}"
        if seal.prev_hash != prev_hash or seal.first_entry_id < next_id:
            return Fault("seal_link", name, seal.pk, seal.first_entry_id)
        digest, entries = digest_range(prev_hash, seal.first_entry_id, seal.last_entry_id)
        if entries < seal.entries:
            return Fault("missing", name, seal.pk, seal.first_entry_id)
        if digest != seal.hash:
            return Fault("seal", name, seal.pk, seal.first_entry_id)
        prev_hash, next_id = seal.hash, seal.last_entry_id + 1
    return None
