"""Looking into photos: is it whole, what is it, and a small copy of it.

The content decides the type, never the name. Pictures are decoded two at a time in each process:
one of 50 megapixels takes 150 MB while it is open.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from threading import BoundedSemaphore
from typing import IO

from PIL import Image, ImageOps

from kernel.errors import Refused, UnsupportedType
from kernel.evidence import exif
from kernel.evidence.exif import Exif

MAX_PIXELS = 50_000_000
THUMBNAIL_PX = 480
"""Longest side of a thumbnail."""

Image.MAX_IMAGE_PIXELS = MAX_PIXELS

_at_once = BoundedSemaphore(2)

_EXTENSIONS = {"JPEG": "jpg", "PNG": "png", "WEBP": "webp"}
_LATER = "目前只接收 JPEG、PNG、WebP 格式的照片，请转换格式后再上传。"


@dataclass(frozen=True)
class Photo:
    """What the bytes of a photo say. Width and height in pixels as stored, before any turning."""

    content_type: str
    extension: str
    width: int
    height: int
    exif: Exif


def inspect(file: IO[bytes]) -> Photo:
    """Decode a photo to its last byte and read its EXIF.

    Raises:
        UnsupportedType: its bytes are of no type that we take (415).
        Refused: `broken_file`, `too_many_pixels` (422).
    """
    name = _format(file)
    with _at_once:
        _verify(file, name)
        file.seek(0)
        try:
            with Image.open(file, formats=[name]) as image:
                _check_pixels(image)
                image.load()
                return Photo(f"image/{name.lower()}", _EXTENSIONS[name], *image.size, exif.read(image))
        except Refused:
            raise
        except Exception as failure:
            raise _broken() from failure


def thumbnail(file: IO[bytes]) -> bytes:
    """A JPEG of at most 480 px a side, turned upright, without any EXIF."""
    with _at_once, Image.open(file, formats=list(_EXTENSIONS)) as image:
        image.draft("RGB", (THUMBNAIL_PX * 2, THUMBNAIL_PX * 2))
        upright = ImageOps.exif_transpose(image)
        upright.thumbnail((THUMBNAIL_PX, THUMBNAIL_PX))
        if upright.mode != "RGB":
            see_through = upright.convert("RGBA")
            upright = Image.new("RGB", see_through.size, "white")
            upright.paste(see_through, mask=see_through.getchannel("A"))
        small = io.BytesIO()
        upright.info.clear()
        upright.save(small, "JPEG", quality=80, optimize=True)
        return small.getvalue()


def _format(file: IO[bytes]) -> str:
    file.seek(0)
    head = file.read(16)
    if head.startswith(b"\xff\xd8\xff"):
        return "JPEG"
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return "PNG"
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "WEBP"
    raise UnsupportedType(_LATER, code="unsupported_media_type", attr="file")


def _verify(file: IO[bytes], name: str) -> None:
    """Check what Pillow checks without decoding, and the size before a decoder makes room for it."""
    file.seek(0)
    try:
        with Image.open(file, formats=[name]) as image:
            _check_pixels(image)
            image.verify()
    except Refused:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as failure:
        raise _too_many_pixels() from failure
    except Exception as failure:
        raise _broken() from failure


def _check_pixels(image: Image.Image) -> None:
    if image.width * image.height > MAX_PIXELS:
        raise _too_many_pixels()


def _too_many_pixels() -> Refused:
    return Refused("照片像素过高，最多 5000 万像素。", code="too_many_pixels", attr="file")


def _broken() -> Refused:
    return Refused("照片文件不完整或已损坏，请重新拍摄或重新上传。", code="broken_file", attr="file")
