"""一店一档 in the admin: all of one business on one page, acts through services, at a fixed cost."""

from __future__ import annotations

import re
from datetime import date, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from credit.models import Appeal, CreditAssessment, RedPartner
from grids.demo import World
from grids.models import BusinessEntity, KeyChange, Licence
from kernel import clock
from kernel.journal.models import Entry
from tests.factories import leads as make
from tests.factories.credit import Story, keep
from tests.factories.grids import make_entity
from tests.factories.plans import graded
from tests.factories.visits import task_of
from tests.suoshe.pages import english_in, outside_in

pytestmark = pytest.mark.django_db
LIST = "/admin/grids/businessentity/"
CODES = re.compile(r"XS\d{8}-\d{6}|\d{9}-L\d{2}|\b[A-Z0-9]{10,18}\b|\b[A-D]级|（[a-z0-9-]+）")
ALLOWED = {"WGS", "A", "B", "C", "D", "esc"}


def english(html: str) -> list[str]:
    return english_in(CODES.sub("", html), allowed=ALLOWED)


def address(shop: BusinessEntity, act: str = "change") -> str:
    return f"{LIST}{shop.pk}/{act}/"


def read(client: Client, path: str) -> str:
    answer = client.get(path)
    assert answer.status_code == 200, (path, answer.status_code)
    return str(answer.content.decode())


def assess(shop: BusinessEntity, total: int, grade: str, *, ago: int = 0) -> CreditAssessment:
    from credit.models import CreditStanding

    row = CreditStanding.objects.get(entity=shop)
    at = clock.now() - timedelta(days=ago)
    values = {f"i{n}": 0 for n in range(1, 9)} | {"total": total, "cause": "SCORE"}
    return CreditAssessment.objects.create(
        entity=shop, scheme=row.scheme, trigger="FACT", on=clock.local_date(at), at=at,
        computed_grade=grade, effective_grade=grade, **values,
    )  # fmt: skip


def lived_in(world: World) -> BusinessEntity:
    """A shop with one of everything."""
    shop = graded(world, "C", contact_phone="13812345678", contact_name="王小明", operator_name="李大力")
    story = Story(clock.today())
    story.finding("SERIOUS", ago=40, overdue=True)
    story.patrol()
    keep(story, shop.pk)
    assess(shop, 78, "B", ago=60)
    assess(shop, 64, "C")
    Licence.objects.create(
        entity=shop, type="FOOD_OPERATION", number="370983001", expires_on=date(2020, 1, 1)
    )
    task_of(world, entity=shop)
    make.reported(world, 1, category="F03", entity_id=shop.pk)
    return shop


def test_the_page_tells_everything_of_a_business(world: World, signed_in: Any) -> None:
    shop = lived_in(world)
    html = read(signed_in("office-01"), address(shop))
    for words in ("执行等级：C级", "日常巡查", "得分变化", "已过期", "每日巡", "XS2", "怎样提升", "变更历史"):
        assert words in html, words
    assert "13812345678" not in html
    assert "李大力" not in html
    assert english(html) == []
    assert outside_in(html) == []
    assert "<script>" not in html.split("<article")[1]
    assert ' style="' not in html.split("<article")[1].split("</article")[0]


def test_the_page_costs_the_same_for_an_empty_and_a_full_business(world: World, signed_in: Any) -> None:
    client = signed_in("office-01")
    empty, full = graded(world, "A"), lived_in(world)
    read(client, address(empty))
    counts = []
    for shop in (empty, full):
        with CaptureQueriesContext(connection) as found:
            read(client, address(shop))
        counts.append(len(found))
    assert max(counts) <= 48, counts
    assert abs(counts[0] - counts[1]) <= 4, counts


def test_who_may_keep_it_is_offered_to(world: World, signed_in: Any) -> None:
    shop = make_entity(world, 1)
    assert address(shop, "edit") in read(signed_in("clerk-01"), address(shop))
    for username in ("auditor", world.community_head_of(1).username):
        client = signed_in(username)
        assert address(shop, "edit") not in read(client, address(shop))
        assert client.get(address(shop, "edit")).status_code == 403
    assert signed_in("commissioner-20").get(address(shop)).status_code == 302
    assert signed_in("commissioner-20").get(address(shop, "edit")).status_code == 403


def said_of(shop: BusinessEntity, **changes: Any) -> dict[str, Any]:
    values = {
        "version": shop.version, "name": shop.name, "uscc": shop.uscc, "status": shop.status,
        "kind": shop.kind, "business_types": shop.business_types, "address": shop.address,
        "lon": shop.lon, "lat": shop.lat, "remark": shop.remark,
    }  # fmt: skip
    if shop.community_id:
        values["community"] = shop.community_id
    return {name: value for name, value in (values | changes).items() if value is not None}


def test_it_is_edited_through_the_service(world: World, signed_in: Any) -> None:
    shop = make_entity(world, 1, operator_name="李大力")
    client = signed_in("commissioner-01")
    html = read(client, address(shop, "edit"))
    assert "李大力" not in html
    assert english(html) == []
    answer = client.post(address(shop, "edit"), said_of(shop, name="新名小吃店", remark="门头已换"))
    assert answer.status_code == 302, answer.content.decode()[-3000:]
    shop.refresh_from_db()
    assert (shop.name, shop.remark, shop.operator_name) == ("新名小吃店", "门头已换", "李大力")
    assert shop.version == 2
    stale = client.post(address(shop, "edit"), said_of(shop, version=1, name="旧页面"))
    assert "在您填写期间有了变化" in stale.content.decode()
    assert "新名小吃店" in read(client, address(shop))


def test_a_grid_worker_s_change_of_name_waits_and_is_shown(world: World, signed_in: Any) -> None:
    shop = make_entity(world, 1)
    from grids import register

    register.edit(entity_id=shop.pk, by=world.worker(1), expect=lambda _: None, changes={"name": "另一家"})
    assert "正等专员确认" in read(signed_in("commissioner-01"), address(shop))
    listed = read(signed_in("commissioner-01"), "/admin/grids/keychange/")
    assert "另一家" in listed
    row = KeyChange.objects.get()
    assert english(read(signed_in("bureau"), f"/admin/grids/keychange/{row.pk}/change/")) == []


def test_licences_are_added_and_renewed(world: World, signed_in: Any) -> None:
    shop, client = make_entity(world, 1), signed_in("clerk-01")
    said = {"version": shop.version, "type": "FOOD_OPERATION", "number": "JY2", "expires_on": "2030-01-01"}
    assert client.post(address(shop, "licence"), said).status_code == 302
    row = Licence.objects.get(entity=shop)
    shop.refresh_from_db()
    page = read(client, f"{address(shop, 'licence')}?row={row.pk}")
    assert "JY2" in page
    said = {**said, "version": shop.version, "expires_on": "2031-01-01"}
    assert client.post(address(shop, "licence"), said).status_code == 302
    row.refresh_from_db()
    assert row.expires_on == date(2031, 1, 1)
    assert "JY2" in read(client, "/admin/grids/licence/?validity=good")
    assert "JY2" not in read(client, "/admin/grids/licence/?validity=expired")


def test_a_number_is_shown_with_a_reason_on_that_answer_alone(world: World, signed_in: Any) -> None:
    shop = make_entity(world, 1, contact_phone="13812345678")
    client, path = signed_in("commissioner-01"), address(shop, "reveal")
    assert "13812345678" not in client.post(path, {"field": "contact_phone", "reason": ""}).content.decode()
    answer = client.post(path, {"field": "contact_phone", "reason": "联系整改"})
    assert "13812345678" in answer.content.decode()
    assert "no-store" in answer["Cache-Control"]
    assert "13812345678" not in read(client, path)
    assert Entry.objects.filter(stream=f"entity:{shop.pk}", kind="entity.revealed").count() == 1


def test_an_appeal_is_entered_from_the_page(world: World, signed_in: Any) -> None:
    shop = graded(world, "C")
    facts = keep(_found(), shop.pk)
    row = assess(shop, 64, "C")
    client, path = signed_in("clerk-01"), f"/admin/credit/creditstanding/{shop.pk}/appeal/"
    assert path in read(client, address(shop))
    html = read(client, path)
    assert english(html) == []
    uid = re.search(r'name="client_uid" value="([^"]+)"', html)
    assert uid
    said = {"client_uid": uid[1], "assessment": row.pk, "disputed": [facts[0].pk], "reason": "当日未营业"}
    assert client.post(path, said).status_code == 302
    assert Appeal.objects.get().entity_id == shop.pk
    assert "等级申诉" in read(client, address(shop))


def _found() -> Story:
    story = Story(clock.today())
    story.finding("SERIOUS", ago=40)
    return story


def test_a_nomination_says_what_is_missing(world: World, signed_in: Any) -> None:
    shop = graded(world, "C")
    client = signed_in(world.community_head_of(1).username)
    path = f"/admin/credit/creditstanding/{shop.pk}/nominate/"
    assert path in read(client, address(shop))
    said = {"client_uid": "0f0e9c9e-5d5c-4c0e-8f30-8f7a2f1c1a11", "reason": "热心公益"}
    assert "暂不符合红色合伙人条件" in client.post(path, said).content.decode()
    assert not RedPartner.objects.exists()


def test_the_standings_show_how_grids_are_made_up(world: World, signed_in: Any) -> None:
    graded(world, "A"), graded(world, "C"), graded(world, "D", 2)
    html = read(signed_in("bureau"), "/admin/credit/creditstanding/")
    assert "各网格信用等级分布" in html
    assert "<svg" in html
    assert english(html) == []
