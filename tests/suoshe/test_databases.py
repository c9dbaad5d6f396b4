"""The suite's own databases: committed copies, and threads that see them."""

from __future__ import annotations

import io
import threading
from typing import Any

import pytest
from django.db import connection, connections, transaction
from pytest_django import DjangoDbBlocker

from tests import databases
from tests.factories import leads as made
from tests.factories.grids import make_world
from tests.put_back import Copies


def _name() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_database()")
        name: str = cursor.fetchone()[0]
    return name


@pytest.mark.django_db
def test_the_ordinary_test_database_is_migrated() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT kernel_now() IS NOT NULL")
        assert cursor.fetchone()[0] is True


def test_threads_of_a_committed_test_see_its_copy(committed_db: str) -> None:
    seen: list[object] = []

    def look() -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT current_database(), ahead FROM clock_clockoffset")
            seen.extend(cursor.fetchone())
        connections.close_all()

    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("UPDATE clock_clockoffset SET ahead = interval '1 day'")
    thread = threading.Thread(target=look)
    thread.start()
    thread.join()

    assert seen[0] == committed_db == _name()
    assert seen[1].days == 1  # type: ignore[attr-defined]


def test_what_one_committed_test_wrote_is_gone_in_the_next(committed_db: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT ahead FROM clock_clockoffset")
        assert cursor.fetchone()[0].days == 0


def _everything() -> dict[str, Any]:
    """Every row of every table in its place, every sequence, and what the planner believes of each table."""
    held: dict[str, Any] = {}
    with connection.cursor() as cursor:
        cursor.execute("SELECT sequencename, last_value FROM pg_sequences WHERE schemaname = 'public'")
        held |= dict(cursor.fetchall())
        cursor.execute(
            "SELECT relname, pg_relation_size(oid), reltuples FROM pg_class"
            " WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
        )
        for name, size, believed in cursor.fetchall():
            rows = io.StringIO()
            cursor.copy_expert(f'COPY "{name}" TO STDOUT', rows)
            held[name] = size, believed, rows.getvalue()
    return held


def _in_a_copy(copies: Copies, work: str | None = None) -> tuple[str, dict[str, Any]]:
    """Do this in a copy: its name, and what it held when it was handed out."""
    with copies.one() as name, databases.pointed_at(name):
        held = _everything()
        if work:
            with connection.cursor() as cursor:
                cursor.execute(work)
    return name, held


def test_a_copy_is_put_back_to_the_last_row(copies: Copies, django_db_blocker: DjangoDbBlocker) -> None:
    """Rows that refuse to be changed, rows the migrations wrote, sequences, and who is still connected."""
    with django_db_blocker.unblock():
        with copies.one() as name, databases.pointed_at(name):
            before = _everything()
            world = make_world(entities=2)
            first = made.closed(world).number
            with connection.cursor() as cursor:
                cursor.execute("UPDATE clock_clockoffset SET ahead = interval '1 day'")
                cursor.execute("ANALYZE leads_merge")
            left = connection.copy()
            left.ensure_connection()
            assert _everything() != before
        with copies.one() as again, databases.pointed_at(again):
            assert again == name
            assert _everything() == before
            assert made.closed(make_world(entities=2)).number == first
        left.close()


@pytest.mark.parametrize(
    "work",
    [
        "CREATE TABLE left_behind (id int)",
        "ALTER TABLE leads_signature DISABLE TRIGGER leads_signature_immutable",
        "ANALYZE clock_clockoffset",
        "CREATE OR REPLACE FUNCTION kernel_now() RETURNS timestamptz LANGUAGE sql AS 'SELECT now()'",
    ],
)
def test_a_copy_that_was_changed_otherwise_is_not_used_again(
    work: str, copies: Copies, django_db_blocker: DjangoDbBlocker
) -> None:
    with django_db_blocker.unblock():
        changed, before = _in_a_copy(copies, work)
        new, held = _in_a_copy(copies)
    assert new != changed
    assert held == before


@pytest.mark.django_db
def test_both_kinds_of_database_at_once_are_refused(request: pytest.FixtureRequest) -> None:
    with pytest.raises(RuntimeError, match="either"):
        request.getfixturevalue("committed_db")
