"""举报, from the desk to its end: seen by its office alone, extended once, verified by a second officer."""

from __future__ import annotations

import uuid
from datetime import timedelta

from tests.journeys.town import Town, clocks, local

NUMBER = 20
WORDS = "后厨使用回收油"
TIPSTER = {"name": "慕容举报", "phone": "13911110020"}


def test_a_tip_off_is_checked_by_the_office_alone(town: Town) -> None:
    town.by_day()
    clerk, owner, head = town.clerk(NUMBER), town.commissioner(NUMBER), town.office_head(NUMBER)
    lon, lat = town.world.point_in(NUMBER)
    told = {
        "client_uid": str(uuid.uuid4()), "tip_off": {"description": WORDS, "category": "F03"},
        "location": {"lon": lon, "lat": lat, "crs": "wgs84"}, "reporter": TIPSTER,
    }  # fmt: skip
    secretary = town.community_head(NUMBER)
    for outsider in (town.worker(NUMBER), secretary):
        assert outsider.post("matters/", told | {"client_uid": str(uuid.uuid4())}).status == 403
    matter = clerk.post("matters/", told).must_be(201).body
    assert clerk.post("matters/", told).must_be(200).body == matter
    [record] = matter["records"]
    [lead_id] = [
        one["tip_off"]["id"] for one in clerk.get("matters/").body["results"]
        if one["tip_off"] and one["tip_off"]["number"] == record["number"]
    ]  # fmt: skip
    lead = owner.lead(lead_id)
    assert set(clocks(lead, "running")) == {"tip_off", "tip_off_80"}
    assert local(clocks(lead)["tip_off"]["due_at"]) - town.now() > timedelta(days=18)

    owner.act(lead_id, "respond")
    until = (town.now() + timedelta(days=2)).isoformat()
    side_roads = {
        "extend": {"until": until, "reason": "协查"},
        "suspend": {"until": until, "reason": "test_result", "note": "送检"},
        "reject": {"reason": "untrue", "note": "没有看到"},
        "reclassify": {"category": "L01", "reason": "不是食品"},
    }
    for act, body in side_roads.items():
        assert owner.try_act(lead_id, act, body).must_be(409).code == "restricted", act
    assert owner.try_act(lead_id, "tip-off/extend", {"reason": "协查"}).must_be(403).code == "not_office_head"
    later = head.act(lead_id, "tip-off/extend", {"reason": "等待协查"})
    assert clocks(later)["tip_off"]["due_at"] > clocks(lead)["tip_off"]["due_at"]
    assert head.try_act(lead_id, "tip-off/extend", {"reason": "再延"}).must_be(409).code == "extended_already"

    owner.act(lead_id, "feedback", {"disposal": {"kind": "penalty", "note": "已立案查处"}})
    assert owner.try_act(lead_id, "verify").status == 403
    closed = head.act(lead_id, "verify")
    assert (closed["state"], clocks(closed)["tip_off"]["state"]) == ("closed", "met")
    assert head.get(f"leads/{lead_id}/survey/").body["surveys"] == []

    outside = (town.worker(NUMBER), secretary, town.bureau, town.phone("auditor"), town.phone("police"))
    for phone in outside:
        assert phone.get(f"leads/{lead_id}/").status == 404
        assert phone.notices(lead_id) == []
    for phone in (*outside, clerk, owner, head):
        for content in phone.answers:
            said = content.decode("utf-8", "replace")
            assert TIPSTER["phone"] not in said
            assert TIPSTER["name"] not in said
            if phone in outside:
                assert WORDS not in said
                assert closed["number"] not in said
