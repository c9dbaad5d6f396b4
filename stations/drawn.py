"""签名: a signature drawn on the screen is a small PNG with ink on it; nothing else is taken."""

from __future__ import annotations

import hashlib
import io
import struct
import zlib

from PIL import Image, UnidentifiedImageError

from kernel.errors import Refused, TooLarge, UnsupportedType

MOST_BYTES = 200_000
SMALLEST, LARGEST = 40, 2000
"""Pixels of a side."""
BROKEN = (
    UnidentifiedImageError,
    Image.DecompressionBombError,
    Image.DecompressionBombWarning,
    OSError,
    SyntaxError,
    ValueError,
    EOFError,
    LookupError,
    struct.error,
    zlib.error,
)
"""What a broken PNG, or one that claims to be enormous, makes the library raise."""
LEAST_INK = 20
"""Pixels that must differ from the paper: a tap is no signature."""


def checked(image: bytes, attr: str) -> bytes:
    """The image, where it is a drawn signature.

    Raises: TooLarge; UnsupportedType `not_png`; Refused `bad_signature_size`, `blank_signature`.
    """
    if len(image) > MOST_BYTES:
        raise TooLarge("签名图过大，请重新签名。", attr=attr)
    try:
        with Image.open(io.BytesIO(image), formats=["PNG"]) as opened:
            if not all(SMALLEST <= side <= LARGEST for side in opened.size):
                raise Refused("签名图尺寸不正确，请重新签名。", code="bad_signature_size", attr=attr)
            opened.load()
            ink = _ink(opened)
    except BROKEN as broken:
        raise UnsupportedType("签名图无法识别，请重新签名。", code="not_png", attr=attr) from broken
    if ink < LEAST_INK:
        raise Refused("签名为空，请签名后再提交。", code="blank_signature", attr=attr)
    return image


def _ink(image: Image.Image) -> int:
    """How many pixels are dark on white paper."""
    paper = Image.new("RGBA", image.size, "white")
    paper.alpha_composite(image.convert("RGBA"))
    return sum(paper.convert("L").histogram()[:160])


def sha256(image: bytes) -> str:
    return hashlib.sha256(image).hexdigest()
