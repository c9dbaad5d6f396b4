"""Writing what a file says, set-based: COPY for what is new, one UPDATE for what differs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, datetime
from itertools import chain, starmap
from operator import itemgetter
from typing import Any

from django.db import connection

from grids import importing_questions, register_changes
from grids.codes import door_codes
from grids.importing_plan import Reading
from grids.importing_rows import FIELDS, Change
from grids.models import BusinessEntity, Community, Grid, Licence
from grids.models.licences import told_number
from grids.refusals import naming_the_rule
from grids.register_words import kept
from kernel import clock, journal
from kernel.accounts.models import User
from kernel.copying import copy_rows
from kernel.errors import Conflict

ENTITY, LICENCE = BusinessEntity._meta.db_table, Licence._meta.db_table
LICENSED = ("entity_id", "type", "number", "expires_on")
MOVED_ON = "导入期间登记信息有变动，本次没有写入，请重新导入。"
_NUMBERS = """
SELECT nextval(s.sequence)
  FROM (SELECT pg_get_serial_sequence(%s, 'id')::regclass AS sequence OFFSET 0) s, generate_series(1, %s)
"""
"""The sequence is looked up once: for each number it would take longer than the number."""
_CHANGED = f"""
UPDATE {ENTITY} AS e SET version = e.version + 1, {", ".join(f"{name} = n.{name}" for name in FIELDS)}
  FROM grids_imported AS n WHERE e.id = n.id AND e.version = n.version
"""  # noqa: S608 - only names of columns are put together here
_LICENCES = f"""
INSERT INTO {LICENCE} (entity_id, type, number, expires_on)
SELECT entity_id, type, number, expires_on FROM grids_imported_licence
    ON CONFLICT (entity_id, type, number) DO UPDATE SET expires_on = EXCLUDED.expires_on
"""  # noqa: S608 - as above


class RowsWrong(Exception):
    """Some rows are wrong, and nothing is written: the plan of the reading, by now complete, says which."""


def write(reading: Reading, *, import_id: int, by: User, at: datetime) -> None:
    """Write what a file says, in the caller's transaction: rows, licences, journal, what follows.

    New rows are written while the rest is read. Changed rows are locked in the order of their ids (before
    them the clocks of what is asked about things that hang on them), and must be as the reading has seen
    them.

    Raises:
        RowsWrong: nothing is written.
        Conflict: somebody changed one of the rows, or registered one of the codes, meanwhile.
    """
    with naming_the_rule(BusinessEntity), naming_the_rule(Licence):
        new = _create(reading, at)
        plan = reading.plan()
        if plan.errors:
            raise RowsWrong
        _change(plan.updated)
        importing_questions.complete(plan.updated, by=by, at=at)
        old = [(_id(one), one) for one in plan.updated]
        copy_rows(LICENCE, LICENSED, [(number, *found) for number, one in new for found in one.licences])
        _keep_licences([(number, *found) for number, one in old for found in one.licences])
    names = _Names()

    def note(entity_id: int, one: Change) -> journal.Note:
        told = {"import": import_id, "row": one.row, **_told(one, names)}
        return journal.Note(f"entity:{entity_id}", "entity.imported", at, told, by, first=one.held is None)

    # What is told of a new business asks no question: it is put together while the server writes.
    changed = [note(*pair) for pair in old]
    journal.append_many(chain(starmap(note, new), changed))
    register_changes.tell([entity_id for entity_id, _ in (*new, *old)], at)


def _id(change: Change) -> int:
    assert change.held is not None  # noqa: S101 - what is updated is held
    return change.held.id


def _numbers(count: int) -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute(_NUMBERS, [ENTITY, count])
        return [row[0] for row in cursor.fetchall()]


def _create(reading: Reading, at: datetime) -> list[tuple[int, Change]]:
    """The new rows with their numbers, up to the first error. Nothing is asked while they are copied.

    Moment and day are told: as defaults of the columns they are asked of the clock's table row by row. The
    new codes come in order: their index is then gone through once, instead of being entered anywhere for
    each.
    """
    new: list[tuple[int, Change]] = []
    of, filed_on = itemgetter(*FIELDS), clock.local_date(at)
    most = reading.most_new
    if most == 0:
        return []
    numbered = zip(_numbers(most), sorted(door_codes(most)), strict=True)

    def rows() -> Iterator[tuple[Any, ...]]:
        for one in reading.new:
            if reading.made.errors:
                return
            entity_id, code = next(numbered)
            new.append((entity_id, one))
            yield (entity_id, code, at, filed_on, *of(one.values))

    copy_rows(ENTITY, ("id", "code", "created_at", "filed_on", *FIELDS), rows())
    return new


def _change(updated: Sequence[Change]) -> None:
    if not updated:
        return
    numbers = sorted(_id(one) for one in updated)
    importing_questions.lock(updated, numbers)
    list(BusinessEntity.objects.filter(pk__in=numbers).order_by("pk").select_for_update(no_key=True))
    columns = ("id", "version", *FIELDS)
    _temporary("grids_imported", ENTITY, columns)
    copy_rows(
        "grids_imported",
        columns,
        [(_id(c), c.held.version if c.held else 0, *[c.values[name] for name in FIELDS]) for c in updated],
    )
    with connection.cursor() as cursor:
        cursor.execute(_CHANGED)
        if cursor.rowcount != len(updated):
            raise Conflict(MOVED_ON, code="changed_meanwhile")


def _keep_licences(rows: Sequence[tuple[Any, ...]]) -> None:
    if not rows:
        return
    _temporary("grids_imported_licence", LICENCE, LICENSED)
    copy_rows("grids_imported_licence", LICENSED, rows)
    with connection.cursor() as cursor:
        cursor.execute(_LICENCES)


def _temporary(name: str, like: str, columns: Sequence[str]) -> None:
    """An empty table of these columns, gone with the transaction (or before, where one asks again)."""
    listed = ", ".join(columns)
    with connection.cursor() as cursor:
        cursor.execute(f"DROP TABLE IF EXISTS pg_temp.{name}")
        cursor.execute(
            f"CREATE TEMP TABLE {name} ON COMMIT DROP AS SELECT {listed} FROM {like} LIMIT 0"  # noqa: S608
        )


class _Names:
    """Grids by code and communities by name, for the journal; read where first needed."""

    def __init__(self) -> None:
        self._grids: dict[int, str] | None = None
        self._communities: dict[int, str] | None = None

    def of(self, name: str, value: Any) -> Any:
        if value is None:
            return None
        if name == "grid_id":
            self._grids = self._grids or dict(Grid.objects.values_list("id", "code"))
            return self._grids.get(value)
        self._communities = self._communities or dict(Community.objects.values_list("id", "name"))
        return self._communities.get(value)


def _told(change: Change, names: _Names) -> dict[str, Any]:
    """What the journal says: from and to, personal data masked. Whole texts of new rows are not repeated."""
    licences = [
        {"type": kind, "number": told_number(kind, number), "to": _day(until)}
        for kind, number, until in change.licences
    ]
    told: dict[str, Any] = {"licences": licences} if licences else {}
    if change.held is None:
        return {"created": True, "name": change.values["name"], "uscc": change.values["uscc"], **told}
    before, after = change.held.values, change.values
    changes = {
        name: {
            "from": _shown(name, before[name], names),
            "to": _shown(name, after[name], names),
        }
        for name in FIELDS
        if before[name] != after[name]
    }
    return {"changes": changes, **told}


def _shown(name: str, value: Any, names: _Names) -> Any:
    return names.of(name, value) if name in ("grid_id", "community_id") else kept(name, value)


def _day(value: date | None) -> str | None:
    return value.isoformat() if value else None
