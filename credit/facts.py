"""The facts that credit knows: their kinds and levels (DOMAIN.md §4). Plain values, no queries.

A fact is about a matter (`ref`): a round of a lead, a licence, a penalty. Several facts of one matter tell
its story – found, ordered, rectified, overdue – and are read together. What is scored, and how much, is
the scheme's business (`credit.scheme`), not the fact's.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from django.db import models


class FactKind(models.TextChoices):
    """Kinds of facts. The `ref` of each is given in brackets."""

    LICENCE = "LICENCE", "证照"  # [licence:7] level VALID or ENDED; until = expiry, None = 长期
    MISMATCH = "MISMATCH", "登记信息不符"  # [mismatch:…] level FOUND or RESOLVED
    ANNUAL_REPORT = (
        "ANNUAL_REPORT",
        "年度报告",
    )  # [report:2025] level ON_TIME, LATE, MISSING, NOT_DUE; happened_on = due date
    FINDING = "FINDING", "发现问题"  # [lead:42:1] level MINOR … URGENT
    RECTIFICATION_ORDERED = (
        "RECTIFICATION_ORDERED",
        "责令整改",
    )  # same ref; level = severity; until = due date
    RECTIFICATION_DONE = "RECTIFICATION_DONE", "完成整改"  # same ref; level ON_TIME or LATE
    RECTIFICATION_OVERDUE = "RECTIFICATION_OVERDUE", "整改逾期"  # same ref; level = severity
    LOOK_BACK_PASSED = "LOOK_BACK_PASSED", "回头看合格"  # same ref; level 1 or 2
    LOOK_BACK_FAILED = "LOOK_BACK_FAILED", "回头看反弹"  # same ref; level 1 or 2
    LEAD_OPENED = "LEAD_OPENED", "线索立项"  # [lead:42]
    LEAD_CLOSED = "LEAD_CLOSED", "线索办结"  # [lead:42]
    COMPLAINT = "COMPLAINT", "投诉"  # [lead:42:1, dispute:7] level SUBSTANTIATED or NOT_PERFORMED
    PENALTY = "PENALTY", "行政处罚"  # [penalty:number] level LIGHT, ORDINARY, GRAVE
    PENALTY_REPAIRED = "PENALTY_REPAIRED", "信用修复"  # same ref as the penalty
    LENIENCY = "LENIENCY", "容错免罚"  # [lead:42:1] scores 0, and is told
    SAMPLE_FAILED = "SAMPLE_FAILED", "抽检不合格"  # [sample:number]
    TEST_DUE = "TEST_DUE", "检验检定"  # [equipment:7] level VALID or ENDED; until = next test
    SELF_CHECK_MISSED = "SELF_CHECK_MISSED", "自查未做"  # [selfcheck:…]
    PLEDGE = "PLEDGE", "签订承诺"
    TRAINING = "TRAINING", "参加培训"
    DISPUTE_COMMITMENT = "DISPUTE_COMMITMENT", "消费维权承诺"
    CO_GOVERNANCE = "CO_GOVERNANCE", "参与共治"
    PATROL = "PATROL", "巡查"  # [visit:9] level OK or PROBLEM
    BLACKLISTED = "BLACKLISTED", "严重违法失信名单"  # V1 [blacklist:…] level LISTED or REMOVED
    UNLICENSED = "UNLICENSED", "无证无照"  # V2 level CONFIRMED or CORRECTED
    ACCIDENT = "ACCIDENT", "责任安全事故"  # V3, 12 months
    OBSTRUCTION = "OBSTRUCTION", "阻碍检查或提供虚假证据"  # V4 level CONFIRMED or LIFTED
    CRIME = "CRIME", "涉嫌犯罪移送"  # V5 level TRANSFERRED or LIFTED
    ABNORMAL = "ABNORMAL", "经营异常名录"  # cap C; level LISTED or REMOVED
    WITHDRAWN = "WITHDRAWN", "事实撤销"  # ref = the `source` of the fact that no longer counts


LEVELS: dict[str, frozenset[str]] = {
    FactKind.LICENCE: frozenset({"VALID", "ENDED"}),
    FactKind.MISMATCH: frozenset({"FOUND", "RESOLVED"}),
    FactKind.ANNUAL_REPORT: frozenset({"ON_TIME", "LATE", "MISSING", "NOT_DUE"}),
    FactKind.FINDING: frozenset({"MINOR", "MODERATE", "SERIOUS", "URGENT"}),
    FactKind.RECTIFICATION_ORDERED: frozenset({"MINOR", "MODERATE", "SERIOUS", "URGENT"}),
    FactKind.RECTIFICATION_DONE: frozenset({"ON_TIME", "LATE"}),
    FactKind.RECTIFICATION_OVERDUE: frozenset({"MINOR", "MODERATE", "SERIOUS", "URGENT"}),
    FactKind.LOOK_BACK_PASSED: frozenset({"1", "2"}),
    FactKind.LOOK_BACK_FAILED: frozenset({"1", "2"}),
    FactKind.COMPLAINT: frozenset({"SUBSTANTIATED", "NOT_PERFORMED"}),
    FactKind.PENALTY: frozenset({"LIGHT", "ORDINARY", "GRAVE"}),
    FactKind.TEST_DUE: frozenset({"VALID", "ENDED"}),
    FactKind.PATROL: frozenset({"OK", "PROBLEM"}),
    FactKind.BLACKLISTED: frozenset({"LISTED", "REMOVED"}),
    FactKind.UNLICENSED: frozenset({"CONFIRMED", "CORRECTED"}),
    FactKind.OBSTRUCTION: frozenset({"CONFIRMED", "LIFTED"}),
    FactKind.CRIME: frozenset({"TRANSFERRED", "LIFTED"}),
    FactKind.ABNORMAL: frozenset({"LISTED", "REMOVED"}),
}
"""Levels of each kind; a kind that is not named has none ("")."""

LEVEL_LABELS: dict[str, str] = {
    "VALID": "有效", "ENDED": "已注销", "FOUND": "不符", "RESOLVED": "已更正", "ON_TIME": "按期",
    "LATE": "逾期", "MISSING": "未报", "NOT_DUE": "未到期", "MINOR": "一般", "MODERATE": "较重",
    "SERIOUS": "严重", "URGENT": "紧急", "1": "第一次", "2": "第二次", "SUBSTANTIATED": "属实",
    "NOT_PERFORMED": "调解协议未履行",
    "LIGHT": "轻微", "ORDINARY": "一般", "GRAVE": "严重", "OK": "未见问题", "PROBLEM": "发现问题",
    "LISTED": "列入", "REMOVED": "移出", "CONFIRMED": "认定", "CORRECTED": "已纠正", "LIFTED": "已解除",
    "TRANSFERRED": "移送",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Fact:
    """One fact as scoring sees it. `number` is its place in the ledger: of two of one moment the later holds.

    `at` is the moment from which it holds, `happened_on` its Shanghai date (of an annual report: the due
    date), `until` a date up to and including which it is good (licence, test, ordered date).
    """

    kind: str
    level: str
    ref: str
    at: datetime
    happened_on: date
    until: date | None = None
    source: str = ""
    number: int = 0
    data: dict[str, Any] = field(default_factory=dict)
