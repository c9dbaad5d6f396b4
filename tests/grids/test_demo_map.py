"""21 grids tile the demo extent without gap or overlap."""

from __future__ import annotations

import itertools
import re

from hypothesis import given
from hypothesis import strategies as st
from shapely import Point, box, unary_union

from grids import demo_map
from grids.models.places import GRID_CODE

GRIDS = demo_map.build()
EXTENT = box(demo_map.WEST, demo_map.SOUTH, demo_map.EAST, demo_map.NORTH)
LONGITUDES = st.floats(demo_map.WEST, demo_map.EAST)
LATITUDES = st.floats(demo_map.SOUTH, demo_map.NORTH)


def test_they_fill_the_extent_exactly() -> None:
    union = unary_union([grid.polygon for grid in GRIDS])
    assert union.equals(EXTENT)
    assert abs(sum(grid.polygon.area for grid in GRIDS) - EXTENT.area) < 1e-12


def test_no_two_overlap() -> None:
    for one, other in itertools.combinations(GRIDS, 2):
        assert not one.polygon.overlaps(other.polygon)
        assert one.polygon.intersection(other.polygon).area == 0


@given(LONGITUDES, LATITUDES)
def test_every_point_is_in_one_grid_or_on_a_border(lon: float, lat: float) -> None:
    point = Point(lon, lat)
    assert sum(grid.polygon.contains(point) for grid in GRIDS) <= 1
    assert any(grid.polygon.intersects(point) for grid in GRIDS)


def test_neighbours_share_exactly_equal_vertices() -> None:
    """Apart from the extent's corners and rim, every vertex belongs to at least three grids."""
    owners: dict[tuple[float, float], int] = {}
    for grid in GRIDS:
        for vertex in set(grid.polygon.exterior.coords):
            owners[vertex] = owners.get(vertex, 0) + 1
    inner = [count for vertex, count in owners.items() if Point(vertex).within(EXTENT)]
    assert inner
    assert min(inner) >= 3


def test_they_are_no_raster() -> None:
    corners = {len(grid.polygon.exterior.coords) - 1 for grid in GRIDS}
    assert len(corners) >= 3
    assert not any(grid.polygon.equals(grid.polygon.envelope) for grid in GRIDS)


def test_codes_streets_and_communities() -> None:
    codes = [grid.code for grid in GRIDS]
    assert codes == sorted(set(codes))
    assert len(codes) == 21
    assert all(re.fullmatch(GRID_CODE, code) for code in codes)
    assert {code[:9] for code in codes} == {code for code, _ in demo_map.STREETS}
    held = {(grid.street, place) for grid in GRIDS for place in grid.communities}
    assert len(held) == sum(len(names) for names in demo_map.COMMUNITIES) == 17
    assert any(len(grid.communities) > 1 for grid in GRIDS)
    assert len({grid.name for grid in GRIDS}) == 21


def test_it_is_the_same_every_time() -> None:
    demo_map.build.cache_clear()
    assert [grid.boundary for grid in demo_map.build()] == [grid.boundary for grid in GRIDS]
