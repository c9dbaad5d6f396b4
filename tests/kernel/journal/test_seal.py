"""The nightly seal: what was sealed cannot be rewritten, not even whole chains at once."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from django.db import IntegrityError, connection, connections, transaction

from kernel.errors import Busy
from kernel.journal import seal as sealing
from kernel.journal.models import Entry, Seal
from kernel.journal.seal import seal, settled_upto
from kernel.journal.tasks import seal as seal_task
from kernel.journal.verify import verify
from tests.kernel.at_once import at_once
from tests.kernel.journal.conftest import chain, tamper, write
from tests.stack import wait_until


def sealed() -> Seal:
    found = seal()
    assert found is not None
    return found


def test_a_seal_covers_what_is_new_and_names_the_last_seal(db: None) -> None:
    write("lead:1", 3)
    first = sealed()
    assert (first.entries, first.prev_hash, len(first.hash)) == (3, "", 64)
    assert seal() is None
    write("lead:2", 2)
    second = sealed()
    assert (second.entries, second.prev_hash) == (2, first.hash)
    assert second.first_entry_id == first.last_entry_id + 1
    assert verify() is None


def test_nothing_to_seal_is_no_seal(db: None) -> None:
    assert seal() is None
    seal_task()
    assert not Seal.objects.exists()


REWRITE_LAST = """
UPDATE journal_entry SET kind = 'x', hash = journal_entry_digest(
       prev_hash, stream, seq, 'x', actor_id, actor_name, at, data) WHERE id = %s
"""


def test_rewriting_the_end_of_a_chain_after_the_seal_is_found(db: None) -> None:
    """The chain alone cannot know: nothing follows. The seal does."""
    write("lead:1", 3)
    before = sealed()
    last = chain("lead:1")[-1]
    tamper(REWRITE_LAST, last.pk)
    found = verify()
    assert found is not None
    assert (found.what, found.stream) == ("seal", f"seal:{before.pk}")


def test_removing_the_end_of_a_chain_after_the_seal_is_found(db: None) -> None:
    write("lead:1", 3)
    before = sealed()
    tamper("DELETE FROM journal_entry WHERE id = %s", chain("lead:1")[-1].pk)
    found = verify()
    assert found is not None
    assert (found.what, found.stream) == ("missing", f"seal:{before.pk}")


def test_an_entry_slipped_in_among_sealed_ones_is_found(db: None) -> None:
    write("lead:1", 2)
    gap = Entry.objects.order_by("-id").values_list("id", flat=True)[0]
    with connection.cursor() as cursor:
        cursor.execute("SELECT nextval('journal_entry_id_seq')")
    write("lead:1", 2)
    before = sealed()
    Entry.objects.create(id=gap + 1, stream="lead:8", kind="x", actor_name="甲", at=before.sealed_at, data={})
    found = verify()
    assert found is not None
    assert found.stream == f"seal:{before.pk}"


def test_a_changed_or_removed_seal_is_found(db: None) -> None:
    seals = []
    for number in range(3):
        write(f"lead:{number}", 2)
        seals.append(sealed())
    with transaction.atomic():
        tamper("UPDATE journal_seal SET hash = repeat('a', 64) WHERE id = %s", seals[1].pk)
        found = verify()
        assert found is not None
        assert found.stream == f"seal:{seals[1].pk}"
        transaction.set_rollback(True)
    assert verify() is None
    tamper("DELETE FROM journal_seal WHERE id = %s", seals[1].pk)
    found = verify()
    assert found is not None
    assert (found.what, found.stream) == ("seal_link", f"seal:{seals[2].pk}")


def test_two_sealers_make_one_chain(committed_db: str) -> None:
    for number in range(6):
        write(f"lead:{number}", 5)
    outcomes = at_once([seal] * 4)
    made = [o for o in outcomes if isinstance(o, Seal)]
    assert [o for o in outcomes if isinstance(o, Exception)] == []
    assert len(made) == 1
    assert made[0].entries == 30
    assert verify() is None


def test_a_successor_cannot_be_made_twice(db: None) -> None:
    write("lead:1")
    first = sealed()
    with pytest.raises(IntegrityError), transaction.atomic():
        Seal.objects.create(
            first_entry_id=99, last_entry_id=99, entries=1, prev_hash=first.prev_hash, hash="a" * 64
        )


class Writer(threading.Thread):
    """Has written one entry of a stream and not committed yet."""

    def __init__(self, stream: str) -> None:
        super().__init__()
        self.stream, self.written, self.go_on = stream, threading.Event(), threading.Event()

    def run(self) -> None:
        try:
            with transaction.atomic():
                write(self.stream)
                self.written.set()
                self.go_on.wait(20)
        finally:
            connections.close_all()


def test_a_writer_with_a_lower_id_is_waited_for_and_nobody_else_is(committed_db: str) -> None:
    slow = Writer("lead:1")
    slow.start()
    assert slow.written.wait(10)
    write("lead:2", 3)  # higher ids, committed before the lower one

    made: list[Any] = []
    sealer = threading.Thread(target=lambda: (made.append(seal()), connections.close_all()))
    sealer.start()
    wait_until(lambda: sealer.is_alive() and not made, within_s=1, what="the sealer to wait")
    write("lead:3", 2)  # the sealer holds up no other writer
    assert not made
    slow.go_on.set()
    slow.join(10)
    sealer.join(10)
    assert made[0].entries >= 4
    assert Entry.objects.get(stream="lead:1").pk >= made[0].first_entry_id
    seal()
    assert verify() is None
    assert sum(Seal.objects.values_list("entries", flat=True)) == Entry.objects.count() == 6


def test_a_writer_that_never_ends_stops_the_seal_and_nothing_else(
    committed_db: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow = Writer("lead:1")
    slow.start()
    assert slow.written.wait(10)
    try:
        with pytest.raises(Busy):
            settled_upto(within_s=0.1)
        monkeypatch.setattr(sealing, "settled_upto", lambda: settled_upto(within_s=0.1))
        with pytest.raises(Busy):
            seal()
        assert not Seal.objects.exists()
    finally:
        slow.go_on.set()
        slow.join(10)
    assert sealed().entries == 1
