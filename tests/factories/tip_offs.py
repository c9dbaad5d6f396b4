"""Matters that hold a tip-off (举报), as grid 1's desk takes them."""

from __future__ import annotations

import uuid
from decimal import Decimal
from typing import Any

from grids.demo import World
from leads.matters import Given, Part
from leads.models import MatterKind

WORDS = {
    MatterKind.REQUEST: "门口占道经营",
    MatterKind.TIP_OFF: "后厨使用回收油",
    MatterKind.COMPLAINT: "要求退还餐费",
}


def part(kind: MatterKind, words: str = "", **more: Any) -> Part:
    if kind != MatterKind.COMPLAINT:
        more.setdefault("category", "F03")
    return Part(kind, words or WORDS[kind], **more)


def given(world: World, number: int = 1, *kinds: MatterKind, words: str = "", **more: Any) -> Given:
    """One matter inside the grid with this number, of all three kinds where none is named."""
    lon, lat = world.point_in(number)
    return Given(
        parts=tuple(part(kind, words) for kind in kinds or tuple(MatterKind)),
        client_uid=uuid.uuid4(),
        lon=Decimal(f"{lon:.6f}"),
        lat=Decimal(f"{lat:.6f}"),
        crs_in="wgs84",
        **more,
    )
