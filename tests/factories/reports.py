"""Reports for tests: the house's clock moved to a Shanghai time of day, and reports made."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from kernel import clock
from kernel.clock import SHANGHAI
from reports import nightly
from reports.models import Level, SlaLine, SlaReport, Span

__all__ = ["DAY", "bureau_line", "line", "made", "moment", "move_to"]

DAY = date(2026, 6, 10)
"""The day most tests report on: a Wednesday."""


def moment(said: str, day: date = DAY) -> datetime:
    """`"14:30"` on a Shanghai day; `"24:10"` and later are the next day's."""
    hours, minutes = said.split(":")
    start = datetime(day.year, day.month, day.day, tzinfo=SHANGHAI)
    return start + timedelta(hours=int(hours), minutes=int(minutes))


def move_to(said: str, day: date = DAY) -> datetime:
    """Have `kernel_now()` read that moment (to within what the test's transaction is old)."""
    at = moment(said, day)
    now = clock.now()
    clock.travel(at - now)
    return at


def made(day: date = DAY) -> SlaReport:
    """The report of a day, made at 00:10 of the next."""
    move_to("24:11", day)
    nightly.make_up()
    return SlaReport.objects.get(date=day)


def line(report: SlaReport, span: str = Span.DAY, level: str = Level.BUREAU, **place: object) -> SlaLine:
    """One line of a report."""
    return SlaLine.objects.get(report=report, span=span, level=level, **place)


def bureau_line(report: SlaReport, span: str = Span.DAY) -> SlaLine:
    return line(report, span)
