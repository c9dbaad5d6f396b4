"""Videos and voice notes, encoded here: what phones and chat programs record."""

from __future__ import annotations

import array
import fractions
import io
import math
from functools import lru_cache
from typing import Any

import av

FORMATS = {"m4a": ("ipod", "aac", 16_000), "aac": ("adts", "aac", 16_000), "amr": ("amr", "amr_nb", 8_000)}


@lru_cache
def make_video(
    *,
    size: tuple[int, int] = (64, 48),
    pictures: int = 10,
    created: str | None = None,
    place: str | None = None,
    codec: str = "libx264",
    turned: int = 0,
    noise: bool = False,
) -> bytes:
    """An MP4 at ten pictures a second; `created` is ISO 8601, `place` ISO 6709, `turned` degrees to the left.

    With `noise` it does not compress: some 25 KB a picture of 160 × 120.
    """
    out = io.BytesIO()
    with av.open(out, "w", format="mp4") as container:
        container.metadata.update({"creation_time": created} if created else {})
        container.metadata.update({"location": place} if place else {})
        stream: Any = container.add_stream(codec, rate=10)
        stream.width, stream.height, stream.pix_fmt = *size, "yuv420p"
        if noise:
            stream.options = {"qp": "0", "preset": "ultrafast"}
        if turned:
            stream.set_display_rotation(turned)
        for number in range(pictures):
            container.mux(stream.encode(_picture(size, number, noise)))
        container.mux(stream.encode(None))
    return out.getvalue()


def _picture(size: tuple[int, int], number: int, noise: bool) -> Any:
    width, height = size
    if noise:
        state, line = number + 1, bytearray()
        for _ in range(width * 3):
            state = state * 1103515245 + 12345 & 0x7FFFFFFF
            line.append(state >> 16 & 255)
        rows = [
            bytes(line[shift % len(line) :] + line[: shift % len(line)]) for shift in range(0, height * 7, 7)
        ]
    else:  # left half red, right half blue: which side is up can be seen
        left, right = bytes((200, 20 + number, 30)), bytes((30, 20 + number, 200))
        rows = [left * (width // 2) + right * (width - width // 2)] * height
    frame = av.VideoFrame(width, height, "rgb24")
    stride = frame.planes[0].line_size
    frame.planes[0].update(b"".join(row.ljust(stride, b"\0") for row in rows))
    frame.pts, frame.time_base = number, fractions.Fraction(1, 10)
    return frame


@lru_cache
def make_voice(*, kind: str = "m4a", seconds: float = 2.0, container: str | None = None) -> bytes:
    """A tone as `m4a`, `aac` or `amr`; `container` puts it into another file, such as `mp4` or `3gp`."""
    muxer, codec, rate = FORMATS[kind]
    out = io.BytesIO()
    with av.open(out, "w", format=container or muxer) as file:
        stream: Any = file.add_stream(codec, rate=rate, layout="mono")
        if codec == "amr_nb":
            stream.bit_rate = 12_200
        even = av.AudioResampler(format=stream.codec_context.format, layout="mono", rate=rate)
        for start in range(0, int(rate * seconds), 1000):
            for part in even.resample(_tone(start, min(1000, int(rate * seconds) - start), rate)):
                file.mux(stream.encode(part))
        for part in even.resample(None):
            file.mux(stream.encode(part))
        file.mux(stream.encode(None))
    return out.getvalue()


def _tone(start: int, count: int, rate: int) -> Any:
    wave = array.array("h", (int(8000 * math.sin((start + n) * 0.05)) for n in range(count)))
    frame = av.AudioFrame("s16", "mono", count)
    frame.planes[0].update(wave.tobytes().ljust(frame.planes[0].buffer_size, b"\0"))
    frame.sample_rate, frame.pts, frame.time_base = rate, start, fractions.Fraction(1, rate)
    return frame
