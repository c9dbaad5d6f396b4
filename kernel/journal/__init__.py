"""Append-only, hash-chained record of everything that happens to a subject (DESIGN.md §5).

One chain per subject (`lead:42`). Sequence number, previous hash and hash are made by the database
(trigger `journal_entry_chain`), so every writer – ORM, set-based sweep, hand-written SQL – extends
the same chain by the same rule. A second trigger refuses UPDATE, DELETE and TRUNCATE.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from itertools import chain, islice
from typing import Any, Protocol

from django.db import connection
from psycopg2.extras import Json

from kernel.copying import copy_rows

SYSTEM = "系统"
COLUMNS = ("stream", "kind", "actor_id", "actor_name", "at", "prev_hash", "data")
INSERT = "INSERT INTO journal_entry (stream, kind, actor_id, actor_name, at, prev_hash, data) VALUES "
FIRST = "first"
"""In place of the hash of the entry before: there is none (migration 0002)."""
MANY = 200
"""More entries than these are copied in, which takes half the time."""


class Actor(Protocol):
    """Whoever acts; the journal keeps number and name, never a foreign key."""

    id: int
    name: str


@dataclass(frozen=True, slots=True)
class Note:
    """One entry to be written. `data` holds masked values only: it can never be erased.

    `first`: the writer has made the subject in this transaction, so no entry goes before. That saves looking
    for one; where there is one after all, the database refuses (IntegrityError).
    """

    stream: str
    kind: str
    at: datetime
    data: dict[str, Any] = field(default_factory=dict)
    by: Actor | None = None
    first: bool = False


def append(
    *, stream: str, kind: str, by: Actor | None, at: datetime, data: dict[str, Any] | None = None
) -> None:
    """Append one entry, in the caller's transaction. One statement.

    The caller holds the subject's row lock: two writers of one stream at once would collide on the
    unique `(stream, seq)` and one of them be refused.
    """
    append_many([Note(stream, kind, at, data or {}, by)])


def _row(n: Note) -> tuple[Any, ...]:
    by = n.by
    before = FIRST if n.first else ""
    return (n.stream, n.kind, by.id if by else None, by.name if by else SYSTEM, n.at, before, n.data)


def append_many(notes: Iterable[Note]) -> None:
    """Append entries in the order given. One statement.

    Many are taken while the server writes: whoever hands in a generator sends no statement from within it.
    """
    coming = map(_row, notes)
    values = list(islice(coming, MANY + 1))
    if not values:
        return
    if len(values) > MANY:
        copy_rows("journal_entry", COLUMNS, chain(values, coming))
        return
    values = [(*row[:-1], Json(row[-1])) for row in values]
    places = ", ".join(["(%s, %s, %s, %s, %s, %s, %s)"] * len(values))
    params: list[Any] = [value for row in values for value in row]
    with connection.cursor() as cursor:
        cursor.execute(INSERT + places, params)
