"""Tables as offices bring them: encodings, heads, limits, and what is told about bad ones."""

from __future__ import annotations

import csv
import io
import zipfile
from datetime import date
from typing import Any

import pytest
import xlsxwriter
from django.core.exceptions import ValidationError
from hypothesis import given
from hypothesis import strategies as st
from python_calamine import load_workbook
from stdnum.cn import uscc

from grids import packed, sheets
from grids.codes import _SIGNS, door_codes, is_sound
from grids.models.register import DOOR_ALPHABET, check_code
from grids.sheets import Column, RowError
from kernel.errors import DomainError

COLUMNS = (
    Column("name", "名称", ("企业名称",), required=True),
    Column("phone", "联系电话", personal="phone"),
    Column("day", "成立日期"),
)


def as_csv(rows: list[list[str]], encoding: str = "utf-8", delimiter: str = ",") -> bytes:
    out = io.StringIO()
    csv.writer(out, delimiter=delimiter).writerows(rows)
    return out.getvalue().encode(encoding)


def as_xlsx(rows: list[list[Any]]) -> bytes:
    out = io.BytesIO()
    with xlsxwriter.Workbook(out, {"default_date_format": "yyyy-mm-dd"}) as book:
        page = book.add_worksheet()
        for number, row in enumerate(rows):
            page.write_row(number, 0, row)
    return out.getvalue()


ROWS = [
    ["企业 名称*", "联系电话", "别的"],
    ["顺和饭店", "13812345678", "x"],
    ["", "", ""],
    [" 福来\n超市 ", "", ""],
]


@pytest.mark.parametrize(
    "content",
    [
        as_csv(ROWS),
        as_csv(ROWS, "utf-8-sig"),
        as_csv(ROWS, "gb18030"),
        as_csv(ROWS, delimiter="\t"),
        as_xlsx(ROWS),
        as_xlsx([["经营主体登记表"], *ROWS]),
    ],
    ids=["utf-8", "utf-8-sig", "gb18030", "tabs", "xlsx", "xlsx-titled"],
)
def test_tables_are_read_whatever_they_are_written_in(content: bytes) -> None:
    sheet = sheets.read(content, COLUMNS)
    assert [cells for _, cells in sheet.rows] == [["顺和饭店", "13812345678", ""], ["福来 超市", "", ""]]
    assert sheet.rows[1][0] - sheet.rows[0][0] == 2
    assert sheet.given == {"name", "phone"}
    assert sheet.ignored == ["别的"]


def test_cells_of_a_workbook_become_text() -> None:
    rows = [["名称", "联系电话", "成立日期"], ["甲", 13812345678, date(2020, 1, 31)], ["乙", 1.5, True]]
    sheet = sheets.read(as_xlsx(rows), COLUMNS)
    assert [cells for _, cells in sheet.rows] == [["甲", "13812345678", "2020-01-31"], ["乙", "1.5", "是"]]


def bomb() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as packed:
        for part in range(5):
            packed.writestr(f"part{part}", b"\0" * 90_000_000)
    return out.getvalue()


@pytest.mark.parametrize(
    ("content", "status", "code"),
    [
        (b"", 422, "empty_file"),
        (b"\xd0\xcf\x11\xe0" + b"\0" * 100, 415, "old_xls"),
        (b"PK\x03\x04 and nothing more", 422, "unreadable"),
        (b"\x89PNG\r\n\0\0", 415, "unknown_format"),
        (b"\xff\xfe\xff", 415, "unknown_format"),
        (b"a,b\n1,2\n", 422, "bad_header"),
        ("名称,企业名称\n甲,乙\n".encode(), 422, "doubled_header"),
        ("名称\n\n".encode(), 422, "empty"),
        (as_csv([["名称"], *[["甲"]] * (sheets.MOST_ROWS + 1)]), 422, "too_many_rows"),
        (b"x" * (sheets.MOST_BYTES + 1), 413, "too_large"),
        ('名称,地址\n"甲,东街\n乙,西街\n'.encode(), 422, "unreadable"),
        ('名称,地址\n"甲,东街\n乙,"西街"\n'.encode(), 422, "unreadable"),
        (('名称\n"' + "长" * 200_000 + '"\n').encode(), 422, "unreadable"),
    ],
    ids=[
        "empty-file",
        "old-xls",
        "broken-zip",
        "png",
        "no-text",
        "bad-header",
        "doubled-header",
        "no-rows",
        "too-many-rows",
        "too-large",
        "open-quote",
        "quote-closed-late",
        "endless-cell",
    ],
)
def test_what_cannot_be_read_is_refused_in_words(content: bytes, status: int, code: str) -> None:
    with pytest.raises(DomainError) as refused:
        sheets.read(content, COLUMNS)
    assert (refused.value.status, refused.value.code) == (status, code)
    assert refused.value.detail.endswith("。")


def test_a_small_file_that_grows_without_end_is_not_unpacked() -> None:
    with pytest.raises(DomainError) as refused:
        sheets.read(bomb(), COLUMNS)
    assert refused.value.status == 413


def far_cell() -> bytes:
    out = io.BytesIO()
    with xlsxwriter.Workbook(out) as book:
        page = book.add_worksheet()
        page.write_column(0, 0, ["名称", "甲"])
        page.write(1_048_575, 16_383, "远")
    return out.getvalue()


def test_a_cell_at_the_far_end_of_a_sheet_kills_a_child_and_not_us() -> None:
    with pytest.raises(DomainError) as refused:
        sheets.read(far_cell(), COLUMNS)
    assert (refused.value.status, refused.value.code) == (422, "unreadable")


def test_of_millions_of_lines_no_more_are_taken_than_may_be() -> None:
    with pytest.raises(DomainError) as refused:
        sheets.read("名称\n甲\n".encode() + b"\n" * 5_000_000, COLUMNS)
    assert refused.value.code == "too_many_rows"


def test_errors_become_a_sheet_and_formulas_stay_text() -> None:
    shown = COLUMNS[1].shown("13812345678")
    errors = [RowError(3, "bad", "联系电话", "电话不对。", shown), RowError(9, "bad", "名称", "=1+1")]
    rows = load_workbook(io.BytesIO(sheets.errors_sheet(errors))).get_sheet_by_index(0).to_python()
    assert rows == [
        ["行号", "列", "填写内容", "原因"],
        [3.0, "联系电话", "138****5678", "电话不对。"],
        [9.0, "名称", "", "=1+1"],
    ]


@given(st.one_of(
    st.text(alphabet=_SIGNS + "IOSVZa１", min_size=14, max_size=19),
    st.from_regex(r"[0-9]{8}[0-9A-HJ-NPQRTUWXY]{9}", fullmatch=True).map(
        lambda body: body + uscc.calc_check_digit(body)
    ),
    st.from_regex(r"[0-9]{15}", fullmatch=True),
))  # fmt: skip
def test_the_quick_check_of_codes_says_what_the_library_says(code: str) -> None:
    try:
        check_code(code)
        sound = True
    except ValidationError:
        sound = False
    assert is_sound(code) is sound


def test_known_codes_are_sound() -> None:
    for code in ("91370983MA3TERT031", "92370983MA3ABC1D7B", "93370983MA3N00011N", "370983600123454"):
        assert is_sound(code)
        assert not is_sound(code[:-1] + ("0" if code[-1] != "0" else "1"))


def test_door_codes_are_drawn_at_once() -> None:
    codes = door_codes(500)
    assert len(set(codes)) == 500
    assert all(len(code) == 10 and set(code) <= set(DOOR_ALPHABET) for code in codes)


CELL = st.one_of(
    st.text(max_size=6), st.sampled_from(("", "顺和饭店", " 福 来 ", "a  b", "甲\n乙", "长" * 250))
)


@given(lines=st.lists(st.lists(CELL, max_size=5), max_size=4))
def test_a_plain_line_is_read_as_cell_by_cell(lines: list[list[str]]) -> None:
    in_order = sheets._ordering([2, -1, 0, 1], 4)
    for line in lines:
        read = [
            cell.strip() if cell.isprintable() and len(cell) < sheets.LONG else packed.text(cell)
            for cell in (*line, *[""] * 4)
        ]
        assert in_order(line) == [read[2], read[3], read[0], ""]
