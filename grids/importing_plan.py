"""What a register file would change: every row read, placed and matched with the register. Writes nothing.

New businesses come one by one while the file is read, so that they can be written at the same time: the
server then works beside us instead of waiting. An error ends that, and what was written is taken back.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from grids import importing_questions
from grids.access import Scope
from grids.importing_columns import Wrong, values_of, wrong
from grids.importing_rows import BLANK, FIELDS, Change, Held, Known, LicenceRow, Places, Plan, Row
from grids.locate import many_locator
from grids.models import EntityKind, PlacedBy
from grids.sheets import Sheet

KIND_OF_CODE = {"91": EntityKind.COMPANY, "92": EntityKind.INDIVIDUAL, "93": EntityKind.COOPERATIVE}
ELSEWHERE = "其他网格已有同名且没有地址的主体，无法判断是否同一家，请填写地址、一店一码或信用代码。"
AT_ONCE, STEP = 250, 2_000
Progress = Callable[[int, int], None]
"""Called every 2,000 rows with how many are read, and of how many."""
Finding = tuple[str, str, str]
"""What is wrong with a row: column, code, sentence."""


def plan(sheet: Sheet, scope: Scope, progress: Progress | None = None) -> Plan:
    """Read every row of the sheet against the register of now; errors in the order of the rows.

    About a dozen statements, however many rows.
    """
    return Reading(sheet, scope, progress).plan()


class Reading:
    """A sheet that becomes a plan. Asks the database when it is made, and in `plan`; `new` asks nothing."""

    def __init__(self, sheet: Sheet, scope: Scope, progress: Progress | None = None) -> None:
        self.made = Plan(rows=len(sheet.rows), ignored=sheet.ignored)
        self.new = self._new(sheet, progress)
        """The new businesses, as they are found. Each is found once: who stops early may go on later."""
        self._sheet, self._done = sheet, False
        self._places, self._known, self._locate = Places(scope), Known(sheet.rows), many_locator()
        self._seen: dict[tuple[str, str], int] = {}
        self._taken: dict[int, int] = {}

    @property
    def most_new(self) -> int:
        """There are no more new ones than this."""
        return self._known.unknown

    def plan(self) -> Plan:
        """The whole of it: what `new` has left over is read. Asking again is answered alike."""
        for _ in self.new:
            pass
        if not self._done:
            importing_questions.refuse(self.made, self._sheet.rows)
            self.made.errors.sort(key=lambda one: one.row)
            self._done = True
        return self.made

    def _new(self, sheet: Sheet, progress: Progress | None) -> Iterator[Change]:
        made = self.made
        for start in range(0, made.rows, AT_ONCE):
            some = sheet.rows[start : start + AT_ONCE]
            rows = [row for number, cells in some if (row := self._read(number, cells)) is not None]
            self._place(rows)
            for row in rows:
                found = self._once(row) or self._settle(row) or self._alone(row)
                if found is None:
                    self._keep_place(row)
                    found = self._not_theirs(row)
                if found is not None:
                    made.errors.append(wrong(row.number, row.cells, *found))
                elif row.held is not None:
                    self._compare(row, row.held)
                else:
                    change = _new_one(row)
                    made.created.append(change)
                    yield change
            if progress and (start + len(some)) % STEP == 0:
                progress(start + len(some), made.rows)

    def _read(self, number: int, cells: list[str]) -> Row | None:
        try:
            said = values_of(cells)
            for name, known, head in (
                ("grid", self._places.grids, "网格"),
                ("community", self._places.communities, "社区"),
            ):
                if name in said:
                    found = known.get(said[name])
                    if found is None:
                        raise Wrong(name, f"unknown_{name}", f"没有这个{head}，请填写名称或编码。")
                    said[f"{name}_id"] = found
        except Wrong as refused:
            self.made.errors.append(wrong(number, cells, refused.column, refused.code, refused.detail))
            return None
        return Row(number, cells, said)

    def _place(self, rows: list[Row]) -> None:
        """The grid of each row: as written, else by its point, else by its community."""
        pointed = [row for row in rows if "grid_id" not in row.said and "lon" in row.said]
        matches = self._locate([(row.said["lon"], row.said["lat"]) for row in pointed])
        for row, match in zip(pointed, matches, strict=True):
            if match.grid_id is not None:
                row.said["grid_id"], row.said["placed_by"] = match.grid_id, PlacedBy.POINT.value
        for row in rows:
            said = row.said
            if "grid_id" in said:
                said.setdefault("placed_by", PlacedBy.HAND.value)
            elif "community_id" in said:
                grids = self._places.of_community.get(said["community_id"], [])
                if len(grids) == 1:
                    said["grid_id"], said["placed_by"] = grids[0], PlacedBy.COMMUNITY.value

    def _once(self, row: Row) -> Finding | None:
        """Does the file say it twice? The second is an error that names the first."""
        said, seen = row.said, self._seen
        keys = [(name, said[name]) for name in ("code", "uscc") if name in said]
        if not keys:
            where = said.get("address") or f"grid {said.get('grid_id')}"
            keys = [("name", f"{said['name']}\0{where}")]
        for key in keys:
            if key in seen:
                return key[0], "doubled", f"与第 {seen[key]} 行重复，请只保留一行。"
        for key in keys:
            seen[key] = row.number
        return None

    def _settle(self, row: Row) -> Finding | None:
        """Find whom a row means: by the code on the door, by the credit code, else by name and address (or,
        of those without address, name and grid: two stalls of one name are two)."""
        said, known = row.said, self._known
        bearer = known.by_uscc.get(said.get("uscc", ""))
        row.held = known.by_code.get(said.get("code", "")) or bearer
        if "code" in said and row.held is None:
            return "code", "unknown_code", "没有这个一店一码；新登记的主体请留空，由系统生成。"
        if row.held is not None and bearer is not None and bearer.id != row.held.id:
            may = self._places.may(bearer.values["grid_id"])
            whose = f"“{bearer.values['name']}”" if may else "其他所的经营主体"
            return "uscc", "uscc_taken", f"该统一社会信用代码已登记在{whose}名下。"
        if row.held is None:
            found = known.by_name.get((said["name"], said.get("address", "")), [])
            return _settle_by_name(row, found) if found else None
        return None

    def _alone(self, row: Row) -> Finding | None:
        """Does another row mean the same business?"""
        if row.held is None:
            return None
        before = self._taken.setdefault(row.held.id, row.number)
        if before == row.number:
            return None
        return "name", "doubled", f"与第 {before} 行指向同一经营主体，请只保留一行。"

    def _keep_place(self, row: Row) -> None:
        """What the register knows better stays; who comes to a grid of one community comes to it."""
        held, said = row.held, row.said
        if held is not None and "grid" not in said and _stays(held, said):
            said.pop("grid_id", None)
            said.pop("placed_by", None)
        if "grid_id" in said and "community_id" not in said:
            theirs = self._places.of_grid.get(said["grid_id"], [])
            if held is None or held.values["community_id"] not in theirs:
                said["community_id"] = theirs[0] if len(theirs) == 1 else None

    def _not_theirs(self, row: Row) -> Finding | None:
        held, said, may = row.held, row.said, self._places.may
        if may(said.get("grid_id")) and (held is None or may(held.values["grid_id"])):
            return None
        column = "grid" if "grid" in said else "lon" if "lon" in said else "community"
        return column, "not_yours", "该主体不在您所的网格内，您不能导入。"

    def _compare(self, row: Row, held: Held) -> None:
        said, licences = row.said, self._known.licences
        listed: list[LicenceRow] = said.get("licences", [])
        fresh = [one for one in listed if licences.get((held.id, one[0], one[1]), ...) != one[2]]
        new = {
            name: said[name] for name in FIELDS if name in said and _differs(held.values[name], said[name])
        }
        if new or fresh:
            self.made.updated.append(Change(row.number, held, held.values | new, fresh))
        else:
            self.made.unchanged += 1


def _new_one(row: Row) -> Change:
    values = BLANK | row.said
    values["kind"] = values["kind"] or _kind(values["uscc"])
    return Change(row.number, None, values, values.get("licences", []))


def _settle_by_name(row: Row, found: list[Held]) -> Finding | None:
    said = row.said
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


def _stays(held: Held, said: dict[str, Any]) -> bool:
    """Put where it is by hand, or by a point that the row does not know better."""
    by = held.values["placed_by"]
    if held.values["grid_id"] is None:
        return False
    return by == PlacedBy.HAND or (by == PlacedBy.POINT and said.get("placed_by") != PlacedBy.POINT)


def _differs(old: Any, new: Any) -> bool:
    return bool(sorted(old) != new if isinstance(old, list) else old != new)


def _kind(uscc: str) -> str:
    if not uscc:
        return EntityKind.STALL.value
    return KIND_OF_CODE.get(uscc[:2], EntityKind.OTHER).value
