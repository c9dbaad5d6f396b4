"""A copy of the migrated database that is put back after each test, not dropped and copied anew.

To copy the template is to make 1,350 files; to put a copy back is to empty the few tables that a test wrote
(30 ms of a core against 370). What was there before is read once. A test that changed more than rows (a
table, a trigger, what the planner knows of a table) leaves a copy that is not put back: the next test gets a
new one. So does every test on a server before PostgreSQL 18, which cannot forget what a vacuum found.
"""

from __future__ import annotations

import contextlib
import io
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import psycopg2
from django.conf import settings

from tests import databases

CATALOGUES = (
    "pg_attrdef", "pg_attribute", "pg_constraint", "pg_event_trigger", "pg_extension", "pg_index",
    "pg_policy", "pg_proc", "pg_rewrite", "pg_statistic", "pg_statistic_ext", "pg_trigger", "pg_type",
)  # fmt: skip
"""Where it shows that something was made, changed or analysed. Not `pg_class`: a vacuum changes that."""
CLEARS_STATISTICS = 180000
SEQUENCES = "SELECT sequencename, start_value, last_value FROM pg_sequences WHERE schemaname = 'public'"
TABLES = (
    "SELECT relname, pg_relation_size(oid) > 0, reltuples >= 0 FROM pg_class"
    " WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace ORDER BY oid"
)


@dataclass(frozen=True)
class Before:
    """What a copy held when it was new."""

    rows: dict[str, str]
    """Of the tables that hold any, as COPY writes them."""
    counted: set[str]
    """Of these tables a vacuum has told the planner how many rows they hold."""
    sequences: dict[str, tuple[int, int | None]]
    newest: str
    """Every row was written by this transaction or by an earlier one."""
    catalogues: list[tuple[int, int]]


def _connected(name: str) -> Any:
    given = settings.DATABASES["default"]
    connection = psycopg2.connect(
        host=given["HOST"],
        port=given["PORT"] or None,
        user=given["USER"],
        password=given["PASSWORD"] or None,
        dbname=name,
    )
    connection.autocommit = True
    return connection


def _counted(cursor: Any, names: list[str], newest: str) -> list[tuple[int, int]]:
    """Of each table: its rows, and how many of them were written after `newest`."""
    one = 'SELECT %s, count(*), count(*) FILTER (WHERE age(xmin) < age(%s::xid)) FROM "{}"'
    given = [value for number in range(len(names)) for value in (number, newest)]
    cursor.execute(" UNION ALL ".join(one.format(name) for name in names) + " ORDER BY 1", given)
    return [(rows, new) for _, rows, new in cursor.fetchall()]


def _read(cursor: Any) -> Before:
    cursor.execute("SELECT pg_current_xact_id()::xid::text")
    newest = cursor.fetchone()[0]
    cursor.execute(TABLES)
    tables = cursor.fetchall()
    rows, counted = {}, {name for name, _, counted in tables if counted}
    for name in (name for name, filled, _ in tables if filled):
        told = io.StringIO()
        cursor.copy_expert(f'COPY "{name}" TO STDOUT', told)
        rows[name] = told.getvalue()
    cursor.execute(SEQUENCES)
    return Before(
        rows=rows,
        counted=counted,
        sequences={name: (start, last) for name, start, last in cursor.fetchall()},
        newest=newest,
        catalogues=_counted(cursor, list(CATALOGUES), newest),
    )


def _written(cursor: Any, before: Before) -> list[str]:
    """The tables that do not hold what they held; of the empty ones, all that were ever written to."""
    cursor.execute(TABLES)
    written = [name for name, filled, _ in cursor.fetchall() if filled and name not in before.rows]
    held = list(before.rows)
    for name, (rows, new) in zip(held, _counted(cursor, held, before.newest), strict=True):
        if new or rows != before.rows[name].count("\n"):
            written.append(name)
    return written


def _put_back(cursor: Any, before: Before) -> bool:
    """Have the database hold what it held. False: more than its rows was changed."""
    cursor.execute(
        "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    if cursor.connection.server_version < CLEARS_STATISTICS:
        return False
    if _counted(cursor, list(CATALOGUES), before.newest) != before.catalogues:
        return False
    cursor.execute("SET session_replication_role = replica")
    written = _written(cursor, before)
    if written:
        cursor.execute("; ".join(f'DELETE FROM "{name}"' for name in written))
        cursor.execute("VACUUM " + ", ".join(f'"{name}"' for name in written))
    for name in written:
        if name in before.rows:
            cursor.copy_expert(f'COPY "{name}" FROM STDIN', io.StringIO(before.rows[name]))
    cursor.execute(TABLES)
    for name in {name for name, _, counted in cursor.fetchall() if counted} - before.counted:
        cursor.execute("SELECT pg_clear_relation_stats('public', %s)", [name])
    cursor.execute(SEQUENCES)
    for name, _, last in cursor.fetchall():
        start, was = before.sequences[name]
        if last != was:
            cursor.execute("SELECT setval(%s, %s, %s)", [f'"{name}"', was or start, was is not None])
    return True


class Copies:
    """Gives one copy at a time."""

    def __init__(self) -> None:
        self._held = contextlib.ExitStack()
        self._free: tuple[str, Before] | None = None

    @contextlib.contextmanager
    def one(self) -> Iterator[str]:
        """A database like a new copy of the migrated one; put back at the end, whoever is still connected."""
        if self._free is None:
            self.drop()
            name = self._held.enter_context(databases.fresh())
            with contextlib.closing(_connected(name)) as connection, connection.cursor() as cursor:
                self._free = name, _read(cursor)
        (name, before), self._free = self._free, None
        yield name
        with contextlib.closing(_connected(name)) as connection, connection.cursor() as cursor:
            if _put_back(cursor, before):
                self._free = name, before

    def drop(self) -> None:
        self._free = None
        self._held.close()
