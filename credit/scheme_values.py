"""What each value of a scheme is called, what it is measured in and between what it may lie.

One table for the form in the admin, for the refusals of `credit.scheme.parse` and for people who read a
version. A test holds it against the fields of `credit.scheme.Scheme`.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class Value:
    """One value: its label, its unit (分, 天, 个月, 倍, 次; 等级 for a grade), and its bounds."""

    label: str
    unit: str
    low: int = 0
    high: int = 100

    @property
    def is_points(self) -> bool:
        """A decimal with at most two places; else a whole number, or a grade."""
        return self.unit in {"分", "倍"}

    @property
    def is_grade(self) -> bool:
        return self.unit == "等级"

    def bounds(self) -> str:
        """What it may be, for a refusal."""
        if self.is_grade:
            return "应为 B、C 或 D"
        kind = "数，最多两位小数" if self.is_points else "整数"
        return f"应为 {self.low} 至 {self.high} 之间的{kind}"

    def shown(self, value: object) -> str:
        """The value with its unit: 6分, 12个月, C级."""
        if self.is_grade:
            return f"{value}级"
        return f"{plain(value) if isinstance(value, Decimal) else value}{self.unit}"


def plain(points: Decimal) -> str:
    """Points without idle zeros: 6, 0.5, 12.25."""
    text = f"{points:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


SECTIONS: dict[str, str] = {
    "licensing": "主体资质",
    "annual_report": "年报公示",
    "patrol": "日常巡查",
    "rectification": "整改落实",
    "complaint": "投诉举报",
    "penalty": "行政处罚",
    "safety": "安全专项",
    "participation": "共治参与",
    "limits": "等级与封顶",
    "movement": "升降与红色合伙人",
}
"""The parts of a scheme in order: the eight indicators, then what decides the grade."""

INDICATORS: tuple[str, ...] = tuple(SECTIONS)[:8]
"""Sections I1 … I8."""

_MOST = Value("满分", "分")


def _months(label: str) -> Value:
    return Value(label, "个月", 1, 60)


def _days(label: str, high: int = 730) -> Value:
    return Value(label, "天", 0, high)


VALUES: dict[tuple[str, str], Value] = {
    ("licensing", "most"): _MOST,
    ("licensing", "expired"): Value("证照过期每件扣分", "分"),
    ("licensing", "mismatch"): Value("登记信息不符每项扣分", "分"),
    ("licensing", "expiring"): Value("证照临期每件扣分", "分"),
    ("licensing", "soon_days"): _days("临期天数", 365),
    ("annual_report", "most"): _MOST,
    ("annual_report", "late"): Value("逾期报送得分", "分"),
    ("annual_report", "missing"): Value("未报送得分", "分"),
    ("patrol", "most"): _MOST,
    ("patrol", "months"): _months("计入期限"),
    ("patrol", "minor"): Value("一般问题每项扣分", "分"),
    ("patrol", "moderate"): Value("较重问题每项扣分", "分"),
    ("patrol", "serious"): Value("严重问题每项扣分", "分"),
    ("patrol", "urgent"): Value("紧急问题每项扣分", "分"),
    ("patrol", "on_time"): Value("按期整改（或尚在期限内）的扣分倍数", "倍", 0, 1),
    ("rectification", "most"): _MOST,
    ("rectification", "months"): _months("计入期限"),
    ("rectification", "failed_look_back"): Value("回头看反弹每次扣分", "分"),
    ("complaint", "most"): _MOST,
    ("complaint", "months"): _months("计入期限"),
    ("complaint", "substantiated"): Value("投诉属实每件扣分", "分"),
    ("complaint", "not_performed"): Value("调解协议未履行每件扣分", "分"),
    ("penalty", "most"): _MOST,
    ("penalty", "light"): Value("轻微处罚每件扣分", "分"),
    ("penalty", "light_months"): _months("轻微处罚计入期限"),
    ("penalty", "ordinary"): Value("一般处罚每件扣分", "分"),
    ("penalty", "ordinary_months"): _months("一般处罚计入期限"),
    ("penalty", "grave"): Value("严重处罚每件扣分", "分"),
    ("penalty", "grave_months"): _months("严重处罚计入期限"),
    ("safety", "most"): _MOST,
    ("safety", "months"): _months("计入期限"),
    ("safety", "sample_failed"): Value("抽检不合格每批次扣分", "分"),
    ("safety", "test_overdue"): Value("检验检定超期每台扣分", "分"),
    ("safety", "self_check_missed"): Value("自查未做每次扣分", "分"),
    ("participation", "most"): _MOST,
    ("participation", "months"): _months("计入期限"),
    ("participation", "each"): Value("每项得分", "分"),
    ("limits", "a"): Value("A级最低分", "分"),
    ("limits", "b"): Value("B级最低分", "分"),
    ("limits", "c"): Value("C级最低分", "分"),
    ("limits", "abnormal"): Value("列入经营异常名录的封顶等级", "等级"),
    ("limits", "overdue_serious"): Value("严重以上问题整改逾期的封顶等级", "等级"),
    ("limits", "no_patrol"): Value("计入期限内未巡查的封顶等级", "等级"),
    ("limits", "new"): Value("新建档主体的暂定封顶等级", "等级"),
    ("limits", "new_days"): _days("新建档主体的暂定天数"),
    ("limits", "accident_months"): _months("责任安全事故一票否决期限"),
    ("movement", "stay_d"): _days("D级最短停留天数"),
    ("movement", "stay_c"): _days("C级最短停留天数"),
    ("movement", "stay_b"): _days("B级最短停留天数"),
    ("movement", "partner_b"): Value("B级主体参评红色合伙人最低分", "分"),
    ("movement", "partner_reviews"): Value("参评红色合伙人须连续达标的评定次数", "次", 1, 12),
    ("movement", "partner_penalty_months"): _months("参评红色合伙人无一般以上处罚的期限"),
}
