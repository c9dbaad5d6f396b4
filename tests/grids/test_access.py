"""Scopes: who may act from which seat, and when."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from django.contrib.auth.models import AnonymousUser

from grids.access import Scope, scope_of, within
from grids.demo import World
from grids.models import Absence, BusinessEntity, Community, DutyShift, Grid, Posting, WorkGroup
from grids.roles import DUTY_LEADER, DUTY_OFFICER, Role
from kernel import clock
from kernel.accounts.models import User
from tests.factories.accounts import make_user
from tests.factories.grids import make_entity

pytestmark = pytest.mark.django_db


def away(world: World, user: User, stand_in: User | None, hours: float = 1) -> Absence:
    return Absence.objects.create(
        user=user, stand_in=stand_in, starts_at=world.at, ends_at=world.at + timedelta(hours=hours)
    )


def numbers(world: World, ids: frozenset[int]) -> set[int]:
    return {number for number, grid in enumerate(world.grids, start=1) if grid.id in ids}


def test_one_statement_then_none(world: World, django_assert_num_queries) -> None:  # type: ignore[no-untyped-def]
    user = world.commissioner(1)
    with django_assert_num_queries(1):
        scope = scope_of(user)
    with django_assert_num_queries(0):
        assert scope_of(user) is scope
    assert abs(scope.at - clock.now()) < timedelta(minutes=5)


def test_nobody_without_a_posting(world: World) -> None:
    scope = scope_of(make_user())
    assert scope.seats == ()
    assert scope.business_nothing
    assert not Grid.objects.visible_to(make_user()).exists()


def test_worker_and_his_backup(world: World) -> None:
    scope = scope_of(world.worker(5, 2))
    assert scope.roles == {Role.GRID_WORKER}
    assert numbers(world, scope.grid_ids) == {5}
    assert {seat.basis for seat in scope.seats} == {"own", "backup"}


def test_own_seat_before_the_backups(world: World) -> None:
    scope = scope_of(world.worker(5, 2))
    seat = scope.seat(Role.GRID_WORKER, grid_id=world.grid(5).id)
    assert seat is not None
    assert (seat.basis, seat.holder_id) == ("own", world.users["worker-05-2"].id)
    assert scope.seat(Role.GRID_WORKER, grid_id=world.grid(6).id) is None


def test_commissioner_acts_for_the_one_he_backs(world: World) -> None:
    scope = scope_of(world.commissioner(2))
    assert numbers(world, scope.grid_ids) == {1, 2}
    seat = scope.seat(Role.COMMISSIONER, grid_id=world.grid(1).id)
    assert seat is not None
    assert (seat.basis, seat.holder_name) == ("backup", world.users["commissioner-01"].name)


def test_a_stand_in_only_while_the_absence_runs(world: World) -> None:
    world_user, stand_in = world.worker(1), make_user("stand-in")
    absence = away(world, world_user, stand_in)
    seat = scope_of(stand_in).seat(Role.GRID_WORKER)
    assert seat is not None
    assert (seat.basis, seat.holder_id, seat.grid_id) == ("absence", world_user.id, world.grid(1).id)
    absence.ends_at = world.at
    absence.save()
    assert scope_of(User.objects.get(pk=stand_in.pk)).seats == ()


def test_leave_hands_on_no_seat_that_is_held_in_person(world: World) -> None:
    stand_in = make_user("stand-in")
    for name in ("auditor", "admin", "keeper"):
        away(world, world.user(name), stand_in)
    assert scope_of(stand_in).seats == ()


def test_an_ended_posting_gives_nothing(world: World) -> None:
    Posting.objects.filter(user=world.users["clerk-01"]).update(ends_at=world.at)
    assert scope_of(world.user("clerk-01")).seats == ()


@pytest.mark.parametrize(
    ("name", "role"), [("auditor", Role.AUDITOR), ("admin", Role.SYSTEM_ADMIN), ("keeper", None)]
)
def test_auditor_and_administrator_act_for_nobody(world: World, name: str, role: str | None) -> None:
    """Rows written before the rule, or past it, give no business right (三员分立)."""
    user = world.user(name)
    away(world, world.user("clerk-01"), user)
    Posting.objects.filter(user=world.users["commissioner-01"]).update(backup=user)
    DutyShift.objects.filter(user=world.users["duty-01"]).update(user=user)
    scope = scope_of(world.user(name))
    if role is None:
        assert scope.roles == {Role.IDENTITY_KEEPER, Role.OFFICE_CLERK, Role.COMMISSIONER, DUTY_OFFICER}
    else:
        assert scope.roles == {role}
        assert {seat.basis for seat in scope.seats} == {"own"}


def test_a_posting_to_come_gives_nothing_yet(world: World) -> None:
    Posting.objects.filter(user=world.users["clerk-01"]).update(starts_at=world.at + timedelta(days=1))
    assert scope_of(world.user("clerk-01")).seats == ()


@pytest.mark.parametrize(("hour", "minute", "shift"), [(3, 0, 0), (8, 29, 0), (8, 30, 1), (23, 59, 1)])
def test_duty_runs_from_half_past_eight(world: World, hour: int, minute: int, shift: int) -> None:
    DutyShift.objects.all().delete()
    today = datetime(2026, 3, 10, hour, minute, 30, tzinfo=clock.SHANGHAI)
    clock.set_to(today)
    people = [make_user(f"night-{n}") for n in range(2)]
    for n, user in enumerate(people):
        day = (today + timedelta(days=n - 1)).date()
        DutyShift.objects.create(office=world.offices[1], day=day, role=DUTY_OFFICER, user=user)
    on_duty, off_duty = scope_of(people[shift]), scope_of(people[1 - shift])
    assert on_duty.roles == {DUTY_OFFICER}
    assert on_duty.office_ids == {world.offices[1].id}
    assert on_duty.seats[0].basis == "duty"
    assert off_duty.seats == ()


def test_who_stands_in_is_on_duty_too(world: World) -> None:
    stand_in = make_user("stand-in")
    away(world, world.user("duty-01"), stand_in)
    seat = scope_of(stand_in).seat(DUTY_OFFICER)
    assert seat is not None
    assert (seat.basis, seat.office_id) == ("absence", world.offices[0].id)


def test_head_is_duty_leader_too(world: World) -> None:
    scope = scope_of(world.user("office-01"))
    assert scope.roles == {Role.OFFICE_HEAD, DUTY_LEADER}
    assert scope.office_ids == {world.offices[0].id}


@pytest.mark.parametrize(
    ("username", "expected"),
    [
        ("worker-01-1", {1}),
        ("commissioner-01", {1, 6}),
        ("clerk-01", {1, 2, 3, 4, 5, 6}),
        ("office-02", {7, 8, 9, 10}),
        ("duty-03", {11, 12, 13, 14, 15}),
        ("deputy-04", {16, 17, 18, 19, 20, 21}),
        ("community-01", {1, 2}),
        ("vice-01", {1, 2}),
        ("community-02", {2, 3}),
        ("street-02", {1, 2, 3, 4, 5, 6, 7, 8, 9, 10}),
        ("bureau", set(range(1, 22))),
        ("leader", set(range(1, 22))),
        ("auditor", set(range(1, 22))),
        ("police", set()),
        ("section-food", set()),
        ("admin", set()),
        ("keeper", set()),
    ],
)
def test_grids_that_someone_serves(world: World, username: str, expected: set[int]) -> None:
    user = world.user(username)
    served = frozenset(Grid.objects.served_by(user).values_list("id", flat=True))
    assert numbers(world, served) == expected
    for number in (1, 10):
        make_entity(world, number)
    seen = set(BusinessEntity.objects.visible_to(user).values_list("grid__code", flat=True))
    register = {1, 10} if username.startswith("section") else expected & {1, 10}
    assert seen == {world.grid(number).code for number in register}
    groups = set(WorkGroup.objects.visible_to(user).values_list("grid_id", flat=True))
    assert groups == ({grid.id for grid in world.grids} if username == "admin" else served)


def test_rows_without_a_grid_are_seen_by_offices_and_bureau(world: World) -> None:
    make_entity(world, grid=None)
    for username, seen in [
        ("clerk-03", 1),
        ("bureau", 1),
        ("worker-01-1", 0),
        ("community-01", 0),
        ("admin", 0),
    ]:
        assert BusinessEntity.objects.visible_to(world.user(username)).count() == seen


def test_within_does_not_multiply_rows(world: World) -> None:
    rows = Posting.objects.filter(within(scope_of(world.user("street-01"))))
    assert rows.count() == rows.values("id").distinct().count() > 0


@pytest.mark.parametrize(
    ("username", "visible", "hidden"),
    [
        (
            "worker-01-1",
            ["worker-01-2", "commissioner-01", "clerk-01", "office-01"],
            ["worker-02-1", "bureau"],
        ),
        ("commissioner-03", ["commissioner-03", "worker-03-1", "worker-02-1"], ["worker-05-1", "clerk-02"]),
        ("office-01", ["worker-06-3", "commissioner-06", "clerk-01", "community-01"], ["worker-07-1"]),
        ("community-01", ["worker-01-1", "commissioner-02", "community-01"], ["worker-04-1", "community-09"]),
        ("police", ["police"], ["citymgmt", "worker-01-1"]),
        ("admin", ["worker-01-1", "bureau", "auditor"], []),
        ("auditor", ["worker-01-1", "admin"], []),
    ],
)
def test_whose_postings_one_sees(world: World, username: str, visible: list[str], hidden: list[str]) -> None:
    seen = set(Posting.objects.visible_to(world.user(username)).values_list("user__username", flat=True))
    assert set(visible) <= seen
    assert not set(hidden) & seen


def test_whose_leave_one_sees(world: World) -> None:
    away(world, world.worker(1), None)
    for username, count in [
        ("worker-01-1", 1), ("worker-01-2", 0), ("commissioner-01", 0), ("office-01", 1), ("clerk-01", 1),
        ("office-02", 0), ("community-01", 1), ("community-09", 0), ("bureau", 1), ("auditor", 1),
        ("police", 0),
    ]:  # fmt: skip
        assert Absence.objects.visible_to(world.user(username)).count() == count, username


def test_whose_rota_one_sees(world: World) -> None:
    for username, offices in [
        ("worker-01-1", {0}), ("duty-02", {1}), ("clerk-03", {2}), ("bureau", {0, 1, 2, 3}),
        ("police", set()),
    ]:  # fmt: skip
        seen = set(DutyShift.objects.visible_to(world.user(username)).values_list("office_id", flat=True))
        assert seen == {world.offices[n].id for n in offices}, username


def test_places_are_for_whoever_has_a_seat(world: World) -> None:
    for username in ("worker-01-1", "police", "admin", "auditor"):
        assert Community.objects.visible_to(world.user(username)).count() == 17


def test_flags_of_a_scope(world: World) -> None:
    scopes: dict[str, Scope] = {name: scope_of(world.user(name)) for name in ("bureau", "auditor", "admin")}
    assert scopes["bureau"].sees_all
    assert not scopes["bureau"].is_auditor
    assert scopes["auditor"].sees_all
    assert scopes["auditor"].is_auditor
    assert scopes["admin"].business_nothing
    assert "FOOD" in scope_of(world.user("section-food")).sections
    assert scope_of(world.user("police")).department_ids == {world.departments["police"].id}
    assert scope_of(world.user("street-03")).subdistrict_ids >= {world.subdistricts[2].id}


def test_nobody_sees_nothing(world: World) -> None:
    away(world, world.worker(1), None)
    for model in (Grid, Community, Posting, Absence, DutyShift, WorkGroup, BusinessEntity):
        assert not model.objects.visible_to(AnonymousUser()).exists(), model
