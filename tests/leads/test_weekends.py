"""Nights in a row: a lead of the weekend stays with whoever is on duty until the first working day."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from grids.demo import World
from grids.models import DutyShift, Office
from grids.roles import DUTY_OFFICER
from kernel.accounts.models import User
from kernel.clock import SHANGHAI
from kernel.deadlines.models import Deadline, PoisonRow
from leads import handover, lifecycle
from leads.models import Lead
from tests.factories import leads as made
from tests.factories.leads import GUIDED, pass_time, stand_at, take_any

pytestmark = pytest.mark.django_db

FRIDAY, SATURDAY, SUNDAY, MONDAY = (datetime(2026, 3, day, 8, 30, tzinfo=SHANGHAI) for day in range(13, 17))


@pytest.fixture(autouse=True)
def nights(world: World) -> None:
    """Office 1 sends its nights' leads to the duty officer: duty-01, on Saturday and Sunday deputy-01."""
    Office.objects.filter(pk=world.offices[0].pk).update(night_dispatch=True)
    put_on_duty(world, SATURDAY, world.users["deputy-01"])
    put_on_duty(world, SUNDAY, world.users["deputy-01"])


def put_on_duty(world: World, day: datetime, user: User | None) -> None:
    rows = DutyShift.objects.filter(office=world.offices[0], day=day.date(), role=DUTY_OFFICER)
    if user is None:
        rows.delete()
    else:
        assert rows.update(user=user) == 1


def fresh(lead: Lead) -> Lead:
    return Lead.objects.get(pk=lead.pk)


def mornings(lead: Lead) -> list[tuple[str, datetime]]:
    rows = Deadline.objects.filter(subject_kind="lead", subject_id=lead.pk, kind="morning").order_by("due_at")
    return list(rows.values_list("state", "due_at"))


def test_from_duty_officer_to_duty_officer_and_on_monday_to_the_commissioner(world: World) -> None:
    stand_at(FRIDAY + timedelta(hours=12))
    lead = made.reported(world)
    assert lead.assignee == world.users["duty-01"]

    pass_time(until=SATURDAY)
    on_saturday = fresh(lead)
    assert (on_saturday.assignee, on_saturday.owner_cycle) == (world.users["deputy-01"], 2)
    assert mornings(lead) == [("breached", SATURDAY), ("running", SUNDAY)]

    pass_time(until=SUNDAY)
    on_sunday = fresh(lead)
    assert (on_sunday.assignee, on_sunday.owner_cycle) == (world.users["deputy-01"], 2)
    assert on_sunday.version == on_saturday.version, "kept: nothing to sign anew"
    assert mornings(lead)[2:] == [("running", MONDAY)]

    pass_time(until=MONDAY)
    on_monday = fresh(lead)
    assert (on_monday.assignee, on_monday.owner_cycle) == (world.commissioner(1), 3)
    assert [state for state, _ in mornings(lead)] == ["breached"] * 3
    assert not PoisonRow.objects.exists()


def test_reported_on_a_saturday(world: World) -> None:
    stand_at(SATURDAY + timedelta(hours=2))
    lead = made.reported(world)
    pass_time(until=SUNDAY)
    assert fresh(lead).owner_cycle == 1
    pass_time(until=MONDAY)
    assert fresh(lead).assignee == world.commissioner(1)


def test_a_sweep_that_comes_late_looks_at_its_own_day(world: World) -> None:
    stand_at(FRIDAY + timedelta(hours=12))
    lead = made.reported(world)
    pass_time(until=MONDAY + timedelta(hours=1))
    assert fresh(lead).assignee == world.commissioner(1)


def test_where_nobody_is_on_duty_the_commissioner_gets_it(world: World) -> None:
    put_on_duty(world, SUNDAY, None)
    stand_at(SATURDAY + timedelta(hours=2))
    lead = made.reported(world)
    pass_time(until=SUNDAY)
    assert fresh(lead).assignee == world.commissioner(1)
    assert mornings(lead) == [("breached", SUNDAY)]


def test_an_office_that_gave_night_dispatch_up_meanwhile(world: World) -> None:
    stand_at(SATURDAY + timedelta(hours=2))
    lead = made.reported(world)
    Office.objects.update(night_dispatch=False)
    pass_time(until=SUNDAY)
    assert fresh(lead).assignee == world.commissioner(1)


def test_who_signed_for_the_community_is_passed_over(world: World) -> None:
    """He reported it as a grid worker: nobody stands on both sides of one lead."""
    stand_at(FRIDAY + timedelta(hours=12))
    lead = made.reported(world)
    put_on_duty(world, SATURDAY, world.worker(1))
    pass_time(until=SATURDAY)
    assert fresh(lead).assignee == world.commissioner(1)
    assert mornings(lead) == [("breached", SATURDAY)]


def test_closed_in_between_it_stays(world: World) -> None:
    stand_at(FRIDAY + timedelta(hours=12))
    lead = made.reported(world)
    pass_time(until=SATURDAY)
    deputy = world.user("deputy-01")
    lifecycle.respond(lead_id=lead.pk, by=deputy, expect=take_any)
    lifecycle.feed_back(lead_id=lead.pk, by=deputy, expect=take_any, outcome=GUIDED)
    lifecycle.verify(lead_id=lead.pk, by=world.worker(1, 2), expect=take_any)
    pass_time(until=MONDAY)
    assert fresh(lead).assignee == world.users["deputy-01"]


def test_the_search_for_vacant_leads_leaves_the_morning_to_its_clock(world: World) -> None:
    """At 08:30 sharp Friday's duty officer is off duty, and the clock has not fired yet."""
    stand_at(FRIDAY + timedelta(hours=12))
    lead = made.reported(world)
    stand_at(SATURDAY)
    assert handover.sweep_vacant() == 0
    pass_time(until=SATURDAY)
    assert fresh(lead).assignee == world.users["deputy-01"]
    put_on_duty(world, SATURDAY, world.users["duty-01"])
    assert handover.sweep_vacant() == 1, "swapped in the middle of his shift: nobody waits till 08:30"
