"""One lead from the first photo to the sixth signature, as everyone would have it."""

from __future__ import annotations

import hashlib
import io
import os
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from kernel.coordinates import from_wgs84
from kernel.evidence.models import Evidence
from tests.factories.photos import make_photo
from tests.journeys.phone import Phone
from tests.journeys.town import Town, clocks, slots
from tests.stack import wait_until

SENTENCES = {
    ("discovery", "community"): "由我发现并上报",
    ("handover", "community"): "已移交",
    ("discovery", "office"): "已知悉上报内容",
    ("handover", "office"): "已接收,由我办理",
    ("result", "office"): "处置情况属实",
    ("result", "community"): "已核实,问题现象已消除",
}
PICTURES = {".jpg", ".jpeg", ".png", ".webp", ".heic"}
KNOWN = {"image01088.jpg": ["no_exif"], "no_exif.jpg": ["no_exif"], "DSCN0010.jpg": []}
"""What is to be said of some photos, where the folder has them (the first is whole, whatever its name)."""


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def original(phone: Phone, evidence_id: int) -> bytes:
    answer = phone.get(f"evidence/{evidence_id}/original").must_be(200)
    assert answer.headers["X-Content-SHA256"] == sha256(answer.content)
    return answer.content


def test_a_lead_with_photos_is_closed_with_six_signatures(town: Town) -> None:
    at = town.by_day()
    worker, commissioner = town.worker(1), town.commissioner(1)
    lon, lat = town.world.point_in(1)
    taken_at = at - timedelta(minutes=2)
    before = make_photo(taken_at=taken_at, place=(lon, lat), size=(1600, 1200), orientation=6)
    still_to_come = make_photo(taken_at=at - timedelta(minutes=1), place=(lon, lat), colour="#208040")

    kept = worker.upload(before, captured_at=taken_at, lon=lon, lat=lat, crs="wgs84")
    assert kept.must_be(201).body | {"id": 0} == {
        "id": 0, "sha256": sha256(before), "kind": "photo", "flags": [],
    }  # fmt: skip
    photo_id = kept.body["id"]
    assert worker.get("categories/", q="老鼠").body["results"][0]["code"] == "F03"
    here = worker.get("grids/locate", lon=lon, lat=lat, crs="wgs84").must_be(200).body
    assert (here["grid"], here["match"]) == (town.world.grid(1).code, "inside")

    lead = town.report(
        1, category="F03", description="后厨有老鼠", captured_at=taken_at.isoformat(),
        evidence=[photo_id, {"sha256": sha256(still_to_come)}],
        location=dict(zip(("lon", "lat"), from_wgs84(lon, lat, "gcj02"), strict=True), crs="gcj02"),
    )  # fmt: skip
    lead_id = lead["id"]
    assert (lead["state"], lead["grid"]) == ("dispatched", town.world.grid(1).code)
    assert lead["assignee"]["username"] == "commissioner-01"
    assert lead["food"] is True
    assert lead["location"]["crs"] == "wgs84"
    assert (lead["location"]["lon"], lead["location"]["lat"]) == pytest.approx((lon, lat), abs=2e-5)
    assert set(clocks(lead, "running")) >= {"respond", "respond_80", "feedback", "feedback_80", "same_day"}
    assert [one["missing"] for one in lead["evidence"]] == [False, True]
    assert lead["missing_signatures"] == [
        "discovery:office", "handover:office", "result:office", "result:community",
    ]  # fmt: skip

    worker.upload(still_to_come, captured_at=at - timedelta(minutes=1)).must_be(201)
    seen = commissioner.lead(lead_id)
    assert [one["missing"] for one in seen["evidence"]] == [False, False]
    assert seen["version"] == lead["version"], "a file that arrives changes nothing that is signed"
    assert original(commissioner, photo_id) == before
    assert original(commissioner, seen["evidence"][1]["id"]) == still_to_come
    assert town.worker(2).get(f"evidence/{photo_id}/original").status == 404

    wait_until(lambda: Evidence.objects.exclude(thumbnail="").filter(pk=photo_id).exists(),
               within_s=30, what="the worker to make the thumbnail")  # fmt: skip
    small = commissioner.get(f"evidence/{photo_id}/thumbnail").must_be(200)
    with Image.open(io.BytesIO(small.content)) as picture:
        assert (picture.format, picture.size) == ("JPEG", (360, 480))
        assert not picture.getexif()

    assert "leads.dispatched" in commissioner.notices(lead_id)
    assert commissioner.get("me").body["open_tasks"]["respond"] >= 1
    commissioner.act(lead_id, "respond", {"plan": "on_my_way"})
    lead = commissioner.act(lead_id, "control", {"note": "已封存食材，停用后厨"})
    assert clocks(lead)["same_day"]["state"] == "met"
    after = make_photo(taken_at=town.now(), place=(lon, lat), colour="#2040c0")
    disposal = {"kind": "guided", "note": "已清理消杀，更换防鼠网"}
    lead = commissioner.act(
        lead_id, "feedback", {"disposal": disposal, "evidence": [{"sha256": sha256(after)}]}
    )
    assert lead["missing_signatures"] == ["result:community"]
    commissioner.upload(after).must_be(201)

    verifier = town.worker(1, 2)
    assert "leads.fed_back" in verifier.notices(lead_id)
    for refused, why in ((town.worker(2), 404), (commissioner, 403), (town.phone("auditor"), 403)):
        assert refused.post(f"leads/{lead_id}/verify/", if_match=f'"v{lead["version"]}"').status == why
    assert verifier.try_act(lead_id, "verify", {"method": "photo"}).must_be(409).code == "on_site_required"
    lead = verifier.act(lead_id, "verify", {"method": "on_site", "note": "已到店查看"})

    assert (lead["state"], lead["missing_signatures"]) == ("closed", [])
    assert slots(lead) == {
        ("discovery", "community", 1, "worker-01-1"),
        ("handover", "community", 1, "worker-01-1"),
        ("discovery", "office", 1, "commissioner-01"),
        ("handover", "office", 1, "commissioner-01"),
        ("result", "office", 1, "commissioner-01"),
        ("result", "community", 1, "worker-01-2"),
    }
    assert {(s["stage"], s["side"]): s["sentence"] for s in lead["signatures"]} == SENTENCES
    assert {one["state"] for one in lead["deadlines"]} == {"met", "cancelled"}
    assert {one["stage"]: one["missing"] for one in lead["evidence"]} == {"discovery": False, "result": False}
    told_of(town, lead_id)


def told_of(town: Town, lead_id: int) -> None:
    """Timeline and explanation of a closed lead, as the bureau and the auditor read them."""
    entries = town.phone("auditor").get(f"leads/{lead_id}/timeline/").must_be(200).body["entries"]
    assert [one["kind"] for one in entries] == [
        "lead.reported", "lead.dispatched", "lead.evidence_arrived", "lead.responded", "lead.controlled",
        "lead.fed_back", "lead.evidence_arrived", "lead.closed",
    ]  # fmt: skip
    assert [one["prev_hash"] for one in entries[1:]] == [one["hash"] for one in entries[:-1]]
    why: dict[str, Any] = town.bureau.get(f"leads/{lead_id}/explain/").must_be(200).body
    assert "位置在网格" in why["text_zh"]
    assert "接单时限" in why["text_zh"]


def test_real_photos_are_kept_as_they_are_or_refused_in_words(town: Town) -> None:
    given = os.environ.get("SUOSHE_PHOTOS")
    if not given:
        pytest.skip("SUOSHE_PHOTOS names no folder of photos")
    photos = sorted(p for p in Path(given).iterdir() if p.suffix.lower() in PICTURES)
    assert photos
    town.by_day()
    worker = town.worker(2)
    accepted: dict[int, bytes] = {}
    flags: dict[str, list[str]] = {}
    refused: dict[str, int] = {}
    for photo in photos:
        content = photo.read_bytes()
        answer = worker.upload(content).must_be(201, 415, 422)
        if answer.status == 201:
            assert answer.body["sha256"] == sha256(content)
            accepted[answer.body["id"]] = content
            flags[photo.name] = answer.body["flags"]
        else:
            assert any("一" <= letter <= "鿿" for letter in answer.sentence)
            refused[photo.name] = answer.status
    assert 415 not in refused.values(), "every kind of picture in the folder is taken, HEIC too"
    for name, expected in KNOWN.items():
        assert flags.get(name, expected) == expected

    lead = town.report(2, evidence=list(accepted))
    commissioner = town.commissioner(2)
    for one in commissioner.lead(lead["id"])["evidence"]:
        assert original(commissioner, one["id"]) == accepted[one["id"]]
        assert commissioner.get(f"evidence/{one['id']}/thumbnail").must_be(200).content[:3] == b"\xff\xd8\xff"
    town.finish(lead["id"], 2)
