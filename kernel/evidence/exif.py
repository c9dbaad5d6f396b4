"""What a photo says about itself. Anything unreadable is simply not said: EXIF never makes a photo fail."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from math import isfinite
from typing import Any

from PIL import Image

from kernel.clock import SHANGHAI
from kernel.evidence.policy import Place

_EXIF_IFD, _GPS_IFD = 0x8769, 0x8825
_ORIENTATION, _DATE_TIME_ORIGINAL, _OFFSET_TIME_ORIGINAL = 0x0112, 0x9003, 0x9011
_LAT_REF, _LAT, _LON_REF, _LON = 1, 2, 3, 4


@dataclass(frozen=True)
class Exif:
    """Time of capture (aware), place (WGS-84) and orientation (1-8, 1 where not said)."""

    taken_at: datetime | None = None
    place: Place | None = None
    orientation: int = 1


def read(image: Image.Image) -> Exif:
    """Read it all; each part by itself, so that a broken one hides no other."""
    return Exif(
        _or_none(lambda: _taken_at(image.getexif().get_ifd(_EXIF_IFD))),
        _or_none(lambda: _place(image.getexif().get_ifd(_GPS_IFD))),
        _or_none(lambda: _orientation(image.getexif())) or 1,
    )


def _or_none(reading: Any) -> Any:
    try:
        return reading()
    except Exception:  # noqa: BLE001  what cameras and editors write here is beyond listing
        return None


def _taken_at(tags: Mapping[int, Any]) -> datetime | None:
    """`2026:11:23 14:30:05`, with `+08:00` where the camera says so; else Shanghai time."""
    said = re.match(r"(\d{4}):(\d\d):(\d\d)[ T](\d\d):(\d\d):(\d\d)", str(tags.get(_DATE_TIME_ORIGINAL, "")))
    if not said or int(said[1]) < 1990:
        return None
    local = datetime(*(int(part) for part in said.groups()), tzinfo=SHANGHAI)  # type: ignore[misc,arg-type]
    offset = re.match(r"([+-])(\d\d):(\d\d)", str(tags.get(_OFFSET_TIME_ORIGINAL, "")))
    if not offset:
        return local
    ahead = timedelta(hours=int(offset[2]), minutes=int(offset[3]))
    return local.replace(tzinfo=timezone(-ahead if offset[1] == "-" else ahead))


def _place(tags: Mapping[int, Any]) -> Place | None:
    lat = _degrees(tags[_LAT], str(tags.get(_LAT_REF, "N")))
    lon = _degrees(tags[_LON], str(tags.get(_LON_REF, "E")))
    if not (isfinite(lon) and isfinite(lat) and abs(lon) <= 180 and abs(lat) <= 90):
        return None
    if lon == 0 and lat == 0:  # what phones write before they have a fix
        return None
    return Place(round(lon, 7), round(lat, 7))


def _degrees(parts: Any, reference: str) -> float:
    whole, minutes, seconds = (float(part) for part in parts)
    degrees = whole + minutes / 60 + seconds / 3600
    return -degrees if reference.strip("\x00 ").upper() in {"S", "W"} else degrees


def _orientation(tags: Mapping[int, Any]) -> int | None:
    said = int(tags.get(_ORIENTATION, 1))
    return said if 1 <= said <= 8 else None
