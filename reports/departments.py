"""Departments that were whistled for (部门报到): how many were called, answered and came in time, declined.

Computed from the calls as they stood at a report's moment: every moment of a call is kept and never
changes, so the figures of a day come out the same whenever they are read. Not kept as rows for that reason.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from django.db.models import Aggregate, Count, DurationField, F, Q
from django.db.models.functions import Coalesce, Least

from kernel.accounts.models import User
from leads.models import Whistle, WhistleCall
from reports import kpi, policy
from reports.models import Span

TENTH = Decimal("0.1")


class Median(Aggregate):
    """`percentile_cont(0.5)` of what is there; None where nothing is."""

    function = "percentile_cont"
    template = "%(function)s(0.5) WITHIN GROUP (ORDER BY %(expressions)s)"
    output_field = DurationField()


@dataclass(frozen=True, slots=True)
class DepartmentLine:
    """One department in one span, by the day of the call. Rates are None where nothing was to be counted;
    limits count only where a joint notice set them. `declined` (不归我管 in time) stands in no rate."""

    span: str
    code: str
    name: str
    called: int
    answered: int
    answer_counted: int
    answered_on_time: int
    answer_rate: Decimal | None
    on_site: int
    on_site_counted: int
    on_site_on_time: int
    on_site_rate: Decimal | None
    reported: int
    declined: int
    median_answer_minutes: Decimal | None
    median_on_site_minutes: Decimal | None


COLUMNS: dict[str, str] = {
    "called": "被吹哨",
    "answered": "已回应",
    "answer_counted": "有时限应回应",
    "answered_on_time": "按时回应",
    "answer_rate": "回应及时率",
    "on_site": "已到场",
    "on_site_counted": "有时限应到场",
    "on_site_on_time": "按时到场",
    "on_site_rate": "到场及时率",
    "reported": "已报告",
    "declined": "不归我管",
    "median_answer_minutes": "回应用时中位数（分钟）",
    "median_on_site_minutes": "到场用时中位数（分钟）",
}
NOTE = "时限只对有联合发文的部门计算；按时答复“不归我管”的和吹哨方在时限前结束的不计入及时率。"


def lines(*, day: date, as_of: datetime, by: User) -> list[DepartmentLine]:
    """Both spans of a report, for the whistles that the person may see. Two statements."""
    first, last = policy.recent(day)
    return [
        *_of(Span.DAY, policy.day_starts(last), as_of, by),
        *_of(Span.RECENT, policy.day_starts(first), as_of, by),
    ]


def _of(span: str, from_at: datetime, as_of: datetime, by: User) -> list[DepartmentLine]:
    calls = WhistleCall.objects.filter(
        whistle__in=Whistle.objects.visible_to(by), called_at__gte=from_at, called_at__lt=as_of
    )
    grouped = calls.order_by("department__code").values("department__code", "department__name")
    return [_line(span, row) for row in grouped.annotate(**_figures(as_of))]


def _figures(as_of: datetime) -> dict[str, Any]:
    """What is counted, as things stood at `as_of`."""
    answered = Q(answered_at__lt=as_of)
    there = Q(checked_in_at__lt=as_of)
    declined = Q(declined_at__lt=as_of)
    in_time = answered & Q(answered_at__lt=F("answer_due_at"))
    stopped = Least(
        Coalesce("ended_at", as_of), Coalesce("declined_at", as_of), as_of
    )  # the limit means nothing after that
    answer_passed = Q(answer_due_at__lte=stopped)
    on_site_passed = Q(on_site_due_at__lte=stopped)
    answer_counted = Q(answer_due_at__isnull=False) & (answered | answer_passed) & ~(declined & in_time)
    on_site_counted = Q(on_site_due_at__isnull=False) & (there | on_site_passed)
    return {
        "called": Count("pk"),
        "answered": Count("pk", filter=answered),
        "answer_counted": Count("pk", filter=answer_counted),
        "answered_on_time": Count("pk", filter=answer_counted & in_time),
        "on_site": Count("pk", filter=there),
        "on_site_counted": Count("pk", filter=on_site_counted),
        "on_site_on_time": Count(
            "pk", filter=on_site_counted & there & Q(checked_in_at__lt=F("on_site_due_at"))
        ),
        "reported": Count("pk", filter=Q(reported_at__lt=as_of)),
        "declined": Count("pk", filter=declined),
        "answer_median": Median(F("answered_at") - F("called_at"), filter=answered & ~declined),
        "on_site_median": Median(F("checked_in_at") - F("called_at"), filter=there),
    }


def _line(span: str, row: dict[str, Any]) -> DepartmentLine:
    counts = {name: row[name] for name in COLUMNS if name in row}
    return DepartmentLine(
        span=span,
        code=row["department__code"],
        name=row["department__name"],
        answer_rate=kpi.rate(row["answered_on_time"], row["answer_counted"]),
        on_site_rate=kpi.rate(row["on_site_on_time"], row["on_site_counted"]),
        median_answer_minutes=_minutes(row["answer_median"]),
        median_on_site_minutes=_minutes(row["on_site_median"]),
        **counts,
    )


def _minutes(span: Any) -> Decimal | None:
    if span is None:
        return None
    return (Decimal(str(span.total_seconds())) / 60).quantize(TENTH, ROUND_HALF_UP)


def late(found: Sequence[DepartmentLine]) -> list[DepartmentLine]:
    """Departments with a limit that they did not keep."""
    return [
        one
        for one in found
        if one.answered_on_time < one.answer_counted or one.on_site_on_time < one.on_site_counted
    ]
