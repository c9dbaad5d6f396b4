"""Invented photos for the demo: drawn, marked as demonstration, with EXIF as a phone would write it."""

from __future__ import annotations

import hashlib
import io
import uuid
from datetime import datetime
from typing import Any

from django.core.files.uploadedfile import SimpleUploadedFile
from PIL import Image, ImageDraw

from kernel.accounts.models import User
from kernel.clock import SHANGHAI
from kernel.evidence import store
from kernel.evidence.models import Evidence

SIZE = (1280, 960)
SCENES = {
    "F": ((228, 222, 210), (150, 70, 40)),
    "L": ((214, 224, 232), (60, 90, 140)),
    "S": ((222, 222, 226), (90, 90, 100)),
    "Q": ((226, 230, 214), (80, 120, 60)),
}


def draw(number: int, group: str, taken_at: datetime) -> bytes:
    """A JPEG of a shop's counter with shelves, different for every number."""
    ground, things = SCENES.get(group, ((230, 226, 220), (120, 100, 80)))
    picture = Image.new("RGB", SIZE, ground)
    pen = ImageDraw.Draw(picture)
    pen.rectangle((0, 620, SIZE[0], SIZE[1]), fill=tuple(int(c * 0.75) for c in ground))
    for shelf in range(3):
        top = 120 + shelf * 160
        pen.rectangle((80, top + 110, SIZE[0] - 80, top + 124), fill=(110, 96, 84))
        for box in range(8):
            left = 110 + box * 136
            tall = 40 + (number * 37 + shelf * 19 + box * 53) % 64
            shade = tuple(min(255, c + (number * 13 + box * 29) % 90) for c in things)
            pen.rounded_rectangle((left, top + 110 - tall, left + 96, top + 110), 8, fill=shade)
    pen.rectangle((0, SIZE[1] - 64, SIZE[0], SIZE[1]), fill=(40, 40, 44))
    pen.text(
        (24, SIZE[1] - 46),
        f"DEMO PHOTO  No. {number:04d}  {taken_at.astimezone(SHANGHAI):%Y-%m-%d %H:%M}",
        "white",
        font_size=28,
    )
    exif = Image.Exif()
    exif[0x010F], exif[0x0110] = "SUOSHE", "DEMO"
    exif[0x8769] = {0x9003: taken_at.astimezone(SHANGHAI).strftime("%Y:%m:%d %H:%M:%S"), 0x9011: "+08:00"}
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=82, exif=exif.tobytes())
    return out.getvalue()


def upload(number: int, group: str, *, by: User, at: datetime) -> Evidence:
    """Store such a photo as if `by` had taken and sent it at `at`."""
    content = draw(number, group, at)
    received: tuple[Evidence, Any] = store.receive(
        file=SimpleUploadedFile(f"demo-{number:04d}.jpg", content, "image/jpeg"),
        sha256=hashlib.sha256(content).hexdigest(),
        client_uid=uuid.uuid5(uuid.NAMESPACE_URL, f"suoshe-demo-{number}"),
        captured_at=at,
        place=None,
        by=by,
        at=at,
    )
    return received[0]
