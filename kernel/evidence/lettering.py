"""Chinese text on pictures, with a font that is always there.

Where the house's fonts (Noto Sans CJK) are installed, they write every character; elsewhere the subset
in `fonts/` writes GB 2312, Latin letters and characters of names and places beyond it. What neither has
shows as an empty box.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

SHIPPED = Path(__file__).parent / "fonts" / "NotoSansCJKsc-Regular-subset.otf"
INSTALLED = tuple(
    Path(folder) / "NotoSansCJK-Regular.ttc"
    for folder in (
        "/usr/share/fonts/opentype/noto",
        "/usr/share/fonts/noto-cjk",
        "/usr/share/fonts/truetype/noto",
    )
)
SIMPLIFIED = 2
"""Place of the Simplified Chinese face in the installed collection."""

NARROWEST = 480
"""A picture narrower than this stands on a strip wide enough to write on."""
WIDEST_SHARE = 43
"""The letters are this part of the picture's width high: a SHA-256 just fits on one line."""
SMALLEST, LARGEST = 14, 64
GROUND, INK = (0, 0, 0, 150), (255, 255, 255, 255)


@cache
def _source() -> tuple[str, int]:
    for path in INSTALLED:
        if path.is_file():
            return str(path), SIMPLIFIED
    return str(SHIPPED), 0


def folders() -> list[Path]:
    """Where the fonts of the house lie, for programs that look for them by name (Noto Sans CJK SC)."""
    return [Path(_source()[0]).parent]


def font(size: int) -> ImageFont.FreeTypeFont:
    """A font of its own for each caller: FreeType's faces are not for two threads at once."""
    path, face = _source()
    return ImageFont.truetype(path, size, face, layout_engine=ImageFont.Layout.BASIC)


def stamp(picture: Image.Image, lines: list[str]) -> Image.Image:
    """A copy of an RGB picture with the lines on a dark band at its foot, folded to its width.

    A picture too small to be written on is set on black ground; its own pixels stay as they are.
    """
    width = max(picture.width, NARROWEST)
    size = min(max(width // WIDEST_SHARE, SMALLEST), LARGEST)
    letters, margin = font(size), size // 2
    folded = [part for line in lines for part in _fold(line, letters, width - 2 * margin)]
    step = size * 4 // 3
    band = step * len(folded) + 2 * margin
    canvas = Image.new("RGB", (width, max(picture.height, band)), "black")
    canvas.paste(picture, ((width - picture.width) // 2, 0))
    top = canvas.height - band
    ground = Image.new("RGBA", (width, band), GROUND)
    pen = ImageDraw.Draw(ground)
    for number, part in enumerate(folded):
        pen.text((margin, margin + number * step), part, INK, font=letters)
    canvas.paste(ground, (0, top), ground)
    return canvas


def _fold(line: str, letters: ImageFont.FreeTypeFont, width: int) -> list[str]:
    """The line in parts that fit; Chinese may be broken anywhere."""
    parts, part = [], ""
    for letter in line:
        if part and letters.getlength(part + letter) > width:
            parts.append(part)
            part = letter.lstrip()
        else:
            part += letter
    return [*parts, part]
