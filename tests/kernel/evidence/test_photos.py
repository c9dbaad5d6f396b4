"""Looking into photos and what they say about themselves."""

from __future__ import annotations

import contextlib
import io
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as bounded
from hypothesis import strategies as st
from PIL import Image

from kernel.errors import Refused, UnsupportedType
from kernel.evidence import exif, inspection, photos
from kernel.evidence.content import Content
from kernel.evidence.policy import Place
from tests.factories.photos import make_photo

AT = datetime(2026, 11, 23, 6, 30, 5, tzinfo=UTC)


def inspect(content: bytes) -> Content:
    return inspection.inspect(io.BytesIO(content))


def thumbnail(content: bytes) -> bytes:
    return photos.jpeg(photos.upright(io.BytesIO(content), 480), quality=80)


def exif_of(tags: dict[int, Any], gps: dict[int, Any] | None = None) -> exif.Exif:
    written = Image.Exif()
    written[0x8769] = tags
    if gps is not None:
        written[0x8825] = gps
    out = io.BytesIO()
    Image.new("RGB", (8, 8)).save(out, "JPEG", exif=written.tobytes())
    return inspect(out.getvalue()).exif


@pytest.mark.parametrize(
    ("kind", "extension"), [("JPEG", "jpg"), ("PNG", "png"), ("WEBP", "webp"), ("HEIF", "heic")]
)
def test_time_place_and_orientation_are_read(kind: str, extension: str) -> None:
    photo = inspect(make_photo(kind=kind, taken_at=AT, place=(116.75, 36.18), orientation=6))
    assert (photo.content_type, photo.extension) == (f"image/{extension.replace('jpg', 'jpeg')}", extension)
    assert (photo.width, photo.height) in {(64, 48), (48, 64)}  # HEIC is turned by its decoder
    assert photo.exif.taken_at == AT
    assert photo.exif.orientation == (1 if kind == "HEIF" else 6)
    assert photo.exif.place is not None
    assert (photo.exif.place.lon, photo.exif.place.lat) == pytest.approx((116.75, 36.18), abs=1e-6)


def test_a_time_without_offset_is_shanghai_time() -> None:
    assert exif_of({0x9003: "2026:11:23 14:30:05"}).taken_at == AT
    assert exif_of({0x9003: "2026:11:23 06:30:05", 0x9011: "+00:00"}).taken_at == AT
    assert exif_of({0x9003: "2026:11:23 01:00:05", 0x9011: "-05:30"}).taken_at == AT


def test_south_and_west_are_negative() -> None:
    assert exif_of({}, {1: "S", 2: (33.0, 30.0, 0.0), 3: "W", 4: (70.0, 15.0, 36.0)}).place == Place(
        -70.26, -33.5
    )


@pytest.mark.parametrize(
    ("tags", "gps"),
    [
        ({0x9003: "0000:00:00 00:00:00"}, {}),
        ({0x9003: "2026:13:45 99:99:99"}, {1: "N"}),
        ({0x9003: "gestern"}, {1: "N", 2: (0.0, 0.0, 0.0), 3: "E", 4: (0.0, 0.0, 0.0)}),
        ({0x9003: "1970:01:01 00:00:00"}, {1: "N", 2: (91.0, 0.0, 0.0), 3: "E", 4: (10.0, 0.0, 0.0)}),
        ({}, {1: "N", 2: (36.0,), 3: "E", 4: (116.0, 0.0, 0.0)}),
        ({0x9003: "2026:11:23 14:30:05", 0x9011: "+99:00"}, None),
    ],
)
def test_nonsense_is_simply_not_said(tags: dict[int, Any], gps: dict[int, Any] | None) -> None:
    assert exif_of(tags, gps) == exif.Exif()


def test_a_broken_block_hides_neither_the_photo_nor_the_rest() -> None:
    whole = make_photo(taken_at=AT, place=(116.75, 36.18))
    start = whole.index(b"Exif\x00\x00")
    broken = whole[: start + 6] + b"\xff" * 20 + whole[start + 26 :]
    assert inspect(broken).exif == exif.Exif()


@pytest.mark.parametrize(
    "content",
    [
        b"GIF89a" + b"\0" * 50,
        b"\0\0\0\x18ftypavif\0\0\0\0avifmif1" + b"\0" * 40,
        b"\0\0\0\x14ftypqt  \0\0\0\0qt  " + b"\0" * 40,
        b"\0\0\0\x18ftypjp2 ",
        b"\xff\xfb\x90\x44" + b"\0" * 40,
        b"#!/bin/sh\nrm -rf /\n",
        b"%PDF-1.7",
        b"x",
        b"BM",
    ],
)
def test_the_content_decides_the_type(content: bytes) -> None:
    with pytest.raises(UnsupportedType):
        inspect(content)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "HEIF"])
def test_a_truncated_photo_is_broken(kind: str) -> None:
    whole = make_photo(kind=kind, size=(200, 200))
    for part in (24, len(whole) // 2, len(whole) - 20):
        with pytest.raises(Refused) as caught:
            inspect(whole[:part])
        assert caught.value.code == "broken_file"


def test_too_many_pixels_are_refused_before_they_are_decoded(monkeypatch: pytest.MonkeyPatch) -> None:
    out = io.BytesIO()
    Image.new("1", (10_000, 5_001)).save(out, "PNG")
    monkeypatch.setattr(Image.Image, "load", lambda self: pytest.fail("decoded"))
    with pytest.raises(Refused) as caught:
        inspect(out.getvalue())
    assert caught.value.code == "too_many_pixels"


def test_a_bomb_is_refused() -> None:
    header = make_photo(kind="PNG", size=(1, 1))
    bomb = header[:16] + (60_000).to_bytes(4, "big") * 2 + header[24:]
    with pytest.raises(Refused) as caught:
        inspect(bomb)
    assert caught.value.code in {"too_many_pixels", "broken_file"}


@bounded(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data(), kind=st.sampled_from(["JPEG", "PNG", "WEBP", "HEIF"]))
def test_broken_bytes_are_refused_or_read_but_never_crash(data: st.DataObject, kind: str) -> None:
    content = bytearray(make_photo(kind=kind, taken_at=AT, place=(116.75, 36.18)))
    for _ in range(data.draw(st.integers(1, 6))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(1, len(content)))
    with contextlib.suppress(UnsupportedType, Refused):
        inspect(bytes(content[:cut]))


@pytest.mark.parametrize(("orientation", "upright"), [(1, (480, 240)), (6, (240, 480))])
def test_a_thumbnail_is_small_upright_and_tells_nothing(orientation: int, upright: tuple[int, int]) -> None:
    content = make_photo(taken_at=AT, place=(116.75, 36.18), orientation=orientation, size=(1600, 800))
    small = thumbnail(content)
    with Image.open(io.BytesIO(small)) as image:
        assert (image.format, image.size) == ("JPEG", upright)
        assert not image.getexif()
    assert b"Exif" not in small


@pytest.mark.parametrize(("kind", "mode"), [("PNG", "RGBA"), ("PNG", "P"), ("PNG", "L"), ("JPEG", "CMYK")])
def test_every_mode_makes_a_thumbnail(kind: str, mode: str) -> None:
    content = make_photo(kind=kind, mode=mode, size=(900, 900), colour="white")
    with Image.open(io.BytesIO(thumbnail(content))) as image:
        assert (image.mode, image.size) == ("RGB", (480, 480))


def test_a_small_photo_is_not_blown_up() -> None:
    with Image.open(io.BytesIO(thumbnail(make_photo()))) as image:
        assert image.size == (64, 48)
