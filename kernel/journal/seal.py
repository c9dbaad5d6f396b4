"""The nightly seal: one hash over all entries not yet sealed (DESIGN.md §5)."""

from __future__ import annotations

import time

from django.db import connection, transaction

from kernel import clock
from kernel.errors import Busy
from kernel.journal.models import Entry, Seal
from kernel.journal.verify import digest_range

WRITERS = """
SELECT l.virtualtransaction FROM pg_locks l
 WHERE l.relation = 'journal_entry'::regclass AND l.mode = 'RowExclusiveLock' AND l.granted
   AND l.pid <> pg_backend_pid()
   AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""
LOOKS_EVERY_S = 0.05


def settled_upto(*, within_s: float = 10.0) -> int:
    """The highest entry id below which no writer is still at work.

    Whoever inserts holds a lock on the table before it draws an id; so when all who held one just after
    the highest id was read have ended, nothing can slip in below it. Nobody is held up meanwhile: a
    table lock of our own would queue every request behind one slow writer. Best run outside any
    transaction: the caller's own entries count as settled.

    Raises:
        Busy: a writer is still at work after `within_s` seconds.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT last_value, is_called FROM journal_entry_id_seq")
        highest, drawn = cursor.fetchone()
        cursor.execute(WRITERS)
        waited_for = {row[0] for row in cursor.fetchall()}
        until = time.monotonic() + within_s
        while waited_for:
            if time.monotonic() > until:
                raise Busy("留痕记录正在写入，暂时无法封存，稍后将自动重试。", code="journal_busy")
            time.sleep(LOOKS_EVERY_S)
            cursor.execute(WRITERS)
            waited_for &= {row[0] for row in cursor.fetchall()}
    return int(highest) if drawn else 0


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
