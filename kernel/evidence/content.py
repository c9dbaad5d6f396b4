"""What a file is, by its first bytes; never by its name.

A format names the family that looks further into the file (`photos`, `recordings`) and the kind whose
limit of size holds until then. An MP4 container may turn out to hold a voice note.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from kernel.evidence.exif import Exif

HEAD_BYTES = 64
"""So much of a file is enough to name its format."""

HEIC_BRANDS = frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx"})
IMAGE_BRANDS = frozenset({b"mif1", b"msf1", b"avif", b"avis", b"jp2 ", b"crx "})
MP4_BRANDS = frozenset(
    {
        b"isom",
        b"iso2",
        b"iso3",
        b"iso4",
        b"iso5",
        b"iso6",
        b"mp41",
        b"mp42",
        b"avc1",
        b"M4V ",
        b"M4A ",
        b"M4B ",
    }
    | {b"3gp4", b"3gp5", b"3gp6", b"3gp7", b"MSNV", b"dash"}
)


class Family(Enum):
    """Who looks further into it."""

    PHOTO = "photo"
    MP4 = "mp4"
    VOICE = "voice"


@dataclass(frozen=True, slots=True)
class Format:
    """A kind of file that we take; `decoder` is its name with the library that opens it."""

    family: Family
    decoder: str
    content_type: str
    extension: str


JPEG = Format(Family.PHOTO, "JPEG", "image/jpeg", "jpg")
PNG = Format(Family.PHOTO, "PNG", "image/png", "png")
WEBP = Format(Family.PHOTO, "WEBP", "image/webp", "webp")
HEIC = Format(Family.PHOTO, "HEIF", "image/heic", "heic")
MP4 = Format(Family.MP4, "mp4", "video/mp4", "mp4")
M4A = Format(Family.VOICE, "mp4", "audio/mp4", "m4a")
AAC = Format(Family.VOICE, "aac", "audio/aac", "aac")
AMR = Format(Family.VOICE, "amr", "audio/amr", "amr")
AMR_WB = Format(Family.VOICE, "amr", "audio/amr-wb", "awb")
FORMATS = (JPEG, PNG, WEBP, HEIC, MP4, M4A, AAC, AMR, AMR_WB)


@dataclass(frozen=True, slots=True)
class Content:
    """What the bytes of a file say.

    Width and height in pixels as stored, before any turning; none for a voice note. `duration_ms` in
    milliseconds, none for a photo. `kind` is a value of `models.Kind`.
    """

    kind: str
    content_type: str
    extension: str
    exif: Exif
    width: int | None = None
    height: int | None = None
    duration_ms: int | None = None


def sniff(head: bytes) -> Format | None:
    """The format of a file that begins with `head` (`HEAD_BYTES` of it), or None: of no type we take."""
    if head.startswith(b"\xff\xd8\xff"):
        return JPEG
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return PNG
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return WEBP
    if head[4:8] == b"ftyp":
        return _by_brands(head)
    if head.startswith(b"#!AMR-WB\n"):
        return AMR_WB
    if head.startswith(b"#!AMR\n"):
        return AMR
    if len(head) > 1 and head[0] == 0xFF and head[1] & 0xF6 == 0xF0:  # the syncword of ADTS
        return AAC
    return None


def _by_brands(head: bytes) -> Format | None:
    """A box of type `ftyp`: its major brand at byte 8, compatible ones from byte 16 on."""
    major, end = head[8:12], min(int.from_bytes(head[:4], "big"), len(head))
    brands = {major, *(head[place : place + 4] for place in range(16, end - 3, 4))}
    if major in HEIC_BRANDS or (major in {b"mif1", b"msf1"} and brands & HEIC_BRANDS):
        return HEIC
    if major in IMAGE_BRANDS or major == b"qt  ":
        return None
    if major in {b"M4A ", b"M4B "}:
        return M4A
    return MP4 if brands & MP4_BRANDS else None
