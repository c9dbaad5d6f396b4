"""The report as .xlsx: 概况, 网格, 监管所, 社区, 超时清单, 督办单, 部门报到. The same numbers as the JSON.

Written row by row (constant memory). Text is always written as text, so that
nothing typed by anyone becomes a formula. No personal data but the names of officials.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import partial
from operator import attrgetter
from typing import IO, TYPE_CHECKING, Any

from kernel.clock import SHANGHAI
from reports import departments, kpi
from reports.models import Level, SlaLine, Span
from reports.selectors import Reading
from reports.wording import date_zh

if TYPE_CHECKING:
    import xlsxwriter

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
DASH = "—"
STANDING = {"pending": "24时在办", "overdue": "24时超时未办"}
FIGURES = {**kpi.COUNTS, **STANDING, **{name: label for name, (label, _, _) in kpi.RATES.items()}}
LINES_OVERLAP = "社区一行统计辖区内全部网格；跨社区的网格在各社区分别计数，各社区合计不等于全局。"
OPTIONS = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}


def file_name(reading: Reading) -> str:
    return f"所社联动运行日报_{reading.report.date:%Y%m%d}.xlsx"


def write(reading: Reading) -> IO[bytes]:
    """The workbook as an open file, at its beginning (about 0.1 MB, 1 MB with 10,000 overdue limits)."""
    import xlsxwriter  # only where a workbook is written: not in every process

    out = io.BytesIO()
    with xlsxwriter.Workbook(out, OPTIONS) as book:
        pages = _Pages(book)
        pages.overview(reading)
        for level, note in ((Level.GRID, ""), (Level.OFFICE, ""), (Level.COMMUNITY, LINES_OVERLAP)):
            pages.lines(level.label, [line for span in Span for line in reading.at(level, span)], note)
        pages.overdue(reading)
        pages.orders(reading)
        pages.departments(reading)
    out.seek(0)
    return out


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a sheet: its head, its width in characters, and what it tells of a row."""

    name: str
    width: int
    told: Callable[[Any], Any]


class _Pages:
    def __init__(self, book: xlsxwriter.Workbook) -> None:
        self.book = book
        self.head = book.add_format({"bold": True, "bg_color": "#DCE6F1", "border": 1, "text_wrap": True})
        self.title = book.add_format({"bold": True, "font_size": 14})
        self.percent = book.add_format({"num_format": "0.00%"})

    def overview(self, reading: Reading) -> None:
        report = reading.report
        sheet = self.book.add_worksheet("概况")
        sheet.set_column(0, 0, 24)
        sheet.set_column(1, 2, 16)
        sheet.write_string(0, 0, f"所社联动运行日报（{reading.name}）", self.title)
        facts = [
            ("日期", date_zh(report.date)),
            ("统计截止", _moment(report.as_of)),
            ("生成时间", _moment(report.made_at)),
            ("留痕封存值", report.seal.hash if report.seal else DASH),
            ("封存记录数", report.seal.entries if report.seal else DASH),
            ("综述", reading.text_zh),
        ]
        for row, (name, value) in enumerate(facts, start=1):
            sheet.write_string(row, 0, name)
            self._cell(sheet, row, 1, value)
        start = len(facts) + 2
        for column, name in enumerate(("指标", "当日", "近7日")):
            sheet.write_string(start, column, name, self.head)
        for row, (name, label) in enumerate(FIGURES.items(), start=start + 1):
            sheet.write_string(row, 0, label)
            self._cell(sheet, row, 1, reading.figures[name])
            self._cell(sheet, row, 2, reading.recent[name] if name not in STANDING else None)

    def lines(self, title: str, lines: Sequence[SlaLine], note: str = "") -> None:
        columns = [
            Column("统计期", 9, lambda line: line.get_span_display()),
            Column("编码", 16, lambda line: line.code or DASH),
            Column("名称", 22, lambda line: line.name),
            *(Column(label, 12, attrgetter(name)) for name, label in FIGURES.items()),
        ]
        self._table(title, columns, lines, note)

    def overdue(self, reading: Reading) -> None:
        columns = [
            Column("线索编号", 20, lambda one: one.number),
            Column("分类", 22, lambda one: one.category),
            Column("网格编码", 16, lambda one: one.grid_code or DASH),
            Column("网格", 22, lambda one: one.grid_name or DASH),
            Column("监管所", 20, lambda one: one.office_name or DASH),
            Column("承办人", 12, lambda one: one.owner_name or DASH),
            Column("超时事项", 18, lambda one: one.get_clock_display()),
            Column("时限", 18, lambda one: _moment(one.due_at)),
            Column("超时（小时）", 13, lambda one: float(one.hours_late)),
        ]
        self._table("超时清单", columns, reading.overdue)

    def orders(self, reading: Reading) -> None:
        columns = [
            Column("督办单号", 10, lambda one: one.order_id),
            Column("线索编号", 20, lambda one: one.number),
            Column("分类", 22, lambda one: one.category),
            Column("网格编码", 16, lambda one: one.grid_code or DASH),
            Column("网格", 22, lambda one: one.grid_name or DASH),
            Column("监管所", 20, lambda one: one.office_name or DASH),
            Column("原因", 20, lambda one: one.get_cause_display()),
            Column("层级", 12, lambda one: one.get_level_display()),
            Column("状态", 10, lambda one: one.get_state_display()),
            Column("督办时间", 18, lambda one: _moment(one.raised_at)),
            Column("所方签收", 18, lambda one: _moment(one.office_acknowledged_at)),
            Column("社方签收", 18, lambda one: _moment(one.community_acknowledged_at)),
            Column("尚未签收", 14, lambda one: one.silent_names or DASH),
        ]
        self._table("督办单", columns, reading.orders)

    def departments(self, reading: Reading) -> None:
        columns = [
            Column("统计期", 9, lambda one: Span(one.span).label),
            Column("部门", 20, lambda one: one.name),
            *(
                Column(label, 14, partial(_of_department, name))
                for name, label in departments.COLUMNS.items()
            ),
        ]
        self._table("部门报到", columns, reading.departments, departments.NOTE)

    def _table(self, title: str, columns: Sequence[Column], rows: Iterable[Any], note: str = "") -> None:
        sheet = self.book.add_worksheet(title)
        sheet.freeze_panes(1, 0)
        for number, column in enumerate(columns):
            sheet.set_column(number, number, column.width)
            sheet.write_string(0, number, column.name, self.head)
        last = 0
        for last, row in enumerate(rows, start=1):
            for number, column in enumerate(columns):
                self._cell(sheet, last, number, column.told(row))
        if note:
            sheet.write_string(last + 2, 0, note)

    def _cell(self, sheet: Any, row: int, column: int, value: Any) -> None:
        if isinstance(value, Decimal):
            sheet.write_number(row, column, float(value), self.percent)
        elif isinstance(value, int | float):
            sheet.write_number(row, column, value)
        else:
            sheet.write_string(row, column, DASH if value is None else str(value))


def _of_department(name: str, one: departments.DepartmentLine) -> Any:
    """Minutes are plain numbers; only rates are shown as percentages."""
    value = getattr(one, name)
    return float(value) if name.startswith("median_") and value is not None else value


def _moment(at: datetime | None) -> str:
    return DASH if at is None else at.astimezone(SHANGHAI).strftime("%Y-%m-%d %H:%M")
