"""Uploads that are broken: the file, what is said of it, or the multipart body around it."""

from __future__ import annotations

import hashlib
import io
import random
import struct
import uuid
import zipfile
import zlib
from functools import cache
from typing import Any

from hypothesis import strategies as st

from tests.factories.photos import make_photo
from tests.factories.recordings import make_video, make_voice
from tests.fuzz.breaking import MOMENTS, broken_text

BOUNDARY = "----of-the-suite"
EDGE = f"--{BOUNDARY}".encode()
FORM = f"multipart/form-data; boundary={BOUNDARY}"


@cache
def good_files() -> tuple[bytes, ...]:
    """What phones send, each small."""
    kinds = ("JPEG", "PNG", "WEBP", "HEIF")
    voices = [make_voice(kind=kind) for kind in ("m4a", "aac", "amr")]
    return (*(make_photo(kind=kind) for kind in kinds), make_video(), *voices)


@cache
def bad_files() -> tuple[bytes, ...]:
    """What they should not send."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as made:
        made.writestr("[Content_Types].xml", "<a>" * 1000)
    return (
        b"", b"\0", b"\xff\xd8", b"\xff\xd8\xff\xe0" + b"\0" * 200, b"GIF89a" + b"\0" * 50,
        b"#!/bin/sh\nrm -rf /\n", b"<html><script>alert(1)</script></html>",
        b"<svg xmlns='http://www.w3.org/2000/svg' onload='x'/>", b"%PDF-1.7\n", b"MZ" + b"\0" * 100,
        b"\x7fELF" + b"\0" * 100, archive.getvalue(), _png(60_000, 60_000), _png(0, 0), _png(1, 2**31 - 1),
        b"\0\0\0\x18ftypheic" + b"\0" * 100, b"\0\0\0\x18ftypmp42" + b"\xff" * 100,
        b"#!AMR\n" + b"\xff" * 500, b"\0\0\0\x00ftypisom", b"\0\0\0\x01ftypmp42" + b"\0" * 40,
        b"RIFF\xff\xff\xff\xffWEBPVP8 " + b"\0" * 40, b"\xff\xf1" + b"\x50" * 300, b"BM" + b"\0" * 100,
        b"II*\0" + b"\xff" * 100, b"MM\0*\0\0\0\x08" + b"\xff" * 100, b"OggS" + b"\0" * 60,
    )  # fmt: skip


def _png(width: int, height: int) -> bytes:
    """A PNG that claims to be so large, and holds next to nothing."""

    def chunk(name: bytes, content: bytes) -> bytes:
        whole = name + content
        return struct.pack(">I", len(content)) + whole + struct.pack(">I", zlib.crc32(whole))

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", zlib.compress(b"\0" * 1000)) + chunk(b"IEND", b"")


@st.composite
def broken_file(draw: st.DrawFn) -> bytes:
    """A file that is none of ours, or no longer one."""
    how = draw(st.sampled_from(["bad", "cut", "flip", "joined", "grown"]))
    if how == "bad":
        return draw(st.sampled_from(bad_files()))
    good = draw(st.sampled_from(good_files()))
    if how == "cut":
        return good[: draw(st.integers(0, len(good) - 1))]
    if how == "joined":
        return good[: len(good) // 2] + draw(st.sampled_from(good_files()))
    if how == "grown":
        return good + draw(st.sampled_from([b"\0" * 5000, b"<?php ?>", good]))
    dice, bent = random.Random(draw(st.integers(0, 2**32))), bytearray(good)
    for _ in range(draw(st.integers(1, 40))):
        bent[dice.randrange(len(bent))] = dice.randrange(256)
    return bytes(bent)


NAMES = [
    "IMG_0001.jpg", "a.php.jpg", "x.sh", "../../../etc/passwd", "..\\..\\a.jpg", "a" * 5000 + ".jpg", "",
    ".", "\u202egpj.exe", "照片.jpg", "a\x00.jpg", "a\"b.jpg", "con.jpg", "/etc/passwd", "a;b=c.jpg",
    "%00.jpg", "a.jpg\n", "😀.heic", "{0}.jpg", "-rf",
]  # fmt: skip
FIELDS = {
    "captured_at": st.sampled_from(MOMENTS),
    "lon": broken_text
    | st.sampled_from(["nan", "inf", "-inf", "1e400", "116.75", "181", "-180.0000001", "１１６"]),
    "lat": broken_text | st.sampled_from(["nan", "inf", "36.16", "91", "90.00001"]),
    "crs": broken_text | st.sampled_from(["gcj02", "bd09", "EPSG:4326", "WGS84"]),
    "client_uid": broken_text,
    "sha256": broken_text,
    "file": broken_text,
    "kind": broken_text,
    "id": broken_text,
}


@st.composite
def broken_upload(draw: st.DrawFn) -> tuple[bytes, dict[str, str]]:
    """A multipart body and its headers."""
    how = draw(
        st.sampled_from(["file"] * 5 + ["field"] * 5 + ["hash", "part", "frame", "frame", "name", "type"])
    )
    content = draw(broken_file()) if how in ("file", "name") else draw(st.sampled_from(good_files()))
    said: list[tuple[str, str]] = [
        ("sha256", hashlib.sha256(content if how != "hash" else content + b"x").hexdigest()),
        ("client_uid", str(uuid.UUID(int=draw(st.integers(1, 2**100)), version=4))),
    ]
    name = draw(st.sampled_from(NAMES)) if how in ("file", "name") else "IMG_0001.jpg"
    if how == "field":
        field = draw(st.sampled_from(sorted(FIELDS)))
        said = [one for one in said if one[0] != field] + [(field, draw(FIELDS[field]))]
        if field in ("lon", "lat"):
            said.append(("lat" if field == "lon" else "lon", "36.16"))
    parts = [*(_field(key, value) for key, value in said), _file(name, content)]
    if how == "part":
        parts = draw(
            st.sampled_from([parts[1:], parts[:-1], parts * 2, [], parts[:1], parts + parts[:1] * 1200])
        )
    return _framed(draw, how, parts)


def multipart(fields: dict[str, str], content: bytes) -> tuple[bytes, dict[str, str]]:
    """A body as it should be, and its headers."""
    parts = [_field(name, value) for name, value in fields.items()]
    return _joined([*parts, _file("IMG_0001.jpg", content)]), {"Content-Type": FORM}


def _field(name: str, value: str) -> tuple[str, bytes]:
    return f'form-data; name="{name}"', value.encode("utf-8", "surrogatepass")


def _file(name: str, content: bytes) -> tuple[str, bytes]:
    return f'form-data; name="file"; filename="{name}"\r\nContent-Type: image/jpeg', content


def _joined(parts: list[tuple[str, bytes]]) -> bytes:
    heads = [(head.encode("utf-8", "surrogatepass"), body) for head, body in parts]
    whole = [
        EDGE + b"\r\nContent-Disposition: " + head + b"\r\n\r\n" + body + b"\r\n" for head, body in heads
    ]
    return b"".join(whole) + EDGE + b"--\r\n"


def _framed(draw: Any, how: str, parts: list[tuple[str, bytes]]) -> tuple[bytes, dict[str, str]]:
    type_, raw, edge = FORM, _joined(parts), EDGE
    if how == "frame":
        at = draw(st.integers(0, len(raw)))
        raw = draw(
            st.sampled_from([
                raw[:at], raw[at:], raw.replace(b"\r\n", b"\n"), raw[:at] + edge + raw[at:],
                raw.replace(b'"', b""), raw.replace(b"name=", b"n="), b"",
                raw.replace(b"form-data", b"x", 1), raw[: -len(edge) - 4],
                raw.replace(b"\r\n\r\n", b"\r\nContent-Transfer-Encoding: base64\r\n\r\n"),
            ])
        )  # fmt: skip
    if how == "type":
        type_ = draw(
            st.sampled_from([
                "multipart/form-data", "multipart/form-data; boundary=", "application/json", "image/jpeg",
                "multipart/form-data; boundary=other", "", f"multipart/mixed; boundary={BOUNDARY}",
                f"multipart/form-data; boundary={BOUNDARY}; charset=no-such",
                "application/x-www-form-urlencoded",
            ])
        )  # fmt: skip
    return raw, {"Content-Type": type_} if type_ else {}
