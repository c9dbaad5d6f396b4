"""Grids and a point as inline SVG: our own drawing, no tiles, so it works without any internet."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import cos, radians

from grids.models import Grid
from grids.picture import rings

WIDTH = 720.0
MARGIN = 0.06
LEAST_DEGREES = 0.002


@dataclass(frozen=True, slots=True)
class Shape:
    """One grid's outline in the picture's units; `label_x/y` is where its name stands."""

    grid_id: int
    code: str
    name: str
    short_name: str
    d: str
    label_x: float
    label_y: float


@dataclass(frozen=True, slots=True)
class Sketch:
    """A picture and how it was projected: x = (lon − west) · east_scale, y = (north − lat) · scale."""

    width: float
    height: float
    west: float
    north: float
    east_scale: float
    scale: float
    shapes: tuple[Shape, ...]
    point: tuple[float, float] | None

    def x(self, lon: float) -> float:
        return round((lon - self.west) * self.east_scale, 1)

    def y(self, lat: float) -> float:
        return round((self.north - lat) * self.scale, 1)


def sketch(grids: Sequence[Grid], point: tuple[float, float] | None = None) -> Sketch | None:
    """Draw these grids and the point (WGS-84 degrees). None where there is nothing to draw."""
    corners = [corner for grid in grids for ring in rings(grid.boundary) for corner in ring]
    places = [(c[0], c[1]) for c in corners] + ([point] if point else [])
    if not places:
        return None
    west, east = _spread([lon for lon, _ in places])
    south, north = _spread([lat for _, lat in places])
    squeeze = cos(radians((south + north) / 2))
    scale = WIDTH / ((east - west) * squeeze)
    plan = Sketch(WIDTH, round((north - south) * scale, 1), west, north, squeeze * scale, scale, (), None)
    shapes = tuple(_shape(grid, plan) for grid in grids)
    at = None if point is None else (plan.x(point[0]), plan.y(point[1]))
    return Sketch(plan.width, plan.height, west, north, plan.east_scale, scale, shapes, at)


def _shape(grid: Grid, plan: Sketch) -> Shape:
    outlines = list(rings(grid.boundary))
    d = "".join("M" + "L".join(f"{plan.x(c[0])},{plan.y(c[1])}" for c in ring) + "Z" for ring in outlines)
    from shapely.geometry import shape as geometry  # with numpy: only where something is drawn

    outline = geometry(grid.boundary)
    middle = outline.centroid if outline.contains(outline.centroid) else outline.representative_point()
    short = grid.name.replace("社区", "").removesuffix("网格") or grid.name
    return Shape(grid.pk, grid.code, grid.name, short, d, plan.x(middle.x), plan.y(middle.y))


def _spread(values: Iterable[float]) -> tuple[float, float]:
    """Least and greatest with a margin, never a line."""
    low, high = min(values := list(values)), max(values)
    margin = max((high - low) * MARGIN, LEAST_DEGREES / 2)
    return low - margin, high + margin
