"""Facts about a grid's people at a moment."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest

from grids.demo import World
from grids.duty import duty_day
from grids.models import Absence, DutyShift, Grid, Posting, WorkGroup
from grids.roles import DUTY_OFFICER, Role
from grids.staffing import bureau_ids, night_hand_on_facts, office_people, routing_facts
from kernel.accounts.models import User
from kernel.clock import SHANGHAI
from kernel.notices.models import Robot
from tests.factories.accounts import make_user

pytestmark = pytest.mark.django_db


def away(world: World, username: str, stand_in: User | None = None) -> None:
    Absence.objects.create(
        user=world.users[username],
        stand_in=stand_in,
        starts_at=world.at,
        ends_at=world.at + timedelta(days=1),
    )


@pytest.mark.parametrize(
    ("clock_time", "day"),
    [
        ((3, 10, 0, 0), (3, 9)),
        ((3, 10, 8, 29), (3, 9)),
        ((3, 10, 8, 30), (3, 10)),
        ((3, 10, 23, 59), (3, 10)),
    ],
)
def test_the_duty_day(clock_time: tuple[int, int, int, int], day: tuple[int, int]) -> None:
    assert duty_day(datetime(2026, *clock_time, tzinfo=SHANGHAI)) == date(2026, *day)


def test_all_in_one_statement(world: World, django_assert_num_queries) -> None:  # type: ignore[no-untyped-def]
    robot = Robot.objects.create(name="群", url="https://robot.invalid/x")
    WorkGroup.objects.filter(grid=world.grid(3)).update(robot=robot)
    with django_assert_num_queries(1):
        facts = routing_facts(world.grid(3).id, world.at)
    assert facts is not None
    ids = {name: user.id for name, user in world.users.items()}
    assert (facts.grid_code, facts.office_id) == (world.grid(3).code, world.offices[0].id)
    assert facts.night_dispatch is False
    assert (facts.commissioner_id, facts.commissioner_name) == (
        ids["commissioner-03"],
        world.users["commissioner-03"].name,
    )
    assert facts.commissioner_posting_id == world.posting_of("commissioner-03").id
    assert facts.commissioner_backup_id == ids["commissioner-04"]
    assert (facts.commissioner_absent, facts.stand_in_id) == (False, None)
    assert (facts.duty_officer_id, facts.duty_officer_name) == (ids["duty-01"], world.users["duty-01"].name)
    assert facts.office_head_ids == [ids["office-01"]]
    assert facts.community_head_ids == [ids["community-02"]]
    assert facts.worker_ids == facts.worker_ids_present == [ids[f"worker-03-{n}"] for n in (1, 2, 3)]
    assert facts.worker_stand_in_ids == []
    assert facts.robot_id == robot.id


def test_an_absence_names_the_stand_in(world: World) -> None:
    stand_in = make_user()
    away(world, "commissioner-03", stand_in)
    away(world, "worker-03-1")
    facts = routing_facts(world.grid(3).id, world.at)
    assert facts is not None
    assert facts.commissioner_id == world.users["commissioner-03"].id
    assert (facts.commissioner_absent, facts.stand_in_id) == (True, stand_in.id)
    assert facts.worker_ids_present == [world.users[f"worker-03-{n}"].id for n in (2, 3)]
    assert facts.worker_stand_in_ids == [world.users["worker-03-2"].id]
    later = routing_facts(world.grid(3).id, world.at + timedelta(days=1))
    assert later is not None
    assert not later.commissioner_absent


def test_without_a_stand_in_the_backup(world: World) -> None:
    away(world, "commissioner-03")
    facts = routing_facts(world.grid(3).id, world.at)
    assert facts is not None
    assert facts.stand_in_id == world.users["commissioner-04"].id


def test_a_stand_in_who_is_away_himself_is_passed_over(world: World) -> None:
    away(world, "commissioner-03", world.users["commissioner-05"])
    away(world, "commissioner-05")
    facts = routing_facts(world.grid(3).id, world.at)
    assert facts is not None
    assert facts.stand_in_id == world.users["commissioner-04"].id


def test_nobody_is_there(world: World) -> None:
    Posting.objects.update(ends_at=world.at)
    DutyShift.objects.all().delete()
    facts = routing_facts(world.grid(3).id, world.at)
    assert facts is not None
    assert (facts.commissioner_id, facts.commissioner_name, facts.duty_officer_id) == (None, None, None)
    assert facts.office_head_ids == facts.community_head_ids == facts.worker_ids == []


def test_closed_accounts_are_nobody(world: World) -> None:
    User.objects.filter(username__in=["commissioner-03", "worker-03-2", "office-01"]).update(is_active=False)
    facts = routing_facts(world.grid(3).id, world.at)
    assert facts is not None
    assert facts.commissioner_id is None
    assert facts.office_head_ids == []
    assert len(facts.worker_ids) == 2


def test_no_such_grid(world: World) -> None:
    assert routing_facts(0, world.at) is None


def test_the_mornings_facts_of_many_grids(world: World, django_assert_num_queries) -> None:  # type: ignore[no-untyped-def]
    ids = list(Grid.objects.values_list("id", flat=True))
    with django_assert_num_queries(1):
        facts = night_hand_on_facts(ids, world.at)
    assert len(facts) == 21
    assert all(one.commissioner_id for one in facts.values())


def test_people_of_an_office(world: World, django_assert_num_queries) -> None:  # type: ignore[no-untyped-def]
    office = world.offices[1]
    with django_assert_num_queries(1):
        people = office_people([office.id, 0], world.at)
    assert people[office.id].clerk_ids == [world.users["clerk-02"].id]
    assert people[office.id].head_ids == people[office.id].duty_leader_ids == [world.users["office-02"].id]
    assert people[office.id].duty_officer_ids == [world.users["duty-02"].id]
    assert people[0].head_ids == []


def test_the_night_belongs_to_the_day_before(world: World) -> None:
    DutyShift.objects.all().delete()
    night = make_user()
    DutyShift.objects.create(office=world.offices[0], day=date(2026, 3, 9), role=DUTY_OFFICER, user=night)
    facts = routing_facts(world.grid(1).id, datetime(2026, 3, 10, 3, tzinfo=SHANGHAI))
    assert facts is not None
    assert facts.duty_officer_id == night.id


def test_who_is_the_bureau(world: World) -> None:
    Posting.objects.create(user=world.users["bureau-02"], role=Role.BUREAU, starts_at=world.at)
    expected = sorted(world.users[name].id for name in ("bureau", "bureau-02"))
    assert bureau_ids(world.at) == expected
