"""Is the record still what was written? (DESIGN.md §5)

The digests are recomputed in SQL, set-based, a range at a time, so that memory does not grow with the
journal; the seals are recomputed here.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.db import connection

from kernel.journal.models import Entry, Seal

STEP = 50_000

_BROKEN = """
SELECT e.id, e.stream, e.seq,
       CASE WHEN e.hash <> journal_entry_digest(
                    e.prev_hash, e.stream, e.seq, e.kind, e.actor_id, e.actor_name, e.at, e.data)
                 THEN 'content'
            WHEN e.seq = 1 AND e.prev_hash <> '' THEN 'link'
            WHEN e.seq > 1 AND p.id IS NULL THEN 'gap'
            ELSE 'link' END AS fault
  FROM journal_entry e
  LEFT JOIN journal_entry p ON p.stream = e.stream AND p.seq = e.seq - 1
 WHERE {range}
   AND (e.hash <> journal_entry_digest(
            e.prev_hash, e.stream, e.seq, e.kind, e.actor_id, e.actor_name, e.at, e.data)
        OR e.prev_hash <> COALESCE(p.hash, '') OR (e.seq > 1 AND p.id IS NULL) OR e.seq < 1)
 ORDER BY {order} LIMIT 1
"""
BY_ID = _BROKEN.format(range="e.id > %(after)s AND e.id <= %(upto)s", order="e.id")
IN_STREAM = _BROKEN.format(
    range="e.stream = %(stream)s AND e.seq > %(after)s AND e.seq <= %(upto)s", order="e.seq"
)

Progress = Callable[[str, int, int], None]
"""Called after each range with what is read (`entries` or `seals`), how much of it is done, and the whole."""


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


def verify(*, progress: Progress | None = None) -> Fault | None:
    """Check every entry and every seal; the first fault in id order, or None."""
    ids = Entry.objects.order_by("id").values_list("id", flat=True)
    first, last = ids.first() or 1, ids.last() or 0
    found = _verify_entries(first - 1, last, Entry.objects.count(), progress)
    return found or _verify_seals(progress)


def verify_recent() -> Fault | None:
    """The last seal, the entries that it holds, and what was written since: a night's share."""
    seal = Seal.objects.order_by("-id").first()
    last = Entry.objects.order_by("-id").values_list("id", flat=True).first() or 0
    after = seal.first_entry_id - 1 if seal else 0
    found = _verify_entries(after, last, 0, None)
    if found is None and seal is not None:
        before = Seal.objects.filter(id__lt=seal.pk).order_by("-id").first()
        found = _broken_seal(seal, before.hash if before else "", before.last_entry_id + 1 if before else 0)
    return found


def verify_stream(stream: str, *, progress: Progress | None = None) -> Fault | None:
    """Check one chain; the first fault in the order of its entries, or None."""
    numbers = Entry.objects.filter(stream=stream).order_by("-seq").values_list("seq", flat=True)
    last, reached = numbers.first() or 0, -1
    while reached < last:
        upto = min(reached + STEP, last)
        found = _first_fault(IN_STREAM, stream=stream, after=reached, upto=upto)
        if found:
            return found
        reached = upto
        if progress:
            progress("entries", reached, last)
    return None


def _verify_entries(after: int, last: int, whole: int, progress: Progress | None) -> Fault | None:
    reached, done = after, 0
    while reached < last:
        upto = min(reached + STEP, last)
        found = _first_fault(BY_ID, after=reached, upto=upto)
        if found:
            return found
        if progress:
            done += Entry.objects.filter(id__gt=reached, id__lte=upto).count()
            progress("entries", done, max(done, whole))
        reached = upto
    return None


def _first_fault(sql: str, **params: Any) -> Fault | None:
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        row = cursor.fetchone()
    return Fault(what=row[3], stream=row[1], seq=row[2], entry_id=row[0]) if row else None


def digest_range(prev_hash: str, first_id: int, last_id: int) -> tuple[str, int]:
    """The seal over entries `first_id..last_id`: sha256(previous seal ‖ every hash, in id order)."""
    running = hashlib.sha256(prev_hash.encode())
    entries = 0
    found = Entry.objects.filter(id__gte=first_id, id__lte=last_id).order_by("id")
    for one in found.values_list("hash", flat=True).iterator(chunk_size=10_000):
        running.update(one.encode())
        entries += 1
    return running.hexdigest(), entries


def _verify_seals(progress: Progress | None = None) -> Fault | None:
    prev_hash, next_id, done = "", 0, 0
    whole = Seal.objects.count()
    for seal in Seal.objects.order_by("id").iterator():
        found = _broken_seal(seal, prev_hash, next_id)
        if found:
            return found
        prev_hash, next_id, done = seal.hash, seal.last_entry_id + 1, done + 1
        if progress:
            progress("seals", done, max(done, whole))
    return None


def _broken_seal(seal: Seal, prev_hash: str, next_id: int) -> Fault | None:
    name = f"seal:{seal.pk}"
    if seal.prev_hash != prev_hash or seal.first_entry_id < next_id:
        return Fault("seal_link", name, seal.pk, seal.first_entry_id)
    digest, entries = digest_range(prev_hash, seal.first_entry_id, seal.last_entry_id)
    if entries < seal.entries:
        return Fault("missing", name, seal.pk, seal.first_entry_id)
    return None if digest == seal.hash else Fault("seal", name, seal.pk, seal.first_entry_id)
