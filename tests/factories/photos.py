"""Pictures with what phones write into them."""

from __future__ import annotations

import hashlib
import io
import uuid
from datetime import datetime
from typing import Any

from django.core.files.uploadedfile import SimpleUploadedFile
from PIL import Image

from kernel.clock import SHANGHAI


def make_photo(
    *,
    taken_at: datetime | None = None,
    offset: str | None = "+08:00",
    place: tuple[float, float] | None = None,
    orientation: int | None = None,
    size: tuple[int, int] = (64, 48),
    colour: str = "#c04020",
    kind: str = "JPEG",
    mode: str = "RGB",
) -> bytes:
    """A picture's bytes; `place` is longitude and latitude, `taken_at` is written in Shanghai time."""
    exif = Image.Exif()
    if orientation is not None:
        exif[0x0112] = orientation
    if taken_at is not None:
        tags: dict[int, Any] = {0x9003: taken_at.astimezone(SHANGHAI).strftime("%Y:%m:%d %H:%M:%S")}
        if offset:
            tags[0x9011] = offset
        exif[0x8769] = tags
    if place is not None:
        lon, lat = place
        exif[0x8825] = {
            1: "N" if lat >= 0 else "S", 2: _sexagesimal(lat),
            3: "E" if lon >= 0 else "W", 4: _sexagesimal(lon),
        }  # fmt: skip
    out = io.BytesIO()
    Image.new(mode, size, colour).save(out, kind, **({"exif": exif.tobytes()} if len(exif) else {}))
    return out.getvalue()


def upload(content: bytes, *, name: str = "IMG_0001.jpg", **fields: Any) -> dict[str, Any]:
    """The multipart body of `POST evidence/` for these bytes."""
    fields.setdefault("sha256", hashlib.sha256(content).hexdigest())
    fields.setdefault("client_uid", str(uuid.uuid4()))
    return {"file": SimpleUploadedFile(name, content, "image/jpeg"), **fields}


def _sexagesimal(degrees: float) -> tuple[float, float, float]:
    whole = abs(degrees)
    minutes = whole % 1 * 60
    return float(int(whole)), float(int(minutes)), round(minutes % 1 * 60, 4)
