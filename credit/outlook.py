"""What would raise a grade, and when at the earliest (DOMAIN.md §4). Pure.

The forecast scores the same facts on later days: what runs out is forgotten, what was contributed runs out
too. It supposes that nothing new happens, that licences and tests are kept up, and that patrols go on.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, time

from credit.facts import Fact
from credit.scheme import Scheme
from credit.scoring import Score, counted, score
from credit.windows import ONE_DAY
from kernel.clock import SHANGHAI

WHAT_HELPS: dict[str, str] = {
    "EXPIRED": "尽快办理证照延续或换发",
    "EXPIRING": "在证照到期前办理延续",
    "MISMATCH": "更正登记信息",
    "MISSING": "补报年度报告",
    "WITHIN": "在期限内完成整改",
    "OVERDUE": "尽快完成逾期的整改并接受复查",
    "TEST_OVERDUE": "尽快完成检验检定",
    "ABNORMAL": "申请移出经营异常名录",
    "V1": "符合条件后申请移出严重违法失信名单",
    "V2": "依法办理证照，完成纠正",
    "LIGHT": "履行行政处罚后申请信用修复，修复后不再扣分",
    "ORDINARY": "履行行政处罚后申请信用修复，修复后不再扣分",
    "GRAVE": "履行行政处罚后申请信用修复，修复后不再扣分",
}
"""By the code of a line: what the shop itself can do about it."""


@dataclass(frozen=True, slots=True)
class Forecast:
    """The first day on which the computed grade is better than today's, and the score of that day."""

    on: date
    score: Score


def what_helps(found: Score) -> tuple[str, ...]:
    """What the shop can do, each once, in the order of the lines."""
    return tuple(dict.fromkeys(WHAT_HELPS[line.code] for line in found.lines if line.code in WHAT_HELPS))


def forecast(
    facts: Iterable[Fact], scheme: Scheme, found: Score, *, on: date, filed_on: date
) -> Forecast | None:
    """When the computed grade rises by itself; None: it does not before something is done, or it is A."""
    if found.grade == "A":
        return None
    kept_up = [fact for fact in counted(facts, on) if not _still_good(fact, on)]
    days = {line.until + ONE_DAY for line in found.lines if line.until is not None and line.until >= on}
    for later in sorted(days):
        then = score([*kept_up, _patrol_on(later)], scheme, on=later, filed_on=filed_on)
        if then.grade < found.grade:
            return Forecast(later, then)
    return None


def _still_good(fact: Fact, on: date) -> bool:
    return fact.kind in ("LICENCE", "TEST_DUE") and fact.until is not None and fact.until >= on


def _patrol_on(day: date) -> Fact:
    at = datetime.combine(day, time(), SHANGHAI)
    return Fact("PATROL", "OK", "visit:supposed", at, day, source="visit:supposed")
