"""The duty rota as a spreadsheet: the template, the export and the reading of an upload.

Columns: 日期, 市场监管所, 值班员, 带班领导. A person is named by account or, where only one
bears it, by name; an empty office is the uploader's own. Reading is dry: it writes nothing.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from grids import packed
from grids.access import scope_of
from grids.authority import may_keep_rota
from grids.models import DutyShift, Office
from grids.roles import DUTY_LEADER, DUTY_OFFICER
from grids.rota import Changes, Wish, may_be_on_duty, set_shifts
from grids.staffing import duty_day
from kernel.accounts.models import User
from kernel.errors import Refused, TooLarge

HEADER = ("日期", "市场监管所", "值班员", "带班领导")
ROLES = {"值班员": DUTY_OFFICER, "带班领导": DUTY_LEADER}
MOST_BYTES = 2_000_000
MOST_UNPACKED = 50_000_000
MOST_ROWS = 3_000
FORMATS = ("%Y-%m-%d", "%Y/%m/%d", "%Y.%m.%d", "%Y年%m月%d日")


@dataclass(frozen=True, slots=True)
class RowError:
    """What is wrong with one row, numbered as in the sheet."""

    row: int
    code: str
    detail: str


@dataclass
class Reading:
    """What an upload says, and what is wrong with it."""

    rows: int = 0
    wishes: list[Wish] = field(default_factory=list)
    errors: list[RowError] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Report:
    """The answer to an upload (API.md, bulk import)."""

    rows: int
    created: int
    updated: int
    unchanged: int
    errors: list[RowError]


def take(*, content: bytes, dry_run: bool, by: User, at: datetime) -> Report:
    """Read an upload and, unless dry or faulty, write all of it: all or nothing.

    Raises:
        TooLarge, Refused: no readable .xlsx, or without the columns of the template.
    """
    reading = read(content=content, by=by, at=at)
    if reading.errors or not reading.wishes:
        return Report(reading.rows, 0, 0, 0, reading.errors)
    wishes = reading.wishes
    changes = _would_change(wishes) if dry_run else set_shifts(wishes=wishes, by=by, at=at)
    return Report(reading.rows, changes.created, changes.updated, changes.unchanged, [])


def read(*, content: bytes, by: User, at: datetime) -> Reading:
    """The shifts that a sheet wishes for, with an error for every row that cannot be."""
    reading, seen = Reading(), set[tuple[int, date, str]]()
    lines = _lines(content)
    reader = _Reader(by, at)
    for number, line in lines:
        if not any(line.values()):
            continue
        reading.rows += 1
        try:
            wishes = reader.wishes(line)
        except _RowRefused as refused:
            reading.errors.append(RowError(number, refused.code, refused.detail))
            continue
        doubled = [wish for wish in wishes if (wish.office.pk, wish.day, wish.role) in seen]
        if doubled:
            reading.errors.append(RowError(number, "doubled", "同一个所的同一天在表中出现了两次。"))
        seen |= {(wish.office.pk, wish.day, wish.role) for wish in wishes}
        reading.wishes += wishes
    if not reading.rows:
        reading.errors.append(RowError(1, "empty", "表中没有数据。"))
    return reading


def template() -> bytes:
    """An empty sheet with the columns and one example."""
    return _sheet([("2026-01-01", "(可不填，默认本所)", "填用户名或姓名", "填用户名或姓名")])


def export(shifts: Iterable[DutyShift]) -> bytes:
    """Shifts as a sheet that can be changed and uploaded again."""
    table: dict[tuple[date, str], dict[str, str]] = {}
    for shift in shifts:
        table.setdefault((shift.day, shift.office.name), {})[shift.role] = shift.user.username
    return _sheet(
        (str(day), office, people.get(DUTY_OFFICER, ""), people.get(DUTY_LEADER, ""))
        for (day, office), people in sorted(table.items())
    )


def _sheet(rows: Iterable[tuple[str, ...]]) -> bytes:
    import xlsxwriter  # only where a workbook is written: not in every process

    out = io.BytesIO()
    with xlsxwriter.Workbook(
        out, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    ) as book:
        sheet = book.add_worksheet("值班表")
        sheet.set_column(0, len(HEADER) - 1, 20)
        sheet.write_row(0, 0, HEADER, book.add_format({"bold": True}))
        for number, row in enumerate(rows, start=1):
            sheet.write_row(number, 0, row)
    return out.getvalue()


def _lines(content: bytes) -> list[tuple[int, dict[str, Any]]]:
    """(row number, values by column) of the first sheet."""
    if len(content) > MOST_BYTES:
        raise TooLarge("文件过大，值班表不应超过 2 MB。", code="too_large", attr="file")
    rows = _raw_rows(content)
    header = [str(cell).strip() for cell in rows[0]] if rows else []
    if "日期" not in header or not set(ROLES) & set(header):
        raise Refused(
            "表头应包含：日期、市场监管所、值班员、带班领导。请下载模板填写。", code="bad_header", attr="file"
        )
    if len(rows) - 1 > MOST_ROWS:
        raise Refused(f"一次最多导入 {MOST_ROWS} 行。", code="too_many_rows", attr="file")
    named = [(place, name) for place, name in enumerate(header) if name in HEADER]
    return [
        (number, {name: row[place] if place < len(row) else "" for place, name in named})
        for number, row in enumerate(rows[1:], start=2)
    ]


def _raw_rows(content: bytes) -> list[list[str]]:
    unreadable = Refused("文件无法读取，请上传 .xlsx 格式的值班表。", code="unreadable", attr="file")
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as parts:
            if sum(part.file_size for part in parts.infolist()) > MOST_UNPACKED:
                raise TooLarge("文件展开后过大，请检查内容。", code="too_large", attr="file")
        return packed.rows(content, MOST_ROWS + 2)
    except (zipfile.BadZipFile, packed.Unreadable, OSError, ValueError, IndexError, EOFError) as broken:
        raise unreadable from broken


class _RowRefused(Exception):
    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail


class _Reader:
    """Turns lines into wishes; reads offices and people once."""

    def __init__(self, by: User, at: datetime) -> None:
        self.today = duty_day(at)
        self.scope = scope_of(by)
        self.offices = {office.name: office for office in Office.objects.all()}
        self.offices |= {office.code: office for office in self.offices.values()}
        own = [office for office in self.offices.values() if office.pk in self.scope.office_ids]
        self.own = own[0] if len({office.pk for office in own}) == 1 else None
        people = list(User.objects.filter(is_active=True).only("id", "username", "name", "is_active"))
        allowed = may_be_on_duty({person.pk for person in people}, at)
        self.barred = {person.pk for person in people} - allowed
        self.by_account = {person.username: person for person in people}
        self.by_name: dict[str, list[User]] = {}
        for person in people:
            self.by_name.setdefault(person.name, []).append(person)

    def wishes(self, line: dict[str, Any]) -> list[Wish]:
        day = self._day(line.get("日期"))
        office = self._office(str(line.get("市场监管所") or "").strip())
        found = [
            Wish(office, day, role, self._person(str(line[column]).strip()))
            for column, role in ROLES.items()
            if str(line.get(column) or "").strip()
        ]
        if not found:
            raise _RowRefused("no_person", "值班员和带班领导都没有填写。")
        return found

    def _day(self, cell: Any) -> date:
        day = _as_date(cell)
        if day is None:
            raise _RowRefused("bad_day", "日期无法识别，请按 2026-01-31 的形式填写。")
        if day < self.today:
            raise _RowRefused("shift_over", f"{day} 已经过去，不能再排班。")
        return day

    def _office(self, name: str) -> Office:
        office = self.offices.get(name) if name else self.own
        if office is None:
            raise _RowRefused(
                "no_office", f"没有名为“{name}”的市场监管所。" if name else "请填写市场监管所。"
            )
        if not may_keep_rota(self.scope, {office.pk}):
            raise _RowRefused("not_your_rota", f"您不能为{office.name}排班。")
        return office

    def _person(self, name: str) -> User:
        person = self.by_account.get(name)
        if person is None:
            namesakes = self.by_name.get(name, [])
            if len(namesakes) > 1:
                raise _RowRefused("namesakes", f"有 {len(namesakes)} 人叫“{name}”，请改填用户名。")
            if not namesakes:
                raise _RowRefused("no_person", f"没有找到“{name}”，请填写用户名或姓名。")
            person = namesakes[0]
        if person.pk in self.barred:
            raise _RowRefused("cannot_be_on_duty", f"“{name}”是社区一方或管理、审计人员，不能在所里值班。")
        return person


def _as_date(cell: Any) -> date | None:
    day = str(cell).strip().split(" ")[0]  # a moment counts as its day
    for form in FORMATS:
        try:
            return datetime.strptime(day, form).date()  # noqa: DTZ007 - a calendar day
        except ValueError:
            continue
    return None


def _would_change(wishes: list[Wish]) -> Changes:
    offices = {wish.office.pk for wish in wishes}
    days = [wish.day for wish in wishes]
    rows = DutyShift.objects.filter(office_id__in=offices, day__range=(min(days), max(days)))
    held = {(row.office_id, row.day, row.role): row.user_id for row in rows}
    before = [held.get((wish.office.pk, wish.day, wish.role)) for wish in wishes]
    created = before.count(None)
    same = sum(user_id == wish.user.pk for user_id, wish in zip(before, wishes, strict=True))
    return Changes(created, len(wishes) - created - same, same)
