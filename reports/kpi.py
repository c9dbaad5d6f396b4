"""The formulas of DOMAIN.md §5 on counts: what is counted, what is divided by what.

Counts of grids and days add up; rates never do, so rates are always made from added counts.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import ROUND_HALF_UP, Decimal

COUNTS: dict[str, str] = {
    "reported": "上报",
    "desk": "转人工派单",
    "desk_late": "派单超时",
    "respond_counted": "应接单",
    "responded_on_time": "按时接单",
    "feedback_counted": "应反馈",
    "fed_back_on_time": "按时反馈",
    "interim_on_time": "其中按时阶段反馈",
    "strict_counted": "应反馈（不计延期暂缓）",
    "strict_on_time": "按时反馈（不计延期暂缓）",
    "closure_counted": "应办结",
    "closed": "已办结",
    "mature": "办结时限已到",
    "mature_closed": "时限已到且办结",
    "closing_counted": "已办结或已到期",
    "closed_on_time": "按时办结",
    "fed_back": "已反馈",
    "reworked": "返工线索",
    "reworks": "退回重办次数",
    "food": "食品安全线索",
    "food_same_day": "当日处置",
    "food_evening": "20时后发现",
    "food_evening_same_day": "20时后发现当日处置",
    "food_left": "改出食品类",
    "fixed_on_spot": "现场已改正",
    "settled": "即知即改",
    "rejected": "退单",
    "merged": "并单",
    "extended": "延期",
    "suspended": "暂缓",
    "reclassified": "改类",
    "handed_over": "已移交",
    "verified_in_stead": "代核验",
    "orders_raised": "督办单",
    "orders_escalated": "升级局级督办",
    "orders_lifted": "督办已解除",
    "orders_charged": "其中因审批逾期",
    "rectify_due": "整改到期",
    "cleared": "已销号",
    "look_backs": "回头看",
    "relapsed": "反弹",
    "answers_owed": "应回复反映人",
    "answered": "已回复反映人",
    "answered_on_time": "按时回复反映人",
    "surveys": "满意度回访",
    "rated": "有效评价",
    "satisfied": "满意评价",
    "not_asked": "无回访对象",
}
"""Every count and what it is called. By the day of the report; food by the day of discovery, orders by
the day they were raised, rectifications by the day ordered, look-backs by the day they were done.

`respond_counted`: responded, or the limit (or the desk's) has passed. Tip-offs (举报) are in none of them.
Side roads launder nothing (DOMAIN.md §5): a lead rejected or merged before any of its limits had passed
counts in `reported` and beside the rates and in none of the rates; one that was late before stays. What
was food once is food. `closure_counted` leaves out what another department has taken over before its
closing was late. Answers and surveys count once a round, on the day of the lead's report; `not_asked` are
closed leads without a survey.
"""

RATES: dict[str, tuple[str, str, str]] = {
    "response_on_time_rate": ("响应及时率", "responded_on_time", "respond_counted"),
    "feedback_on_time_rate": ("反馈及时率", "fed_back_on_time", "feedback_counted"),
    "strict_feedback_rate": ("反馈及时率（不计延期暂缓）", "strict_on_time", "strict_counted"),
    "closure_rate": ("办结率", "closed", "closure_counted"),
    "mature_closure_rate": ("到期办结率", "mature_closed", "mature"),
    "closed_on_time_rate": ("按时办结率", "closed_on_time", "closing_counted"),
    "rework_rate": ("返工率", "reworked", "fed_back"),
    "same_day_rate": ("当日处置率", "food_same_day", "food"),
    "evening_same_day_rate": ("20时后发现当日处置率", "food_evening_same_day", "food_evening"),
    "cleared_rate": ("销号率", "cleared", "rectify_due"),
    "relapse_rate": ("回头看反弹率", "relapsed", "look_backs"),
    "satisfaction_rate": ("满意率", "satisfied", "rated"),
    "survey_response_rate": ("评价率", "rated", "surveys"),
    "answered_rate": ("回复率", "answered", "answers_owed"),
}
"""Every rate: what it is called, the part, the whole."""

PARTS: tuple[tuple[str, str], ...] = (
    *((part, whole) for _, part, whole in RATES.values()),
    ("desk_late", "desk"),
    ("desk", "reported"),
    ("fixed_on_spot", "reported"),
    ("verified_in_stead", "closed"),
    ("orders_escalated", "orders_raised"),
    ("orders_lifted", "orders_raised"),
    ("orders_charged", "orders_raised"),
    ("food_evening", "food"),
    ("food_left", "food"),
    ("interim_on_time", "fed_back_on_time"),
    ("closure_counted", "reported"),
    *((name, "reported") for name in ("rejected", "merged", "settled", "handed_over")),
    *((name, "reported") for name in ("extended", "suspended", "reclassified")),
    ("reworked", "reworks"),
    ("answered_on_time", "answered"),
    ("not_asked", "reported"),
)
"""What can never be more than what."""

PLACES = Decimal("0.0001")


def rate(part: int, whole: int) -> Decimal | None:
    """`part ÷ whole` with 4 places, half up; None where there is nothing to divide by."""
    if whole == 0:
        return None
    return (Decimal(part) / Decimal(whole)).quantize(PLACES, ROUND_HALF_UP)


def rates(counts: Mapping[str, int]) -> dict[str, Decimal | None]:
    """Every rate of these counts."""
    return {name: rate(counts[part], counts[whole]) for name, (_, part, whole) in RATES.items()}


def total(rows: Iterable[Mapping[str, int]]) -> dict[str, int]:
    """Counts added up; zeros where there are no rows."""
    found = dict.fromkeys(COUNTS, 0)
    for row in rows:
        for name in found:
            found[name] += row[name]
    return found


def percent(value: Decimal | None) -> str:
    """A rate for people: `91.67%`, or a dash where it is not defined."""
    return "—" if value is None else f"{value * 100:.2f}%"
