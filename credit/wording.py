"""The sentences of an explanation: one for each line of a score, in Chinese that a shop's owner reads. Pure.

Of a fact's `data` only `what` (what it is about) and `number` (of a paper) are told, and the `type` or `kind`
of what the register holds; nothing of a person.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import date
from typing import Any

from credit.facts import LEVEL_LABELS, Fact, FactKind
from credit.scheme import Scheme
from credit.scheme_values import plain
from credit.scoring import Line
from grids.models import EquipmentKind, LicenceType
from grids.models.licences import told_number

VETOES: dict[str, str] = {
    "V1": "列入严重违法失信名单",
    "V2": "经认定无证无照经营且尚未纠正",
    "V3": "发生责任安全事故",
    "V4": "阻碍检查或提供虚假证据",
    "V5": "涉嫌犯罪被移送司法机关",
}
CAPS: dict[str, str] = {
    "ABNORMAL": "列入经营异常名录",
    "OVERDUE_SERIOUS": "严重以上问题整改逾期",
    "NO_PATROL": "计入期限内没有巡查记录",
    "NEW": "建档时间较短",
}
_SEPARATES = "，"
_LICENCES: dict[str, str] = {one.value: str(one.label) for one in LicenceType}
_EQUIPMENT: dict[str, str] = {one.value: str(one.label) for one in EquipmentKind}


def day(on: date) -> str:
    """2026年9月3日."""
    return f"{on.year}年{on.month}月{on.day}日"


class Telling:
    """What the sentences draw on: the facts by source, and what each matter is about."""

    def __init__(self, facts: Iterable[Fact], scheme: Scheme, filed_on: date) -> None:
        self.scheme = scheme
        self.filed_on = filed_on
        self.by_source: dict[str, Fact] = {}
        self.about: dict[str, str] = {}
        self.due: dict[str, date] = {}
        for fact in facts:
            self.by_source[fact.source] = fact
            if what := _word(fact, "what"):
                self.about.setdefault(fact.ref, what)
            if fact.kind == "RECTIFICATION_ORDERED" and fact.until:
                self.due[fact.ref] = fact.until

    def what(self, fact: Fact) -> str:
        """What its matter is about, in quotation marks; empty where nobody said."""
        what = _word(fact, "what") or self.about.get(fact.ref, "")
        return f"“{what}”" if what else ""

    def sentence(self, line: Line) -> str:
        """One line of a score, whole, with its points and the date until which it counts."""
        facts = [self.by_source[source] for source in line.sources if source in self.by_source]
        if line.indicator in ("CAP", "VETO"):
            return _WITHOUT_POINTS[line.indicator](self, line, facts) + "。"
        told = _ABOUT[line.indicator](self, line, facts[0])
        return f"{told}{_SEPARATES}{self._cost(line)}{_SEPARATES}{self._how_long(line, facts[0])}。"

    def _cost(self, line: Line) -> str:
        if line.code in ("REPAIRED", "LENIENCY"):
            return "不扣分"
        share = "按比例" if line.indicator == "I4" and line.code != "LOOK_BACK_FAILED" else ""
        return f"{share}{'得' if line.indicator == 'I8' else '扣'}{plain(line.points)}分"

    def _how_long(self, line: Line, fact: Fact) -> str:
        if line.code in ("REPAIRED", "LENIENCY"):
            return f"仅作记录至{day(line.until)}" if line.until else "仅作记录"
        if line.code == "EXPIRING" and line.until:
            more = plain(self.scheme.licensing.expired)
            return f"计入至{day(line.until)}，到期未换证的自次日起扣{more}分"
        if line.until:
            return f"计入至{day(line.until)}"
        return _UNTIL_THEN.get(line.code, "消除前持续计入")


_UNTIL_THEN = {
    "EXPIRED": "换证前持续计入",
    "MISMATCH": "更正前持续计入",
    "MISSING": "补报前持续计入",
    "LATE": "计入至下一次年报到期",
    "TEST_OVERDUE": "检验检定合格前持续计入",
}


def _word(fact: Fact, name: str) -> str:
    word = fact.data.get(name)
    return str(word).strip() if isinstance(word, str | int) and not isinstance(word, bool) else ""


def named(fact: Fact) -> str:
    """What a licence or a piece of equipment is called: in words, or by its code in the register."""
    for name, labels in (("type", _LICENCES), ("kind", _EQUIPMENT)):
        if label := labels.get(_word(fact, name)):
            return label
    return _word(fact, "what")


def numbered(fact: Fact) -> str:
    """The number of its paper in brackets; empty where it has none."""
    number = number_in(fact.data)
    return f"（{number}）" if number else ""


def number_in(data: Mapping[str, Any]) -> str:
    """The number in a fact's data, that of a person's certificate masked."""
    return told_number(str(data.get("type", "")), str(data.get("number", "")).strip())


def _licensing(telling: Telling, line: Line, fact: Fact) -> str:
    if line.code == "MISMATCH":
        return f"{day(fact.happened_on)}核对发现登记信息{telling.what(fact)}与实际不符"
    until = day(fact.until) if fact.until else ""
    name = f"{named(fact) or '证照'}{numbered(fact)}"
    return f"{name}已于{until}到期" if line.code == "EXPIRED" else f"{name}将于{until}到期"


def _annual_report(telling: Telling, line: Line, fact: Fact) -> str:
    year = f"{_word(fact, 'number')}年度" if _word(fact, "number") else ""
    how = "逾期报送" if line.code == "LATE" else "未报送"
    return f"{year}年度报告应于{day(fact.happened_on)}前报送，{how}".replace("年度年度", "年度")


def _patrol(telling: Telling, line: Line, fact: Fact) -> str:
    found = f"{day(fact.happened_on)}发现{telling.what(fact) or '问题'}（{LEVEL_LABELS[fact.level]}）"
    factor = telling.scheme.patrol.on_time
    less = "减半扣分" if factor * 2 == 1 else f"按{plain(factor)}倍扣分"
    due = telling.due.get(fact.ref)
    within = f"尚在整改期限内（至{day(due)}）" if due else "尚在整改期限内"
    how = {
        "ON_TIME": f"已按期整改，{less}",
        "WITHIN": f"{within}，暂{less}",
        "LATE": "逾期后完成整改",
        "OVERDUE": "未按期整改",
    }.get(line.code)
    return f"{found}，{how}" if how else found


def _rectification(telling: Telling, line: Line, fact: Fact) -> str:
    if line.code == "LOOK_BACK_FAILED":
        return f"{day(fact.happened_on)}回头看发现{telling.what(fact)}问题反弹"
    due = telling.due.get(fact.ref)
    limit = f"（期限{day(due)}）" if due else ""
    how = "逾期后完成" if line.code == "LATE" else "逾期未完成"
    return f"{day(fact.happened_on)}责令的{telling.what(fact)}整改{limit}{how}"


def _complaint(telling: Telling, line: Line, fact: Fact) -> str:
    if line.code == "SUBSTANTIATED":
        return f"{day(fact.happened_on)}的消费投诉{telling.what(fact)}经核查属实"
    return f"{day(fact.happened_on)}认定消费纠纷{telling.what(fact)}的调解协议未履行"


def _penalty(telling: Telling, line: Line, fact: Fact) -> str:
    if line.code == "LENIENCY":
        return f"{day(fact.happened_on)}{telling.what(fact)}适用容错免罚"
    if line.code == "REPAIRED":
        return f"{day(fact.happened_on)}的行政处罚{numbered(fact)}已完成信用修复"
    return f"{day(fact.happened_on)}受到{LEVEL_LABELS[fact.level]}行政处罚{numbered(fact)}"


def _safety(telling: Telling, line: Line, fact: Fact) -> str:
    if line.code == "SAMPLE_FAILED":
        return f"{day(fact.happened_on)}抽检{telling.what(fact)}不合格{numbered(fact)}"
    if line.code == "SELF_CHECK_MISSED":
        return f"{day(fact.happened_on)}未按要求开展{telling.what(fact)}自查"
    until = day(fact.until) if fact.until else ""
    return f"{named(fact) or '设备'}{numbered(fact)}应于{until}前检验检定，已超期"


def _participation(telling: Telling, line: Line, fact: Fact) -> str:
    return f"{day(fact.happened_on)}{FactKind(line.code).label}{telling.what(fact)}"


_ABOUT: Mapping[str, Callable[[Telling, Line, Fact], str]] = {
    "I1": _licensing,
    "I2": _annual_report,
    "I3": _patrol,
    "I4": _rectification,
    "I5": _complaint,
    "I6": _penalty,
    "I7": _safety,
    "I8": _participation,
}


def _veto(telling: Telling, line: Line, facts: list[Fact]) -> str:
    when = "、".join(f"{day(fact.happened_on)}{numbered(fact)}" for fact in facts)
    lasts = f"至{day(line.until)}" if line.until else "解除前"
    return f"{when}{VETOES[line.code]}，{lasts}一票否决为D级"


def _cap(telling: Telling, line: Line, facts: list[Fact]) -> str:
    limits = telling.scheme.limits
    first = facts[0] if facts else None
    if line.code == "ABNORMAL" and first:
        return f"{day(first.happened_on)}{CAPS['ABNORMAL']}{numbered(first)}，移出前最高为{limits.abnormal}级"
    if line.code == "OVERDUE_SERIOUS":
        which = "、".join(telling.what(fact) or "问题" for fact in facts)
        return f"{which}属严重以上问题，整改已逾期，完成整改前最高为{limits.overdue_serious}级"
    if line.code == "NEW":
        until = f"至{day(line.until)}" if line.until else ""
        return f"{day(telling.filed_on)}建档，未满{limits.new_days}天，{until}暂定最高为{limits.new}级"
    months = telling.scheme.patrol.months
    return f"近{months}个月没有巡查记录，再次巡查前最高为{limits.no_patrol}级"


_WITHOUT_POINTS: Mapping[str, Callable[[Telling, Line, list[Fact]], str]] = {"CAP": _cap, "VETO": _veto}
