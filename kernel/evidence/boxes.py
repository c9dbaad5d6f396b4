"""Files of boxes (ISO 14496-12: MP4, M4A, HEIC): there to the last byte? How large is what they hold?"""

from __future__ import annotations

import os
from collections.abc import Iterator
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


def coded_sizes(file: IO[bytes]) -> Iterator[tuple[int, int]]:
    """Width and height of each picture that a HEIC holds, as it is coded: what a decoder makes room for.

    What is shown of it may be far smaller (`clap`), and nothing else says how large it is before.
    """
    file.seek(0)
    for kind, body in _boxes(file.read()):
        if kind == b"meta":
            yield from _spatial_extents(body[4:])


def _spatial_extents(meta: bytes) -> Iterator[tuple[int, int]]:
    """`iprp` holds `ipco` holds `ispe`: version and flags, width, height."""
    properties = (body for kind, body in _boxes(meta) if kind == b"iprp")
    containers = (body for held in properties for kind, body in _boxes(held) if kind == b"ipco")
    for container in containers:
        for kind, body in _boxes(container):
            if kind == b"ispe":
                yield int.from_bytes(body[4:8], "big"), int.from_bytes(body[8:12], "big")


def _boxes(content: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Kind and content of the boxes in a row, up to the first that does not fit."""
    place = 0
    for _ in range(MOST_BOXES):
        head = content[place : place + 16]
        size = _size(head, len(content) - place) if len(head) >= 8 else None
        if size is None or place + size > len(content):
            return
        start = 16 if head[:4] == b"\0\0\0\1" else 8
        yield head[4:8], content[place + start : place + size]
        place += size


def _size(head: bytes, left: int) -> int | None:
    """Length of a box with its header: 0 means up to the end of the file, 1 that 64 bits follow."""
    size = int.from_bytes(head[:4], "big")
    if size == 0:
        return left
    if size == 1:
        size = int.from_bytes(head[8:16], "big")
        return size if size >= 16 else None
    return size if size >= 8 else None
