"""The same citizen by every other way in: two platforms, the door of a shop, a phone that was offline.

Each way is tried wrong, right, again and in conflict; every answer is kept. The names stand wherever a
platform or a person might write them.
"""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Callable
from typing import Any

from grids.demo import World
from kernel.notices import webhooks
from kernel.notices.models import WebhookEndpoint
from kernel.offline.models import Operation
from leads import reporters
from leads.models import KeptComplaint, Lead, Matter
from tests.factories import platforms as there
from tests.factories.citizens import NAME, PHONE
from tests.factories.grids import make_entity
from tests.leads.calls import Api, body

TOLD = {"name": NAME, "phone": PHONE}
SPACED = f"{PHONE[:3]} {PHONE[3:7]} {PHONE[7:]}"
OTHER_PHONE = "13605387788"
"""A second number of the same citizen, as the hotline writes two into one field."""
SAID = f"{NAME}（{SPACED}，{PHONE}）反映后厨有老鼠"
HOST = "https://hotline.example"
"""Where the hotline is told our steps, and another system everybody's."""
Keep = Callable[[str, Any], Any]


def all_of_them(world: World, api: Api, keep: Keep) -> list[Lead]:
    """Every lead that came of it, each with the citizen sealed beside it."""
    leads = [*by_the_hotline(world, api, keep), *by_the_city(world, api, keep)]
    leads += [at_the_door(world, api, keep), by_an_offline_phone(world, api, keep)]
    for lead in leads:
        told = reporters.identity_of(lead)
        assert told is not None, lead.source
        assert (told.name, re.sub(r"\D", "", told.phone)) == (NAME, PHONE)
    return leads


def by_the_hotline(world: World, api: Api, keep: Keep) -> list[Lead]:
    """A mixed matter in the hotline's own words: a request, a tip-off and a complaint."""
    everybody = WebhookEndpoint(name="大屏", url=f"{HOST}/steps")
    webhooks.set_secret(everybody, "secret-of-the-other")
    everybody.save()
    platform, secret = there.made(
        world, kind="12345", code="p12345", hands_back=True, callback_path=f"{HOST}/back"
    )
    lon, lat = world.point_in(1)
    sent = {
        "order_no": there.number(), "order_status": "待办", "title": SAID,
        "appeal_type": ["诉求", "举报", "投诉"], "content": SAID + f"，或打{OTHER_PHONE}",
        "report_content": f"举报人{NAME}，{PHONE}，{OTHER_PHONE}：用回收油",
        "complaint_content": f"{NAME}要求退款，{OTHER_PHONE}", "company": f"{NAME}说的饺子馆",
        "category_code": "F03", "credit_code": NAME, "caller_name": NAME,
        "caller_phone": f"{PHONE}/{OTHER_PHONE}",
        "address": f"文化路1号{NAME}家楼下，{PHONE}", "lng": lon, "lat": lat, "coord": "wgs84",
    }  # fmt: skip

    def hand_in(what: Any, key: str = secret, **how: Any) -> Any:
        return keep("intake", there.hand_in(api.client, platform, key, what, **how))

    for wrong in (
        {"caller_name": [NAME]},
        {"caller_phone": {PHONE: NAME}},
        {"category_code": NAME},
        {"appeal_type": [NAME]},
        {"lng": NAME, "lat": PHONE},
        {"deadline": NAME},
        {"content": ""},
    ):
        assert hand_in(sent | wrong).status_code in (400, 422), wrong
    assert hand_in(sent, "another").status_code == 401
    assert hand_in(f'{{"caller_name": "{NAME}"'.encode()).status_code == 400
    assert [hand_in(sent).status_code, hand_in(sent | {"order_status": NAME}).status_code] == [201, 200]
    assert hand_in(sent | {"content": f"又是{NAME}"}).status_code == 409
    matter = Matter.objects.select_related("lead", "tip_off").get(external_number=sent["order_no"])
    assert KeptComplaint.objects.filter(matter=matter).exists()
    assert matter.lead is not None
    assert matter.tip_off is not None
    handled(world, api, keep, matter.lead)
    return [matter.lead, matter.tip_off]


def handled(world: World, api: Api, keep: Keep, lead: Lead) -> None:
    """Taken, fed back and verified: its steps and its result go back to the hotline."""
    owner, worker = world.commissioner(1), world.worker(1)
    for who, name, data in (
        (owner, "respond", {"plan": "by_phone"}),
        (owner, "feedback", {"disposal": {"kind": "guided", "note": "已改正，已告知诉求人"}}),
        (worker, "verify", {"method": "on_site"}),
    ):
        lead.refresh_from_db()
        answer = api.post(who, f"leads/{lead.pk}/{name}/", data, lead.version)
        assert keep(name, answer).status_code == 200, answer.content


def by_the_city(world: World, api: Api, keep: Keep) -> list[Lead]:
    """An event of the city's platform, in its words and without a point on the map."""
    platform, secret = there.made(world, kind="city", code="city")
    sent = {
        "event_code": there.number(), "event_desc": SAID, "category_code": "L02",
        "place_name": f"{NAME}家对面", "reporter": NAME, "reporter_tel": SPACED,
    }  # fmt: skip
    assert keep("intake", there.hand_in(api.client, platform, secret, sent)).status_code == 201
    return [Lead.objects.get(source="city")]


def at_the_door(world: World, api: Api, keep: Keep) -> Lead:
    """我要反映 behind a shop's code. A form that is refused goes back filled in, to its writer alone."""
    shop = make_entity(world, 1)
    path = f"/d/{shop.code}/tell/"
    text = keep("GET tell", api.client.get(path)).content.decode()
    token = re.search(r'name="token" value="([^"]+)"', text)
    digits = re.search(r"(\d+) 加 (\d+) 等于几", text)
    assert token is not None
    assert digits is not None
    said = {"description": SAID, "name": NAME, "phone": SPACED, "token": token[1]}
    for wrong in ({"answer": "1"}, {"phone": NAME}, {"description": "短", "answer": "1"}):
        again = api.client.post(path, said | wrong)
        assert again.status_code in (400, 422)
        assert (again["Cache-Control"], again.cookies) == ("no-store", {})
    right = said | {"answer": str(int(digits[1]) + int(digits[2]))}
    for _ in range(2):
        assert keep("POST tell", api.client.post(path, right)).status_code == 200
    keep("GET tell again", api.client.get(path))
    keep("GET door", api.client.get(f"/d/{shop.code}/"))
    return Lead.objects.get(source="door")


def by_an_offline_phone(world: World, api: Api, keep: Keep) -> Lead:
    """A report in a queue: refused, in conflict, waiting for what never comes; one goes through."""
    worker = world.worker(1)

    def op(uid: str, **fields: Any) -> dict[str, Any]:
        return {"client_uid": uid, "path": "leads/", **fields}

    def sync(*operations: Any) -> list[str]:
        answer = keep("sync", api.post(worker, "sync", {"operations": list(operations)}))
        assert answer.status_code == 200
        return [one["receipt"] for one in answer.json()["receipts"]]

    sent = body(world, reporter=TOLD, category="L02", description=SAID)
    uid = sent.pop("client_uid")
    wrong = [
        op(str(uuid.uuid4()), body=sent | {"reporter": NAME}),
        op(str(uuid.uuid4()), body=sent | {"category": NAME}),
        {"client_uid": str(uuid.uuid4()), "path": f"leads/{NAME}/", "body": sent},
        op(str(uuid.uuid4()), body=sent, captured_at=PHONE),
    ]
    assert set(sync(*wrong)) == {"rejected"}
    waits = op(str(uuid.uuid4()), body=sent, after=[str(uuid.uuid4())])
    assert sync(op(uid, body=sent), waits) == ["created", "waiting"]
    other = op(uid, body=sent | {"description": f"还是{NAME}"})
    assert sync(op(uid, body=sent), other) == ["already_have", "conflict"]
    keep("sync broken", api.post(worker, "sync", json.dumps({"operations": [op(uid, body=sent)]})[:-9]))
    assert Operation.objects.filter(state="waiting").exists()
    return Lead.objects.get(client_uid=uid)
