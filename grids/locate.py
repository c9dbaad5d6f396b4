"""Which grid does a point lie in? (DESIGN.md §3 Dispatch)

The boundaries of all active grids stand in a shapely STRtree, cached in the process and built anew
whenever `BoundaryVersion` changes. A point is a few microseconds. shapely (and numpy with it) is imported
by the first point: most processes locate none.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from math import cos, radians
from typing import TYPE_CHECKING, Literal

import structlog

from grids.boundaries import read_boundary
from grids.models import BoundaryVersion, Grid
from kernel.coordinates import distance_m

if TYPE_CHECKING:
    from shapely import Point, STRtree
    from shapely.geometry.base import BaseGeometry

log = structlog.get_logger(__name__)
NEAR_M = 150.0
M_PER_DEGREE = 111_000.0


@dataclass(frozen=True, slots=True)
class Match:
    """Where a point belongs. `near` is outside every grid but within 150 m of this one."""

    grid_id: int | None
    code: str | None
    match: Literal["inside", "near", "none"]
    distance_m: float | None


@dataclass(frozen=True, slots=True)
class _Index:
    version: int
    tree: STRtree
    shapes: tuple[BaseGeometry, ...]
    grids: tuple[tuple[int, str], ...]


NOWHERE = Match(None, None, "none", None)
_kept: _Index | None = None
_building = threading.Lock()


def locate(lon: float, lat: float, version: int | None = None) -> Match:
    """The grid of a WGS-84 point: inside, else the nearest within 150 m, else none.

    On a shared border the lowest code. `version` is the boundary version that the caller has read
    in a statement of his own: then, and while nothing has changed, no SQL is spent; without it one
    statement reads it.
    """
    from shapely import Point

    index = _index(boundary_version() if version is None else version)
    point = Point(lon, lat)
    inside = [index.grids[i] for i in index.tree.query(point, predicate="intersects")]
    if inside:
        grid_id, code = min(inside, key=lambda grid: grid[1])
        return Match(grid_id, code, "inside", 0.0)
    return _nearest(index, point, lon, lat)


def many_locator() -> Callable[[Sequence[tuple[float, float]]], list[Match]]:
    """`locate` of many points at a time, by the boundaries of now: one statement, and none for the points."""
    return partial(_located, _index(boundary_version()))


def _located(index: _Index, points: Sequence[tuple[float, float]]) -> list[Match]:
    """By one question to the tree."""
    from shapely import Point
    from shapely import points as make_points

    found: list[list[tuple[int, str]]] = [[] for _ in points]
    if points:
        at, which = index.tree.query(make_points(list(points)), predicate="intersects")
        for place, shape in zip(at.tolist(), which.tolist(), strict=True):
            found[place].append(index.grids[shape])
    matches = []
    whole = {grid: Match(*grid, "inside", 0.0) for grid in index.grids}
    for (lon, lat), inside in zip(points, found, strict=True):
        if inside:
            lowest = inside[0] if len(inside) == 1 else min(inside, key=lambda grid: grid[1])
            matches.append(whole[lowest])
        else:
            matches.append(_nearest(index, Point(lon, lat), lon, lat))
    return matches


def boundary_version() -> int:
    """The version of all boundaries now; 0 where no grid was ever made. One statement."""
    return BoundaryVersion.objects.values_list("version", flat=True).first() or 0


def _nearest(index: _Index, point: Point, lon: float, lat: float) -> Match:
    from shapely import get_x, get_y
    from shapely.ops import nearest_points

    reach_lat = NEAR_M * 1.1 / M_PER_DEGREE
    reach_lon = reach_lat / max(0.01, cos(radians(lat)))
    around = point.buffer(max(reach_lat, reach_lon))
    found = []
    for i in index.tree.query(around):
        edge = nearest_points(index.shapes[i], point)[0]
        away = distance_m(lon, lat, float(get_x(edge)), float(get_y(edge)))
        if away <= NEAR_M:
            found.append((round(away, 1), index.grids[i][1], index.grids[i][0]))
    if not found:
        return NOWHERE
    away, code, grid_id = min(found)
    return Match(grid_id, code, "near", away)


def _index(version: int) -> _Index:
    global _kept
    kept = _kept
    if kept is not None and kept.version == version:
        return kept
    with _building:
        if _kept is None or _kept.version != version:
            _kept = _build(version)
        return _kept


def _build(version: int) -> _Index:
    from shapely import STRtree, prepare

    rows = list(Grid.objects.filter(is_active=True).order_by("code").values_list("id", "code", "boundary"))
    shapes, grids = [], []
    for grid_id, code, boundary in rows:
        try:
            shapes.append(read_boundary(boundary))
            grids.append((grid_id, code))
        except ValueError as unreadable:
            log.error("boundary_unreadable", grid=code, reason=str(unreadable))
    prepare(shapes)
    return _Index(version, STRtree(shapes), tuple(shapes), tuple(grids))
