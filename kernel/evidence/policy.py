"""Limits by kind, and what of a file's clocks and places does not agree. Pure.

Flags warn and never block (DESIGN.md §3).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from kernel.coordinates import distance_m

NO_EXIF = "no_exif"
EXIF_TIME_DIFFERS = "exif_time_differs"
EXIF_PLACE_DIFFERS = "exif_place_differs"
CLOCK_SKEW = "clock_skew"

FLAG_LABELS = {
    NO_EXIF: "文件不含拍摄信息",
    EXIF_TIME_DIFFERS: "文件内时间与上报的拍摄时间相差超过10分钟",
    EXIF_PLACE_DIFFERS: "文件内位置与上报的位置相差超过500米",
    CLOCK_SKEW: "设备时间与服务器时间不符",
}

PHOTO, VIDEO, VOICE = "photo", "video", "voice"

MAX_MEGABYTES = {PHOTO: 20, VIDEO: 100, VOICE: 5}
"""DESIGN.md §3; a minute of voice at the highest rate in use is half its limit."""
KIND_LABELS = {PHOTO: "照片", VIDEO: "视频", VOICE: "语音"}

TIME_TOLERANCE = timedelta(minutes=10)
PLACE_TOLERANCE_M = 500.0
OLDEST_CAPTURE = timedelta(days=5)
"""A phone may have been offline for so long (DESIGN.md §3, `discovered_at`)."""


@dataclass(frozen=True)
class Place:
    """A point in WGS-84 degrees."""

    lon: float
    lat: float


def max_bytes(kind: str) -> int:
    """The most that a file of this kind may hold."""
    return MAX_MEGABYTES[kind] << 20


def too_large(kind: str) -> str:
    """The sentence for who sends more."""
    return f"{KIND_LABELS[kind]}不能超过 {MAX_MEGABYTES[kind]} MB。"


def flags(
    *,
    kind: str = PHOTO,
    duration: timedelta = timedelta(0),
    captured_at: datetime | None,
    exif_at: datetime | None,
    received_at: datetime,
    place: Place | None,
    exif_place: Place | None,
) -> list[str]:
    """Codes of what does not agree, in a fixed order.

    `captured_at` and `place` are the phone's word, the `exif_` values the file's own. What one of the
    two does not say cannot differ. A recording may name its beginning or its end (`duration`); of a voice
    note nobody expects that it says anything.
    """
    found = []
    if exif_at is None and exif_place is None and kind != VOICE:
        found.append(NO_EXIF)
    if (
        captured_at is not None
        and exif_at is not None
        and abs(captured_at - exif_at) > TIME_TOLERANCE + duration
    ):
        found.append(EXIF_TIME_DIFFERS)
    if (
        place is not None
        and exif_place is not None
        and distance_m(place.lon, place.lat, exif_place.lon, exif_place.lat) > PLACE_TOLERANCE_M
    ):
        found.append(EXIF_PLACE_DIFFERS)
    if captured_at is not None and not _plausible(captured_at, received_at):
        found.append(CLOCK_SKEW)
    return found


def _plausible(captured_at: datetime, received_at: datetime) -> bool:
    return received_at - OLDEST_CAPTURE <= captured_at <= received_at + TIME_TOLERANCE
