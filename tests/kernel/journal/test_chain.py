"""The chain is made by the database, whoever writes; and nothing of it can be changed."""

from __future__ import annotations

import hashlib
import json
from types import SimpleNamespace

import pytest
from django.db import IntegrityError, connection, transaction

from kernel import journal
from kernel.journal.models import Entry, Seal
from kernel.journal.verify import verify
from tests.kernel.journal.conftest import AT, chain, write


def test_each_entry_holds_the_hash_of_the_one_before(db: None) -> None:
    for number in range(3):
        journal.append(stream="lead:1", kind="lead.reported", by=None, at=AT, data={"number": number})
    first, second, third = chain("lead:1")
    assert [e.seq for e in (first, second, third)] == [1, 2, 3]
    assert first.prev_hash == ""
    assert (second.prev_hash, third.prev_hash) == (first.hash, second.hash)
    assert len({first.hash, second.hash, third.hash}) == 3


def test_many_entries_of_one_statement_make_one_chain_in_the_order_given(db: None) -> None:
    journal.append_many(
        [
            journal.Note("lead:1", "a", AT),
            journal.Note("lead:2", "b", AT),
            journal.Note("lead:1", "c", AT),
            journal.Note("lead:1", "d", AT),
            journal.Note("lead:2", "e", AT),
        ]
    )
    assert [(e.seq, e.kind) for e in chain("lead:1")] == [(1, "a"), (2, "c"), (3, "d")]
    assert [(e.seq, e.kind) for e in chain("lead:2")] == [(1, "b"), (2, "e")]
    assert verify() is None


def test_set_based_sql_and_the_orm_extend_the_same_chain(db: None) -> None:
    write("lead:1", 2)
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO journal_entry (stream, kind, actor_name, at, data)"
            " SELECT 'lead:1', 'set.' || n, '系统', %s, '{}' FROM generate_series(1, 3) n",
            [AT],
        )
    Entry.objects.create(stream="lead:1", kind="orm", actor_name="系统", at=AT, data={})
    assert [e.seq for e in chain("lead:1")] == [1, 2, 3, 4, 5, 6]
    assert verify() is None


def test_a_writer_cannot_choose_number_or_hash(db: None) -> None:
    Entry.objects.create(
        stream="lead:1", kind="x", actor_name="甲", at=AT, data={}, seq=77, hash="f" * 64, prev_hash="e" * 64
    )
    (entry,) = chain("lead:1")
    assert (entry.seq, entry.prev_hash) == (1, "")
    assert verify() is None


@pytest.mark.parametrize("others", [0, journal.MANY])
def test_a_first_entry_is_first_or_refused(db: None, others: int) -> None:
    more = [journal.Note(f"lead:{number}", "x", AT, first=True) for number in range(2, others + 2)]
    journal.append_many([journal.Note("lead:1", "made", AT, {"a": 1}, first=True), *more])
    journal.append(stream="lead:1", kind="x", by=None, at=AT)
    assert [(e.seq, e.kind) for e in chain("lead:1")] == [(1, "made"), (2, "x")]
    assert verify() is None
    with pytest.raises(IntegrityError, match="journal_entry_one_seq"), transaction.atomic():
        journal.append_many([journal.Note("lead:1", "made", AT, first=True), *more])
    assert len(chain("lead:1")) == 2


def test_the_hash_can_be_computed_by_anybody(db: None) -> None:
    """The rule is open: an auditor needs no code of ours to check it."""
    by = SimpleNamespace(id=7, name="王敏")
    journal.append(stream="lead:1", kind="lead.closed", by=by, at=AT, data={"b": 1, "a": ["文", None]})
    (entry,) = chain("lead:1")
    micros = int(AT.timestamp()) * 1_000_000
    text = json.dumps(
        ["", "lead:1", 1, "lead.closed", 7, "王敏", micros, {"a": ["文", None], "b": 1}], ensure_ascii=False
    )
    assert entry.hash == hashlib.sha256(text.encode()).hexdigest()


def test_the_system_has_a_name(db: None) -> None:
    write("lead:1")
    (entry,) = chain("lead:1")
    assert (entry.actor_id, entry.actor_name) == (None, "系统")


def test_nothing_is_written_for_nothing(db: None, django_assert_num_queries: object) -> None:
    with django_assert_num_queries(0):  # type: ignore[operator]
        journal.append_many([])
    with django_assert_num_queries(1):  # type: ignore[operator]
        write("lead:1", 50)


def test_an_entry_goes_with_the_transaction_that_made_it(db: None) -> None:
    with transaction.atomic():
        write("lead:1")
        transaction.set_rollback(True)
    assert chain("lead:1") == []


@pytest.mark.parametrize("table", ["journal_entry", "journal_seal", "deadlines_event"])
@pytest.mark.parametrize("change", ["UPDATE {} SET {} = {}", "DELETE FROM {}", "TRUNCATE {} CASCADE"])
def test_the_database_refuses_every_change(db: None, table: str, change: str) -> None:
    """Even of no row at all: the statement itself is refused."""
    column = {"journal_entry": "kind", "journal_seal": "hash", "deadlines_event": "kind"}[table]
    with (
        pytest.raises(IntegrityError, match="append-only"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(change.format(table, column, column))


def test_the_orm_is_refused_too(db: None) -> None:
    write("lead:1")
    with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
        Entry.objects.update(actor_name="他人")
    with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
        Entry.objects.all().delete()
    with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
        Seal.objects.all()._raw_delete("default")


def test_two_writers_of_one_stream_never_share_a_number(committed_db: str) -> None:
    """Whoever does not hold the subject's lock is refused, and the chain stays whole."""
    from tests.kernel.at_once import at_once

    outcomes = at_once([lambda: write("lead:1")] * 4)
    failed = [o for o in outcomes if isinstance(o, Exception)]
    assert all(isinstance(o, IntegrityError) and "journal_entry_one_seq" in str(o) for o in failed)
    assert [e.seq for e in chain("lead:1")] == list(range(1, 5 - len(failed)))
    assert verify() is None
