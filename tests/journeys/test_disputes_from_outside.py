"""Disputes that nobody took at a counter: another platform's, 12315's, and a hint that becomes a lead."""

from __future__ import annotations

import json
import uuid
from datetime import datetime, timedelta
from typing import Any

import requests

from kernel import clock
from leads import platforms
from leads.models import KeptComplaint
from leads.platforms import Terms
from tests.factories.platforms import headers
from tests.journeys.counter import CONDITIONS, NAME, Counter, tiers
from tests.journeys.town import Town, local

NUMBER = 17
MOBILE = "13905384425"


def platform(town: Town, code: str, kind: str) -> str:
    """Another platform's secret."""
    by = town.world.user("bureau")
    _, secret = platforms.add(code=code, kind=kind, terms=Terms(f"演示平台{kind}"), by=by, at=clock.now())
    return secret


def hand_in(town: Town, code: str, secret: str, body: dict[str, Any]) -> dict[str, Any]:
    """Signed with the house's own second; the record of the complaint."""
    raw = json.dumps(body, ensure_ascii=False).encode()
    signed = headers(secret, raw, at=int(clock.now().timestamp())) | {"Content-Type": "application/json"}
    address = f"{town.stack.url}/api/v1/intake/{code}/"
    told = requests.post(address, data=raw, headers=signed, timeout=30)
    assert told.status_code == 201, told.text
    [record] = told.json()["records"]
    assert record["kind"] == "complaint"
    found: dict[str, Any] = record
    return found


def of_hotline(at: Counter, their_due: datetime) -> dict[str, Any]:
    """A work order of 12345 about the shop; its limit ends before the station's."""
    return {
        "order_no": "W1",
        "order_status": "待办理",
        "appeal_type": ["投诉"],
        "complaint_content": f"{NAME}要求退还餐费",
        "caller_name": NAME,
        "caller_phone": MOBILE,
        "credit_code": at.shop.uscc,
        "amount": "88.00",
        "deadline": their_due.isoformat(),
    }


def of_12315(at: Counter) -> dict[str, Any]:
    """A registration of the national platform: the consumer has spoken there already."""
    return {
        "registration_no": "N1",
        "business_type": "投诉",
        "complaint_content": f"{NAME}投诉店家不退餐费",
        "consumer_name": NAME,
        "consumer_phone": MOBILE,
        "respondent_uscc": at.shop.uscc,
    }


def taken_from(town: Town, record: dict[str, Any]) -> dict[str, Any]:
    """The dispute that a platform's complaint became."""
    rows = town.bureau.get("disputes/", source="PLATFORM", page_size=200).must_be(200).body["results"]
    [found] = [one for one in rows if one["complaint"] == record["number"]]
    told: dict[str, Any] = found
    return told


def test_a_hotlines_complaint_goes_to_the_station_and_12315s_to_the_office(town: Town) -> None:
    town.by_day()
    at = Counter(town, NUMBER, mobile=MOBILE)
    city, national = platform(town, "city12345", "12345"), platform(town, "amr12315", "12315")
    their_due = town.now() + timedelta(hours=6)
    first = hand_in(town, "city12345", city, of_hotline(at, their_due))
    dispute = taken_from(town, first)
    assert (dispute["state"], dispute["tier"], dispute["station"]["code"]) == (
        "negotiating", "SHOP", at.circle.code,
    )  # fmt: skip
    assert abs(local(dispute["due_at"]) - their_due) < timedelta(seconds=1), "the earlier limit rules"
    assert NAME not in str(dispute)
    assert at.act(at.in_circle, dispute, "settle", {"note": "店家已退款"})["outcome"] == "ON_THE_SPOT"

    second = hand_in(town, "amr12315", national, of_12315(at))
    official = at.see(taken_from(town, second), by=at.clerk)
    assert (official["state"], official["word"]["way"]) == ("filed", "PLATFORM")
    assert tiers(official) == [("OFFICIAL", "WORD")]
    assert official["station"]["code"] == at.station.code, "for the record"
    assert at.try_act(at.mediator, official, "accept", {"conditions": CONDITIONS}).code == "not_office"
    at.act(at.clerk, official, "accept", {"conditions": CONDITIONS})
    ended = at.act(at.clerk, official, "fail", {"reason": "NO_AGREEMENT"})
    assert (ended["tier"], ended["outcome"]) == ("OFFICIAL", "NOT_REACHED")


def test_what_nobody_can_place_waits_until_the_section_names_a_station(town: Town) -> None:
    town.by_day()
    at = Counter(town, NUMBER, mobile=MOBILE, circle=False)
    body = {"client_uid": str(uuid.uuid4()), "complaint": {"description": f"{NAME}在流动摊点买到变质水果"},
            "reporter": {"name": NAME, "phone": MOBILE}}  # fmt: skip
    [record] = at.clerk.post("matters/", body).must_be(201).body["records"]
    section = town.phone("section-consumer")
    listed = section.get("complaints/", page_size=200).must_be(200).body["results"]
    [waiting] = [one for one in listed if one["number"] == record["number"]]
    assert waiting["state"] == KeptComplaint.State.KEPT
    path = f"complaints/{waiting['id']}/to-station/"
    assert at.mediator.post(path, {"station": at.station.code}).status in (403, 404)
    for status in (201, 200):
        dispute = section.post(path, {"station": at.station.code}).must_be(status).body
    assert (dispute["tier"], dispute["station"]["code"]) == ("SHOP", at.station.code)
    at.act(at.mediator, dispute, "fail", {"reason": "UNREACHABLE"})


def test_a_hint_becomes_a_lead_without_the_consumer(town: Town) -> None:
    town.by_day()
    at = Counter(town, 18, mobile="13905384424", circle=False)
    taken = at.take(goods="散装糕点", goods_kind="FOOD", description=f"{NAME}买的糕点已经过期")
    body = {"client_uid": str(uuid.uuid4()), "category": "F02", "description": f"{NAME}说货架上还有过期糕点"}
    for status in (201, 200):
        made = at.mediator.post(f"disputes/{taken['id']}/lead/", body).must_be(status).body
    lead = town.worker(18).lead(made["id"])
    assert (lead["entity"]["id"], lead["state"]) == (at.shop.pk, "dispatched")
    assert NAME not in str(lead)
    assert at.mobile not in str(lead)
    assert [one["id"] for one in at.see(taken)["leads"]] == [made["id"]]
    at.act(at.mediator, taken, "settle")
    town.finish(made["id"], 18)
