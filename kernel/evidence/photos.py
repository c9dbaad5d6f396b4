"""Looking into photos: is it whole, what is it, and smaller copies of it.

Pictures are decoded two at a time in each process: one of 50 megapixels takes 150 MB while it is open.
"""

from __future__ import annotations

import io
from threading import BoundedSemaphore
from typing import IO

import pillow_heif
from PIL import Image, ImageOps

from kernel.errors import Refused
from kernel.evidence import boxes, exif
from kernel.evidence.content import HEIC, JPEG, PNG, WEBP, Content, Format

MAX_PIXELS = 50_000_000
Image.MAX_IMAGE_PIXELS = MAX_PIXELS
pillow_heif.register_heif_opener(thumbnails=False, depth_images=False, aux_images=False, decode_threads=1)

at_once = BoundedSemaphore(2)
"""Whoever decodes a picture or a recording holds it meanwhile."""

DECODERS = [form.decoder for form in (JPEG, PNG, WEBP, HEIC)]


def inspect(file: IO[bytes], form: Format) -> Content:
    """Decode a photo to its last byte and read its EXIF.

    Raises:
        Refused: `broken_file`, `too_many_pixels` (422).
    """
    if form is HEIC:
        if not boxes.whole(file, frozenset({b"meta"})):
            raise _broken()
        if any(width * height > MAX_PIXELS for width, height in boxes.coded_sizes(file)):
            raise _too_many_pixels()
    with at_once:
        _verify(file, form.decoder)
        file.seek(0)
        try:
            with Image.open(file, formats=[form.decoder]) as image:
                _check_pixels(image)
                image.load()
                said = exif.read(image)
                return Content("photo", form.content_type, form.extension, said, image.width, image.height)
        except Refused:
            raise
        except Exception as failure:
            raise _broken() from failure


def upright(file: IO[bytes], longest: int) -> Image.Image:
    """The picture as it is to be seen, in RGB, at most `longest` px a side. Hold `at_once`."""
    file.seek(0)
    with Image.open(file, formats=DECODERS) as image:
        image.draft("RGB", (longest * 2, longest * 2))
        turned: Image.Image = ImageOps.exif_transpose(image)
        turned.thumbnail((longest, longest))
        if turned.mode != "RGB":
            see_through = turned.convert("RGBA")
            turned = Image.new("RGB", see_through.size, "white")
            turned.paste(see_through, mask=see_through.getchannel("A"))
        return turned


def jpeg(picture: Image.Image, *, quality: int) -> bytes:
    """The picture as a JPEG that says nothing but itself."""
    out = io.BytesIO()
    picture.info.clear()
    picture.save(out, "JPEG", quality=quality, optimize=True)
    return out.getvalue()


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
