"""The rows of a register file, what they are matched with (places, the register), what they come to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, NamedTuple

from django.db import connection

from grids.access import Scope
from grids.importing_columns import keys_of
from grids.models import Community, Grid, Licence
from grids.roles import Role, Section
from grids.sheets import RowError

FIELDS = (
    "name", "uscc", "kind", "business_types", "is_campus_peripheral", "operator_name", "contact_name",
    "contact_phone", "grid_id", "community_id", "placed_by", "lon", "lat", "address", "status",
    "established_on", "remark",
)  # fmt: skip
BLANK: dict[str, Any] = dict.fromkeys(FIELDS, "") | {
    "business_types": [], "is_campus_peripheral": False, "grid_id": None, "community_id": None, "lon": None,
    "lat": None, "status": "ACTIVE", "established_on": None,
}  # fmt: skip
IMPORTS = frozenset({Role.OFFICE_CLERK, Role.OFFICE_HEAD})
IMPORTING_SECTIONS = frozenset({Section.REGISTRATION, Section.CREDIT})
_HELD = f"SELECT DISTINCT ON (e.id) e.id, e.code, e.version, {', '.join(f'e.{name}' for name in FIELDS)}"
_BY_CODE = f"{_HELD} FROM unnest(%s::text[]) AS w(code) JOIN grids_businessentity e ON e.code = w.code"
_BY_USCC = f"""
{_HELD} FROM unnest(%s::text[]) AS w(uscc) JOIN grids_businessentity e ON e.uscc = w.uscc AND e.uscc <> ''
"""
_BY_NAME = f"""
{_HELD} FROM (SELECT name, address, hashtextextended(address, hashtextextended(name, 0)) AS hash
                FROM unnest(%s::text[], %s::text[]) AS f(name, address) ORDER BY hash) AS w
 CROSS JOIN LATERAL (
       SELECT * FROM grids_businessentity b WHERE b.name = w.name AND b.address = w.address
          AND hashtextextended(b.address, hashtextextended(b.name, 0)) = w.hash OFFSET 0) AS e
"""  # noqa: S608 - only names of columns are put together here
"""The hash is what the index holds (`grids_entity_by_name`); in its order the index is gone through once.
OFFSET keeps to the index whatever is known of it: a new one has no statistics until the next ANALYZE."""
LicenceRow = tuple[str, str, date | None]


class Held(NamedTuple):
    """A business as the register holds it."""

    id: int
    code: str
    version: int
    values: dict[str, Any]


@dataclass(slots=True)
class Row:
    """One good row: what it says, and whom the register knows by it."""

    number: int
    cells: list[str]
    said: dict[str, Any]
    held: Held | None = None


class Change(NamedTuple):
    """A business as it shall be, at least `FIELDS` of it. `held` None: a new one. `licences` are those that
    are new or differ."""

    row: int
    held: Held | None
    values: dict[str, Any]
    licences: list[LicenceRow]


@dataclass
class Plan:
    """What the file would do. With errors nothing is done."""

    rows: int = 0
    created: list[Change] = field(default_factory=list)
    updated: list[Change] = field(default_factory=list)
    unchanged: int = 0
    errors: list[RowError] = field(default_factory=list)
    ignored: list[str] = field(default_factory=list)


def imports_everywhere(scope: Scope) -> bool:
    """The bureau, and its sections for registration and for credit."""
    return scope.has(Role.BUREAU) or bool(scope.sections & IMPORTING_SECTIONS)


def importing_offices(scope: Scope) -> frozenset[int]:
    """Offices for which clerk or head may import."""
    return frozenset(s.office_id for s in scope.seats if s.role in IMPORTS and s.office_id is not None)


class Places:
    """Grids and communities by what a sheet may call them. Three statements."""

    def __init__(self, scope: Scope) -> None:
        grids = list(Grid.objects.values_list("id", "name", "code", "office_id", "is_active"))
        active = {number for number, _, _, _, is_active in grids if is_active}
        self.offices = {number: office_id for number, _, _, office_id, _ in grids}
        self.grids = _by_words([one[:3] for one in grids if one[0] in active])
        self.communities = _by_words(list(Community.objects.values_list("id", "name", "code")))
        self.of_community: dict[int, list[int]] = {}
        self.of_grid: dict[int, list[int]] = {}
        for grid_id, community_id in Grid.communities.through.objects.values_list("grid_id", "community_id"):
            if grid_id in active:
                self.of_community.setdefault(community_id, []).append(grid_id)
                self.of_grid.setdefault(grid_id, []).append(community_id)
        self.allowed = None if imports_everywhere(scope) else importing_offices(scope)

    def may(self, grid_id: int | None) -> bool:
        return self.allowed is None or grid_id is None or self.offices.get(grid_id) in self.allowed


def _by_words(rows: list[tuple[int, str, str]]) -> dict[str, int]:
    """Ids by name and by code; where one's name is another's code, the code counts."""
    return {name: number for number, name, _ in rows} | {code: number for number, _, code in rows}


class Known:
    """What the register holds of the businesses that the rows may mean. Four statements at most.

    Looked up by the cells as they stand, before the rows are read: so it may hold more than they come to.
    """

    def __init__(self, rows: Sequence[tuple[int, list[str]]]) -> None:
        keys = [keys_of(cells) for _, cells in rows]
        found = _held(_BY_CODE, [code for code, _, _, _ in keys if code])
        self.by_code = {one.code: one for one in found}
        found = _held(_BY_USCC, [uscc for _, uscc, _, _ in keys if uscc])
        self.by_uscc = {one.values["uscc"]: one for one in found}
        unknown = [one[2:] for one in keys if not one[0] and one[1] not in self.by_uscc]
        self.unknown = len(unknown)
        self.by_name: dict[tuple[str, str], list[Held]] = {}
        for one in _held(_BY_NAME, [name for name, _ in unknown], [address for _, address in unknown]):
            self.by_name.setdefault((one.values["name"], one.values["address"]), []).append(one)
        named = [one for several in self.by_name.values() for one in several]
        held = {one.id for one in (*self.by_code.values(), *self.by_uscc.values(), *named)}
        self.licences = _licences(sorted(held)) if held else {}


def _held(sql: str, *wanted: list[str]) -> list[Held]:
    """The businesses that the statement finds for these texts: arrays of the same length."""
    if not wanted[0]:
        return []
    with connection.cursor() as cursor:
        cursor.execute(sql, [_array(texts) for texts in wanted])
        return [
            Held(row[0], row[1], row[2], dict(zip(FIELDS, row[3:], strict=True))) for row in cursor.fetchall()
        ]


def _array(texts: list[str]) -> str:
    """A text array as PostgreSQL writes it: one literal is read ten times as fast as so many parameters."""
    quoted = [text.replace("\\", "\\\\").replace('"', '\\"') for text in texts]
    return '{"' + '","'.join(quoted) + '"}'


def _licences(entity_ids: list[int]) -> dict[tuple[int, str, str], date | None]:
    """What is on file, ended licences too: a file that still lists one does not bring it back."""
    found = Licence.objects.filter(entity_id__in=entity_ids).order_by()
    return {
        (entity_id, kind, number): until
        for entity_id, kind, number, until in found.values_list("entity_id", "type", "number", "expires_on")
    }
