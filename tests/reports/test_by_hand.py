"""The night's report against figures computed by hand (tests/reports/day.py)."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from kernel.journal.models import Entry, Seal
from kernel.journal.verify import verify
from leads.models import Lead
from reports import kpi, nightly, rollup
from reports.models import DailyGridStat, Level, SlaLine, SlaOrder, SlaOverdue, SlaReport, Span
from tests.factories.reports import DAY, bureau_line, line, made, moment
from tests.reports.day import Day

pytestmark = pytest.mark.django_db

NOTHING = dict.fromkeys(kpi.COUNTS, 0)
BY_HAND = NOTHING | {
    "reported": 10,  # A–J
    "desk": 2,  # D, J
    "desk_late": 2,
    "respond_counted": 9,  # all but H, whose limit runs until 00:20
    "responded_on_time": 5,  # A, C, E, F, G; not B (10 min), D and J (desk), I (never)
    "feedback_counted": 5,  # A–E
    "fed_back_on_time": 5,
    "strict_counted": 5,
    "strict_on_time": 5,
    "closure_counted": 10,
    "closed": 4,  # A, B, C, E
    "closing_counted": 4,
    "closed_on_time": 4,
    "fed_back": 5,
    "reworked": 1,  # C
    "reworks": 1,
    "food": 3,  # E, F, G
    "food_same_day": 2,  # E, G; F was controlled at 00:05
    "food_evening": 2,  # F, G
    "food_evening_same_day": 1,
    "fixed_on_spot": 1,  # G
    "orders_raised": 3,  # B, I, K
    "orders_escalated": 1,  # K
    "orders_lifted": 1,  # B
    "not_asked": 4,  # A, B, C, E: nobody else told them
}


def test_the_figures_of_the_day_are_those_computed_by_hand(report: SlaReport) -> None:
    whole = bureau_line(report)
    assert whole.counts() == BY_HAND
    assert {name: getattr(whole, name) for name in kpi.RATES} == {
        "response_on_time_rate": Decimal("0.5556"),  # 5/9
        "feedback_on_time_rate": Decimal("1.0000"),
        "strict_feedback_rate": Decimal("1.0000"),
        "closure_rate": Decimal("0.4000"),
        "mature_closure_rate": None,
        "closed_on_time_rate": Decimal("1.0000"),
        "rework_rate": Decimal("0.2000"),
        "same_day_rate": Decimal("0.6667"),
        "evening_same_day_rate": Decimal("0.5000"),
        "cleared_rate": None,
        "relapse_rate": None,
        "satisfaction_rate": None,
        "survey_response_rate": None,
        "answered_rate": None,
    }


def test_the_seven_days_hold_what_ran_out_later(report: SlaReport) -> None:
    """K's feedback limit passed on the day after its report: only the seven days can show it."""
    recent = bureau_line(report, Span.RECENT)
    assert recent.reported == 11
    assert (recent.fed_back_on_time, recent.feedback_counted) == (5, 6)
    assert recent.feedback_on_time_rate == Decimal("0.8333")


def test_lines_of_grids_and_offices_add_up_and_zero_denominators_are_null(
    day: Day, report: SlaReport
) -> None:
    for level in (Level.GRID, Level.OFFICE):
        lines = SlaLine.objects.filter(report=report, span=Span.DAY, level=level)
        grids = kpi.total(one.counts() for one in lines)
        if level == Level.GRID:
            assert len(lines) == 22
            assert grids == BY_HAND
        else:
            nowhere = line(report, level=Level.GRID, grid=None)
            assert kpi.total([grids, nowhere.counts()]) == BY_HAND
    first = line(report, level=Level.GRID, grid=day.world.grid(1))
    assert (first.reported, first.closed, first.food, first.food_same_day) == (5, 3, 2, 1)
    assert first.response_on_time_rate == Decimal("0.7500")  # A, E, F of A, B, E, F
    empty = line(report, level=Level.GRID, grid=day.world.grid(9))
    assert {getattr(empty, name) for name in kpi.RATES} == {None}
    assert line(report, level=Level.GRID, grid=None).desk_late == 1  # J; D has found grid 3
    assert line(report, level=Level.GRID, grid=day.world.grid(3)).desk_late == 1


def test_a_community_counts_every_grid_that_holds_it(day: Day, report: SlaReport) -> None:
    for community in day.world.communities:
        grids = [grid.pk for grid in community.grids.all()]
        lines = SlaLine.objects.filter(report=report, span=Span.DAY, level=Level.GRID, grid__in=grids)
        whole = line(report, level=Level.COMMUNITY, community=community)
        assert whole.counts() == kpi.total(one.counts() for one in lines)


def test_what_stands_at_midnight(day: Day, report: SlaReport) -> None:
    whole = bureau_line(report)
    assert (whole.pending, whole.overdue) == (7, 2)  # D, F, G, H, I, J, K; of these I and J
    rows = SlaOverdue.objects.filter(report=report)
    assert [(one.number, one.clock, one.hours_late) for one in rows] == [
        (day.leads["I"].number, "respond", Decimal("1.5")),
        (day.leads["J"].number, "desk", Decimal("0.8")),
    ]
    never, on_desk = rows
    assert (never.grid_code, never.owner_name) == (
        day.world.grid(4).code,
        day.world.commissioner(4).name,  # given to another at 00:06: at midnight it was his
    )
    assert Lead.objects.get(pk=day.leads["I"].pk).assignee_id == day.world.head_of(4).pk
    assert (on_desk.grid_code, on_desk.owner_name) == ("", "")


def test_orders_of_the_day_with_who_has_not_acknowledged(day: Day, report: SlaReport) -> None:
    found = {one.lead_id: one for one in SlaOrder.objects.filter(report=report)}
    assert set(found) == {day.leads[name].pk for name in "BIK"}
    lifted, waits, escalated = (found[day.leads[name].pk] for name in "BIK")
    assert (lifted.state, lifted.level, lifted.silent) == ("lifted", "office", [])
    assert (waits.state, waits.level, waits.silent) == ("open", "office", ["office", "community"])
    assert (escalated.cause, escalated.level, escalated.silent_names) == ("feedback", "bureau", "所方、社方")


def test_nothing_that_happens_later_changes_a_kept_report(day: Day, report: SlaReport) -> None:
    def kept() -> list[Any]:
        lines = SlaLine.objects.filter(report=report).order_by("id").values()
        overdue = SlaOverdue.objects.filter(report=report).order_by("id").values()
        return [*lines, *overdue, *SlaOrder.objects.filter(report=report).order_by("id").values()]

    before = kept()
    day.close("D", 3, "33:00")
    day.dispatch("J", "33:10", by="bureau", to="commissioner-03", grid=3)
    day.respond("J", 3, "33:20")
    day.at("35:00")
    day.play()
    assert nightly.make_up() == []
    made(DAY + timedelta(days=1))
    assert kept() == before


def test_the_report_prints_the_seal_made_before_it(report: SlaReport) -> None:
    seal = Seal.objects.get()
    assert report.seal == seal
    assert seal.entries == Entry.objects.filter(id__lte=seal.last_entry_id).count() > 30
    assert verify() is None
    entry = Entry.objects.get(stream=f"sla_report:{report.pk}")
    assert entry.data["seal"] == seal.hash
    assert entry.id > seal.last_entry_id


def test_daily_rows_are_one_a_grid_and_day_and_a_range_is_a_sum(day: Day, report: SlaReport) -> None:
    rows = DailyGridStat.objects.filter(day=DAY)
    assert rows.count() == 22
    assert kpi.total(one.counts() for one in rows) == BY_HAND
    both = DailyGridStat.objects.filter(day__range=(DAY - timedelta(days=1), DAY))
    assert kpi.total(one.counts() for one in both)["reported"] == 11


def test_rebuilding_again_changes_nothing_and_later_shows_what_came_later(
    day: Day, report: SlaReport
) -> None:
    before = list(DailyGridStat.objects.order_by("id").values())
    rollup.rebuild([DAY], as_of=report.as_of)
    assert list(DailyGridStat.objects.order_by("id").values()) == before
    rollup.rebuild([DAY], as_of=moment("24:11"))
    now = kpi.total(one.counts() for one in DailyGridStat.objects.filter(day=DAY))
    assert (now["respond_counted"], now["responded_on_time"]) == (10, 6)  # H responded at 00:03
    assert now["food_same_day"] == 2
