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
