"""Each rule that the database holds, broken once by hand."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, models, transaction

from grids.demo import World
from grids.models import Absence, BusinessEntity, DutyShift, Grid, Posting
from grids.refusals import naming_the_rule
from grids.roles import DUTY_OFFICER, SCOPE_OF_ROLE, Role
from kernel.errors import Conflict
from tests.factories.accounts import make_user
from tests.factories.grids import make_entity

pytestmark = pytest.mark.django_db


def broken(row: models.Model) -> str:
    """The name of the constraint that refuses to save this row."""
    with pytest.raises(IntegrityError) as refused, transaction.atomic():
        row.save()
    return str(refused.value.__cause__.diag.constraint_name)  # type: ignore[union-attr]


def posting(world: World, role: str, **columns: Any) -> Posting:
    columns.setdefault("user", make_user())
    return Posting(role=role, **{"starts_at": world.at, **columns})


def test_one_commissioner_at_a_time(world: World) -> None:
    assert broken(posting(world, Role.COMMISSIONER, grid=world.grid(1))) == "grids_posting_one_commissioner"


def test_a_successor_may_follow_at_the_same_moment(world: World) -> None:
    Posting.objects.filter(role=Role.COMMISSIONER, grid=world.grid(1)).update(ends_at=world.at)
    posting(world, Role.COMMISSIONER, grid=world.grid(1)).save()


def test_one_may_hold_several_grids(world: World) -> None:
    Posting.objects.filter(role=Role.COMMISSIONER, grid=world.grid(2)).update(ends_at=world.at)
    posting(world, Role.COMMISSIONER, grid=world.grid(2), user=world.commissioner(1)).save()


@pytest.mark.parametrize("seat", [1, 2, 3])
def test_each_worker_seat_once_at_a_time(world: World, seat: int) -> None:
    row = posting(world, Role.GRID_WORKER, grid=world.grid(1), seat=seat)
    assert broken(row) == "grids_posting_one_worker_a_seat"


@pytest.mark.parametrize("seat", [0, 4])
def test_seats_are_one_to_three(world: World, seat: int) -> None:
    row = posting(world, Role.GRID_WORKER, grid=world.grid(1), seat=seat)
    assert broken(row) == "grids_posting_seat_1_to_3"


def test_nobody_holds_both_sides_of_a_grid(world: World) -> None:
    Posting.objects.filter(role=Role.GRID_WORKER, grid=world.grid(1), seat=3).update(ends_at=world.at)
    row = posting(world, Role.GRID_WORKER, grid=world.grid(1), seat=3, user=world.commissioner(1))
    assert broken(row) == "grids_posting_once_in_a_grid"


def test_nobody_holds_two_seats_of_a_grid(world: World) -> None:
    Posting.objects.filter(role=Role.GRID_WORKER, grid=world.grid(1), seat=3).update(ends_at=world.at)
    row = posting(world, Role.GRID_WORKER, grid=world.grid(1), seat=3, user=world.worker(1, 1))
    assert broken(row) == "grids_posting_once_in_a_grid"


@pytest.mark.parametrize("role", list(SCOPE_OF_ROLE))
def test_every_role_needs_exactly_its_scope(world: World, role: str) -> None:
    whole: dict[str, Any] = {
        "grid": world.grid(1), "seat": 1, "office": world.offices[0], "community": world.communities[0],
        "department": world.departments["police"], "subdistrict": world.subdistricts[0],
        "station_code": "ST-01", "section": "FOOD",
    }  # fmt: skip
    Posting.objects.all().update(ends_at=world.at)
    fitting = {column: whole[column] for column in SCOPE_OF_ROLE[role]}
    for column in SCOPE_OF_ROLE[role]:
        rest = {name: value for name, value in fitting.items() if name != column}
        assert broken(posting(world, role, **rest)) == "grids_posting_scope_fits_role"
    for column in whole.keys() - fitting.keys():
        row = posting(world, role, **fitting, **{column: whole[column]})
        assert broken(row) == "grids_posting_scope_fits_role"
    posting(world, role, **fitting).save()


def test_a_backup_is_another_person(world: World) -> None:
    user = make_user()
    assert broken(posting(world, Role.BUREAU, user=user, backup=user)) == "grids_posting_backup_is_another"


def test_a_posting_ends_after_it_starts(world: World) -> None:
    row = posting(world, Role.BUREAU, ends_at=world.at - timedelta(seconds=1))
    assert broken(row) == "grids_posting_ends_after_start"


def test_only_what_has_ended_is_wound_up(world: World) -> None:
    row = posting(world, Role.BUREAU, wound_up_at=world.at)
    assert broken(row) == "grids_posting_wound_up_when_ended"


def test_absences_of_one_person_do_not_overlap(world: World) -> None:
    user, hour = world.worker(1), timedelta(hours=1)
    Absence.objects.create(user=user, starts_at=world.at, ends_at=world.at + hour)
    Absence.objects.create(user=user, starts_at=world.at + hour, ends_at=world.at + 2 * hour)
    row = Absence(user=user, starts_at=world.at + hour / 2, ends_at=world.at + hour)
    assert broken(row) == "grids_absence_one_at_a_time"


def test_nobody_stands_in_for_himself(world: World) -> None:
    user = world.worker(1)
    row = Absence(user=user, stand_in=user, starts_at=world.at, ends_at=world.at + timedelta(days=1))
    assert broken(row) == "grids_absence_stand_in_is_another"


def test_an_absence_ends_after_it_starts(world: World) -> None:
    row = Absence(user=world.worker(1), starts_at=world.at, ends_at=world.at - timedelta(days=1))
    assert broken(row) == "grids_absence_ends_after_start"


def test_one_shift_per_office_day_and_role(world: World) -> None:
    held = DutyShift.objects.filter(role=DUTY_OFFICER)[0]
    row = DutyShift(office=held.office, day=held.day, role=held.role, user=make_user())
    assert broken(row) == "grids_dutyshift_one_a_day"


def test_a_shift_has_a_known_role(world: World) -> None:
    row = DutyShift(office=world.offices[0], day=date(2040, 1, 1), role="COOK", user=make_user())
    assert broken(row) == "grids_dutyshift_role_known"


def test_the_form_of_a_grid_code(world: World) -> None:
    row = Grid(
        code="370983001-X1",
        name="x",
        office=world.offices[0],
        lead_community=world.communities[0],
        boundary={},
    )
    assert broken(row) == "grids_grid_code_form"


def test_one_business_per_code_but_stalls_without(world: World) -> None:
    first = make_entity(world)
    for _ in range(2):
        make_entity(world, uscc="")
    copy = BusinessEntity(name="又一家", kind="COMPANY", uscc=first.uscc)
    assert broken(copy) == "grids_entity_one_per_uscc"


def test_a_place_has_both_degrees_on_earth(world: World) -> None:
    assert broken(BusinessEntity(name="x", kind="COMPANY", lon=116.7)) == "grids_entity_place_whole"
    assert broken(BusinessEntity(name="x", kind="COMPANY", lon=116.7, lat=91)) == "grids_entity_place_whole"


def test_trades_are_of_the_list(world: World) -> None:
    row = BusinessEntity(name="x", kind="COMPANY", business_types=["CATERING", "PIRACY"])
    assert broken(row) == "grids_entity_types_known"


def test_a_broken_rule_is_named_in_chinese(world: World) -> None:
    with pytest.raises(Conflict, match="已有市场监管专员") as refused, naming_the_rule(Posting):
        posting(world, Role.COMMISSIONER, grid=world.grid(1)).save()
    assert refused.value.code == "posting_one_commissioner"


def test_a_form_says_the_same_in_chinese(world: World) -> None:
    row = posting(world, Role.COMMISSIONER, grid=world.grid(1))
    with pytest.raises(ValidationError, match="已有市场监管专员"):
        row.full_clean()


@pytest.mark.parametrize(
    "code", ["91370983MA3TERT031", "92370983MA3ABC1D7B", "93370983MA3N00011N", "370983600123454", ""]
)
def test_codes_of_businesses_that_are_valid(code: str) -> None:
    BusinessEntity(name="x", kind="COMPANY", business_types=["OTHER"], uscc=code).clean_fields()


@pytest.mark.parametrize("code", ["91370983MA3TERT032", "370983600123455", "12345", "91370983ma3tert031"])
def test_codes_of_businesses_that_are_not(code: str) -> None:
    with pytest.raises(ValidationError, match="不正确"):
        BusinessEntity(name="x", kind="COMPANY", business_types=["OTHER"], uscc=code).clean_fields()
