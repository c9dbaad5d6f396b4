"""Is a file of boxes (ISO 14496-12: MP4, M4A, HEIC) there to its last byte?"""

from __future__ import annotations

import os
from typing import IO

KNOWN = frozenset(
    {b"ftyp", b"moov", b"mdat", b"meta", b"free", b"skip", b"wide", b"uuid", b"moof", b"mfra", b"sidx"}
    | {b"styp", b"pdin", b"udta", b"emsg", b"prft", b"mpvd", b"idat"}
)
MOST_BOXES = 100_000


def whole(file: IO[bytes], needed: frozenset[bytes]) -> bool:
    """Whether every box lies inside the file and those `needed` are there.

    What follows the needed boxes and is none itself is let pass: some phones append blocks of their own.
    """
    end = file.seek(0, os.SEEK_END)
    place, seen = 0, set[bytes]()
    for _ in range(MOST_BOXES):
        if place == end:
            return needed <= seen
        file.seek(place)
        head = file.read(16)
        kind = head[4:8]
        if kind not in KNOWN:
            return needed <= seen
        size = _size(head, end - place)
        if size is None or place + size > end:
            return False
        seen.add(kind)
        place += size
    return False


def _size(head: bytes, left: int) -> int | None:
    """Length of a box with its header: 0 means up to the end of the file, 1 that 64 bits follow."""
    size = int.from_bytes(head[:4], "big")
    if size == 0:
        return left
    if size == 1:
        size = int.from_bytes(head[8:16], "big")
        return size if size >= 16 else None
    return size if size >= 8 else None
