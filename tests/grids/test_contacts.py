"""入企记录: written once a source, never changed, and told in one line."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from django.db import DatabaseError, transaction
from django.test import Client

from grids import contacts, duplicates
from grids.contacts import Contact
from grids.models import DuplicatePair, EntityContact, Purpose
from kernel import clock
from tests.factories.accounts import bearer
from tests.factories.grids import make_entity, make_world

SHANGHAI = ZoneInfo("Asia/Shanghai")


def day(month: int, number: int, hour: int = 10, year: int = 2026) -> datetime:
    return datetime(year, month, number, hour, tzinfo=SHANGHAI)


@pytest.mark.django_db
def test_a_contact_is_written_once_and_told_in_a_line() -> None:
    world = make_world()
    shop, other, quiet = (make_entity(world, 1) for _ in range(3))
    by = world.worker(1).pk
    rows = [
        Contact(shop.pk, Purpose.PATROL, by, day(11, 3), "visit:1"),
        Contact(shop.pk, Purpose.CHECK, by, day(11, 20, 0), "visit:2", with_names="专员01"),
        Contact(shop.pk, Purpose.PATROL, by, day(11, 21), "visit:3", entered=False),
        Contact(other.pk, Purpose.SERVICE, None, day(12, 31, year=2025), "visit:4"),
    ]
    assert contacts.record(rows) == 4
    assert contacts.record(rows) == 0
    assert contacts.record([]) == 0
    assert EntityContact.objects.get(source="visit:2").on.isoformat() == "2026-11-20"
    told = contacts.lines([shop.pk, other.pk, quiet.pk], day(11, 22))
    assert told == {
        shop.pk: "本月已入店2次，最近一次11月20日（每周查）",
        other.pk: "本月尚未入店，最近一次2025年12月31日（送服务问需求）",
        quiet.pk: "本月尚未入店",
    }
    assert contacts.lines([shop.pk], day(11, 4)) == {shop.pk: "本月已入店1次，最近一次11月3日（巡查走访）"}
    assert contacts.lines([], day(11, 4)) == {}
    with pytest.raises(DatabaseError), transaction.atomic():
        EntityContact.objects.filter(source="visit:1").update(note="改写")


@pytest.mark.django_db
def test_what_is_on_the_register_is_never_removed() -> None:
    shop = make_entity(make_world(), 1)
    with pytest.raises(DatabaseError), transaction.atomic():
        shop.delete()


@pytest.mark.django_db
def test_what_was_entered_twice_has_one_list_of_contacts() -> None:
    world = make_world()
    stands, taken = make_entity(world, 1), make_entity(world, 1)
    at, by = clock.now(), world.worker(1).pk
    contacts.record(
        [
            Contact(stands.pk, Purpose.PATROL, by, at, "visit:1"),
            Contact(taken.pk, Purpose.LEAD, by, at, "lead:1"),
        ]
    )
    pair = DuplicatePair.objects.create(first=stands, second=taken, why="联系电话相同", found_at=at)
    duplicates.judge(pair_id=pair.pk, by=world.clerk_of(1), same=True)
    told = contacts.lines([stands.pk, taken.pk], at)
    assert told[stands.pk].startswith("本月已入店2次")
    assert told[taken.pk].startswith("本月已入店1次")
    assert [row.source for row in contacts.of(stands.pk).order_by("id")] == ["visit:1", "lead:1"]
    path = f"/api/v1/entities/{stands.pk}/contacts/"
    listed = Client().get(path, {"purpose": "LEAD"}, headers=bearer(world.worker(1))).json()["results"]
    assert [row["purpose"] for row in listed] == ["LEAD"]
    duplicates.judge(pair_id=pair.pk, by=world.clerk_of(1), same=False, note="是两家", revise=True)
    assert contacts.lines([stands.pk], at)[stands.pk].startswith("本月已入店1次")
