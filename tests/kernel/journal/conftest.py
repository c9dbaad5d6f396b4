"""Entries, and a hand that changes them behind the triggers' back."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from django.db import connection

from kernel import journal
from kernel.journal.models import Entry

AT = datetime(2026, 3, 10, 2, 0, tzinfo=UTC)


def write(stream: str, count: int = 1, **data: Any) -> None:
    """`count` entries of one stream, in one statement."""
    journal.append_many(
        [journal.Note(stream, f"thing.{number}", AT, {"number": number, **data}) for number in range(count)]
    )


def chain(stream: str) -> list[Entry]:
    return list(Entry.objects.filter(stream=stream).order_by("seq"))


@contextmanager
def triggers_off() -> Iterator[None]:
    """What somebody with the database's own password could do."""
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
        try:
            yield
        finally:
            cursor.execute("SET session_replication_role = DEFAULT")


def tamper(sql: str, *params: Any) -> None:
    """Run one statement with the triggers off; it must change one row."""
    with triggers_off(), connection.cursor() as cursor:
        cursor.execute(sql, params)
        assert cursor.rowcount == 1
