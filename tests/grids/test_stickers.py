"""The sheet of stickers: one a shop that trades, its code leading to the shop's page."""

from __future__ import annotations

import pytest
from django.test import Client, override_settings

from grids import door
from tests.factories.accounts import make_user
from tests.factories.grids import make_entity, make_world
from tests.suoshe.pages import english_in, outside_in

pytestmark = pytest.mark.django_db
LIST = "/admin/grids/businessentity/"


def test_the_stickers_of_a_selection(client: Client) -> None:
    world = make_world()
    shop, other = make_entity(world, 1, name="顺和饺子馆"), make_entity(world, 1, name="福来商行")
    gone, far = make_entity(world, 1, status="CLOSED", name="关门店"), make_entity(world, 21, name="远处店")
    client.force_login(world.clerk_of(1))
    page = client.get(LIST, {"_stickers": "1"})
    text = page.content.decode()
    assert page.status_code == 200
    for one in (shop, other):
        assert one.name in text
        assert one.code in text
    assert gone.name not in text
    assert far.name not in text
    assert text.count("<svg") == 2
    assert english_in(text.replace(shop.code, "").replace(other.code, "")) == []
    assert outside_in(text) == []
    single = client.get(LIST, {"_stickers": "1", "id__in": str(shop.pk)}).content.decode()
    assert shop.name in single
    assert other.name not in single
    assert "_stickers=1" in client.get(LIST).content.decode()
    client.force_login(make_user())
    assert client.get(LIST, {"_stickers": "1"}).status_code in (302, 403)


def test_the_address_in_the_code_is_a_setting() -> None:
    with override_settings(SUOSHE_PUBLIC_URL="https://suoshe.example"):
        assert door.address("2345ABCD") == "https://suoshe.example/d/2345ABCD/"
    with override_settings(SUOSHE_PUBLIC_URL=""):
        assert door.address("2345ABCD", "http://here/") == "http://here/d/2345ABCD/"
    assert door.drawn("https://suoshe.example/d/2345ABCD/").startswith("<svg")
