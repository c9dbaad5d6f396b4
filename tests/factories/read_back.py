"""Reading what stands on a watermarked copy, by its pixels alone: each place on the band is compared with
every letter that could stand there. No recognition library, and no way past the drawing."""

from __future__ import annotations

import io
import math

from PIL import Image, ImageChops, ImageDraw, ImageStat

from kernel.evidence import lettering

INK = 255


def band_of(copy: bytes, lines: int) -> Image.Image:
    """The foot of a copy, in grey, that holds so many lines: as `lettering.stamp` lays it out."""
    with Image.open(io.BytesIO(copy)) as image:
        grey = image.convert("L")
    size = _size(grey)
    height = size * 4 // 3 * lines + 2 * (size // 2)
    return grey.crop((0, grey.height - height, grey.width, grey.height))


def above_the_band(copy: bytes, lines: int) -> Image.Image:
    """The rest of it, but for the row of blocks that JPEG shares between the two."""
    with Image.open(io.BytesIO(copy)) as image:
        colour = image.convert("RGB")
    return colour.crop((0, 0, colour.width, colour.height - band_of(copy, lines).height - 16))


def read(copy: bytes, shapes: list[str], alphabet: str) -> list[str]:
    """The lines on a copy. `shapes` says only where letters stand and how wide each is: at each place the
    letter of the alphabet that is about so wide and looks most like what is there."""
    band = band_of(copy, len(shapes))
    size = _size(band)
    letters, margin, step = lettering.font(size), size // 2, size * 4 // 3
    ground = band.getpixel((margin // 2, margin // 2))
    widths = {letter: letters.getlength(letter) for letter in alphabet}
    found = []
    for number, shape in enumerate(shapes):
        top, line = margin + number * step, ""
        for place, letter in enumerate(shape):
            left = margin + letters.getlength(shape[:place])
            width = letters.getlength(letter)
            box = (math.floor(left), top, math.ceil(left + width), top + step)
            there = band.crop(box)

            def unlike(other: str, there: Image.Image = there, left: float = left) -> float:
                drawn = Image.new("L", there.size, ground)
                ImageDraw.Draw(drawn).text((left % 1, 0), other, INK, font=letters)
                return float(ImageStat.Stat(ImageChops.difference(there, drawn)).sum2[0])

            line += min((one for one in widths if 0.6 < widths[one] / width < 1.6), key=unlike)
        found.append(line)
    return found


def _size(picture: Image.Image) -> int:
    size = picture.width // lettering.WIDEST_SHARE
    return min(max(size, lettering.SMALLEST), lettering.LARGEST)
