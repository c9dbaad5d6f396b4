"""A business is found by any piece of its name, address, operator or code, and by nothing else."""

from __future__ import annotations

import random
import re
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from grids import search
from grids.demo import World
from grids.models import BusinessEntity
from tests.factories.accounts import bearer
from tests.factories.grids import make_entity, make_world

pytestmark = pytest.mark.django_db
LETTERS = re.compile(r"[\W_]+")
SHOPS: tuple[dict[str, str], ...] = (
    {"name": "顺和（新城）饭店", "address": "龙山路12号", "operator_name": "张三丰"},
    {"name": "福来 超市 A-1 店", "address": "向阳大街1号楼203室", "operator_name": "欧阳明月"},
    {"name": "和顺饭庄", "address": "", "operator_name": ""},
    {"name": "ABC烘焙工坊", "address": "新城路·东段", "operator_name": "李四"},
    {"name": "店", "address": "12", "operator_name": "王五"},
    {"name": "123便利店123", "address": "文化路45678号", "operator_name": "周芷若"},
)


@pytest.fixture
def world() -> World:
    return make_world(stations=False)


@pytest.fixture
def shops(world: World) -> list[BusinessEntity]:
    return [make_entity(world, 1 + place % 3, **shop) for place, shop in enumerate(SHOPS)]


def said(text: str) -> str:
    return LETTERS.sub("", text.lower())


def texts(entity: BusinessEntity) -> list[str]:
    return [entity.name, entity.uscc, entity.address, entity.operator_name]


def found(words: str, user: Any = None) -> list[int]:
    rows = BusinessEntity.objects.all() if user is None else BusinessEntity.objects.visible_to(user)
    return search.best(rows, words)


@settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(dice=st.randoms(use_true_random=False), common=st.booleans())
def test_every_piece_finds_its_row_and_only_rows_that_hold_it(
    shops: list[BusinessEntity], dice: random.Random, common: bool
) -> None:
    entity = dice.choice(shops)
    text = dice.choice([one for one in texts(entity) if one])
    start = dice.randrange(len(text))
    word = "".join(text[start : start + dice.choice((1, 1, 2, 2, 3, 4, 6, 20))].split())
    if not said(word):
        return
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(search, "COMMON", 0 if common else 10**6)  # by the newest rows, or by the index
        ids = found(word)
    assert entity.pk in ids
    assert set(ids) == {one.pk for one in shops if any(said(word) in said(text) for text in texts(one))}


def test_words_stand_together_and_the_telephone_is_not_searched(
    world: World, shops: list[BusinessEntity]
) -> None:
    keeper = make_entity(world, name="电话亭", contact_phone="13912345678", contact_name="孙悟空")
    assert found("饭店 龙山") == [shops[0].pk]
    assert found("饭店 文化") == []
    assert found("13912345") == [] == found("孙悟空")
    assert found("…… （）") == [] == found("")
    assert found("%") == [] == found("' | '':* & <->")
    assert found(keeper.code.lower()) == [keeper.pk]
    assert found(keeper.code[:5]) == []


def test_pieces_of_two_texts_are_no_word(world: World) -> None:
    entity = make_entity(world, name="东街", address="街店铺", uscc="")
    assert found("东街店铺") == []
    assert found("东街 店铺") == [entity.pk]


def test_what_is_named_exactly_comes_first(world: World) -> None:
    make_entity(world, name="老和顺饭庄分店")
    begins = make_entity(world, name="和顺饭庄二店")
    exact = make_entity(world, name="和顺饭庄")
    held = make_entity(world, name="大和顺饭庄")
    there = make_entity(world, name="甲", address="和顺饭庄对面")
    ids = found("和顺饭庄")
    assert ids[:2] == [exact.pk, begins.pk]
    assert ids[2] == held.pk
    assert ids[-1] == there.pk
    assert found(exact.uscc)[0] == exact.pk
    assert found(exact.uscc[:8].lower())


def test_a_word_that_all_bear_gives_the_best_five_hundred(world: World) -> None:
    grid = world.grid(1)
    BusinessEntity.objects.bulk_create(
        [BusinessEntity(name=f"连锁店{n}", kind="STALL", grid=grid) for n in range(700)]
    )
    first = make_entity(world, 2, name="店小二")
    ids = found("店")
    assert ids[0] == first.pk
    assert 50 <= len(ids) <= search.MOST_FOUND
    with CaptureQueriesContext(connection) as seen:
        found("店", world.user("office-01"))
    assert len(seen) <= 7
    assert search.holding(BusinessEntity.objects.all(), "店").count() == 701


def test_who_does_not_see_a_business_does_not_find_it(world: World) -> None:
    near, far = make_entity(world, 1, name="唯一鑫店"), make_entity(world, 21, name="唯一鑫店二")
    nowhere = make_entity(world, 1, name="唯一鑫店三", grid=None)
    assert set(found("鑫", world.user("bureau"))) == {near.pk, far.pk, nowhere.pk}
    assert found("鑫", world.worker(1)) == [near.pk]
    assert set(found("鑫", world.clerk_of(1))) == {near.pk, nowhere.pk}
    assert found("鑫", world.user("admin")) == []


def test_over_http_the_best_come_first_page_by_page(world: World, client: Client) -> None:
    made = [make_entity(world, 1, name=f"分页店{n:02d}") for n in range(7)]
    headers = bearer(world.worker(1))
    page = client.get(
        "/api/v1/entities/", {"q": "分页店", "page_size": 3, "count": "exact"}, headers=headers
    ).json()
    seen = [row["id"] for row in page["results"]]
    assert page["count"] == 7
    assert page["previous"] is None
    while page["next"]:
        page = client.get(page["next"], headers=headers).json()
        seen += [row["id"] for row in page["results"]]
    assert seen == [entity.pk for entity in reversed(made)]
    back = client.get(page["previous"], headers=headers).json()
    assert [row["id"] for row in back["results"]] == seen[3:6]
    for bad in ("x", "99999", "١"):
        assert client.get("/api/v1/entities/", {"q": "店", "cursor": bad}, headers=headers).status_code == 400
    closed = client.get("/api/v1/entities/", {"q": "分页店", "status": "CLOSED"}, headers=headers).json()
    assert closed["results"] == []
