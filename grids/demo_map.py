"""A map of 21 invented grids that tile the demo extent (DOMAIN.md §8).

Voronoi cells of 21 fixed seeds, cut at the extent, vertices at 6 decimals: neighbours share exactly
equal vertices, so there is neither gap nor overlap. The same polygons on every machine.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

import shapely
from shapely import MultiPoint, Polygon, box

WEST, SOUTH, EAST, NORTH = 116.70, 36.13, 116.83, 36.20
PLACES = 6

STREETS: tuple[tuple[str, str], ...] = (
    ("370983001", "新城街道"),
    ("370983002", "老城街道"),
    ("370983003", "王瓜店街道"),
    ("370983004", "仪阳街道"),
)
COMMUNITIES: tuple[tuple[str, ...], ...] = (
    ("桃韵", "桃苑", "龙栖", "凤鸣", "康和"),
    ("泰祥", "春晖", "文汇"),
    ("学府", "锦绣", "和悦", "望岳"),
    ("新河", "祥云", "安康", "百合", "枫林"),
)
"""The 17 invented communities, by street; their accounts are numbered in this order."""

SEEDS: tuple[tuple[tuple[float, float], ...], ...] = (
    ((116.7676, 36.1760), (116.7860, 36.1683), (116.8137, 36.1762),
     (116.7731, 36.1868), (116.7852, 36.1924), (116.8196, 36.1904)),
    ((116.7075, 36.1742), (116.7320, 36.1754), (116.7132, 36.1945), (116.7376, 36.1899)),
    ((116.7060, 36.1403), (116.7325, 36.1416), (116.7128, 36.1565), (116.7387, 36.1594), (116.7521, 36.1526)),
    ((116.7671, 36.1372), (116.7933, 36.1396), (116.8080, 36.1392),
     (116.7697, 36.1604), (116.8006, 36.1577), (116.8182, 36.1563)),
)  # fmt: skip
HELD: tuple[tuple[tuple[int, ...], ...], ...] = (
    ((0,), (0, 1), (1,), (2,), (3,), (4,)),
    ((0,), (0,), (1,), (2, 1)),
    ((0,), (1,), (1,), (2, 3), (3,)),
    ((0,), (1,), (1,), (2,), (3,), (4, 3)),
)
"""The communities of each grid, the leading one first: grid 2 of street 1 holds 桃韵 (leading) and 桃苑."""
ORDINALS = ("第一", "第二", "第三")


@dataclass(frozen=True, slots=True)
class MappedGrid:
    """One grid of the demo map. `street` and `communities` are places in STREETS and COMMUNITIES."""

    code: str
    name: str
    street: int
    communities: tuple[int, ...]
    polygon: Polygon

    @property
    def boundary(self) -> dict[str, Any]:
        ring = [[lon, lat] for lon, lat in self.polygon.exterior.coords]
        return {"type": "Polygon", "coordinates": [ring]}


@cache
def build() -> tuple[MappedGrid, ...]:
    """The 21 grids in the order of their codes."""
    cells = iter(_cells([seed for street in SEEDS for seed in street]))
    grids = []
    for street, (code, _) in enumerate(STREETS):
        for place, held in enumerate(HELD[street]):
            lead = COMMUNITIES[street][held[0]]
            led = [i for i, other in enumerate(HELD[street]) if other[0] == held[0]]
            which = ORDINALS[led.index(place)] if len(led) > 1 else ""
            grids.append(
                MappedGrid(f"{code}-L{place + 1:02d}", f"{lead}社区{which}网格", street, held, next(cells))
            )
    return tuple(grids)


def _cells(seeds: list[tuple[float, float]]) -> list[Polygon]:
    extent = box(WEST, SOUTH, EAST, NORTH)
    raw = shapely.voronoi_polygons(MultiPoint(seeds), extend_to=extent.buffer(1.0), ordered=True).geoms
    return [_snapped(cell.intersection(extent)) for cell in raw]


def _snapped(cell: Any) -> Polygon:
    return Polygon([(round(lon, PLACES), round(lat, PLACES)) for lon, lat in cell.exterior.coords])
