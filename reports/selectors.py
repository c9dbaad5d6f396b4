"""Reading kept reports: what one person may see of one day, ready for page, JSON and sheet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from grids.access import scope_of
from kernel import clock
from kernel.accounts.models import User
from kernel.errors import NotAllowed, NotVisible
from reports import departments, kpi, policy, wording
from reports.departments import DepartmentLine
from reports.models import Level, SlaLine, SlaOrder, SlaOverdue, SlaReport, Span, may_read


@dataclass(frozen=True, slots=True)
class Reading:
    """One report as far as one person may see it. `figures` are of everything he sees together."""

    report: SlaReport
    name: str
    figures: dict[str, Any]
    recent: dict[str, Any]
    lines: Sequence[SlaLine]
    overdue: Sequence[SlaOverdue]
    orders: Sequence[SlaOrder]
    departments: Sequence[DepartmentLine]
    text_zh: str

    def at(self, level: str, span: str = Span.DAY) -> list[SlaLine]:
        """The lines of one level and span, in the order of their codes."""
        return [line for line in self.lines if line.level == level and line.span == span]


def require_reader(user: User) -> None:
    """Raises NotAllowed `no_report_for_role` for who has no line in any report."""
    if not may_read(scope_of(user)):
        raise NotAllowed("您的岗位没有可查看的运行日报。", code="no_report_for_role")


def find(*, day: date | None, by: User) -> SlaReport:
    """The report of a day, or the newest.

    Raises:
        NotAllowed: `no_report_for_role`.
        NotVisible: `no_report` – that day has none (yet).
    """
    require_reader(by)
    reports = SlaReport.objects.visible_to(by).select_related("seal")
    found = reports.first() if day is None else reports.filter(date=day).first()
    if found is None:
        raise NotVisible(_why_none(day), code="no_report", attr="date")
    return found


def _why_none(day: date | None) -> str:
    if day is None:
        return "还没有运行日报，有线索上报的次日00:10起生成。"
    if day > policy.latest_due(clock.now()):
        return f"{wording.date_zh(day)}的日报在次日00:10后生成，目前还没有。"
    return f"没有{wording.date_zh(day)}的日报：系统启用前的日期没有日报，漏做的日报会自动补做。"


def read(*, report: SlaReport, by: User) -> Reading:
    """One report for one person. Six statements, however many leads there are."""
    require_reader(by)
    lines = list(SlaLine.objects.visible_to(by).filter(report=report).order_by("id"))
    overdue = list(SlaOverdue.objects.visible_to(by).filter(report=report).order_by("due_at", "id"))
    orders = list(SlaOrder.objects.visible_to(by).filter(report=report).order_by("raised_at", "id"))
    called = departments.lines(day=report.date, as_of=report.as_of, by=by)
    top = widest(lines)
    day, recent = ([line for line in top if line.span == span] for span in Span)
    figures, latest = _figures(day), _figures(recent)
    name = _name(lines, day)
    told = wording.Told(name, figures, latest, figures["pending"], figures["overdue"])
    late = [one.name for one in departments.late(called) if one.span == Span.DAY]
    text = wording.summary(report.date, told) + wording.departments_late(late)
    return Reading(report, name, figures, latest, lines, overdue, orders, called, text)


def widest(lines: Sequence[SlaLine]) -> list[SlaLine]:
    """The lines that together are all of these: the bureau's, else every grid once."""
    bureau = [line for line in lines if line.level == Level.BUREAU]
    return bureau or [line for line in lines if line.level == Level.GRID]


def _figures(lines: Sequence[SlaLine]) -> dict[str, Any]:
    counts = kpi.total(line.counts() for line in lines)
    standing = {
        "pending": sum(line.pending for line in lines),
        "overdue": sum(line.overdue for line in lines),
    }
    if len(lines) == 1:
        return {**counts, **standing, **{name: getattr(lines[0], name) for name in kpi.RATES}}
    return {**counts, **standing, **kpi.rates(counts)}


def _name(lines: Sequence[SlaLine], top: Sequence[SlaLine]) -> str:
    """What the person's lines are called together: 全局, an office, a community, else the grids."""
    for level in (Level.BUREAU, Level.OFFICE, Level.COMMUNITY):
        found = [line.name for line in lines if line.level == level and line.span == Span.DAY]
        if found:
            return "、".join(found)
    if len(top) > 3:
        return f"所辖{len(top)}个网格"
    return "、".join(f"{line.name}（{line.code}）" for line in top) or "所辖网格"
