"""Watermarked copies: what stands on them, when they are made, and that the original stays as it is."""

from __future__ import annotations

import hashlib
import io
import threading
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from django.core.files.storage import InMemoryStorage, Storage, default_storage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connections
from django.test import Client
from PIL import Image

from kernel.accounts.models import User
from kernel.errors import Conflict
from kernel.evidence import access, captions, lettering, store, tasks, thumbnails, watermarks
from kernel.evidence.attach import attach
from kernel.evidence.captions import Caption
from kernel.evidence.models import Evidence
from kernel.evidence.policy import Place
from tests.factories.accounts import bearer, make_user
from tests.factories.photos import make_photo
from tests.factories.recordings import make_video, make_voice

AT = datetime(2026, 11, 23, 6, 30, 5, tzinfo=UTC)
KNOWN = Caption("SS-20261123-0001", "新城街道一网格（370983001-L01）", "老王熟食店")


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> dict[int, Caption]:
    """What the owner of the subjects says of them; number 42 is known."""
    known = {42: KNOWN}
    monkeypatch.setattr(captions, "_registered", {})
    captions.register("lead", lambda ids: {n: known[n] for n in ids if n in known})
    monkeypatch.setattr(access, "_registered", {})
    access.register("lead", lambda user, ids: ids)
    return known


def keep(by: User, content: bytes, *, subject: int | None = 42, **more: Any) -> Evidence:
    evidence, _ = store.receive(
        file=SimpleUploadedFile("a.jpg", content), sha256=hashlib.sha256(content).hexdigest(),
        client_uid=uuid.uuid4(), by=by, at=AT, **{"captured_at": None, "place": None} | more,
    )  # fmt: skip
    if subject is not None:
        attach(ids=[evidence.pk], subject_kind="lead", subject_id=subject, by=by)
    return Evidence.objects.get(pk=evidence.pk)


def opened(path: str) -> Image.Image:
    with default_storage.open(path, "rb") as stored, Image.open(io.BytesIO(stored.read())) as image:
        image.load()
        return image


@pytest.mark.django_db
def test_what_stands_on_it(told: Any) -> None:
    me = make_user()
    told_all = keep(me, make_photo(), captured_at=AT, place=Place(116.75, 36.18))
    sha = f"SHA-256 {told_all.sha256}"
    assert watermarks.words(told_all, KNOWN) == [
        "编号 SS-20261123-0001　新城街道一网格（370983001-L01）",
        "拍摄 2026-11-23 14:30:05（设备时间）　服务器接收 2026-11-23 14:30:05",
        "位置 116.750000, 36.180000（WGS-84，设备）　老王熟食店",
        sha,
    ]
    by_file = keep(me, make_photo(taken_at=AT, place=(116.75, 36.18)))
    assert watermarks.words(by_file, Caption("SS-1"))[:3] == [
        "编号 SS-1",
        "拍摄 2026-11-23 14:30:05（文件内时间）　服务器接收 2026-11-23 14:30:05",
        "位置 116.750000, 36.180000（WGS-84，文件内）",
    ]
    nothing = keep(me, make_photo())
    assert watermarks.words(nothing, Caption("SS-1"))[1:3] == [
        "拍摄时间未提供　服务器接收 2026-11-23 14:30:05",
        "位置未提供",
    ]


@pytest.mark.django_db
@pytest.mark.parametrize("kind", ["JPEG", "HEIF", "video"])
def test_a_round_makes_what_is_missing_once_and_leaves_the_original(told: Any, kind: str) -> None:
    content = make_video(size=(640, 480)) if kind == "video" else make_photo(kind=kind, size=(1600, 1200))
    evidence = keep(make_user(), content)
    tasks.make_watermarks()
    assert watermarks.make_missing() == 0
    evidence.refresh_from_db()
    image = opened(evidence.watermarked.name or "")
    assert (image.format, image.size) == ("JPEG", (640, 480) if kind == "video" else (1600, 1200))
    assert not image.getexif()
    assert KNOWN.number in evidence.caption
    with default_storage.open(evidence.file.name or "", "rb") as stored:
        assert stored.read() == content


@pytest.mark.django_db
def test_only_what_belongs_to_something_and_can_be_seen(told: Any) -> None:
    me = make_user()
    loose = keep(me, make_photo(), subject=None)
    voice = keep(me, make_voice())
    unknown = keep(me, make_photo(colour="blue"), subject=7)
    assert watermarks.make_missing() == 0
    for evidence, code in ((loose, "not_attached"), (voice, "no_picture"), (unknown, "not_attached")):
        with pytest.raises(Conflict) as caught:
            watermarks.ensure(evidence=evidence, at=AT)
        assert caught.value.code == code
    assert thumbnails.make_missing() == 2
    voice.refresh_from_db()
    assert (voice.thumbnail.name, voice.thumbnail_attempts, voice.watermark_attempts) == ("", 0, 0)


@pytest.mark.django_db
def test_a_round_asks_the_owner_once_for_all(told: Any, monkeypatch: Any) -> None:
    me, asked = make_user(), []
    for colour in ("red", "green", "blue"):
        keep(me, make_photo(colour=colour))
    captions.register("lead", lambda ids: [asked.append(ids), {42: KNOWN}][1])  # type: ignore[func-returns-value]
    assert watermarks.make_missing() == 3
    assert asked == [{42}]


@pytest.mark.django_db
def test_new_words_make_a_new_copy(told: dict[int, Caption], media: Path) -> None:
    evidence = keep(make_user(), make_photo(size=(900, 600)))
    first = watermarks.ensure(evidence=evidence, at=AT)
    evidence.refresh_from_db()
    assert watermarks.ensure(evidence=evidence, at=AT) == first
    told[42] = Caption(KNOWN.number, "新城街道二网格", KNOWN.place)
    second = watermarks.ensure(evidence=evidence, at=AT)
    assert second != first
    assert not default_storage.exists(first)
    assert len([path for path in media.rglob("*") if path.is_file()]) == 2


@pytest.mark.django_db
def test_a_bad_file_stops_no_other_and_is_tried_three_times(told: Any, media: Path) -> None:
    me = make_user()
    bad = keep(me, make_photo(colour="red"))
    keep(me, make_photo(colour="blue"))
    Path(default_storage.path(bad.file.name or "")).write_bytes(b"harm")
    assert [watermarks.make_missing() for _ in range(5)] == [1, 0, 0, 0, 0]
    bad.refresh_from_db()
    assert (bad.watermark_attempts, bad.watermarked.name) == (3, "")


@pytest.mark.django_db
def test_over_http(told: Any, client: Client) -> None:
    me = make_user()
    evidence = keep(me, make_photo(size=(900, 600)))
    answer: Any = client.get(f"/api/v1/evidence/{evidence.pk}/watermarked", headers=bearer(me))
    assert (answer.status_code, answer["Content-Type"]) == (200, "image/jpeg")
    content = b"".join(answer.streaming_content)
    assert answer["ETag"] == f'"{hashlib.sha256(content).hexdigest()}"'
    evidence.refresh_from_db()
    assert evidence.watermarked


@pytest.mark.usefixtures("committed_db")
def test_rounds_and_readers_at_once_leave_one_copy(told: Any, media: Path) -> None:
    keep(make_user(), make_photo(size=(900, 600)))
    start, paths = threading.Barrier(4), []

    def act() -> None:
        try:
            start.wait()
            watermarks.make_missing()
            paths.append(watermarks.ensure(evidence=Evidence.objects.get(), at=AT))
        finally:
            connections.close_all()

    threads = [threading.Thread(target=act) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(paths) == 4
    assert set(paths) == {Evidence.objects.get().watermarked.name}
    assert len([path for path in media.rglob("*") if path.is_file()]) == 2


# -- letters


@pytest.fixture(params=["shipped", "installed"])
def font(request: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    if request.param == "shipped":
        monkeypatch.setattr(lettering, "INSTALLED", ())
    elif not any(path.is_file() for path in lettering.INSTALLED):
        pytest.skip("no font is installed here")
    lettering._source.cache_clear()
    yield request.param
    lettering._source.cache_clear()


def test_every_letter_of_the_house_can_be_written(font: str) -> None:
    """Without any installed font too: none of these is the empty box of a missing character."""
    letters = lettering.font(40)

    def drawn(letter: str) -> bytes:
        mask = letters.getmask(letter)
        return bytes(mask) + repr(mask.size).encode()

    missing = drawn("\U000f0000")
    text = (
        "编号拍摄时间未提供服务器接收位置设备文件内网格肥城新城街道老城王瓜店潮泉桃园湖屯石横安临站社区所"
        "，。：（）“”0123456789ABCDEFabcdefSHA-256垚淼鑫犇喆堃昇珺玥赟汶泗洸甪圩塆"
    )
    assert [letter for letter in text if drawn(letter) == missing] == []


@pytest.mark.parametrize("size", [(1, 1), (64, 48), (480, 360), (3000, 20), (20, 3000), (2560, 1920)])
def test_every_size_can_be_written_on(font: str, size: tuple[int, int]) -> None:
    picture = Image.new("RGB", size, "#c04020")
    before = picture.tobytes()
    lines = ["编号 SS-1　" + "很长的网格名称" * 20, "SHA-256 " + "0123456789abcdef" * 4]
    copy = lettering.stamp(picture, lines)
    assert picture.tobytes() == before
    assert copy.width >= size[0]
    assert copy.height >= size[1]
    assert copy.convert("L").getextrema()[1] > 200, "nothing white is written on it"


def test_long_lines_are_folded() -> None:
    letters = lettering.font(20)
    parts = lettering._fold("网格" * 50, letters, 200)
    assert "".join(parts) == "网格" * 50
    assert all(letters.getlength(part) <= 200 for part in parts)


# -- storage without paths


@pytest.mark.django_db
def test_everything_works_where_the_storage_has_no_paths(told: Any, client: Client, settings: Any) -> None:
    settings.STORAGES = settings.STORAGES | {"default": {"BACKEND": f"{__name__}.Pathless"}}
    me = make_user()
    photo, video = keep(me, make_photo(size=(900, 600))), keep(me, make_video(size=(640, 480)))
    amr = keep(me, make_voice(kind="amr"))
    assert (thumbnails.make_missing(), watermarks.make_missing()) == (2, 2)
    headers = bearer(me)
    for evidence, view in (
        (photo, "original"), (photo, "thumbnail"), (photo, "watermarked"), (video, "watermarked"),
        (video, "playback"), (amr, "playback"),
    ):  # fmt: skip
        path = f"/api/v1/evidence/{evidence.pk}/{view}"
        whole: Any = client.get(path, headers=headers)
        part: Any = client.get(path, headers=headers | {"Range": "bytes=10-19"})
        assert (whole.status_code, part.status_code) == (200, 206), (view, whole)
        assert b"".join(part.streaming_content) == b"".join(whole.streaming_content)[10:20]


class Pathless(Storage):
    """As a storage elsewhere: files by name, and no path to any."""

    def __init__(self) -> None:
        self._kept = InMemoryStorage()

    def _open(self, name: str, mode: str = "rb") -> Any:
        return self._kept._open(name, mode)

    def _save(self, name: str, content: Any) -> str:
        return self._kept._save(name, content)

    def exists(self, name: str) -> bool:
        return self._kept.exists(name)

    def delete(self, name: str) -> None:
        self._kept.delete(name)
