"""The register over HTTP: shapes, versions, filters, offline phones, and how many statements it takes."""

from __future__ import annotations

import json
import uuid
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from grids import contacts, door, duplicates
from grids.contacts import Contact
from grids.demo import World
from grids.models import BusinessEntity, Licence, Purpose
from kernel import clock
from tests.factories.accounts import bearer
from tests.factories.grids import make_entity
from tests.leads.calls import Api, code_of

KEPT = Path(__file__).parents[1] / "query_budgets.json"
BUDGETS: dict[str, int] = json.loads(KEPT.read_text())["register"]
LATE_BEFORE_EARLY = {
    "type": "BUSINESS", "number": "1", "expires_on": "2020-01-01", "issued_on": "2021-01-01"
}  # fmt: skip
FRAMING = ("BEGIN", "COMMIT", "SAVEPOINT", "RELEASE", "ROLLBACK")


@pytest.fixture
def api() -> Api:
    return Api(Client())


def new_shop(world: World, **more: Any) -> dict[str, Any]:
    lon, lat = world.point_in(1)
    said = {
        "client_uid": str(uuid.uuid4()), "name": "顺和饺子馆", "kind": "INDIVIDUAL",
        "business_types": ["CATERING"], "uscc": "92370983MA3ABC1D7B", "operator": "张三丰",
        "contact_name": "李四", "contact_phone": "13800001111", "remark": "电话13900002222",
        "location": {"lon": lon, "lat": lat, "crs": "wgs84"},
        "licences": [{"type": "BUSINESS", "number": "92370983MA3ABC1D7B"}],
        "equipment": [{"kind": "SCALE", "number": "C-1", "next_test_on": "2027-01-01"}],
    }  # fmt: skip
    return said | more


def patch(user: Any, entity: BusinessEntity, version: int | None, **body: Any) -> Any:
    headers = bearer(user) | ({} if version is None else {"If-Match": f'"v{version}"'})
    path = f"/api/v1/entities/{entity.pk}/"
    return Client().patch(path, body, content_type="application/json", headers=headers)


def test_a_shop_is_created_and_nobody_sees_a_person_in_it(world: World, api: Api) -> None:
    make_entity(world, 1, name="顺和饺子馆")
    sent = new_shop(world)
    made = api.post(world.worker(1), "entities/", sent)
    assert made.status_code == 201, made.content
    shown = made.json()
    assert (shown["grid"], shown["placed_by"], shown["version"]) == ("370983001-L01", "POINT", 1)
    assert (shown["operator"], shown["contact_name"]) == ("张**", "李**")
    assert shown["contact_phone"] == "138****1111"
    assert shown["licences"][0]["type_label"] == "营业执照"
    assert shown["equipment"][0]["next_test_on"] == "2027-01-01"
    assert shown["contact_line"] == "本月尚未入店"
    (like,) = shown["possible_duplicates"]
    assert (like["entity"]["name"], like["why"]) == ("顺和饺子馆", "位置相近且名称相似、同一网格内名称相同")
    again = api.post(world.worker(1), "entities/", sent)
    assert (again.status_code, again.json()["id"]) == (200, shown["id"])
    assert code_of(api.post(world.worker(1), "entities/", sent | {"name": "乙"})) == "client_uid_conflict"
    for person in ("worker-01-1", "bureau", "auditor", "clerk-01"):
        for path in (f"entities/{shown['id']}/", "entities/", f"entities/{shown['id']}/history/"):
            text = api.get(world.user(person), path).content.decode()
            assert "13800001111" not in text, (person, path)
            assert "13900002222" not in text, (person, path)
            assert "张三丰" not in text, (person, path)


@pytest.mark.parametrize(
    ("more", "status", "attr"),
    [
        ({"uscc": "123"}, 422, "uscc"),
        ({"name": "  "}, 400, "name"),
        ({"business_types": []}, 400, "business_types"),
        ({"community": "NOWHERE"}, 400, "community"),
        ({"grid": "370983001-L01"}, 403, None),
        ({"contact_phone": "打我手机"}, 400, "contact_phone"),
        ({"nonsense": 1}, 400, "nonsense"),
        ({"location": {"lon": 10, "lat": 10, "crs": "wgs84"}}, 403, None),
        ({"licences": [LATE_BEFORE_EARLY]}, 422, "expires_on"),
        ({"name": "\u0000"}, 400, "name"),
    ],
)  # fmt: skip
def test_what_cannot_stand_is_refused(
    world: World, api: Api, more: dict[str, Any], status: int, attr: str | None
) -> None:
    answer = api.post(world.worker(1), "entities/", new_shop(world, **more))
    assert (answer.status_code, answer.json()["errors"][0]["attr"]) == (status, attr), answer.content


def test_a_change_asks_for_the_version_and_tells_what_waits(world: World, api: Api) -> None:
    entity, worker, commissioner = make_entity(world, 1), world.worker(1), world.commissioner(1)
    assert patch(worker, entity, None, address="龙山路1号").status_code == 428
    assert patch(worker, entity, 5, address="龙山路1号").status_code == 412
    changed = patch(worker, entity, 1, address="龙山路1号", status="CLOSED", reason="已搬空，13812345678")
    assert changed.status_code == 200, changed.content
    body = changed.json()
    assert (body["version"], body["status"], changed["ETag"]) == (2, "ACTIVE", '"v2"')
    assert body["waiting"]["reason"] == "已搬空，138****5678"
    assert body["waiting"]["changes"] == [
        {"field": "status", "label": "状态", "from": "在营", "to": "已停业"}
    ]
    (listed,) = api.get(commissioner, "entities/key-changes/", state="WAITING").json()["results"]
    assert listed["id"] == body["waiting"]["id"]
    (asked,) = api.get(commissioner, "approvals/").json()["results"]
    decided = api.post(commissioner, f"approvals/{asked['id']}/approve/", {"note": "属实"}, asked["version"])
    assert decided.status_code == 200, decided.content
    assert api.get(worker, f"entities/{entity.pk}/").json()["status"] == "CLOSED"
    history = api.get(worker, f"entities/{entity.pk}/history/").json()["results"]
    assert history[0]["text"] == "状态：在营 → 已停业"
    assert patch(world.community_head_of(1), entity, 3, address="x").status_code == 403
    assert patch(world.worker(21), entity, 3, address="x").status_code == 404


def test_an_offline_phone_makes_a_shop_and_changes_it(world: World, api: Api) -> None:
    uid = str(uuid.uuid4())
    shop = {key: value for key, value in new_shop(world).items() if key != "client_uid"}
    operations = [
        {"client_uid": uid, "path": "entities/", "body": shop},
        {
            "client_uid": str(uuid.uuid4()), "path": f"entities/uid:{uid}/", "method": "PATCH",
            "if_match": '"v1"', "body": {"address": "龙山路9号"},
        },
        {
            "client_uid": str(uuid.uuid4()), "path": f"entities/uid:{uid}/licences/", "if_match": '"v1"',
            "body": {"licences": [{"type": "FOOD_OPERATION", "number": "JY1", "expires_on": "2030-01-01"}]},
        },
    ]  # fmt: skip
    answer = api.post(world.worker(1), "sync/", {"operations": operations})
    receipts = answer.json()["receipts"]
    assert [one["receipt"] for one in receipts] == ["created"] * 3, receipts
    entity = BusinessEntity.objects.get(client_uid=uid)
    assert (entity.address, entity.version, entity.licences.count()) == ("龙山路9号", 3, 2)


def test_filters_of_the_register(world: World, api: Api) -> None:
    user = world.user("bureau")
    one = make_entity(world, 1, uscc="", is_campus_peripheral=True, community=world.communities[0])
    two = make_entity(world, 2)
    Licence.objects.create(entity=two, type="BUSINESS", number="1", expires_on=date(2026, 1, 1))
    Licence.objects.create(
        entity=one, type="BUSINESS", number="2", expires_on=date(2026, 1, 1), ended_on=date(2026, 1, 1)
    )
    for params, found in (
        ({"lacks_code": "true"}, [one]),
        ({"lacks_code": "false"}, [two]),
        ({"campus": "true"}, [one]),
        ({"community": world.communities[0].code}, [one]),
        ({"expiring_before": "2026-02-01"}, [two]),
        ({"expiring_before": "2025-12-31"}, []),
    ):
        rows = api.get(user, "entities/", **params).json()["results"]
        assert [row["id"] for row in rows] == [entity.pk for entity in found], params
    assert api.get(user, "entities/", expiring_before="gestern").status_code == 400


def test_contacts_likenesses_and_reveal(world: World, api: Api) -> None:
    first, later = (make_entity(world, 1, name="顺和饺子馆", contact_phone="13800001111") for _ in range(2))
    at = clock.now()
    contacts.record([Contact(first.pk, Purpose.PATROL, world.worker(1).pk, at, "visit:1")])
    duplicates.find(at=at)
    worker, clerk = world.worker(1), world.clerk_of(1)
    (call,) = api.get(worker, f"entities/{first.pk}/contacts/").json()["results"]
    assert (call["purpose_label"], call["by"]["username"]) == ("巡查走访", "worker-01-1")
    assert api.get(worker, f"entities/{first.pk}/contacts/", purpose="CHECK").json()["results"] == []
    assert api.get(world.worker(21), f"entities/{first.pk}/contacts/").status_code == 404
    (pair,) = api.get(clerk, "entities/duplicates/", entity=first.pk, state="SUGGESTED").json()["results"]
    assert api.get(world.worker(21), "entities/duplicates/").json()["results"] == []
    path = f"entities/duplicates/{pair['id']}/judge/"
    assert api.post(worker, path, {"verdict": "same"}).status_code == 403
    assert api.post(world.worker(21), path, {"verdict": "same"}).status_code == 404
    judged = api.post(clerk, path, {"verdict": "same", "note": "同一家"})
    assert (judged.status_code, judged.json()["second"]["status"]) == (200, "CLOSED")
    shown = api.post(worker, f"entities/{first.pk}/reveal/", {"field": "contact_phone", "reason": "联系整改"})
    assert shown.json() == {"field": "contact_phone", "value": "13800001111"}
    assert shown["Cache-Control"] == "no-store"
    history = api.get(worker, f"entities/{first.pk}/history/").json()["results"]
    assert [one["what"] for one in history] == ["查看完整信息", "核对疑似重复主体"]
    assert history[1]["subject"] == "顺和饺子馆（同一家）"
    assert api.get(worker, f"entities/by-code/{later.code}/").json()["id"] == first.pk
    found = door.behind(later.code)
    assert found is not None
    assert found.entity == first
    back = {"verdict": "different", "note": "现场核实是两家"}
    assert api.post(clerk, path, back).json()["errors"][0]["code"] == "already_judged"
    again = api.post(clerk, path, {**back, "revise": True})
    assert (again.status_code, again.json()["second"]["status"]) == (200, "ACTIVE")
    assert api.get(worker, f"entities/by-code/{later.code}/").json()["id"] == later.pk


def test_how_many_statements_it_takes(world: World, api: Api) -> None:
    worker = world.worker(1)
    entity = make_entity(world, 1)
    for _ in range(3):
        make_entity(world, 1, community=world.communities[0])
    tomorrow = clock.now() + timedelta(days=1)
    contacts.record([Contact(entity.pk, Purpose.PATROL, worker.pk, tomorrow, f"v:{n}") for n in range(4)])
    asked: dict[str, int] = {}

    def count(name: str, call: Any) -> None:
        with CaptureQueriesContext(connection) as seen:
            answer = call()
        assert answer.status_code in (200, 201), answer.content
        asked[name] = sum(not one["sql"].startswith(FRAMING) for one in seen.captured_queries)

    bearer(worker)
    count("list", lambda: api.get(worker, "entities/"))
    count("detail", lambda: api.get(worker, f"entities/{entity.pk}/"))
    count("contacts", lambda: api.get(worker, f"entities/{entity.pk}/contacts/"))
    count("history", lambda: api.get(worker, f"entities/{entity.pk}/history/"))
    count("create", lambda: api.post(worker, "entities/", new_shop(world)))
    count("change", lambda: patch(worker, entity, 1, address="龙山路1号"))
    count("ask", lambda: patch(worker, entity, 2, name="新名字"))
    assert {name: n for name, n in asked.items() if not BUDGETS[name] - 3 <= n <= BUDGETS[name]} == {}, asked
