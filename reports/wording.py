"""The report in words: one paragraph made from kept numbers, as a civil servant would write it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from reports import kpi

WEEKDAYS = "一二三四五六日"


@dataclass(frozen=True, slots=True)
class Told:
    """The numbers of one place: the day, the seven days that end with it, what stands at 24:00."""

    name: str
    day: Mapping[str, int]
    recent: Mapping[str, int]
    pending: int
    overdue: int


def date_zh(day: date) -> str:
    """`2026年11月22日（星期日）`"""
    return f"{day.year}年{day.month}月{day.day}日（星期{WEEKDAYS[day.weekday()]}）"


def summary(day: date, told: Told) -> str:
    """The paragraph of one place. Rates are given with their two counts; undefined ones are left out."""
    sentences = [
        _reported(day, told),
        _on_time(told.day),
        _beside(told.day),
        _heard(told.day),
        _food(told.day),
        _desk(told.day),
        _orders(told.day),
        _standing(told),
        _recent(told.recent),
    ]
    return "".join(sentence for sentence in sentences if sentence)


def _share(label: str, counts: Mapping[str, int], part: str, whole: str) -> str:
    rate = kpi.rate(counts[part], counts[whole])
    return "" if rate is None else f"{label}{kpi.percent(rate)}（{counts[part]}/{counts[whole]}）"


def _shares(counts: Mapping[str, int], *names: str) -> list[str]:
    told = (_share(label, counts, part, whole) for label, part, whole in (kpi.RATES[name] for name in names))
    return [share for share in told if share]


def _reported(day: date, told: Told) -> str:
    counts = told.day
    if not counts["reported"]:
        return f"{date_zh(day)}，{told.name}没有新上报问题线索。"
    closed = f"截至当日24时已办结{counts['closed']}件" if counts["closed"] else "截至当日24时均未办结"
    rate = "".join(f"，{share}" for share in _shares(counts, "closure_rate"))
    spot = f"，其中上报时现场已改正{counts['fixed_on_spot']}件" if counts["fixed_on_spot"] else ""
    stead = f"，代核验{counts['verified_in_stead']}件" if counts["verified_in_stead"] else ""
    return f"{date_zh(day)}，{told.name}上报问题线索{counts['reported']}件{spot}，{closed}{rate}{stead}。"


def _on_time(counts: Mapping[str, int]) -> str:
    shares = _shares(counts, "response_on_time_rate", "feedback_on_time_rate", "closed_on_time_rate")
    if counts["reworked"]:
        again = f"退回重办{counts['reworks']}次" if counts["reworks"] > counts["reworked"] else ""
        rework = _share("返工率", counts, "reworked", "fed_back")
        shares.append(f"{rework}，共{again}" if again else rework)
    return "，".join(shares) + "。" if shares else ""


BESIDE = ("rejected", "merged", "extended", "suspended", "reclassified", "settled", "handed_over")


def _beside(counts: Mapping[str, int]) -> str:
    """What stands beside every rate (DOMAIN.md §5), and the strict rate where a limit was moved."""
    said = [f"{kpi.COUNTS[name]}{counts[name]}件" for name in BESIDE if counts[name]]
    if counts["strict_on_time"] != counts["fed_back_on_time"]:
        said += _shares(counts, "strict_feedback_rate")
    said += _shares(counts, "cleared_rate", "relapse_rate")
    return "，".join(said) + "。" if said else ""


def _heard(counts: Mapping[str, int]) -> str:
    """Who told something hears of it, and says what he thinks; silence is not satisfaction (DOMAIN.md §5)."""
    said = []
    if counts["answers_owed"]:
        said.append(f"应回复反映人{counts['answers_owed']}件，{_shares(counts, 'answered_rate')[0]}")
    if counts["surveys"]:
        said.append(f"满意度回访{counts['surveys']}件")
        said += _shares(counts, "survey_response_rate", "satisfaction_rate")
    return "，".join(said) + "。" if said else ""


def departments_late(names: Sequence[str]) -> str:
    """Who did not keep the limits of a joint notice; empty where everybody did."""
    return f"当日吹哨后未按时回应或到场的部门：{'、'.join(names)}。" if names else ""


def _food(counts: Mapping[str, int]) -> str:
    if not counts["food"]:
        return ""
    said = f"当日发现食品安全线索{counts['food']}件，" + _share("当日处置率", counts, "food_same_day", "food")
    if counts["food_left"]:
        said += f"，其中改出食品类{counts['food_left']}件"
    if counts["food_evening"]:
        said += f"，其中20时后发现{counts['food_evening']}件、当日处置{counts['food_evening_same_day']}件"
    return f"{said}。"


def _desk(counts: Mapping[str, int]) -> str:
    if not counts["desk"]:
        return ""
    late = f"其中{counts['desk_late']}件超过派单时限" if counts["desk_late"] else "没有超过派单时限的"
    return f"转人工派单{counts['desk']}件，{late}。"


def _orders(counts: Mapping[str, int]) -> str:
    if not counts["orders_raised"]:
        return ""
    return (
        f"当日发出督办单{counts['orders_raised']}张，其中升级局级督办{counts['orders_escalated']}张、"
        f"已解除{counts['orders_lifted']}张。"
    )


def _standing(told: Told) -> str:
    if not told.pending:
        return "当日24时没有在办线索。"
    late = f"其中{told.overdue}件有超时未办事项" if told.overdue else "没有超时未办事项"
    return f"当日24时在办线索{told.pending}件，{late}。"


def _recent(counts: Mapping[str, int]) -> str:
    if not counts["reported"]:
        return ""
    shares = _shares(
        counts, "response_on_time_rate", "feedback_on_time_rate", "mature_closure_rate", "same_day_rate"
    )
    return "，".join([f"近7日上报{counts['reported']}件", *shares]) + "。"
