"""What stands on the watermarked copies of a lead's files, and when they are made."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from typing import Any

import pytest

from grids.demo import World
from kernel import clock
from kernel.evidence import captions, watermarks
from kernel.evidence.captions import Caption
from kernel.evidence.models import Evidence
from leads.captions import of_leads
from tests.factories import leads as made
from tests.factories import read_back
from tests.factories.accounts import bearer
from tests.factories.grids import make_entity
from tests.factories.photos import make_photo, upload
from tests.factories.recordings import make_video, make_voice
from tests.leads.calls import Api, body
from tests.leads.test_intake import photo_of

pytestmark = pytest.mark.django_db


def test_many_leads_in_one_statement(world: World, django_assert_num_queries: Any) -> None:
    shop = make_entity(world, 1)
    first = made.reported(world, 1, entity_id=shop.pk)
    second = made.reported(world, 2)
    grid = world.grid(1)
    with django_assert_num_queries(1):
        found = of_leads({first.pk, second.pk, 10**12})
    assert set(found) == {first.pk, second.pk}
    assert found[first.pk] == Caption(first.number, f"{grid.name}（{grid.code}）", shop.name)
    assert captions.of({("lead", first.pk)}) == {("lead", first.pk): found[first.pk]}


def test_a_lead_without_a_grid_says_nothing_of_one(world: World) -> None:
    lead = made.reported(world, 1, lon="110.000000", lat="30.000000", crs_in="wgs84")
    assert of_leads({lead.pk})[lead.pk] == Caption(lead.number)


def test_the_copy_of_a_leads_photo(world: World, api: Api) -> None:
    worker, commissioner = world.worker(1), world.commissioner(1)
    content = make_photo(size=(900, 600))
    photo = photo_of(api, worker, content)
    path = f"evidence/{photo['id']}/watermarked/"
    refused = api.get(worker, path)
    assert (refused.status_code, refused.json()["errors"][0]["code"]) == (409, "not_attached")
    lead = api.post(worker, "leads/", body(world, evidence=[photo["id"]])).json()
    assert watermarks.make_missing() == 1
    for who, status in ((worker, 200), (commissioner, 200), (world.commissioner(21), 404)):
        answer = api.get(who, path)
        assert answer.status_code == status
        if status == 200:
            assert b"".join(answer.streaming_content)[:3] == b"\xff\xd8\xff"
    kept = Evidence.objects.get(pk=photo["id"])
    assert f"编号 {lead['number']}　{world.grid(1).name}" in kept.caption
    assert hashlib.sha256(content).hexdigest() in kept.caption
    original = api.get(commissioner, f"evidence/{photo['id']}/original/")
    assert b"".join(original.streaming_content) == content


def test_the_words_can_be_read_on_the_copy(world: World, api: Api) -> None:
    """Grid, number, time, place and SHA-256, read back from the pixels that are served."""
    worker, at = world.worker(1), clock.now()
    lon, lat = world.point_in(1)
    content = make_photo(size=(1600, 1200), colour="#4080c0")
    sent = upload(content, captured_at=(at - timedelta(minutes=7)).isoformat(), lon=lon, lat=lat)
    photo = api.client.post("/api/v1/evidence/", sent, headers=bearer(worker)).json()
    shop = make_entity(world, 1, name="顺和饺子馆")
    told = body(world, evidence=[photo["id"]], entity=shop.pk)
    lead = api.post(worker, "leads/", told).json()
    answer = api.get(world.commissioner(1), f"evidence/{photo['id']}/watermarked/")
    copy = b"".join(answer.streaming_content)
    lines = [
        f"编号 {lead['number']}　{world.grid(1).name}（370983001-L01）",
        "拍摄 2026-03-10 09:53:00（设备时间）　服务器接收 2026-03-10 10:00:00",
        f"位置 {lon:.6f}, {lat:.6f}（WGS-84，设备）　顺和饺子馆",
        f"SHA-256 {hashlib.sha256(content).hexdigest()}",
    ]
    turned = str.maketrans("0123456789编号拍摄", "1234567890摄编号拍")
    shapes = [line.translate(turned) for line in lines]
    assert all(shape != line for shape, line in zip(shapes, lines, strict=True))
    alphabet = "".join(lines) + "0123456789abcdefXS-网格街道社区所路店市局食品安全年月日时分秒"
    assert read_back.read(copy, shapes, alphabet) == lines
    band = read_back.band_of(copy, len(lines))
    assert band.getextrema()[1] > 230, "white on it"
    for (low, high), channel in zip(
        read_back.above_the_band(copy, len(lines)).getextrema(), (0x40, 0x80, 0xC0), strict=True
    ):
        assert channel - 6 <= low <= high <= channel + 6, "the rest of the picture is as it was"


def test_a_lead_told_by_voice_and_video_alone(world: World, api: Api) -> None:
    """语音上报: nothing needs to be typed where there is something to hear."""
    worker = world.worker(1)
    at = clock.now()
    created = f"{at - timedelta(hours=2):%Y-%m-%dT%H:%M:%SZ}"
    video = make_video(created=created, place="+36.9000+116.7500/")
    lon, lat = world.point_in(1)
    said = {"captured_at": at.isoformat(), "lon": lon, "lat": lat}
    answers = [
        api.client.post("/api/v1/evidence/", upload(content, **said), headers=bearer(worker))
        for content in (make_voice(), video)
    ]
    sent = [answer.json() for answer in answers]
    assert [(one["kind"], one["flags"]) for one in sent] == [
        ("voice", []),
        ("video", ["exif_time_differs", "exif_place_differs"]),
    ]
    told = body(world, evidence=[one["id"] for one in sent]) | {"description": ""}
    lead = api.post(worker, "leads/", told)
    assert lead.status_code == 201, lead.content
    assert [one["kind"] for one in lead.json()["evidence"]] == ["voice", "video"]
