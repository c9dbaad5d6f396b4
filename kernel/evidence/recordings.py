"""Looking into videos and voice notes: are they whole, how long, and what can be shown of them.

Every file is opened by a child process (`decoding`), so that none can take this one's memory or life.
"""

from __future__ import annotations

import contextlib
import io
import json
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import IO, Any

import structlog

from kernel.clock import SHANGHAI
from kernel.errors import DomainError, Refused, UnsupportedType
from kernel.evidence import boxes
from kernel.evidence.content import MP4, Content, Family, Format
from kernel.evidence.exif import Exif
from kernel.evidence.photos import at_once
from kernel.evidence.policy import Place

log = structlog.get_logger(__name__)

SCRIPT = Path(__file__).with_name("decoding.py")
WALL_SECONDS = 60
CREATED = ("com.apple.quicktime.creationdate", "creation_time")
LOCATED = ("com.apple.quicktime.location.ISO6709", "location", "location-eng")
PLACE = re.compile(r"([+-]\d{1,2}(?:\.\d{1,9})?)([+-]\d{1,3}(?:\.\d{1,9})?)(?:[+-][\d.]+)?(?:CRS.*)?/?")
"""ISO 6709: `+36.1800+116.7500/`, perhaps with a height behind."""
TURNED = {0: 1, 90: 8, 180: 3, -180: 3, -90: 6, 270: 6, -270: 8}
"""Degrees that a picture is to be turned left, as an EXIF orientation."""

SENTENCES = {
    "broken_file": "文件不完整或已损坏，请重新录制或重新上传。",
    "too_many_pixels": "视频画面过大，最多 5000 万像素。",
    "too_long": "语音不能超过 60 秒，请分段录制。",
    "unsupported_media_type": "不支持这种编码：视频请用 MP4（H.264 或 H.265），语音请用 m4a、aac 或 amr。",
}


class Unplayable(Exception):
    """No copy can be made of a recording."""


def inspect(file: IO[bytes], form: Format) -> Content:
    """Open a recording, decode enough of it to believe it, and read what it says of itself.

    A voice note is decoded to its end, a video to its first picture and read to its end.

    Raises:
        UnsupportedType: the container holds neither picture nor voice in a coding that we take (415).
        Refused: `broken_file`, `too_many_pixels`, `too_long` (422).
    """
    is_mp4 = form.decoder == MP4.decoder
    if is_mp4 and not boxes.whole(file, frozenset({b"moov", b"mdat"})):
        raise _refusal("broken_file")
    status, out = _run("look", file, form.decoder)
    if status == 3 and out.decode() in SENTENCES:
        raise _refusal(out.decode())
    if status != 0:
        log.warning("recording_not_opened", status=status, decoder=form.decoder)
        raise _refusal("broken_file")
    return _content(json.loads(out), form)


def still(file: IO[bytes]) -> bytes:
    """The first picture of a video, upright, as a JPEG of at most 2560 px a side.

    Raises:
        Unplayable: there is none to be had.
    """
    return _copy("still", file, MP4.decoder)


def playable(file: IO[bytes], decoder: str) -> bytes:
    """A copy of a voice note that browsers play: AAC in an M4A.

    Raises:
        Unplayable: none can be made.
    """
    return _copy("playable", file, decoder)


def _copy(act: str, file: IO[bytes], decoder: str) -> bytes:
    status, out = _run(act, file, decoder)
    if status != 0 or not out:
        raise Unplayable(f"{act}: {status}")
    return out


def _run(act: str, file: IO[bytes], decoder: str) -> tuple[int, bytes]:
    """Exit status and output of the child; a negative status where it was stopped."""
    command = [sys.executable, "-I", str(SCRIPT), act, decoder]
    with at_once, _on_disk(file) as handle:
        try:
            done = subprocess.run(
                command, stdin=handle, capture_output=True, timeout=WALL_SECONDS, env={"LC_ALL": "C.UTF-8"}
            )
        except subprocess.TimeoutExpired:
            return -1, b""
    return done.returncode, done.stdout


@contextlib.contextmanager
def _on_disk(file: IO[bytes]) -> Iterator[int]:
    """The handle of a file for a child to read; what lies in memory goes through an unnamed file."""
    file.seek(0)
    handle = _handle(file)
    if handle is not None:
        yield handle
        return
    with tempfile.TemporaryFile() as copy:
        shutil.copyfileobj(file, copy)
        copy.flush()
        yield copy.fileno()


def _handle(file: IO[bytes]) -> int | None:
    try:
        handle = file.fileno()
    except (io.UnsupportedOperation, AttributeError):
        return None
    file.flush()
    return handle


def _content(found: dict[str, Any], form: Format) -> Content:
    tags = found["tags"]
    if found["kind"] == "voice":
        kind, extension = (form.content_type, form.extension)
        if form.family is Family.MP4:
            kind, extension = ("audio/mp4", "m4a") if found["codec"] == "aac" else ("audio/3gpp", "3gp")
        said = Exif(_created_at(tags), _located(tags))
        return Content("voice", kind, extension, said, duration_ms=found["duration_ms"])
    said = Exif(_created_at(tags), _located(tags), TURNED.get(found["rotation"], 1))
    return Content(
        "video", MP4.content_type, MP4.extension, said, found["width"], found["height"], found["duration_ms"]
    )


def _created_at(tags: dict[str, str]) -> datetime | None:
    """ISO 8601, without an offset Shanghai time. Before 1990 it is a counter that was never set."""
    for name in CREATED:
        with contextlib.suppress(ValueError, OverflowError):
            said = datetime.fromisoformat(tags.get(name, ""))
            if said.tzinfo is None:
                said = said.replace(tzinfo=SHANGHAI)
            if said.year >= 1990:
                return said
    return None


def _located(tags: dict[str, str]) -> Place | None:
    for name in LOCATED:
        if found := PLACE.fullmatch(tags.get(name, "").strip()):
            lat, lon = float(found[1]), float(found[2])
            if abs(lat) <= 90 and abs(lon) <= 180 and (lat, lon) != (0, 0):
                return Place(round(lon, 7), round(lat, 7))
    return None


def _refusal(code: str) -> DomainError:
    kind = UnsupportedType if code == "unsupported_media_type" else Refused
    return kind(SENTENCES[code], code=code, attr="file")
