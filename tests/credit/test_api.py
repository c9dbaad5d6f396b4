"""The endpoints of credit over HTTP: shapes, versions, refusals, budgets (API.md)."""

from __future__ import annotations

import json
import uuid
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from credit import appeals, partners, trial
from credit.models import Appeal, CreditScheme
from grids.demo import World
from kernel import clock
from kernel.journal.models import Entry
from tests.credit import asked
from tests.credit.asked import appealed, fallen, newest, penalised
from tests.factories.asked import partner, worthy
from tests.factories.house import keep_photo
from tests.factories.leads import TUESDAY, stand_at
from tests.leads.calls import Api, code_of

BUDGETS: dict[str, int] = json.loads((Path(__file__).parents[1] / "query_budgets.json").read_text())["credit"]
FRAMING = ("BEGIN", "COMMIT", "SAVEPOINT", "RELEASE", "ROLLBACK", "SET LOCAL")
SLACK = 2


@pytest.fixture
def api(client: Client) -> Api:
    return Api(client)


def within(name: str, call: Any) -> Any:
    """The answer to one call, which took no more statements than its budget, and no more than 2 fewer."""
    with CaptureQueriesContext(connection) as seen:
        answer = call()
    assert answer.status_code in (200, 201), answer.content
    sent = [one["sql"][:150] for one in seen.captured_queries if not one["sql"].startswith(FRAMING)]
    assert BUDGETS[name] - SLACK <= len(sent) <= BUDGETS[name], f"{name}: {len(sent)}\n" + "\n".join(sent)
    return answer


def test_a_grade_is_explained_down_to_the_facts(world: World, api: Api) -> None:
    shop, fact = fallen(world)
    told = within(
        "GET entities/{id}/credit/", lambda: api.get(world.worker(1), f"entities/{shop.pk}/credit/")
    )
    said = told.json()
    assert said["standing"]["effective_grade"] == "C"
    assert said["standing"]["assessment"] == newest(shop).pk
    assert said["standing"]["indicators"]["I6"] == "0.00"
    assert said["text"].startswith(f"{shop.name}信用分类说明")
    assert [one["code"] for one in said["sections"]][:2] == ["GRADE", "I1"]
    penalty = next(one for one in said["facts"] if one["id"] == fact.pk)
    assert (penalty["kind_label"], penalty["level_label"], penalty["number"]) == (
        "行政处罚", "严重", "泰肥市监处罚〔2026〕9号",
    )  # fmt: skip


def test_a_shop_without_a_grade_has_none_to_show(world: World, api: Api) -> None:
    shop = asked.make_entity(world, 1)
    said = api.get(world.worker(1), f"entities/{shop.pk}/credit/").json()
    assert (said["standing"], said["facts"], said["red_partner"]) == (None, [], None)


@pytest.mark.parametrize("path", ["credit/assessments/", "credit/facts/", "credit/appeals/"])
def test_lists_cost_the_same_for_many(world: World, api: Api, path: str) -> None:
    shop, fact = fallen(world)
    appealed(world, shop, fact)
    few = within(f"GET {path}", lambda: api.get(world.commissioner(1), path, entity=shop.pk))
    for _ in range(3):
        other, more = fallen(world)
        appealed(world, other, more)
    many = within(f"GET {path}", lambda: api.get(world.commissioner(1), path))
    assert len(many.json()["results"]) > len(few.json()["results"]) > 0


def test_the_whole_way_of_an_appeal(world: World, api: Api) -> None:
    shop, fact = fallen(world)
    worker, section = world.worker(1), world.user("section-credit")
    body = {
        "client_uid": str(uuid.uuid4()), "entity": shop.pk, "assessment": newest(shop).pk,
        "disputed": [fact.pk], "reason": "未收到处罚决定书", "evidence": [keep_photo(worker).pk],
    }  # fmt: skip
    made = within("POST credit/appeals/", lambda: api.post(worker, "credit/appeals/", body))
    assert (made.status_code, made["ETag"]) == (201, '"v1"')
    assert api.post(worker, "credit/appeals/", body).status_code == 200
    assert code_of(api.post(worker, "credit/appeals/", {**body, "reason": "别的"})) == "client_uid_conflict"
    assert api.post(worker, "credit/appeals/", {**body, "extra": 1}).status_code == 400
    path, said = f"credit/appeals/{made.json()['id']}/", {"upheld": True, "note": "处罚决定已撤销"}
    assert made.json()["due_at"] is not None
    assert api.post(section, f"{path}decide/", said).status_code == 428
    assert api.post(section, f"{path}decide/", said, 9).status_code == 412
    assert code_of(api.post(worker, f"{path}decide/", said, 1)) == "own_request"
    done = within("POST credit/appeals/{id}/decide/", lambda: api.post(section, f"{path}decide/", said, 1))
    assert (done.json()["state"], done.json()["withdrawn"], done["ETag"]) == ("UPHELD", [fact.pk], '"v2"')
    assert "现执行等级为B级" in done.json()["answer"]
    assert api.post(section, f"{path}decide/", said, 1).status_code == 200
    assert [
        one["withdrawn"] for one in api.get(worker, "credit/facts/", kind="PENALTY").json()["results"]
    ] == [True]
    kinds = Entry.objects.filter(stream=f"entity:{shop.pk}", kind__startswith="credit.appeal")
    assert set(kinds.values_list("kind", flat=True)) == {"credit.appealed", "credit.appeal_decided"}


def test_the_way_of_a_repair(world: World, api: Api) -> None:
    _, fact = penalised(world, "LIGHT", ago=3)
    worker, section = world.worker(1), world.user("section-credit")
    body = {
        "client_uid": str(uuid.uuid4()), "fact": fact.pk, "reason": "罚款已缴",
        "evidence": [keep_photo(worker).pk],
    }  # fmt: skip
    made = api.post(worker, "credit/repairs/", body)
    assert (made.status_code, made.json()["fact"]["number"]) == (201, "7号")
    path = f"credit/repairs/{made.json()['id']}/decide/"
    assert code_of(api.post(section, path, {"upheld": False}, 1)) == "reason_required"
    assert api.post(section, path, {"upheld": True}, 1).json()["state"] == "UPHELD"
    within("GET credit/repairs/", lambda: api.get(section, "credit/repairs/"))


def test_nominating_and_revoking(world: World, api: Api) -> None:
    shop = worthy(world)
    body = {"client_uid": str(uuid.uuid4()), "entity": shop.pk, "reason": "带头参加社区共治"}
    head = world.community_head_of(1)
    made = within("POST credit/red-partners/", lambda: api.post(head, "credit/red-partners/", body))
    assert (made.status_code, made.json()["state"]) == (201, "NOMINATED")
    [waiting] = api.get(world.head_of(1), "approvals/", kind="red_partner", waits_for_me="true").json()[
        "results"
    ]
    assert api.post(world.head_of(1), f"approvals/{waiting['id']}/approve/", {}, 1).status_code == 200
    path = f"credit/red-partners/{made.json()['id']}/"
    assert api.get(head, path).json()["state"] == "ACTIVE"
    assert api.post(world.head_of(1), f"{path}revoke/", {"reason": "弄虚作假"}).status_code == 428
    assert (
        api.post(world.head_of(1), f"{path}revoke/", {"reason": "弄虚作假"}, 2).json()["state"] == "REVOKED"
    )
    partner(world)
    within("GET credit/red-partners/", lambda: api.get(head, "credit/red-partners/"))


def test_a_nomination_is_taken_back_by_who_made_it(world: World, api: Api) -> None:
    head = world.community_head_of(1)
    body = {"client_uid": str(uuid.uuid4()), "entity": worthy(world).pk, "reason": "带头参加社区共治"}
    path = f"credit/red-partners/{api.post(head, 'credit/red-partners/', body).json()['id']}/"
    assert api.post(world.head_of(1), f"{path}withdraw/", {}, 1).status_code == 403
    assert api.post(head, f"{path}withdraw/", {}).status_code == 428
    done = api.post(head, f"{path}withdraw/", {"reason": "提名有误"}, 1)
    assert (done.status_code, done.json()["state"], done.json()["version"]) == (200, "WITHDRAWN", 2)
    assert api.post(head, f"{path}withdraw/", {}, 1).json()["version"] == 2
    assert api.get(world.head_of(1), "approvals/", waits_for_me="true").json()["results"] == []
    assert partners.count_at(clock.now()) == 0
    again = {**body, "client_uid": str(uuid.uuid4())}
    waits = api.post(head, "credit/red-partners/", again).json()
    [approval] = api.get(world.head_of(1), "approvals/", waits_for_me="true").json()["results"]
    assert api.post(world.head_of(1), f"approvals/{approval['id']}/approve/", {}, 1).status_code == 200
    late = api.post(head, f"credit/red-partners/{waits['id']}/withdraw/", {}, 2)
    assert code_of(late) == "already_decided"


def test_what_is_entered_at_the_shop_may_come_from_an_offline_phone(world: World, api: Api) -> None:
    """An appeal taken down on its last day, without a network, is in time the day after."""
    shop, fact = asked.fallen(world)
    worker, graded = world.worker(1), asked.newest(shop)
    uid = str(uuid.uuid4())
    said = {"entity": shop.pk, "assessment": graded.pk, "disputed": [fact.pk], "reason": "店主称未收到决定书"}
    last = TUESDAY + timedelta(days=15, hours=8)
    queued = {"client_uid": uid, "path": "credit/appeals/", "body": said, "captured_at": last.isoformat()}
    stand_at(TUESDAY + timedelta(days=16))
    late = {**said, "client_uid": str(uuid.uuid4())}
    assert code_of(api.post(worker, "credit/appeals/", late)) == "too_late"
    for word in ("created", "already_have"):
        [receipt] = api.post(worker, "sync", {"operations": [queued]}).json()["receipts"]
        assert (receipt["receipt"], receipt["resource"].split("/")[:2]) == (word, ["credit", "appeals"]), (
            receipt
        )
    row = Appeal.objects.get()
    assert (row.client_uid, row.asked_by) == (uuid.UUID(uid), worker)
    back = {
        "client_uid": str(uuid.uuid4()),
        "path": f"credit/appeals/uid:{uid}/withdraw/",
        "if_match": '"v1"',
    }
    [receipt] = api.post(worker, "sync", {"operations": [back]}).json()["receipts"]
    assert (receipt["receipt"], receipt["version"]) == ("created", 2), receipt
    rules = {"client_uid": str(uuid.uuid4()), "path": "credit/schemes/", "body": {"title": "新方案"}}
    [receipt] = api.post(world.user("bureau"), "sync", {"operations": [rules]}).json()["receipts"]
    assert receipt["errors"][0]["code"] == "path_not_allowed"


def test_a_draft_on_its_way(world: World, api: Api, client: Client) -> None:
    bureau, leader = world.user("bureau"), world.user("leader")
    asked.shop_with(world, asked.good(participation=False))
    made = api.post(bureau, "credit/schemes/", {"title": "更严的A级"})
    path = f"credit/schemes/{made.json()['id']}/"
    assert (made.status_code, made.json()["tried"], made.json()["number"]) == (201, False, 2)

    def patch(body: dict[str, Any], version: int) -> Any:
        from tests.factories.accounts import bearer

        return client.patch(
            f"/api/v1/{path}", json.dumps(body), content_type="application/json",
            headers={**bearer(bureau), "If-Match": f'"v{version}"'},
        )  # fmt: skip

    wrong = patch({"rules": {"limits": {"a": 60, "z": 1}}}, 1)
    assert wrong.status_code == 422
    attrs = {one["attr"] for one in wrong.json()["errors"]}
    assert {"rules.limits.z", "rules.limits.b"} <= attrs
    right = patch({"rules": {"limits": {"a": 99}}}, 1)
    assert [one["path"] for one in right.json()["changes"]] == ["limits.a"]
    assert patch({"title": "旧页"}, 1).status_code == 412
    assert code_of(api.post(leader, f"{path}put-in-force/", {}, 2)) == "not_tried"
    assert api.post(leader, f"{path}trial/", {}, 2).json()["trial_asked_at"] is not None
    assert trial.run_asked() == 1
    tried = within("GET credit/schemes/{id}/", lambda: api.get(leader, path)).json()
    assert (tried["tried"], tried["trial"]["falls"]) == (True, 1)
    assert "movers" not in tried["trial"]
    sheet = api.get(leader, f"{path}trial.xlsx")
    assert (sheet.status_code, sheet.content[:2]) == (200, b"PK")
    assert code_of(api.post(bureau, f"{path}put-in-force/", {}, 2)) == "own_scheme"
    done = api.post(leader, f"{path}put-in-force/", {}, 2)
    assert (done.json()["state"], done.json()["regraded"]) == ("IN_FORCE", {"done": 0, "of": 1})
    seen = within("GET credit/scheme/", lambda: api.get(world.worker(1), "credit/scheme/")).json()
    assert (seen["number"], seen["trial"]) == (2, None)
    assert api.get(world.worker(1), path).json()["trial"] is None
    assert api.get(world.worker(1), f"{path}trial.xlsx").status_code == 404
    assert CreditScheme.objects.get(version=1).state == "RETIRED"


def test_the_auditor_reads_masked(world: World, api: Api) -> None:
    shop, fact = fallen(world)
    given = appeals.Given(
        shop.pk, newest(shop).pk, asked.entry("请联系13812345678，未收到决定书"), (fact.pk,)
    )
    row, _ = appeals.ask(given=given, by=world.worker(1))
    path = f"credit/appeals/{row.pk}/"
    assert "138****5678" in api.get(world.user("auditor"), path).json()["reason"]
    assert "13812345678" in api.get(world.worker(1), path).json()["reason"]
    for who in ("worker-01-1", "bureau", "auditor"):
        assert b"13812345678" not in api.get(world.user(who), "credit/appeals/").content, who


def test_every_budget_is_used() -> None:
    source = Path(__file__).read_text()
    lists = {f"GET credit/{name}/" for name in ("assessments", "facts", "appeals")}
    assert [name for name in BUDGETS if f'"{name}"' not in source and name not in lists] == []
