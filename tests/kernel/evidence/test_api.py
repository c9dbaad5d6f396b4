"""Upload and download over HTTP: what is taken, what is refused, and that refusals leave nothing."""

from __future__ import annotations

import hashlib
import io
import os
import uuid
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.files.uploadhandler import StopUpload
from django.http.multipartparser import MultiPartParser
from django.test import Client
from PIL import Image

from kernel import clock
from kernel.coordinates import from_wgs84
from kernel.errors import TooLarge
from kernel.evidence import access, captions, policy, store
from kernel.evidence.api import uploads
from kernel.evidence.attach import attach
from kernel.evidence.captions import Caption
from kernel.evidence.models import Evidence
from kernel.journal.models import Entry
from tests.factories.accounts import bearer, make_user
from tests.factories.photos import make_photo, upload
from tests.factories.recordings import make_video, make_voice

pytestmark = pytest.mark.django_db

URL = "/api/v1/evidence/"


@pytest.fixture
def me() -> Any:
    return make_user()


@pytest.fixture
def phone(client: Client, me: Any) -> Any:
    """Posts an upload as `me`."""
    headers = bearer(me)
    return lambda body, path=URL: client.post(path, body, headers=headers)


@pytest.fixture
def registry(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(access, "_registered", {})
    monkeypatch.setattr(captions, "_registered", {"lead": lambda ids: {n: Caption("SS-1") for n in ids}})
    return


def kept(media: Path) -> list[Path]:
    return [path for path in media.rglob("*") if path.is_file()]


def refused(answer: Any, status: int, code: str) -> None:
    assert answer.status_code == status, answer.content
    assert answer.json()["errors"][0]["code"] == code
    assert not Evidence.objects.exists()


def body_of(answer: Any) -> bytes:
    return b"".join(answer.streaming_content)


def receive(by: Any, content: bytes) -> Evidence:
    return store.receive(
        file=SimpleUploadedFile("a.jpg", content), sha256=hashlib.sha256(content).hexdigest(),
        client_uid=uuid.uuid4(), captured_at=None, place=None, by=by, at=clock.now(),
    )[0]  # fmt: skip


def status_of(client: Client, path: str, **headers: Any) -> int:
    """The status of a GET whose body, if any, is read to its end."""
    answer: Any = client.get(path, **headers)
    if answer.streaming:
        body_of(answer)
    status: int = answer.status_code
    return status


def test_a_photo_is_kept_to_the_byte(phone: Any, me: Any, media: Path) -> None:
    at = clock.now()
    content = make_photo(taken_at=at, place=(116.75, 36.18), orientation=6)
    lon, lat = from_wgs84(116.75, 36.18, "gcj02")
    body = upload(
        content, name="../../考勤 照片.png", captured_at=at.isoformat(), lon=lon, lat=lat, crs="gcj02"
    )
    answer = phone(body)
    assert answer.status_code == 201
    evidence = Evidence.objects.get()
    assert answer.json() == {"id": evidence.pk, "sha256": body["sha256"], "kind": "photo", "flags": []}
    assert (evidence.content_type, evidence.size, evidence.orientation) == ("image/jpeg", len(content), 6)
    assert (evidence.width, evidence.height, evidence.uploaded_by_id) == (64, 48, me.pk)
    assert (evidence.lon, evidence.lat) == pytest.approx((116.75, 36.18), abs=1e-6)
    assert (evidence.received_at, evidence.captured_at) == (at, at)
    (path,) = kept(media)
    assert path.read_bytes() == content
    assert path.name.startswith(body["sha256"])
    entry = Entry.objects.get(stream=f"evidence:{evidence.pk}")
    assert (entry.kind, entry.data["sha256"]) == ("evidence.received", body["sha256"])


def test_what_does_not_agree_is_flagged_and_taken(phone: Any) -> None:
    at = clock.now()
    content = make_photo(taken_at=at - timedelta(hours=1), place=(116.75, 36.18))
    answer = phone(upload(content, captured_at=at.isoformat(), lon=116.80, lat=36.18))
    assert answer.status_code == 201
    assert answer.json()["flags"] == ["exif_time_differs", "exif_place_differs"]
    assert phone(upload(make_photo(colour="blue"))).json()["flags"] == ["no_exif"]


def test_who_has_no_use_for_it_hands_in_nothing(
    phone: Any, me: Any, media: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(access, "_uploaders", [])
    refused(phone(upload(make_photo())), 403, "no_posting")
    access.register_uploader(lambda user: user.pk != me.pk)
    refused(phone(upload(make_photo())), 403, "no_posting")
    assert kept(media) == []
    access.register_uploader(lambda user: user.pk == me.pk)
    assert phone(upload(make_photo())).status_code == 201


def test_one_upload_repeated_is_one_photo(phone: Any, media: Path) -> None:
    content, uid = make_photo(), str(uuid.uuid4())
    first = phone(upload(content, client_uid=uid))
    again = phone(upload(content, client_uid=uid.upper(), name="other.png"), path=URL.rstrip("/"))
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json() == again.json()
    other = phone(upload(make_photo(colour="blue"), client_uid=uid))
    assert (other.status_code, other.json()["errors"][0]["code"]) == (409, "client_uid_conflict")
    assert len(kept(media)) == Evidence.objects.count() == 1


def test_the_same_bytes_again_are_another_piece_and_uids_are_ones_own(
    phone: Any, client: Client, media: Path
) -> None:
    content, uid = make_photo(), str(uuid.uuid4())
    assert phone(upload(content, client_uid=uid)).status_code == 201
    assert phone(upload(content)).status_code == 201
    assert client.post(URL, upload(content, client_uid=uid), headers=bearer(make_user())).status_code == 201
    assert len(kept(media)) == Evidence.objects.count() == 3


@pytest.mark.parametrize(
    ("content", "status", "code"),
    [
        (b"", 422, "empty_file"),
        (b"GIF89a" + b"\0" * 50, 415, "unsupported_media_type"),
        (b"#!/bin/sh\nrm -rf /\n", 415, "unsupported_media_type"),
        (b"<?php system($_GET['c']); ?>", 415, "unsupported_media_type"),
        (b"\0\0\0\x18ftypheic" + b"\0" * 40, 422, "broken_file"),
        (b"\0\0\0\x18ftypmp42" + b"\0" * 40, 422, "broken_file"),
        (b"#!AMR\n", 422, "broken_file"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", 415, "unsupported_media_type"),
        (b"\xff\xd8\xff", 422, "broken_file"),
        (make_photo(size=(300, 300))[:-300], 422, "broken_file"),
        (make_photo(kind="PNG", mode="1", size=(10_000, 5_001), colour="white"), 422, "too_many_pixels"),
        (make_photo(kind="PNG", mode="1", size=(20_000, 15_000), colour="white"), 422, "too_many_pixels"),
        (make_photo(kind="HEIF", size=(300, 300))[:-300], 422, "broken_file"),
        (make_video()[:-300], 422, "broken_file"),
        (make_voice()[:-300], 422, "broken_file"),
        (make_voice(kind="aac")[:-20], 422, "broken_file"),
        (make_voice(kind="amr")[:-20], 422, "broken_file"),
        (make_voice(kind="amr") + make_voice(kind="amr")[6:] * 30, 422, "too_long"),
    ],
    ids=[
        "empty",
        "gif",
        "script",
        "php",
        "heic",
        "mp4",
        "amr",
        "svg",
        "head",
        "truncated",
        "pixels",
        "300-megapixels",
        "truncated-heic",
        "truncated-mp4",
        "truncated-m4a",
        "truncated-aac",
        "truncated-amr",
        "too-long",
    ],
)
def test_refusals_leave_nothing(
    phone: Any, media: Path, temporary: Path, content: bytes, status: int, code: str
) -> None:
    refused(phone(upload(content)), status, code)
    assert kept(media) == kept(temporary) == []


def test_other_bytes_than_announced_are_refused(phone: Any, media: Path) -> None:
    refused(phone(upload(make_photo(), sha256="0" * 64)), 422, "sha256_mismatch")
    assert kept(media) == []


def test_too_large_by_announcement(phone: Any, media: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr(policy, "max_bytes", lambda kind: 1000)
    monkeypatch.setattr(MultiPartParser, "parse", lambda *_: pytest.fail("was read"))
    refused(phone(upload(b"\xff\xd8\xff" + b"\0" * 100_000)), 413, "too_large")


@pytest.mark.parametrize(
    ("head", "most"),
    [(b"\xff\xd8\xff", "photo"), (b"#!AMR\n", "voice"), (b"\0\0\0\x18ftypmp42\0\0\0\0mp42", "video")],
)
def test_too_large_for_its_kind_is_not_read_to_its_end(
    phone: Any, media: Path, temporary: Path, monkeypatch: Any, head: bytes, most: str
) -> None:
    """The limit of the kind that the first bytes name; `store` would find the same by itself."""
    monkeypatch.setattr(policy, "max_bytes", lambda kind: 200_000 if kind == most else 10_000_000)
    monkeypatch.setattr(store, "receive", lambda **_: pytest.fail("came through"))
    refused(phone(upload(head.ljust(5_000_000, b"\0"))), 413, "too_large")
    assert kept(media) == kept(temporary) == []


def test_an_unknown_type_is_not_read_to_its_end(phone: Any, temporary: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr(store, "receive", lambda **_: pytest.fail("came through"))
    refused(phone(upload(b"MZ" * 3_000_000)), 415, "unsupported_media_type")
    assert kept(temporary) == []


@pytest.mark.parametrize("length", [1, 7, 63, 64, 65, 5000])
def test_pieces_come_in_any_size(length: int) -> None:
    """The first may be too short to tell a type by."""
    for content, taken in (
        (make_photo(), True),
        (make_voice(kind="amr"), True),
        (b"#!/bin/sh\n" * 50, False),
    ):
        keeper = uploads.Doorkeeper()
        keeper.new_file("file", "a.jpg", "image/jpeg", None)
        pieces = [content[start : start + length] for start in range(0, len(content), length)]
        try:
            for number, piece in enumerate(pieces):
                assert keeper.receive_data_chunk(piece, number * length) == piece
        except StopUpload:
            assert not taken
        assert (keeper.refused is None) is taken


def test_the_service_counts_too(me: Any, media: Path, monkeypatch: Any) -> None:
    """Forms of the admin do not come through the endpoint."""
    for kind, content in (
        ("photo", make_photo()),
        ("voice", make_voice()),
        ("voice", make_voice(container="mp4")),
    ):
        monkeypatch.setattr(policy, "max_bytes", lambda asked, kind=kind: 100 if asked == kind else 10**9)
        with pytest.raises(TooLarge):
            receive(me, content)
    assert kept(media) == []


def test_the_limits() -> None:
    assert {kind: policy.max_bytes(kind) >> 20 for kind in ("photo", "video", "voice")} == {
        "photo": 20, "video": 100, "voice": 5,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("change", "attr"),
    [
        ({"sha256": "xyz"}, "sha256"),
        ({"client_uid": "1"}, "client_uid"),
        ({"captured_at": "gestern"}, "captured_at"),
        ({"captured_at": "0001-01-01T00:00:00+23:59"}, "captured_at"),
        ({"lon": 116.7}, "lat"),
        ({"lat": 36}, "lon"),
        ({"lon": 200, "lat": 36}, "lon"),
        ({"lon": "nan", "lat": 36}, "lon"),
        ({"lon": 116.7, "lat": 36, "crs": "mars"}, "crs"),
        ({"note": "x"}, "note"),
    ],
)
def test_malformed_fields(phone: Any, media: Path, change: dict[str, Any], attr: str) -> None:
    answer = phone(upload(make_photo(), **change))
    assert answer.status_code == 400, answer.content
    assert answer.json()["errors"][0]["attr"] == attr
    assert kept(media) == []


@pytest.mark.parametrize("missing", ["file", "sha256", "client_uid"])
def test_what_must_be_there(phone: Any, missing: str) -> None:
    body = upload(make_photo())
    del body[missing]
    answer = phone(body)
    assert (answer.status_code, answer.json()["errors"][0]["attr"]) == (400, missing)


def test_a_body_of_another_kind_is_415(client: Client, me: Any) -> None:
    answer = client.post(URL, {"x": 1}, content_type="application/json", headers=bearer(me))
    assert answer.status_code == 415


def test_a_failed_row_takes_its_file_away(me: Any, media: Path, monkeypatch: Any) -> None:
    def fail(**_: Any) -> None:
        raise RuntimeError("the journal is away")

    monkeypatch.setattr(store.journal, "append", fail)
    with pytest.raises(RuntimeError):
        receive(me, make_photo())
    assert kept(media) == []
    assert not Evidence.objects.exists()


# -- giving back


@pytest.fixture
def photo(phone: Any) -> Evidence:
    content = make_photo(taken_at=clock.now(), place=(116.75, 36.18), orientation=6, size=(1000, 500))
    return Evidence.objects.get(pk=phone(upload(content)).json()["id"])


def test_the_original_comes_back_to_the_byte(client: Client, me: Any, photo: Evidence) -> None:
    for accept in ("*/*", "image/jpeg"):
        answer = client.get(f"{URL}{photo.pk}/original", headers={**bearer(me), "Accept": accept})
        assert answer.status_code == 200
        content = body_of(answer)
        assert hashlib.sha256(content).hexdigest() == photo.sha256
        assert answer["Content-Type"] == "image/jpeg"
        assert answer["X-Content-Type-Options"] == "nosniff"
        assert answer["Content-Disposition"] == f'inline; filename="evidence-{photo.pk}.jpg"'
        assert int(answer["Content-Length"]) == len(content)


@pytest.mark.parametrize("harm", ["one byte", "gone"])
def test_altered_bytes_are_never_served(
    client: Client, me: Any, photo: Evidence, media: Path, harm: str
) -> None:
    path = Path(default_storage.path(photo.file.name))
    if harm == "gone":
        path.unlink()
    else:
        raw = bytearray(path.read_bytes())
        raw[-10] ^= 1
        path.write_bytes(raw)
    for _ in range(2):
        answer = client.get(f"{URL}{photo.pk}/original", headers=bearer(me))
        assert (answer.status_code, answer.json()["errors"][0]["code"]) == (409, "evidence_altered")
    assert client.get(f"{URL}{photo.pk}/thumbnail", headers=bearer(me)).status_code == 409
    assert Entry.objects.filter(stream=f"evidence:{photo.pk}", kind="evidence.altered").count() == 1


def test_a_thumbnail_is_made_by_the_first_who_asks(
    client: Client, me: Any, photo: Evidence, media: Path
) -> None:
    for _ in range(2):
        answer = client.get(f"{URL}{photo.pk}/thumbnail/", headers=bearer(me))
        assert (answer.status_code, answer["Content-Type"]) == (200, "image/jpeg")
        with Image.open(io.BytesIO(body_of(answer))) as image:
            assert image.size == (240, 480)
    assert len(kept(media)) == 2


# -- who sees what

VIEWS = ["original", "thumbnail", "watermarked", "playback"]


@pytest.mark.usefixtures("registry")
@pytest.mark.parametrize("view", VIEWS)
def test_unattached_files_are_their_uploaders_alone(
    client: Client, me: Any, photo: Evidence, view: str
) -> None:
    path = f"{URL}{photo.pk}/{view}"
    mine = {"watermarked": 409, "playback": 409}.get(view, 200)
    assert status_of(client, path, headers=bearer(me)) == mine
    assert status_of(client, path, headers=bearer(make_user())) == 404
    assert status_of(client, f"{URL}999999/{view}", headers=bearer(me)) == 404
    assert status_of(client, f"{URL}{10**30}/{view}", headers=bearer(me)) == 404
    assert status_of(client, path) == 401


@pytest.mark.usefixtures("registry")
@pytest.mark.parametrize("view", VIEWS)
def test_attached_files_are_as_visible_as_their_subject(
    client: Client, me: Any, photo: Evidence, view: str
) -> None:
    colleague, outsider = make_user(), make_user()
    attach(ids=[photo.pk], subject_kind="lead", subject_id=42, by=me)
    path = f"{URL}{photo.pk}/{view}"
    assert status_of(client, path, headers=bearer(me)) == 404
    access.register("lead", lambda user, ids: {42, 43} if user == colleague else set())
    assert status_of(client, path, headers=bearer(colleague)) == (409 if view == "playback" else 200)
    assert status_of(client, path, headers=bearer(outsider)) == 404
    assert status_of(client, path, headers=bearer(me)) == 404


def test_401_without_a_token(client: Client) -> None:
    assert client.post(URL, upload(make_photo())).status_code == 401
    assert not Evidence.objects.exists()


# -- real photos

PHOTOS = Path(os.environ.get("SUOSHE_PHOTOS") or "/nonexistent")


@pytest.mark.skipif(not PHOTOS.is_dir(), reason="SUOSHE_PHOTOS names no folder")
def test_every_real_photo(phone: Any, client: Client, me: Any) -> None:
    tried, browser = 0, bearer(me, "浏览器")
    for path in sorted(PHOTOS.iterdir()):
        if path.suffix.lower() not in {".jpg", ".jpeg", ".png", ".webp", ".heic", ".mp4"}:
            continue
        content = path.read_bytes()
        answer = phone(upload(content, name=path.name))
        if path.name == "image01088.jpg":  # its metadata is broken, its picture is whole to the last block
            assert answer.json()["flags"] == ["no_exif"]
        assert answer.status_code == 201, (path.name, answer.content)
        tried += 1
        number = answer.json()["id"]
        assert body_of(client.get(f"{URL}{number}/original", headers=browser)) == content
        assert status_of(client, f"{URL}{number}/thumbnail", headers=browser) == 200
    assert tried


def test_a_large_upload_comes_through_a_temporary_file(
    phone: Any, client: Client, me: Any, media: Path
) -> None:
    """Above 2.5 MB Django hands over a file on disk; noise does not compress."""
    out = io.BytesIO()
    Image.frombytes("RGB", (1200, 1200), os.urandom(1200 * 1200 * 3)).save(out, "PNG", compress_level=0)
    answer = phone(upload(out.getvalue()))
    assert answer.status_code == 201
    original = client.get(f"{URL}{answer.json()['id']}/original", headers=bearer(me, "浏览器"))
    assert body_of(original) == out.getvalue()
