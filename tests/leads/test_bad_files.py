"""Bad files over HTTP, at both doors where people outside the desk hand them in: refused with 413, 415 or
422, and nothing of them is left: no row, no entry, no file, no copy on the way."""

from __future__ import annotations

import struct
import tempfile
import zlib
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from grids.demo import World
from kernel.evidence.models import Evidence
from kernel.journal.models import Entry
from leads.models import Lead
from tests.factories.accounts import bearer
from tests.factories.grids import make_entity
from tests.factories.photos import make_photo, upload
from tests.factories.recordings import make_video
from tests.leads.test_door_page import asked, tell

pytestmark = pytest.mark.django_db
MEGABYTE = 1 << 20


def chunk(name: bytes, content: bytes) -> bytes:
    whole = name + content
    return struct.pack(">I", len(content)) + whole + struct.pack(">I", zlib.crc32(whole))


def png(width: int, height: int, *more: bytes, pixels: bytes = b"\0" * 1000) -> bytes:
    """A PNG that says it is so large; eight bits of grey to the pixel."""
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))
    rest = b"".join(more) + chunk(b"IDAT", zlib.compress(pixels)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + head + rest


@cache
def zeros(count: int) -> bytes:
    """So many of them as a few: a thousandth of their size."""
    return zlib.compress(bytes(count), 9)


def whole_picture(side: int) -> bytes:
    return png(side, side, pixels=bytes((side + 1) * side))


BAD: dict[str, tuple[Callable[[], bytes], int, str]] = {
    "too large for a photo": (lambda: make_photo() + bytes(20 * MEGABYTE), 413, "too_large"),
    "too large for a voice note": (lambda: b"#!AMR\n" + bytes(5 * MEGABYTE), 413, "too_large"),
    "too large for a video": (lambda: make_video() + bytes(100 * MEGABYTE), 413, "too_large"),
    "bomb: 3.6 gigapixels in a kilobyte": (lambda: png(60_000, 60_000), 422, "too_many_pixels"),
    "bomb: 64 million pixels of nothing": (lambda: whole_picture(8_000), 422, "too_many_pixels"),
    "bomb: a comment of 100 MB": (
        lambda: png(1, 1, chunk(b"zTXt", b"note\0\0" + zeros(100 * MEGABYTE)), pixels=b"\0\0"),
        422,
        "broken_file",
    ),
    "bomb: a colour profile of 100 MB": (
        lambda: png(1, 1, chunk(b"iCCP", b"note\0\0" + zeros(100 * MEGABYTE)), pixels=b"\0\0"),
        422,
        "broken_file",
    ),
    "300 megapixels": (lambda: png(20_000, 15_000), 422, "too_many_pixels"),
    "300 megapixels of HEIC": (lambda: heic_of(20_000, 15_000), 422, "too_many_pixels"),
    "300 megapixels of HEIC that show 3,072": (
        lambda: heic_of(20_000, 15_000, (64, 48)),
        422,
        "too_many_pixels",
    ),
    "truncated": (lambda: make_photo(size=(300, 300))[:-300], 422, "broken_file"),
    "truncated in its head": (lambda: make_photo()[:20], 422, "broken_file"),
    "0 bytes": (lambda: b"", 422, "empty_file"),
    "a shell script": (lambda: b"#!/bin/sh\nrm -rf /\n", 415, "unsupported_media_type"),
    "a page with a script": (
        lambda: b"<!DOCTYPE html><script>alert(1)</script>",
        415,
        "unsupported_media_type",
    ),
    "PHP": (lambda: b"<?php system($_GET['c']); ?>", 415, "unsupported_media_type"),
    "a GIF": (lambda: b"GIF89a" + b"\0" * 50, 415, "unsupported_media_type"),
    "a PDF": (lambda: b"%PDF-1.7\n" + b"\0" * 50, 415, "unsupported_media_type"),
    "a program": (lambda: b"MZ" + b"\0" * 5000, 415, "unsupported_media_type"),
}
"""By what it is: its bytes, the status, the code. Each comes with the name IMG_0001.jpg, as `image/jpeg`."""


def heic_of(width: int, height: int, shown: tuple[int, int] = (64, 64)) -> bytes:
    """A HEIC whose head says that it is so large; what is shown of 64 × 64 may be less (`clap`)."""
    content = make_photo(kind="HEIF", size=shown)
    place = content.index(b"ispe") + 8
    return content[:place] + struct.pack(">II", width, height) + content[place + 8 :]


@pytest.fixture
def folders(settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, ...]:
    """Where files are kept, and where they lie meanwhile."""
    media, temporary = tmp_path / "media", tmp_path / "temporary"
    temporary.mkdir()
    settings.MEDIA_ROOT, settings.FILE_UPLOAD_TEMP_DIR = media, str(temporary)
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    return media, temporary


def left_behind(folders: tuple[Path, ...]) -> list[Path]:
    return [path for folder in folders for path in folder.rglob("*") if path.is_file()]


@pytest.mark.parametrize("bad", BAD)
def test_a_bad_file_is_refused_and_leaves_nothing(
    world: World, client: Client, folders: tuple[Path, ...], bad: str
) -> None:
    made, status, code = BAD[bad]
    entries = Entry.objects.count()
    answer = client.post("/api/v1/evidence/", upload(made()), headers=bearer(world.worker(1)))
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (status, code)
    assert (Evidence.objects.count(), Entry.objects.count()) == (0, entries)
    assert left_behind(folders) == []


@pytest.mark.parametrize(
    "bad",
    [
        "too large for a photo",
        "bomb: 3.6 gigapixels in a kilobyte",
        "truncated",
        "0 bytes",
        "a shell script",
        "a GIF",
    ],
)
def test_nor_does_one_that_a_citizen_sends_from_a_shops_door(
    world: World, client: Client, folders: tuple[Path, ...], bad: str
) -> None:
    made, status, _ = BAD[bad]
    shop = make_entity(world, 1)
    token, sum_of_it = asked(client, shop)
    before = (Evidence.objects.count(), Lead.objects.count())
    photo = SimpleUploadedFile("IMG_0001.jpg", made(), "image/jpeg")
    refused = tell(client, shop, token, sum_of_it, photos=[photo])
    assert refused.status_code == status, refused.content.decode()
    assert 'role="alert"' in refused.content.decode()
    assert (Evidence.objects.count(), Lead.objects.count()) == before
    assert left_behind(folders) == []


def test_the_bombs_are_bombs_and_the_rest_would_be_taken(
    world: World, client: Client, folders: tuple[Path, ...]
) -> None:
    """Each bomb is small; the same files without their fault are taken."""
    assert all(len(made()) < 200_000 for bad, (made, *_) in BAD.items() if bad.startswith("bomb"))
    note = chunk(b"zTXt", b"note\0\0" + zeros(100))
    good = [
        make_photo(),
        png(1, 1, note, pixels=b"\0\0"),
        heic_of(64, 64),
        heic_of(64, 64, (64, 48)),
        whole_picture(500),
    ]
    for content in good:
        answer = client.post("/api/v1/evidence/", upload(content), headers=bearer(world.worker(1)))
        assert answer.status_code == 201, answer.content
    assert len(left_behind(folders)) == Evidence.objects.count() == len(good)
