"""Another platform hands in a mixed matter, signed, and hears every step back, over HTTP both ways."""

from __future__ import annotations

import json
from typing import Any

import requests

from kernel import clock
from leads import platforms
from leads.models import Matter
from leads.platforms import Terms
from tests.factories.platforms import headers
from tests.journeys.town import Town
from tests.stack import wait_until

NUMBER = 9
ORDER = "GD20260310-0001"
SECRET_WORDS = "后厨使用回收油"
TOLD_WITHIN_S = 60


def hand_in(town: Town, secret: str, body: dict[str, Any], *, second: int = 0) -> requests.Response:
    """Signed with the house's own second, a little earlier where asked."""
    raw = json.dumps(body, ensure_ascii=False).encode()
    signed = headers(secret, raw, at=int(clock.now().timestamp()) - second)
    address = f"{town.stack.url}/api/v1/intake/hotline/"
    return requests.post(address, data=raw, headers=signed | {"Content-Type": "application/json"}, timeout=30)


def work_order(town: Town) -> dict[str, Any]:
    lon, lat = town.world.point_in(NUMBER)
    return {
        "order_no": ORDER, "order_status": "待办理", "appeal_type": ["诉求", "举报", "投诉"],
        "content": "门口占道经营", "report_content": SECRET_WORDS, "complaint_content": "要求退还餐费",
        "category_code": "L01", "caller_name": "王某某", "caller_phone": "13911113333", "amount": "35.50",
        "lng": lon, "lat": lat, "coord": "wgs84",
    }  # fmt: skip


def steps(town: Town, handled: str) -> list[str]:
    """What the hotline was told about one of our records, in order of arrival."""
    told = [body for body in town.hotline.bodies if body.get("handle_no") == handled]
    assert all(body["order_no"] == ORDER for body in told)
    return [body["operate_type"] for body in told]


def test_a_mixed_matter_is_split_and_its_steps_go_back(town: Town, settings: Any) -> None:
    town.by_day()
    settings.SUOSHE_WEBHOOK_HOSTS = [town.hotline.url]
    terms = Terms("市12345热线", hands_back=True, callback_path=f"{town.hotline.url}/back")
    platform, secret = platforms.add(
        code="hotline", kind="12345", terms=terms, by=town.world.user("bureau"), at=clock.now()
    )
    town.hotline.secret = secret
    order = work_order(town)
    assert hand_in(town, "somebody else's", order).status_code == 401
    first = hand_in(town, secret, order, second=1)
    assert first.status_code == 201, first.text
    assert hand_in(town, secret, order, second=200).status_code == 200
    again = hand_in(town, secret, order | {"order_status": "办理中"}, second=2)
    assert (again.status_code, again.json()) == (200, first.json())
    assert hand_in(town, secret, order | {"content": "别的事"}, second=3).status_code == 409
    numbers = {one["kind"]: one["number"] for one in first.json()["records"]}
    assert set(numbers) == {"request", "tip_off", "complaint"}
    matter = Matter.objects.get(platform=platform)
    assert matter.lead_id is not None
    assert matter.tip_off_id is not None

    worker, clerk = town.worker(NUMBER), town.clerk(NUMBER)
    assert worker.lead(matter.lead_id)["number"] == numbers["request"]
    assert worker.get(f"leads/{matter.tip_off_id}/").status == 404
    assert worker.get(f"matters/{matter.pk}/").must_be(200).body["kinds"] == ["request"]
    assert clerk.get(f"matters/{matter.pk}/").body["kinds"] == ["request", "tip_off", "complaint"]
    kept = clerk.get("complaints/").body["results"][0]
    assert (kept["description"], kept["amount"]) == ("要求退还餐费", "35.50")

    worker.act(matter.lead_id, "confirm-handover")
    town.finish(matter.lead_id, NUMBER)
    owner = town.commissioner(NUMBER)
    owner.act(matter.tip_off_id, "respond")
    owner.act(matter.tip_off_id, "feedback", {"disposal": {"kind": "penalty", "note": "已立案查处"}})
    head = town.office_head(NUMBER)
    assert head.act(matter.tip_off_id, "verify")["state"] == "closed"

    for handled in (numbers["request"], numbers["tip_off"]):
        wait_until(
            lambda one=handled: "已办结" in steps(town, one),
            within_s=TOLD_WITHIN_S,
            what=f"{handled} to be told",
        )
        assert steps(town, handled) == ["已受理", "已派单", "已接单", "已反馈", "已办结"]
    assert all(town.hotline.signed)
    closed = {b["handle_no"]: b for b in town.hotline.bodies if b["operate_type"] == "已办结"}
    assert closed[numbers["request"]]["reply_content"] == "提醒指导：已当场提醒并改正"
    assert closed[numbers["tip_off"]]["reply_content"] == "", "of a tip-off only the state"
    words = json.dumps(town.hotline.bodies, ensure_ascii=False)
    assert not any(one in words for one in ("王某某", "13911113333", SECRET_WORDS, "占道"))
    assert not any(SECRET_WORDS.encode() in answer for answer in worker.answers)
