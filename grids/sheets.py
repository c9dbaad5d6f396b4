"""Reading tables that offices bring along – CSV (UTF-8, GB18030) and XLSX, with Chinese heads – and telling
them row by row what is wrong with them.

A reader names its columns once (`Column`), with every head that it takes for each. A row comes as plain
text in the order of the columns, one empty string for what is not there; what a cell means is the
reader's business. Nothing here writes to the database.
"""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from grids import packed
from kernel.accounts.masking import mask_name, mask_phone, mask_text
from kernel.errors import Refused, TooLarge, UnsupportedType

MOST_BYTES = 30_000_000
MOST_UNPACKED = 400_000_000
MOST_ROWS = 200_000
MOST_HEADS = 200
HEADS_WITHIN = 10
"""The heads stand in one of the first rows: sheets often carry a title above them."""
MOST_LINES = MOST_ROWS + HEADS_WITHIN + 1
"""No more is taken out of a file: where so many are found, there are too many rows."""
LONG = 200
"""Signs; what is shorter need not be cut (`packed.text`)."""
XLSX_STARTS, XLS_STARTS = b"PK\x03\x04", b"\xd0\xcf\x11\xe0"
PLAIN = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its name in code, its head, other heads that mean the same; `personal` is shown masked."""

    name: str
    head: str
    also: tuple[str, ...] = ()
    required: bool = False
    personal: str = ""  # "name", "phone" or nothing
    example: str = ""

    def shown(self, value: str) -> str:
        """The value as it may stand in a list of errors."""
        if self.personal == "name":
            return mask_name(value)
        return mask_phone(value) if self.personal == "phone" else mask_text(value)[:80]


@dataclass(frozen=True, slots=True)
class RowError:
    """What is wrong with one row, numbered as in the sheet. `value` is what stood there, masked."""

    row: int
    code: str
    column: str
    detail: str
    value: str = ""


def at_most(errors: list[RowError], most: int) -> list[RowError]:
    """The first errors, and how many more there were: a file of nothing but errors is not kept whole."""
    if len(errors) <= most:
        return errors
    left = f"错误过多，其余 {len(errors) - most} 处没有列出。"
    return [*errors[:most], RowError(0, "too_many_errors", "", left)]


@dataclass
class Sheet:
    """What was read: `(row number, cells in the order of the columns)`; heads that nobody knows."""

    rows: list[tuple[int, list[str]]] = field(default_factory=list)
    given: frozenset[str] = frozenset()
    ignored: list[str] = field(default_factory=list)


def read(content: bytes, columns: Sequence[Column]) -> Sheet:
    """The first table of a file.

    Raises:
        TooLarge: more than 30 MB, or far more when unpacked (413).
        UnsupportedType: neither a table as text nor an .xlsx (415).
        Refused: broken, empty, heads missing or doubled, more than 200,000 rows (422).
    """
    if len(content) > MOST_BYTES:
        raise TooLarge("文件过大，一次最多 30 MB，请分成几个文件。", code="too_large", attr="file")
    if not content.strip():
        raise Refused("文件是空的，请重新选择。", code="empty_file", attr="file")
    if content.startswith(XLS_STARTS):
        raise UnsupportedType("不支持旧版 .xls，请另存为 .xlsx 后再上传。", code="old_xls", attr="file")
    lines = _packed(content) if content.startswith(XLSX_STARTS) else _separated(content)
    return _sheet(lines, columns)


def _packed(content: bytes) -> list[list[str]]:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as parts:
            if sum(part.file_size for part in parts.infolist()) > MOST_UNPACKED:
                raise TooLarge("文件展开后过大，请检查内容。", code="too_large", attr="file")
            if "[Content_Types].xml" not in parts.namelist():
                raise UnsupportedType("只支持 .xlsx 和 .csv 文件。", code="unknown_format", attr="file")
        return packed.rows(content, MOST_LINES)
    except (zipfile.BadZipFile, packed.Unreadable, OSError, ValueError, IndexError, EOFError) as broken:
        raise Refused(
            "文件已损坏、被加密，或在很远处有多余的单元格，无法读取；请只保留数据区域，另存后再上传。",
            code="unreadable",
            attr="file",
        ) from broken


def _separated(content: bytes) -> list[list[str]]:
    """Strict: a quote that nothing closes would swallow the rows behind it without a word."""
    text = _decoded(content)
    head = text.split("\n", 1)[0]
    lines = csv.reader(io.StringIO(text), delimiter="\t" if "\t" in head else ",", strict=True)
    try:
        return list(islice(lines, MOST_LINES))
    except csv.Error as broken:
        words = f"第{lines.line_num}行或之前的双引号不成对或单元格过长，文件无法读取，请更正后重新上传。"
        raise Refused(words, code="unreadable", attr="file") from broken


def _decoded(content: bytes) -> str:
    unknown = UnsupportedType(
        "只支持 .xlsx 和 .csv 文件，文字编码应为 UTF-8 或 GBK。", code="unknown_format", attr="file"
    )
    if b"\0" in content:
        raise unknown
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            return content.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise unknown


def _sheet(lines: list[list[str]], columns: Sequence[Column]) -> Sheet:
    by_head = {_head(head): place for place, one in enumerate(columns) for head in (one.head, *one.also)}
    needed = {place for place, one in enumerate(columns) if one.required}
    at, heads = _heads(lines, by_head, needed)
    if heads is None:
        wanted = "、".join(one.head for one in columns if one.required)
        raise Refused(f"没有找到表头，表头至少应包含：{wanted}。", code="bad_header", attr="file")
    places = [by_head.get(head, -1) for head in heads]
    known = [place for place in places if place >= 0]
    doubled = {columns[place].head for place in known if known.count(place) > 1}
    if doubled:
        raise Refused(f"表头重复：{'、'.join(sorted(doubled))}。", code="doubled_header", attr="file")
    if len(lines) - at - 1 > MOST_ROWS:
        raise Refused(f"一次最多导入 {MOST_ROWS} 行，请分成几个文件。", code="too_many_rows", attr="file")
    sheet = Sheet(
        given=frozenset(columns[place].name for place in known),
        ignored=[
            packed.text(cell)[:40]
            for cell, place in zip(lines[at], places, strict=False)
            if place < 0 and packed.text(cell)
        ],
    )
    in_order = _ordering(places, len(columns))
    for number, line in enumerate(lines[at + 1 :], start=at + 2):
        cells = in_order(line)
        if any(cells):
            sheet.rows.append((number, cells))
    if not sheet.rows:
        raise Refused("表中没有数据。", code="empty", attr="file")
    return sheet


def _ordering(places: list[int], width: int) -> Callable[[list[str]], list[str]]:
    """What brings a line into the order of the columns; `places` is the column of each head, or -1.

    Most lines are plain – as long as the heads, no blank or control sign in them –: these are taken as they
    are, at once; all others cell by cell.
    """
    pairs = [(place, found) for place, found in enumerate(places) if found >= 0]
    from_place = {found: place for place, found in pairs}
    held_at = [from_place.get(found, len(places)) for found in range(width)]
    no_cell = [""]

    def in_order(line: list[str]) -> list[str]:
        whole = "".join(line)
        if len(line) == len(places) and whole.isprintable() and " " not in whole and len(whole) < LONG:
            line = line + no_cell
            return [line[place] for place in held_at]
        cells, held = [""] * width, len(line)
        for place, found in pairs:
            if place < held:
                cell = line[place]
                cells[found] = cell.strip() if cell.isprintable() and len(cell) < LONG else packed.text(cell)
        return cells

    return in_order


def _heads(lines: list[list[str]], by_head: dict[str, int], needed: set[int]) -> tuple[int, list[str] | None]:
    for at, line in enumerate(lines[:HEADS_WITHIN]):
        heads = [_head(packed.text(cell)) for cell in line[:MOST_HEADS]]
        if needed <= {by_head[head] for head in heads if head in by_head}:
            return at, heads
    return 0, None


def _head(text: str) -> str:
    return "".join(text.split()).replace("（", "(").replace("）", ")").rstrip("*:：").lower()


def blank(columns: Sequence[Column], title: str) -> bytes:
    """An empty sheet to fill in: the heads, and one example."""
    return written(title, [one.head for one in columns], [[one.example for one in columns]])


def errors_sheet(errors: Iterable[RowError]) -> bytes:
    """The errors as .xlsx: row, column, what stood there (masked), why."""
    heads = ["行号", "列", "填写内容", "原因"]
    rows = ([one.row, one.column, one.value, one.detail] for one in errors)
    return written("导入错误", heads, rows, widths=(8, 20, 30, 60))


def written(
    title: str, heads: Sequence[str], rows: Iterable[Sequence[Any]], widths: Sequence[float] = ()
) -> bytes:
    """A sheet as .xlsx, a row in memory at a time; text never becomes a formula or a link."""
    import xlsxwriter  # only where a workbook is written: not in every process

    out = io.BytesIO()
    with xlsxwriter.Workbook(out, PLAIN) as book:
        page = book.add_worksheet(title)
        for place in range(len(heads)):
            page.set_column(place, place, widths[place] if place < len(widths) else 18)
        page.write_row(0, 0, heads, book.add_format({"bold": True}))
        for number, row in enumerate(rows, start=1):
            page.write_row(number, 0, row)
    return out.getvalue()
