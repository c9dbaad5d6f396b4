"""A grid worker's afternoon without a line: everything is queued, the queue comes apart, nothing is lost."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

from tests.journeys.phone import Phone
from tests.journeys.town import Town, local


def sync(phone: Phone, *operations: Any, sent_at: str | None = None) -> dict[str, Any]:
    body: dict[str, Any] = {"operations": list(operations)}
    if sent_at is not None:
        body["sent_at"] = sent_at
    found: dict[str, Any] = phone.post("sync", body).must_be(200).body
    return found


def test_an_afternoon_offline_comes_in_pieces_and_twice(town: Town) -> None:
    town.by_day()
    worker = town.worker(11)
    lon, lat = town.world.point_in(11)
    seen_at = town.now()
    uid = str(uuid.uuid4())
    report = {
        "client_uid": uid,
        "path": "leads/",
        "captured_at": seen_at.isoformat(),
        "body": {
            "category": "F03",
            "description": "后厨有老鼠",
            "location": {"lon": lon, "lat": lat, "crs": "wgs84"},
            "reporter": {"name": "演示反映人", "phone": "13800000011"},
        },
    }
    known = {
        "client_uid": str(uuid.uuid4()),
        "path": f"leads/uid:{uid}/confirm-handover/",
        "if_match": '"v1"',
    }
    town.pass_time(timedelta(hours=3))
    first = sync(worker, known)
    assert first["receipts"][0]["receipt"] == "waiting"
    worker.lose_answer("sync", {"operations": [report]})
    told = sync(worker, report, known, sent_at=(town.now() + timedelta(minutes=20)).isoformat())
    assert told["receipts"][0]["receipt"] == "already_have"
    assert told["receipts"][1]["receipt"] in ("created", "already_have")
    assert abs(told["skew_s"] - 1200) < 60
    lead = worker.lead(told["receipts"][0]["id"])
    assert local(lead["discovered_at"]) == seen_at
    assert local(lead["reported_at"]) - seen_at >= timedelta(hours=3)
    respond = next(one for one in lead["deadlines"] if one["kind"] == "respond")
    assert local(respond["due_at"]) == local(lead["reported_at"]) + timedelta(minutes=30)
    assert "synced_late" in lead["flags"]
    town.finish(lead["id"], 11)
