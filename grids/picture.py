"""A small picture of all grids with one of them marked: inline SVG of our own, no tiles."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from math import cos, radians
from typing import Any

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

WIDTH = 640.0
MARGIN = 4.0
Ring = list[list[float]]


@dataclass(frozen=True, slots=True)
class Drawn:
    """One grid as far as the picture needs it; `boundary` is GeoJSON."""

    code: str
    name: str
    boundary: dict[str, Any]
    marked: bool = False


def picture(grids: Iterable[Drawn]) -> SafeString:
    """An SVG element; empty where there is nothing to draw. Colours adapt to the page's own."""
    drawn = sorted(grids, key=lambda grid: grid.marked)
    points = [point for grid in drawn for ring in rings(grid.boundary) for point in ring]
    if not points:
        return SafeString("")
    west, east = min(p[0] for p in points), max(p[0] for p in points)
    south, north = min(p[1] for p in points), max(p[1] for p in points)
    squeeze = cos(radians((south + north) / 2))
    scale = (WIDTH - 2 * MARGIN) / (max(east - west, 1e-9) * squeeze)
    height = max(north - south, 1e-9) * scale + 2 * MARGIN

    def path(boundary: dict[str, Any]) -> str:
        parts = []
        for ring in rings(boundary):
            steps = (
                f"{(lon - west) * squeeze * scale + MARGIN:.1f},{(north - lat) * scale + MARGIN:.1f}"
                for lon, lat, *_ in ring
            )
            parts.append("M" + "L".join(steps) + "Z")
        return "".join(parts)

    shapes = format_html_join(
        "",
        '<path d="{}" fill="{}" fill-opacity="{}" stroke="currentColor" stroke-opacity="0.45">'
        "<title>{} {}</title></path>",
        (
            (path(grid.boundary), "#2563eb" if grid.marked else "#94a3b8", "0.75" if grid.marked else "0.15",
             grid.code, grid.name)
            for grid in drawn
        ),
    )  # fmt: skip
    return format_html(
        '<svg viewBox="0 0 {} {}" width="100%" role="img" aria-label="网格示意图" class="max-w-2xl">{}</svg>',
        f"{WIDTH:.0f}", f"{height:.0f}", shapes,
    )  # fmt: skip


def rings(boundary: dict[str, Any]) -> Iterator[Ring]:
    """Rings of a GeoJSON Polygon or MultiPolygon."""
    if boundary.get("type") == "Polygon":
        yield from boundary["coordinates"]
    elif boundary.get("type") == "MultiPolygon":
        for polygon in boundary["coordinates"]:
            yield from polygon
