"""One statement for all rows of a report (DESIGN.md §12). The only module that writes around the ORM.

Rows are model instances, so columns, types and conversions are Django's own; only the round trips
are saved: every INSERT is a common table expression of a single statement.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db import connection, models
from django.db.models.expressions import DatabaseDefault


def write(groups: Sequence[Sequence[models.Model]], *more: tuple[str, list[Any]]) -> None:
    """Insert every group of instances (one model each) in one statement, in the order given; `more` are
    insertions of others, as they are.

    Columns whose value is the database's default are left to the database. Raises IntegrityError as
    any insert does; nothing is written then.
    """
    parts: list[str] = []
    params: list[Any] = []
    for number, rows in enumerate(group for group in groups if group):
        sql, values = _insert(rows)
        parts.append(f"w{number} AS ({sql})")
        params += values
    for number, (sql, values) in enumerate(more):
        parts.append(f"m{number} AS ({sql})")
        params += values
    with connection.cursor() as cursor:
        cursor.execute(f"WITH {', '.join(parts)} SELECT 1", params)


def _insert(rows: Sequence[models.Model]) -> tuple[str, list[Any]]:
    meta = rows[0]._meta
    fields = [f for f in meta.concrete_fields if _given(f, rows[0])]
    one = "(" + ", ".join(["%s"] * len(fields)) + ")"
    columns = ", ".join(f'"{f.column}"' for f in fields)
    values = [f.get_db_prep_save(getattr(row, f.attname), connection) for row in rows for f in fields]
    return f'INSERT INTO "{meta.db_table}" ({columns}) VALUES {", ".join([one] * len(rows))}', values


def _given(field: models.Field[Any, Any], row: models.Model) -> bool:
    value = getattr(row, field.attname)
    if field.primary_key:
        return value is not None
    return not isinstance(value, DatabaseDefault)
