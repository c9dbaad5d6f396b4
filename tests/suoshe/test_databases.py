"""The suite's own databases: committed copies, and threads that see them."""

from __future__ import annotations

import threading

import pytest
from django.db import connection, connections, transaction


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


@pytest.mark.django_db
def test_both_kinds_of_database_at_once_are_refused(request: pytest.FixtureRequest) -> None:
    with pytest.raises(RuntimeError, match="either"):
        request.getfixturevalue("committed_db")
