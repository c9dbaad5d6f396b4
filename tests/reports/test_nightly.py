"""When reports are made, what they hold of limits that run out later, and that they stay."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction
from django.test import Client

from grids.demo import World
from kernel.journal.models import Seal
from leads import lifecycle
from reports import nightly, rollup
from reports.models import DailyGridStat, ReportRun, SlaOverdue, SlaReport, Span
from tests.factories.accounts import bearer
from tests.factories.grids import make_world
from tests.factories.leads import reported, take_any
from tests.factories.reports import DAY, bureau_line, made, moment, move_to
from tests.reports.day import Day

pytestmark = pytest.mark.django_db


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


@pytest.mark.parametrize("table", ["reportrun", "slareport", "slaline", "slaoverdue", "slaorder"])
@pytest.mark.parametrize("change", ["UPDATE {} SET id = id", "DELETE FROM {}", "TRUNCATE {} CASCADE"])
def test_the_database_refuses_to_change_kept_rows(table: str, change: str) -> None:
    with (
        pytest.raises(DatabaseError, match="append-only"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(change.format(f"reports_{table}"))


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


def test_before_the_first_report_there_is_none() -> None:
    move_to("09:00")
    headers = bearer(make_world().user("bureau"))
    assert Client().get("/api/v1/reports/sla", headers=headers).status_code == 404
