"""The rows of a file of facts and what their cells mean (DOMAIN.md §4). Plain values, no queries.

A licence is no row here: the register's own file brings it (经营主体导入), and credit reads it there, once.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime, time

from credit.facts import FactKind
from grids.importing_columns import Wrong, day_of
from grids.sheets import Column
from kernel.clock import SHANGHAI, local_date
from kernel.notices.policy import masked

COLUMNS = (
    Column(
        "entity", "统一社会信用代码或一店一码",
        ("统一社会信用代码", "社会信用代码", "信用代码", "注册号", "一店一码", "店码"),
        required=True, example="92370983MA3ABC1D7B",
    ),
    Column("kind", "事实", ("事实类型", "类型", "事项"), required=True, example="行政处罚"),
    Column("level", "程度", ("结果", "情形"), example="一般"),
    Column("number", "编号", ("文号", "决定书文号", "报告编号", "年度"), example="肥市监罚〔2026〕1号"),
    Column("happened_on", "发生日期", ("日期", "决定日期", "认定日期"), example="2026-01-31"),
    Column("until", "有效期至", ("有效期", "截止日期")),
    Column("what", "说明", ("内容", "事由", "备注"), example="经营超过保质期的食品"),
)  # fmt: skip
PLACE = {column.name: place for place, column in enumerate(COLUMNS)}
LONGEST_NUMBER, LONGEST_WHAT = 60, 60
REPORT_DUE = (6, 30)
"""A year's report is owed by 30 June of the next (企业信息公示暂行条例)."""

DUE_TOO_EARLY = "应报日期应在该年度结束以后，一般为次年6月30日，可不填。"


@dataclass(frozen=True, slots=True)
class Sort:
    """One kind of row: its fact, what its 程度 may say, and how it is told from others.

    `ref` is the matter's beginning. `numbered`: its number makes it unique, across all businesses; else it is
    a state of the business (`state`), or something that it did on a day. `grave`: decides by itself (veto).
    """

    kind: FactKind
    ref: str
    levels: dict[str, str] = field(default_factory=dict)
    numbered: bool = False
    state: bool = False
    grave: bool = False


_LISTED = {"列入": "LISTED", "移出": "REMOVED"}
_SORTS: dict[tuple[str, ...], Sort] = {
    ("行政处罚",): Sort(
        FactKind.PENALTY, "penalty", {"轻微": "LIGHT", "一般": "ORDINARY", "严重": "GRAVE"}, numbered=True
    ),
    ("抽检不合格", "抽检"): Sort(FactKind.SAMPLE_FAILED, "sample", numbered=True),
    ("自查未做", "未开展自查"): Sort(FactKind.SELF_CHECK_MISSED, "selfcheck"),
    ("登记信息不符", "登记不符"): Sort(
        FactKind.MISMATCH, "mismatch", {"不符": "FOUND", "已更正": "RESOLVED"}, state=True
    ),
    ("年度报告", "年报"): Sort(
        FactKind.ANNUAL_REPORT,
        "report",
        {"按期": "ON_TIME", "逾期": "LATE", "未报": "MISSING", "未到期": "NOT_DUE"},
    ),
    ("经营异常名录", "经营异常"): Sort(FactKind.ABNORMAL, "abnormal", _LISTED, state=True),
    ("严重违法失信名单", "严重违法失信"): Sort(
        FactKind.BLACKLISTED, "blacklist", _LISTED, state=True, grave=True
    ),
    ("无证无照",): Sort(
        FactKind.UNLICENSED,
        "unlicensed",
        {"认定": "CONFIRMED", "已纠正": "CORRECTED"},
        state=True,
        grave=True,
    ),
    ("责任安全事故", "安全事故"): Sort(FactKind.ACCIDENT, "accident", numbered=True, grave=True),
    ("阻碍检查或提供虚假证据", "阻碍检查"): Sort(
        FactKind.OBSTRUCTION,
        "obstruction",
        {"认定": "CONFIRMED", "已解除": "LIFTED"},
        state=True,
        grave=True,
    ),
    ("涉嫌犯罪移送",): Sort(
        FactKind.CRIME, "crime", {"移送": "TRANSFERRED", "已解除": "LIFTED"}, state=True, grave=True
    ),
    ("信用承诺", "签订承诺"): Sort(FactKind.PLEDGE, "pledge"),
    ("参加培训", "培训"): Sort(FactKind.TRAINING, "training"),
    ("消费维权承诺",): Sort(FactKind.DISPUTE_COMMITMENT, "commitment"),
    ("参与共治",): Sort(FactKind.CO_GOVERNANCE, "cogovernance"),
}
SORTS: dict[str, Sort] = {name: sort for names, sort in _SORTS.items() for name in names}
SAID = "、".join(names[0] for names in _SORTS)
LICENCES = frozenset({"证照", "许可证", "营业执照"})


@dataclass(frozen=True, slots=True)
class Said:
    """What one row says, read and checked by itself."""

    row: int
    entity: str
    sort: Sort
    level: str
    number: str
    happened_on: date
    until: date | None
    what: str


def read_row(row: int, cells: list[str], now: datetime) -> Said:
    """One row. Raises `Wrong` at the first cell that cannot be taken."""
    sort = _sort(cells[PLACE["kind"]])
    level = _level(sort, cells[PLACE["level"]])
    number = cells[PLACE["number"]]
    if len(number) > LONGEST_NUMBER:
        raise Wrong("number", "too_long", f"编号过长，最多 {LONGEST_NUMBER} 个字。")
    if sort.numbered and not number:
        raise Wrong("number", "no_number", "这类事实须填写编号（文号）。")
    said = cells[PLACE["happened_on"]]
    if sort.kind == FactKind.ANNUAL_REPORT:
        number = _year(number)
        happened_on = day_of(said, "happened_on") if said else date(int(number) + 1, *REPORT_DUE)
        if happened_on.year <= int(number):
            raise Wrong("happened_on", "due_too_early", DUE_TOO_EARLY)
        if happened_on > local_date(now) and level != "NOT_DUE":
            raise Wrong("level", "not_due_yet", "该年度报告尚未到期。")
    else:
        happened_on = _happened(said, now)
    until = cells[PLACE["until"]]
    return Said(
        row=row,
        entity=_code(cells[PLACE["entity"]]),
        sort=sort,
        level=level,
        number=number,
        happened_on=happened_on,
        until=day_of(until, "until") if until else None,
        what=str(masked(cells[PLACE["what"]]))[:LONGEST_WHAT],
    )


def _code(cell: str) -> str:
    code = cell.replace(" ", "").upper()
    if not code:
        raise Wrong("entity", "no_entity", "没有填写统一社会信用代码或一店一码。")
    return code


def _sort(cell: str) -> Sort:
    if cell in LICENCES:
        raise Wrong("kind", "licence_in_register", "证照请在“经营主体导入”中登记，信用分类直接读取登记簿。")
    found = SORTS.get(cell)
    if found is None:
        raise Wrong("kind", "unknown_kind", f"事实应为：{SAID}。")
    return found


def _level(sort: Sort, cell: str) -> str:
    if not sort.levels:
        return ""
    found = sort.levels.get(cell)
    if found is None:
        raise Wrong("level", "unknown_level", f"程度应为：{'、'.join(sort.levels)}。")
    return found


def _year(number: str) -> str:
    year = number.removesuffix("年度").removesuffix("年")
    if not (len(year) == 4 and year.isascii() and year.isdigit() and 2000 <= int(year) <= 2200):
        raise Wrong("number", "bad_year", "年度报告的编号应为年度，例如 2025。")
    return year


def _happened(cell: str, now: datetime) -> date:
    if not cell:
        raise Wrong("happened_on", "no_day", "没有填写发生日期。")
    found = day_of(cell, "happened_on")
    if found > local_date(now):
        raise Wrong("happened_on", "in_future", "发生日期不能晚于今天。")
    return found


def ref_of(said: Said, entity_id: int) -> str:
    """The matter: a number of its own, the year of a report, a state of the business, or one deed."""
    sort = said.sort
    if sort.kind == FactKind.ANNUAL_REPORT:
        return f"report:{said.number}"
    if sort.numbered:
        return f"{sort.ref}:{said.number}"
    if sort.state:
        return f"{sort.ref}:{entity_id}"
    return f"{sort.ref}:{entity_id}:{said.happened_on}:{said.number}".rstrip(":")


def source_of(said: Said, entity_id: int) -> str:
    """What makes two rows the same fact."""
    ref = ref_of(said, entity_id)
    if said.sort.kind == FactKind.ANNUAL_REPORT:
        return f"{ref}:{entity_id}:{said.level}"
    if said.sort.state:
        return f"{ref}:{said.level}:{said.happened_on}:{said.number}".rstrip(":")
    return ref


def moment_of(said: Said, now: datetime) -> datetime:
    """From when it holds: its day's beginning; of a report, whose day is the due date, from now."""
    if said.sort.kind == FactKind.ANNUAL_REPORT:
        return now
    return datetime.combine(said.happened_on, time(), SHANGHAI)
