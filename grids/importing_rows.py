"""What a register file would change: every row read, placed and matched with the register. Writes nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from typing import Any, NamedTuple

from django.db import connection

from grids.access import Scope
from grids.importing_columns import Wrong, values_of, wrong
from grids.locate import locate_many
from grids.models import Community, EntityKind, Grid, Licence, PlacedBy
from grids.roles import Role, Section
from grids.sheets import RowError, Sheet

FIELDS = (
    "name", "uscc", "kind", "business_types", "is_campus_peripheral", "operator_name", "contact_name",
    "contact_phone", "grid_id", "community_id", "placed_by", "lon", "lat", "address", "status",
    "established_on", "remark",
)  # fmt: skip
BLANK: dict[str, Any] = dict.fromkeys(FIELDS, "") | {
    "business_types": [], "is_campus_peripheral": False, "grid_id": None, "community_id": None, "lon": None,
    "lat": None, "status": "ACTIVE", "established_on": None,
}  # fmt: skip
KIND_OF_CODE = {"91": EntityKind.COMPANY, "92": EntityKind.INDIVIDUAL, "93": EntityKind.COOPERATIVE}
IMPORTS = frozenset({Role.OFFICE_CLERK, Role.OFFICE_HEAD})
IMPORTING_SECTIONS = frozenset({Section.REGISTRATION, Section.CREDIT})
ELSEWHERE = "其他网格已有同名且没有地址的主体，无法判断是否同一家，请填写地址、一店一码或信用代码。"
STEP = 2_000
_HELD = f"SELECT DISTINCT ON (e.id) e.id, e.code, e.version, {', '.join(f'e.{name}' for name in FIELDS)}"
_BY_CODE = f"{_HELD} FROM unnest(%s::text[]) AS w(code) JOIN grids_businessentity e ON e.code = w.code"
_BY_USCC = f"""
{_HELD} FROM unnest(%s::text[]) AS w(uscc) JOIN grids_businessentity e ON e.uscc = w.uscc AND e.uscc <> ''
"""
_BY_NAME = f"""
{_HELD} FROM (SELECT name, address, hashtextextended(address, hashtextextended(name, 0)) AS hash
                FROM unnest(%s::text[], %s::text[]) AS f(name, address) ORDER BY hash) AS w
  JOIN grids_businessentity e ON e.name = w.name AND e.address = w.address
   AND hashtextextended(e.address, hashtextextended(e.name, 0)) = w.hash
"""
"""The hash is what the index holds (`grids_entity_by_name`); in its order the index is gone through once."""
Progress = Callable[[int, int], None]
"""Called every 2,000 rows with how many are read, and of how many."""
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


class _Places:
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


def plan(sheet: Sheet, scope: Scope, progress: Progress | None = None) -> Plan:
    """Read every row of the sheet against the register of now; errors in the order of the rows.

    About a dozen statements, however many rows.
    """
    from grids import importing_questions

    places, made = _Places(scope), Plan(rows=len(sheet.rows), ignored=sheet.ignored)
    rows = _read(sheet, places, made, progress)
    _place(rows, places)
    rows = _once(rows, made)
    rows = _matched(rows, places, made)
    _keep_places(rows, places)
    _compare(rows, places, made)
    importing_questions.refuse(made, rows)
    made.errors.sort(key=lambda one: one.row)
    return made


def _read(sheet: Sheet, places: _Places, made: Plan, progress: Progress | None) -> list[Row]:
    rows = []
    for count, (number, cells) in enumerate(sheet.rows, start=1):
        try:
            said = values_of(cells)
            for name, known, head in (
                ("grid", places.grids, "网格"),
                ("community", places.communities, "社区"),
            ):
                if name in said:
                    found = known.get(said[name])
                    if found is None:
                        raise Wrong(name, f"unknown_{name}", f"没有这个{head}，请填写名称或编码。")
                    said[f"{name}_id"] = found
            rows.append(Row(number, cells, said))
        except Wrong as refused:
            made.errors.append(wrong(number, cells, refused.column, refused.code, refused.detail))
        if progress and count % STEP == 0:
            progress(count, made.rows)
    return rows


def _once(rows: list[Row], made: Plan) -> list[Row]:
    """Rows that the file says twice: the second is an error that names the first."""
    seen: dict[tuple[str, ...], int] = {}
    kept = []
    for row in rows:
        said = row.said
        keys: list[tuple[tuple[str, ...], str]] = [
            ((name, said[name]), name) for name in ("code", "uscc") if name in said
        ]
        if not keys:
            keys = [(("name", said["name"], said.get("address") or f"grid {said.get('grid_id')}"), "name")]
        first = next(((seen[key], name) for key, name in keys if key in seen), None)
        if first is None:
            seen.update((key, row.number) for key, _ in keys)
            kept.append(row)
        else:
            made.errors.append(
                wrong(row.number, row.cells, first[1], "doubled", f"与第 {first[0]} 行重复，请只保留一行。")
            )
    return kept


def _matched(rows: list[Row], places: _Places, made: Plan) -> list[Row]:
    """Who the register knows: by the code on the door, by the credit code, else by name and address (or, of
    those without address, name and grid: two stalls of one name are two)."""
    codes = {one.code: one for one in _held(_BY_CODE, [r.said["code"] for r in rows if "code" in r.said])}
    by_uscc = {
        one.values["uscc"]: one for one in _held(_BY_USCC, [r.said["uscc"] for r in rows if "uscc" in r.said])
    }
    for row in rows:
        row.held = codes.get(row.said.get("code", "")) or by_uscc.get(row.said.get("uscc", ""))
    unknown = [row.said for row in rows if row.held is None and "code" not in row.said]
    named: dict[tuple[str, str], list[Held]] = {}
    for one in _held(
        _BY_NAME, [said["name"] for said in unknown], [said.get("address", "") for said in unknown]
    ):
        named.setdefault((one.values["name"], one.values["address"]), []).append(one)
    kept, taken = [], dict[int, int]()
    for row in rows:
        error = _settle(row, by_uscc, named, places)
        if error is None and row.held is not None and row.held.id in taken:
            error = ("name", "doubled", f"与第 {taken[row.held.id]} 行指向同一经营主体，请只保留一行。")
        if error is not None:
            made.errors.append(wrong(row.number, row.cells, *error))
            continue
        if row.held is not None:
            taken[row.held.id] = row.number
        kept.append(row)
    return kept


def _settle(
    row: Row, by_uscc: dict[str, Held], named: dict[tuple[str, str], list[Held]], places: _Places
) -> tuple[str, str, str] | None:
    """Find whom a row means; what is wrong with it, as (column, code, sentence)."""
    said = row.said
    if "code" in said and row.held is None:
        return "code", "unknown_code", "没有这个一店一码；新登记的主体请留空，由系统生成。"
    bearer = by_uscc.get(said.get("uscc", ""))
    if row.held is not None and bearer is not None and bearer.id != row.held.id:
        whose = f"“{bearer.values['name']}”" if places.may(bearer.values["grid_id"]) else "其他所的经营主体"
        return "uscc", "uscc_taken", f"该统一社会信用代码已登记在{whose}名下。"
    if row.held is None:
        found = named.get((said["name"], said.get("address", "")), [])
        if "uscc" in said:
            found = [one for one in found if not one.values["uscc"]]
        if not said.get("address") and said.get("grid_id") is not None:
            near = [one for one in found if one.values["grid_id"] == said["grid_id"]]
            near = near or [one for one in found if one.values["grid_id"] is None]
            if not near and "uscc" not in said and any(_stays(one, said) for one in found):
                return "name", "ambiguous", ELSEWHERE
            found = near
        if len(found) > 1:
            return "name", "ambiguous", "登记册中有多家同名同地址的主体，请填写一店一码或信用代码。"
        row.held = found[0] if found else None
    return None


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


def _place(rows: list[Row], places: _Places) -> None:
    """The grid of each row: as written, else by its point, else by its community."""
    pointed = [row for row in rows if "grid_id" not in row.said and "lon" in row.said]
    for row, match in zip(
        pointed, locate_many([(r.said["lon"], r.said["lat"]) for r in pointed]), strict=True
    ):
        if match.grid_id is not None:
            row.said["grid_id"], row.said["placed_by"] = match.grid_id, PlacedBy.POINT.value
    for row in rows:
        said = row.said
        if "grid_id" in said:
            said.setdefault("placed_by", PlacedBy.HAND.value)
        elif "community_id" in said:
            grids = places.of_community.get(said["community_id"], [])
            if len(grids) == 1:
                said["grid_id"], said["placed_by"] = grids[0], PlacedBy.COMMUNITY.value


def _keep_places(rows: list[Row], places: _Places) -> None:
    """What the register knows better stays; who comes to a grid of one community comes to that community."""
    for row in rows:
        held, said = row.held, row.said
        if held is not None and "grid" not in said and _stays(held, said):
            said.pop("grid_id", None)
            said.pop("placed_by", None)
        if "grid_id" in said and "community_id" not in said:
            theirs = places.of_grid.get(said["grid_id"], [])
            if held is None or held.values["community_id"] not in theirs:
                said["community_id"] = theirs[0] if len(theirs) == 1 else None


def _stays(held: Held, said: dict[str, Any]) -> bool:
    """Put where it is by hand, or by a point that the row does not know better."""
    by = held.values["placed_by"]
    if held.values["grid_id"] is None:
        return False
    return by == PlacedBy.HAND or (by == PlacedBy.POINT and said.get("placed_by") != PlacedBy.POINT)


def _compare(rows: list[Row], places: _Places, made: Plan) -> None:
    licences = _licences([row.held.id for row in rows if row.held and "licences" in row.said])
    for row in rows:
        held, said = row.held, row.said
        if not places.may(said.get("grid_id")) or (held and not places.may(held.values["grid_id"])):
            column = "grid" if "grid" in said else "lon" if "lon" in said else "community"
            made.errors.append(
                wrong(row.number, row.cells, column, "not_yours", "该主体不在您所的网格内，您不能导入。")
            )
            continue
        listed: list[LicenceRow] = said.get("licences", [])
        if held is None:
            values = BLANK | said
            values["kind"] = values["kind"] or _kind(values["uscc"])
            made.created.append(Change(row.number, None, values, listed))
            continue
        fresh = [one for one in listed if licences.get((held.id, one[0], one[1]), ...) != one[2]]
        new = {
            name: said[name] for name in FIELDS if name in said and _differs(held.values[name], said[name])
        }
        if new or fresh:
            made.updated.append(Change(row.number, held, held.values | new, fresh))
        else:
            made.unchanged += 1


def _differs(old: Any, new: Any) -> bool:
    return bool(sorted(old) != new if isinstance(old, list) else old != new)


def _kind(uscc: str) -> str:
    if not uscc:
        return EntityKind.STALL.value
    return KIND_OF_CODE.get(uscc[:2], EntityKind.OTHER).value


def _licences(entity_ids: list[int]) -> dict[tuple[int, str, str], date | None]:
    """What is on file, ended licences too: a file that still lists one does not bring it back."""
    found = Licence.objects.filter(entity_id__in=entity_ids).order_by()
    return {
        (entity_id, kind, number): until
        for entity_id, kind, number, until in found.values_list("entity_id", "type", "number", "expires_on")
    }
