"""The register kept true: created, changed, confirmed, told and shown (DOMAIN.md §2)."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from django.db import transaction
from pytest_django import DjangoDbBlocker

from grids import duplicates, key_changes, register, register_changes, register_history, register_licences
from grids.access import forget
from grids.demo import World
from grids.models import BusinessEntity, DuplicatePair, KeyChange, PlacedBy, Posting
from grids.register import Edited, EquipmentGiven, Given, LicenceGiven
from grids.register_reveal import reveal
from kernel import approvals, clock
from kernel.accounts.models import User
from kernel.approvals.models import Approval
from kernel.deadlines.sweep import sweep
from kernel.errors import Conflict, Malformed, NotAllowed, NotVisible, Refused, StaleVersion
from kernel.journal.models import Entry
from tests.factories.grids import make_entity, make_world

USCC, OTHER_USCC = "92370983MA3ABC1D7B", "91370983MA3TERT031"


@pytest.fixture(scope="module")
def standing_world(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[World]:
    with django_db_blocker.unblock(), transaction.atomic():
        yield make_world()
        transaction.set_rollback(True)


@pytest.fixture
def world(standing_world: World, db: None) -> World:
    for user in standing_world.users.values():
        forget(user)
    return standing_world


def any_version(version: int) -> None:
    return None


def version_is(asked: int) -> Any:
    def expect(version: int) -> None:
        if version != asked:
            raise StaleVersion("旧")

    return expect


def shop(world: World, number: int = 1, **more: Any) -> Given:
    lon, lat = world.point_in(number)
    said: dict[str, Any] = {
        "name": "顺和饺子馆", "kind": "INDIVIDUAL", "business_types": ["CATERING", "FOOD_RETAIL"],
        "uscc": USCC, "operator_name": "张三丰", "contact_name": "李四", "contact_phone": "138-0000 1111",
        "address": "新城街道文化路1号", "lon": lon, "lat": lat, "client_uid": uuid.uuid4(),
    }  # fmt: skip
    return Given(**(said | more))


def edited(by: User, entity: BusinessEntity, reason: str = "", **changes: Any) -> Edited:
    return register.edit(entity_id=entity.pk, by=by, expect=any_version, changes=changes, reason=reason)


def waiting_approval(entity: BusinessEntity) -> Approval:
    return Approval.objects.get(subject_kind="entity", subject_id=entity.pk, state="waiting")


def decide(entity: BusinessEntity, by: User, *, approve: bool = True) -> Approval:
    row = waiting_approval(entity)
    return approvals.decide(approval_id=row.pk, by=by, approve=approve, expect=any_version, note="已核实")


def kinds_in(entity: BusinessEntity) -> list[str]:
    return list(
        Entry.objects.filter(stream=f"entity:{entity.pk}").order_by("id").values_list("kind", flat=True)
    )


# --- creating --------------------------------------------------------------------------------------


def test_a_worker_puts_a_shop_on_the_register_once(world: World) -> None:
    told: list[list[int]] = []
    register_changes.on_change(lambda ids, at: told.append(list(ids)))
    given = shop(
        world,
        licences=[LicenceGiven("FOOD_OPERATION", "JY1", expires_on=date(2030, 1, 1))],
        equipment=[EquipmentGiven("SCALE", "C-1", next_test_on=date(2027, 1, 1))],
    )
    entity, new = register.create(by=world.worker(1), given=given)
    register_changes._handlers.pop()
    assert new
    assert told == [[entity.pk]]
    assert (entity.grid, entity.placed_by) == (world.grid(1), PlacedBy.POINT)
    assert entity.contact_phone == "13800001111"
    assert [one.number for one in entity.licences.all()] == ["JY1"]
    assert register.create(by=world.worker(1), given=given) == (entity, False)
    with pytest.raises(Conflict) as refused:
        register.create(by=world.worker(1), given=replace(given, name="另一家"))
    assert refused.value.code == "client_uid_conflict"
    (entry,) = Entry.objects.filter(stream=f"entity:{entity.pk}")
    assert entry.data["changes"]["contact_phone"]["to"] == "138****1111"
    assert entry.data["changes"]["operator_name"]["to"] == "张**"
    assert "13800001111" not in str(entry.data)
    assert "张三丰" not in str(entry.data)


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("甲\n乙\t店", "甲 乙 店"),
        ("\u200b顺\u200d和\u202e饭店\ufeff", "顺和饭店"),
        ("　桃都　小馆 ", "桃都 小馆"),
        ("𠮷野家㐂䶮（一店）", "𠮷野家㐂䶮（一店）"),
    ],
)
def test_what_nobody_sees_is_no_part_of_a_name(name: str, kept: str) -> None:
    assert register.cleaned({"name": name}) == {"name": kept}


def test_a_name_of_nothing_is_none(world: World) -> None:
    with pytest.raises(Refused) as refused:
        edited(world.commissioner(1), make_entity(world, 1), name="\u200b\u202e")
    assert refused.value.attr == "name"


def test_a_place_decides_the_grid_and_who_may(world: World) -> None:
    here, clerk, bureau = world.worker(1), world.clerk_of(1), world.user("bureau")

    def refused(by: User, **more: Any) -> str:
        with pytest.raises((NotAllowed, Refused, Conflict)) as found:
            register.create(by=by, given=shop(world, **more))
        return str(found.value.code)

    lon, lat = world.point_in(21)
    nowhere: dict[str, Any] = {"lon": None, "lat": None}
    assert refused(here, lon=lon, lat=lat) == "other_grid"
    assert refused(here, **nowhere) == "place_required"
    assert refused(here, grid_id=world.grid(1).pk) == "not_by_hand"
    assert refused(clerk, grid_id=world.grid(21).pk) == "other_grid"
    assert refused(world.user("auditor")) == "other_grid"
    assert refused(here, community_id=999_999) == "unknown_community"
    assert refused(here, uscc="92370983MA3ABC1D7X") == "bad_uscc"
    assert refused(here, business_types=["NONSENSE"]) == "item_invalid"
    unplaced, _ = register.create(by=bureau, given=shop(world, name="甲", uscc="", **nowhere))
    assert (unplaced.grid, unplaced.placed_by) == (None, "")
    by_hand, _ = register.create(
        by=clerk, given=shop(world, name="乙", uscc="", grid_id=world.grid(1).pk, **nowhere)
    )
    assert (by_hand.grid, by_hand.placed_by) == (world.grid(1), PlacedBy.HAND)


def test_a_community_places_where_it_has_one_grid_and_asks_where_it_has_more(world: World) -> None:
    bureau = world.user("bureau")
    counts: dict[int, list[Any]] = {}
    for grid in world.grids:
        for community in grid.communities.all():
            counts.setdefault(community.pk, []).append(grid)
    one = next(pk for pk, grids in counts.items() if len(grids) == 1)
    several = next((pk for pk, grids in counts.items() if len(grids) > 1), None)
    nowhere: dict[str, Any] = {"lon": None, "lat": None, "uscc": ""}
    found, _ = register.create(by=bureau, given=shop(world, community_id=one, **nowhere))
    assert (found.grid, found.placed_by) == (counts[one][0], PlacedBy.COMMUNITY)
    assert several is not None
    with pytest.raises(Refused) as asked:
        register.create(by=bureau, given=shop(world, community_id=several, **nowhere))
    assert asked.value.code == "ask_which_grid"


# --- changing --------------------------------------------------------------------------------------


def test_an_address_counts_at_once_and_a_name_waits_for_the_commissioner(world: World) -> None:
    worker, entity = world.worker(1), make_entity(world, 1, name="老名字")
    found = edited(worker, entity, name="新名字", address="龙山路2号", reason="换了招牌")
    assert (found.entity.name, found.entity.address, found.entity.version) == ("老名字", "龙山路2号", 2)
    assert found.waiting is not None
    again = edited(worker, entity, name="新名字", address="龙山路2号")
    assert (again.waiting, again.entity.version) == (found.waiting, 2)
    with pytest.raises(Conflict):
        edited(world.worker(1, 2), entity, status="CLOSED")
    with pytest.raises(NotAllowed):
        decide(entity, worker)
    decide(entity, world.commissioner(1))
    entity.refresh_from_db()
    found.waiting.refresh_from_db()
    assert (entity.name, entity.version) == ("新名字", 3)
    assert (found.waiting.state, found.waiting.decided_by) == (
        KeyChange.State.CONFIRMED,
        world.commissioner(1),
    )
    assert kinds_in(entity) == ["entity.changed", "approval.asked", "approval.approved", "entity.changed"]
    lines = [register_history.line(one) for one in register_history.entries(entity.pk).order_by("id")]
    assert lines[-1]["by"] == world.commissioner(1).name
    assert lines[-1]["text"] == "名称：老名字 → 新名字"
    assert [one["what"] for one in lines] == ["修改信息", "提出申请", "同意申请", "修改信息"]


def test_a_refusal_changes_nothing_and_the_asker_may_take_it_back(world: World) -> None:
    worker, entity = world.worker(1), make_entity(world, 1)
    first = edited(worker, entity, status="CLOSED").waiting
    decide(entity, world.commissioner(1), approve=False)
    second = edited(worker, entity, status="MOVED").waiting
    assert first is not None
    assert second is not None
    with pytest.raises(NotAllowed):
        key_changes.withdraw(key_change_id=second.pk, by=world.commissioner(1))
    assert key_changes.withdraw(key_change_id=second.pk, by=worker).state == KeyChange.State.WITHDRAWN
    assert key_changes.withdraw(key_change_id=second.pk, by=worker).state == KeyChange.State.WITHDRAWN
    entity.refresh_from_db()
    first.refresh_from_db()
    assert (entity.status, entity.version, first.state) == ("ACTIVE", 1, KeyChange.State.REFUSED)
    assert not Approval.objects.of("entity", entity.pk).waiting().exists()


def test_who_weighs_more_changes_at_once_and_ends_the_question(world: World) -> None:
    entity = make_entity(world, 1)
    waiting = edited(world.worker(1), entity, status="CLOSED").waiting
    assert waiting is not None
    assert edited(world.clerk_of(1), entity, address="别处").entity.version == 2
    waiting.refresh_from_db()
    assert waiting.state == KeyChange.State.WAITING
    done = edited(world.commissioner(1), entity, status="SUSPENDED")
    waiting.refresh_from_db()
    assert (done.entity.status, waiting.state) == ("SUSPENDED", KeyChange.State.WITHDRAWN)
    for person in (world.clerk_of(1), world.head_of(1), world.user("bureau")):
        edited(person, entity, name=f"由{person.username}改")
    entity.refresh_from_db()
    assert entity.name == "由bureau改"


def test_without_a_commissioner_the_head_decides(world: World) -> None:
    entity = make_entity(world, 1)
    Posting.objects.filter(role="COMMISSIONER", grid=world.grid(1)).update(ends_at=clock.now())
    edited(world.worker(1), entity, status="CLOSED")
    head = world.head_of(1)
    assert waiting_approval(entity) in Approval.objects.for_decision_by(head)
    decide(entity, head)
    entity.refresh_from_db()
    assert entity.status == "CLOSED"


def test_silence_brings_it_to_the_head_and_then_ends_it(world: World) -> None:
    entity, head = make_entity(world, 1), world.head_of(1)
    waiting = edited(world.worker(1), entity, status="CLOSED").waiting
    with pytest.raises(NotAllowed):
        decide(entity, head)
    clock.travel(timedelta(hours=24, minutes=1))
    sweep()
    for user in world.users.values():
        forget(user)
    row = waiting_approval(entity)
    assert row.payload["escalated"] is True
    assert row in Approval.objects.for_decision_by(head)
    clock.travel(timedelta(hours=24, minutes=1))
    sweep()
    assert waiting is not None
    waiting.refresh_from_db()
    entity.refresh_from_db()
    assert (waiting.state, entity.status) == (KeyChange.State.WITHDRAWN, "ACTIVE")


def test_a_code_that_another_bears_is_refused(world: World) -> None:
    make_entity(world, 1, uscc=USCC)
    entity = make_entity(world, 1, uscc="")
    with pytest.raises(Conflict) as refused:
        edited(world.commissioner(1), entity, uscc=USCC.lower())
    assert (refused.value.code, refused.value.attr) == ("entity_one_per_uscc", "uscc")
    edited(world.worker(1), entity, uscc=USCC)
    with pytest.raises(Conflict):
        decide(entity, world.commissioner(1))
    with pytest.raises(Refused):
        edited(world.worker(1, 2), make_entity(world, 1), uscc="1234")


def test_a_new_point_places_anew_and_a_stale_version_is_refused(world: World) -> None:
    lon, lat = world.point_in(1)
    entity = make_entity(world, 1, grid=None, lon=None, lat=None)
    with pytest.raises(StaleVersion):
        register.edit(
            entity_id=entity.pk, by=world.clerk_of(1), expect=version_is(7), changes={"lon": lon, "lat": lat}
        )
    found = edited(world.clerk_of(1), entity, lon=lon, lat=lat).entity
    assert (found.grid, found.placed_by, found.version) == (world.grid(1), PlacedBy.POINT, 2)
    far = world.point_in(21)
    with pytest.raises(NotAllowed) as refused:
        edited(world.worker(1), entity, lon=far[0], lat=far[1])
    assert refused.value.code == "other_grid"
    moved = edited(world.user("bureau"), entity, lon=far[0], lat=far[1]).entity
    assert moved.grid == world.grid(21)
    with pytest.raises(NotVisible):
        edited(world.worker(1), entity, address="x")
    with pytest.raises(NotAllowed):
        edited(world.community_head_of(21), entity, address="x")


# --- licences, equipment, reveal -------------------------------------------------------------------


def test_licences_are_added_renewed_and_ended(world: World) -> None:
    entity, worker = make_entity(world, 1), world.worker(1)

    def keep(*licences: LicenceGiven) -> BusinessEntity:
        return register_licences.keep_licences(
            entity_id=entity.pk, by=worker, expect=any_version, licences=licences
        )

    first = LicenceGiven("FOOD_OPERATION", "JY1", date(2021, 1, 1), date(2026, 1, 1))
    assert keep(first).version == 2
    assert keep(first).version == 2
    assert keep(replace(first, expires_on=date(2031, 1, 1))).version == 3
    assert keep(replace(first, expires_on=date(2031, 1, 1), ended_on=date(2026, 5, 1))).version == 4
    with pytest.raises(Refused):
        keep(replace(first, expires_on=date(2020, 1, 1)))
    assert entity.licences.get().ended_on == date(2026, 5, 1)
    assert kinds_in(entity) == ["entity.licence_added", "entity.licence_changed", "entity.licence_changed"]
    done = register_licences.keep_equipment(
        entity_id=entity.pk, by=worker, expect=any_version, equipment=[EquipmentGiven("ELEVATOR", "T1")]
    )
    assert (done.version, done.equipment.get().number) == (5, "T1")


def test_a_reveal_is_written_down(world: World) -> None:
    entity = make_entity(world, 1, contact_phone="13800001111")
    ask: dict[str, Any] = {"entity_id": entity.pk, "field": "contact_phone", "reason": "联系整改13900002222"}
    assert reveal(by=world.worker(1), **ask) == "13800001111"
    (entry,) = Entry.objects.filter(stream=f"entity:{entity.pk}")
    assert entry.kind == "entity.revealed"
    assert "13800001111" not in str(entry.data)
    assert "13900002222" not in str(entry.data)
    for person in ("auditor", "leader"):
        with pytest.raises(NotAllowed):
            reveal(by=world.user(person), **ask)
    with pytest.raises(Refused):
        reveal(by=world.worker(1), **(ask | {"reason": "看"}))
    with pytest.raises(Malformed):
        reveal(by=world.worker(1), **(ask | {"field": "password"}))


# --- likenesses ------------------------------------------------------------------------------------


def pairs() -> set[tuple[int, int, str]]:
    return set(DuplicatePair.objects.values_list("first_id", "second_id", "why"))


def test_likenesses_are_found_alike_one_by_one_and_all_at_once(world: World) -> None:
    lon, _lat = world.point_in(1)
    base = make_entity(world, 1, name="顺和饺子馆（文化路店）", contact_phone="13800001111", uscc=USCC)
    named = make_entity(world, 1, name="顺和 饺子馆", lon=lon + 0.005)
    phoned = make_entity(world, 2, name="完全不同", contact_phone="13800001111")
    coded = make_entity(world, 3, name="另外一家", uscc="93" + USCC[2:17] + "0")
    near = make_entity(world, 1, name="顺和水饺子馆", lon=lon + 0.0003)
    make_entity(world, 1, name="顺和饺子馆", status="CLOSED")
    make_entity(world, 1, name="福来饭店2", lon=lon + 0.0001)
    make_entity(world, 1, name="福来饭店3", lon=lon + 0.0001)
    expected = {
        (base.pk, named.pk, "同一网格内名称相同"),
        (base.pk, phoned.pk, "联系电话相同"),
        (base.pk, coded.pk, "组织机构代码相同"),
        (base.pk, near.pk, "位置相近且名称相似"),
    }
    at = clock.now()
    assert duplicates.find([base.pk], at=at) == 4
    assert pairs() == expected
    assert duplicates.find(at=at) == 0
    assert duplicates.find([named.pk, base.pk], at=at) == 0
    assert duplicates.find([], at=at) == 0


def test_the_search_of_all_finds_the_same(world: World) -> None:
    lon, lat = world.point_in(1)
    base = make_entity(world, 1, name="顺和饺子馆", contact_phone="13800001111", uscc=USCC)
    for columns in ({"name": "顺和饺子馆", "lon": lon + 0.01}, {"contact_phone": "13800001111"}):
        make_entity(world, 1, **{"name": "远处的店", "lon": lon + 0.02, **columns})
    make_entity(world, 1, name="顺和的饺子馆", lat=lat + 0.0003)
    assert duplicates.find_all() == 3
    found = pairs()
    assert duplicates.find([base.pk], at=clock.now()) == 0
    assert found == pairs()


def test_a_pair_is_judged_once_and_the_later_one_is_closed(world: World) -> None:
    first = make_entity(world, 1, name="顺和饺子馆")
    second = make_entity(world, 1, name="顺和饺子馆")
    waiting = edited(world.worker(1), second, status="MOVED").waiting
    duplicates.find([second.pk], at=clock.now())
    pair = DuplicatePair.objects.get()
    with pytest.raises(NotAllowed):
        duplicates.judge(pair_id=pair.pk, by=world.worker(1), same=True)
    with pytest.raises(NotVisible):
        duplicates.judge(pair_id=pair.pk, by=world.clerk_of(21), same=True)
    done = duplicates.judge(pair_id=pair.pk, by=world.clerk_of(1), same=True, note="现场核对")
    assert done.state == DuplicatePair.State.SAME
    assert duplicates.judge(pair_id=pair.pk, by=world.clerk_of(1), same=True).state == done.state
    with pytest.raises(Conflict):
        duplicates.judge(pair_id=pair.pk, by=world.clerk_of(1), same=False)
    second.refresh_from_db()
    first.refresh_from_db()
    assert (first.status, second.status) == ("ACTIVE", "CLOSED")
    assert waiting is not None
    waiting.refresh_from_db()
    assert waiting.state == KeyChange.State.WITHDRAWN
    entry = Entry.objects.filter(stream=f"entity:{second.pk}", kind="entity.changed").latest("id")
    assert entry.data["same_as"] == first.pk
    assert duplicates.find_all() == 0
