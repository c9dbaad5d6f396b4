"""The night's report against figures computed by hand (tests/reports/day.py)."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction

from grids.demo import World
from kernel.journal.models import Entry, Seal
from kernel.journal.verify import verify
from leads import lifecycle
from leads.models import Lead
from reports import kpi, nightly, rollup
from reports.models import DailyGridStat, Level, ReportRun, SlaLine, SlaOrder, SlaOverdue, SlaReport, Span
from tests.factories.grids import make_world
from tests.factories.leads import reported, take_any
from tests.factories.reports import DAY, bureau_line, line, made, moment, move_to
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
}


def test_the_figures_of_the_day_are_those_computed_by_hand(report: SlaReport) -> None:
    whole = bureau_line(report)
    assert whole.counts() == BY_HAND
    assert {name: getattr(whole, name) for name in kpi.RATES} == {
        "response_on_time_rate": Decimal("0.5556"),  # 5/9
        "feedback_on_time_rate": Decimal("1.0000"),
        "closure_rate": Decimal("0.4000"),
        "mature_closure_rate": None,
        "closed_on_time_rate": Decimal("1.0000"),
        "rework_rate": Decimal("0.2000"),
        "same_day_rate": Decimal("0.6667"),
        "evening_same_day_rate": Decimal("0.5000"),
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


def test_limits_of_later_rounds_and_of_verification_are_overdue_too() -> None:
    day = Day()
    day.report("A", 1, "09:00")
    day.respond("A", 1, "09:10")
    day.feed_back("A", 1, "10:00")
    day.rework("A", 1, "11:00")  # a new round: feedback is due 24 h later
    day.report("B", 2, "09:00")
    day.respond("B", 2, "09:10")
    day.feed_back("B", 2, "10:00")  # to be verified within 24 h
    day.play()
    made()
    report = made(DAY + timedelta(days=1))
    rows = SlaOverdue.objects.filter(report=report).order_by("lead_id")
    assert [(one.lead_id, one.clock, one.cycle, one.hours_late) for one in rows] == [
        (day.leads["A"].pk, "feedback", 2, Decimal("13.0")),
        (day.leads["B"].pk, "verify", 1, Decimal("14.0")),
    ]
    whole = bureau_line(report, Span.RECENT)
    assert (whole.pending, whole.overdue, whole.mature) == (2, 2, 0)
    last = made(DAY + timedelta(days=2))
    recent = bureau_line(last, Span.RECENT)
    assert (recent.mature, recent.mature_closed, recent.closing_counted) == (2, 0, 2)
    assert recent.closed_on_time_rate == Decimal("0.0000")
    clocks = SlaOverdue.objects.filter(report=last, lead=day.leads["A"]).values_list("clock", flat=True)
    assert set(clocks) == {"feedback", "closing"}


def test_verified_in_stead_and_closed_after_its_time() -> None:
    """Fed back at 10:00; nobody verifies; the community's head may from 48 h on. Due 48 h after report."""
    day = Day()
    day.report("A", 1, "09:00")
    day.respond("A", 1, "09:10")
    day.feed_back("A", 1, "10:00")
    head = day.world.community_head_of(1)
    day.at(
        "10:30",
        lambda: lifecycle.verify(
            lead_id=day.leads["A"].pk, by=head, expect=take_any, note="网格员外出，由我到现场核验"
        ),
        day=2,
    )
    day.play()
    recent = bureau_line(made(DAY + timedelta(days=2)), Span.RECENT)
    assert (recent.closed, recent.verified_in_stead, recent.mature_closed) == (1, 1, 1)
    assert (recent.mature_closure_rate, recent.closed_on_time_rate) == (Decimal("1.0000"), Decimal("0.0000"))
    before = bureau_line(SlaReport.objects.get(date=DAY + timedelta(days=1)), Span.RECENT)
    assert (before.closed, before.verified_in_stead, before.closed_on_time_rate) == (0, 0, None)


def test_food_found_yesterday_and_synced_late_counts_on_the_day_it_was_found() -> None:
    day = Day()
    day.report("A", 1, "09:00")
    day.report("B", 1, "09:30", category="F03", captured_at=moment("15:00", DAY - timedelta(days=1)))
    day.play()
    whole, recent = bureau_line(made()), bureau_line(SlaReport.objects.get(date=DAY), Span.RECENT)
    assert (whole.reported, whole.food) == (2, 0)
    assert (recent.food, recent.food_same_day) == (1, 0)


def test_a_response_in_the_last_moment_is_late_at_the_limit_itself() -> None:
    day = Day()
    day.report("A", 1, "09:00")
    day.respond("A", 1, "09:30")
    day.report("B", 2, "09:00")
    day.respond("B", 2, "09:29")
    day.play()
    whole = bureau_line(made())
    assert (whole.responded_on_time, whole.respond_counted) == (1, 2)


# --- kept -----------------------------------------------------------------------------------------------


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


@pytest.mark.parametrize("table", ["reportrun", "slareport", "slaline", "slaoverdue", "slaorder"])
@pytest.mark.parametrize("change", ["UPDATE {} SET id = id", "DELETE FROM {}", "TRUNCATE {} CASCADE"])
def test_the_database_refuses_to_change_kept_rows(table: str, change: str) -> None:
    with (
        pytest.raises(DatabaseError, match="append-only"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(change.format(f"reports_{table}"))


def test_the_report_prints_the_seal_made_before_it(report: SlaReport) -> None:
    seal = Seal.objects.get()
    assert report.seal == seal
    assert seal.entries == Entry.objects.filter(id__lte=seal.last_entry_id).count() > 30
    assert verify() is None
    entry = Entry.objects.get(stream=f"sla_report:{report.pk}")
    assert entry.data["seal"] == seal.hash
    assert entry.id > seal.last_entry_id


# --- when ------------------------------------------------------------------------------------------------


def test_nothing_is_made_before_ten_past_midnight() -> None:
    move_to("08:00")
    reported(make_world(), 1)
    for said in ("12:00", "23:59", "24:00", "24:09"):
        move_to(said)
        assert nightly.make_up() == []
    move_to("24:10")
    assert nightly.make_up() == [DAY]
    assert nightly.make_up() == []


def test_without_any_lead_there_is_no_first_day() -> None:
    move_to("12:00")
    assert nightly.make_up() == []
    assert Seal.objects.count() == 0


def test_days_missed_by_downtime_are_made_up_each_as_of_its_own_end() -> None:
    day = Day()
    day.report("A", 1, "09:00")
    day.respond("A", 1, "09:10")
    day.feed_back("A", 1, "12:00")
    day.close("A", 1, "36:00")
    day.play()
    move_to("14:00", DAY + timedelta(days=4))
    assert nightly.due_days(moment("14:00", DAY + timedelta(days=4))) == [
        DAY + timedelta(days=n) for n in range(4)
    ]
    assert nightly.make_up() == [DAY + timedelta(days=n) for n in range(4)]
    assert nightly.make_up() == []
    assert ReportRun.objects.filter(kind="sla").count() == 4
    first, second = SlaReport.objects.order_by("date")[:2]
    assert (bureau_line(first).reported, bureau_line(first).closed) == (1, 0)
    assert bureau_line(second).reported == 0
    assert bureau_line(second, Span.RECENT).closed == 1
    assert Seal.objects.count() == 1


def test_upto_a_date_leaves_no_gap_and_no_more_than_asked_at_once() -> None:
    move_to("08:00")
    reported(make_world(), 1)
    move_to("14:00", DAY + timedelta(days=9))
    assert nightly.make_up(most=2) == [DAY, DAY + timedelta(days=1)]
    assert nightly.make_up(upto=DAY + timedelta(days=3)) == [DAY + timedelta(days=n) for n in (2, 3)]
    assert nightly.make_up(upto=DAY) == []


# --- daily rows --------------------------------------------------------------------------------------------


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


def test_an_old_day_is_rebuilt_when_something_of_it_moves() -> None:
    day = Day()
    day.report("A", 1, "09:00")
    day.respond("A", 1, "09:10")
    day.report("B", 1, "09:00")
    day.respond("B", 1, "09:10")
    day.feed_back("B", 1, "10:00")
    day.close("B", 1, "11:00")
    day.play()
    late = DAY + timedelta(days=20)
    move_to("24:11", late)
    nightly.make_up()
    assert DailyGridStat.objects.get(day=DAY, grid=day.world.grid(1)).closed == 1
    day.feed_back("A", 1, "34:00", day=20)
    day.close("A", 1, "35:00", day=20)
    day.play()
    made(late + timedelta(days=1))
    row = DailyGridStat.objects.get(day=DAY, grid=day.world.grid(1))
    assert (row.closed, row.closed_on_time, row.closing_counted) == (2, 1, 2)
    moved = rollup.moved_days(late + timedelta(days=9))
    assert DAY not in moved


def test_the_number_of_statements_does_not_grow_with_leads(django_assert_max_num_queries: Any) -> None:
    world = _busy(1)
    move_to("24:11")
    with django_assert_max_num_queries(60) as few:
        nightly.make_up()
    _busy(40, world)
    move_to("24:11", DAY + timedelta(days=1))
    with django_assert_max_num_queries(60) as many:
        nightly.make_up()
    assert SlaOverdue.objects.filter(report__date=DAY + timedelta(days=1)).count() > 40
    assert len(many) == len(few)


def _busy(leads: int, world: World | None = None) -> World:
    """Leads that nobody answers, in every grid."""
    move_to("08:00", DAY if world is None else DAY + timedelta(days=1))
    world = world or make_world()
    for number in range(leads):
        reported(world, number % 21 + 1)
    return world
