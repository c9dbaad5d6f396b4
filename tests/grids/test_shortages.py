"""Too few people is a state, shown and told."""

from __future__ import annotations

from datetime import timedelta

import pytest

from grids.demo import World
from grids.duty import duty_day
from grids.models import DutyShift, Posting
from grids.shortages import Shortage, shortages, tell_shortages
from kernel.accounts.models import User
from kernel.notices.models import OutboxMessage

pytestmark = pytest.mark.django_db


def found(world: World, kind: str) -> list[Shortage]:
    return [one for one in shortages(world.at) if one.kind == kind]


def test_a_whole_staff_lacks_nothing(world: World, django_assert_num_queries) -> None:  # type: ignore[no-untyped-def]
    with django_assert_num_queries(1):
        assert shortages(world.at) == []
    assert tell_shortages(world.at) == 0


def test_no_commissioner(world: World) -> None:
    Posting.objects.filter(user=world.users["commissioner-03"]).update(ends_at=world.at)
    (one,) = found(world, "no_commissioner")
    assert (one.subject_id, one.office_id) == (world.grid(3).id, world.offices[0].id)
    assert world.grid(3).code in one.words


def test_fewer_than_two_workers(world: World) -> None:
    Posting.objects.filter(user=world.users["worker-03-1"]).update(ends_at=world.at)
    assert found(world, "few_workers") == []
    User.objects.filter(username="worker-03-2").update(is_active=False)
    (one,) = found(world, "few_workers")
    assert "现有 1 名" in one.words


def test_no_backup(world: World) -> None:
    Posting.objects.filter(user=world.users["community-04"]).update(backup=None)
    (one,) = found(world, "no_backup")
    assert (one.subject_kind, one.office_id) == ("posting", None)


def test_no_heads(world: World) -> None:
    names = ["office-01", "community-04"]
    Posting.objects.filter(user__username__in=names).update(ends_at=world.at)
    assert [one.subject_id for one in found(world, "no_office_head")] == [world.offices[0].id]
    assert [one.subject_id for one in found(world, "no_community_head")] == [world.communities[3].id]


def test_a_gap_in_the_next_seven_days_of_the_rota(world: World) -> None:
    today = duty_day(world.at)
    DutyShift.objects.filter(office=world.offices[0], day=today + timedelta(days=7)).delete()
    assert found(world, "no_rota") == []
    day = today + timedelta(days=6)
    DutyShift.objects.filter(office=world.offices[0], day=day, role="DUTY_LEADER").delete()
    (one,) = found(world, "no_rota")
    assert one.which == f"({day.month}月{day.day}日带班领导)"


def test_told_once_a_day_to_heads_and_bureau(world: World) -> None:
    Posting.objects.filter(user=world.users["commissioner-03"]).update(ends_at=world.at)
    assert tell_shortages(world.at) == 2
    assert tell_shortages(world.at) == 0
    told = OutboxMessage.objects.filter(template="grids.shortage")
    assert set(told.values_list("recipient__username", flat=True)) == {"office-01", "bureau"}
    assert tell_shortages(world.at + timedelta(days=1)) == 2
