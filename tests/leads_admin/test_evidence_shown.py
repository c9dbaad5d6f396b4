"""Photos, videos and voice notes on the page of a lead."""

from __future__ import annotations

import hashlib
import re
import uuid
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from grids.demo import World
from kernel import clock
from kernel.evidence import store
from kernel.evidence.models import Evidence
from leads.admin import shown
from tests.factories import leads as make
from tests.factories.photos import make_photo
from tests.factories.recordings import make_video, make_voice


@pytest.fixture(autouse=True)
def _own_files(settings: Any, tmp_path: Path) -> None:
    settings.MEDIA_ROOT = str(tmp_path)


def keep(by: Any, content: bytes) -> Evidence:
    return store.receive(
        file=SimpleUploadedFile("a", content), sha256=hashlib.sha256(content).hexdigest(),
        client_uid=uuid.uuid4(), captured_at=None, place=None, by=by, at=clock.now(),
    )[0]  # fmt: skip


def test_everything_can_be_seen_or_played_on_the_page(world: World, signed_in: Any) -> None:
    worker = world.worker(1)
    photo, heic = keep(worker, make_photo()), keep(worker, make_photo(kind="HEIF"))
    video, voice = keep(worker, make_video()), keep(worker, make_voice(kind="amr"))
    ids = tuple(one.pk for one in (photo, heic, video, voice))
    lead = make.reported(world, 1, evidence=ids, awaited=("a" * 64,))
    client = signed_in("commissioner-01")
    answer = client.get(f"/admin/leads/lead/{lead.pk}/change/")
    html = answer.content.decode()
    base = "/api/v1/evidence/"
    for one, opens in ((photo, "original"), (heic, "watermarked")):
        own = f"{base}{one.pk}"
        assert re.search(rf'<a href="{own}/{opens}"[^>]*><img src="{own}/thumbnail"', html)
    own = f"{base}{video.pk}"
    assert re.search(rf'<video [^>]*poster="{own}/thumbnail" src="{own}/playback"', html)
    assert re.search(rf'<audio [^>]*src="{base}{voice.pk}/playback"', html)
    assert "等待上传" in html
    assert "media-src 'self'" in answer["Content-Security-Policy"]
    for path in set(re.findall(rf"{base}\d+/\w+", html)):
        served = client.get(path)
        assert served.status_code == 200, path
        b"".join(served.streaming_content)
    part = client.get(f"{base}{video.pk}/playback", headers={"Range": "bytes=0-"})
    assert (part.status_code, part["Content-Type"]) == (206, "video/mp4")
    b"".join(part.streaming_content)


def test_what_does_not_agree_is_said_in_words(world: World, signed_in: Any) -> None:
    """Which of the two, time or place: a supervisor asks about one of them, not about both."""
    photo = keep(world.worker(1), make_photo())
    Evidence.objects.filter(pk=photo.pk).update(flags=["exif_time_differs", "exif_place_differs"])
    lead = make.reported(world, 1, evidence=(photo.pk,))
    html = signed_in("commissioner-01").get(f"/admin/leads/lead/{lead.pk}/change/").content.decode()
    assert "文件内时间与上报的拍摄时间相差超过10分钟；文件内位置与上报的位置相差超过500米" in html


@pytest.mark.parametrize(("ms", "said"), [(None, ""), (400, "0:00"), (1000, "0:01"), (61_400, "1:01")])
def test_lengths(ms: int | None, said: str) -> None:
    assert shown._length(ms) == said
