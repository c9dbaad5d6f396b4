"""The nightly seal: one hash over all entries not yet sealed (DESIGN.md §5)."""

from __future__ import annotations

from django.db import connection, transaction

from kernel import clock
from kernel.journal.models import Entry, Seal
from kernel.journal.verify import digest_range


def settled_upto() -> int:
    """The highest entry id below which no writer is still at work.

    A SHARE lock waits for every open writer (10 s at most) and is given back at once: ids taken
    later are higher, so nothing can slip in below the answer. Must not run inside a transaction.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL lock_timeout = '10s'")
        cursor.execute("LOCK TABLE journal_entry IN SHARE MODE")
        cursor.execute("SELECT COALESCE(max(id), 0) FROM journal_entry")
        upto: int = cursor.fetchone()[0]
    return upto


def seal() -> Seal | None:
    """Seal what is not yet sealed; None where there is nothing new. Two at once: one seals, one waits."""
    upto = settled_upto()
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('journal.seal'))")
        last = Seal.objects.order_by("-id").first()
        after = last.last_entry_id if last else 0
        first_id = (
            Entry.objects.filter(id__gt=after, id__lte=upto)
            .order_by("id")
            .values_list("id", flat=True)
            .first()
        )
        if first_id is None:
            return None
        prev_hash = last.hash if last else ""
        digest, entries = digest_range(prev_hash, first_id, upto)
        return Seal.objects.create(
            first_entry_id=first_id,
            last_entry_id=upto,
            entries=entries,
            prev_hash=prev_hash,
            hash=digest,
            sealed_at=clock.now(),
        )
