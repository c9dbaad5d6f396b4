"""Statements planned once a connection."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction

from kernel.prepared import Statement

DOUBLED = Statement("test_doubled", "SELECT %(n)s * 2, '100%%', %(words)s", n="int", words="text[]")


def ask(number: int) -> Any:
    with connection.cursor() as cursor:
        DOUBLED.execute(cursor, {"n": number, "words": ["甲", "乙"]})
        return cursor.fetchone()


def prepared() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_prepared_statements WHERE name = 'test_doubled'")
        return int(cursor.fetchone()[0])


@pytest.mark.django_db
def test_it_is_prepared_once_and_counts_as_one_statement(django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(1):
        assert ask(21) == (42, "100%", ["甲", "乙"])
    with django_assert_num_queries(1):
        assert ask(4)[0] == 8
    assert prepared() == 1


@pytest.mark.usefixtures("committed_db")
def test_it_outlives_a_rollback_and_a_lost_connection() -> None:
    with transaction.atomic():
        ask(1)
        transaction.set_rollback(True)
    assert ask(2)[0] == 4
    connection.close()
    assert ask(3)[0] == 6
    assert prepared() == 1


@pytest.mark.usefixtures("committed_db")
def test_what_goes_wrong_while_preparing_is_one_of_djangos_errors() -> None:
    broken = Statement("test_broken", "SELECT nothing FROM nowhere")
    with pytest.raises(DatabaseError, match="nowhere"), connection.cursor() as cursor:
        broken.execute(cursor, {})
