"""Point in polygon, with 150 m of grace."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from grids import demo_map
from grids.demo import World
from grids.locate import boundary_version, locate
from grids.models import Grid
from kernel.coordinates import distance_m

pytestmark = pytest.mark.django_db

METRE_WEST = 1 / (111_195 * 0.8073)  # degrees of longitude at 36.16 N


def test_inside_each_grid(world: World) -> None:
    for number, grid in enumerate(world.grids, start=1):
        found = locate(*world.point_in(number))
        assert (found.grid_id, found.code, found.match, found.distance_m) == (
            grid.id,
            grid.code,
            "inside",
            0.0,
        )


def test_near_and_none(world: World) -> None:
    lat = 36.165
    near = locate(demo_map.WEST - 100 * METRE_WEST, lat)
    assert near.match == "near"
    assert near.distance_m == pytest.approx(100, abs=1)
    assert locate(demo_map.WEST - 149 * METRE_WEST, lat).match == "near"
    assert locate(demo_map.WEST - 151 * METRE_WEST, lat).match == "none"
    beyond = locate(0.0, 0.0)
    assert (beyond.grid_id, beyond.code, beyond.match, beyond.distance_m) == (None, None, "none", None)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.floats(0, 400), st.floats(demo_map.SOUTH, demo_map.NORTH))
def test_near_is_within_150_metres(world: World, metres: float, lat: float) -> None:
    lon = demo_map.EAST + metres * METRE_WEST
    away = distance_m(lon, lat, demo_map.EAST, lat)
    found = locate(lon, lat)
    if away > 151:
        assert found.match == "none"
    elif 0.5 < away < 149:
        assert found.match == "near"


def test_on_a_shared_border_the_lowest_code(world: World) -> None:
    grids = demo_map.build()
    shared = 0
    for vertex in {vertex for grid in grids for vertex in grid.polygon.exterior.coords}:
        owners = [grid.code for grid in grids if vertex in grid.polygon.exterior.coords]
        if len(owners) > 1:
            shared += 1
            assert locate(*vertex).code == min(owners)
    assert shared > 20


def test_a_new_boundary_is_seen_at_once(world: World) -> None:
    point = world.point_in(1)
    before = boundary_version()
    assert locate(*point).code == world.grid(1).code
    Grid.objects.filter(pk=world.grid(1).pk).update(is_active=False)
    assert boundary_version() > before
    assert locate(*point).code != world.grid(1).code


def test_other_columns_leave_the_version_alone(world: World) -> None:
    before = boundary_version()
    Grid.objects.filter(pk=world.grid(1).pk).update(name="改名")
    assert boundary_version() == before


def test_a_rolled_back_change_does_not_stay(world: World) -> None:
    point = world.point_in(1)
    with transaction.atomic():
        Grid.objects.filter(pk=world.grid(1).pk).update(is_active=False)
        assert locate(*point).code != world.grid(1).code
        transaction.set_rollback(True)
    assert locate(*point).code == world.grid(1).code


def test_with_the_version_in_hand_no_statement(world: World, django_assert_num_queries) -> None:  # type: ignore[no-untyped-def]
    version = boundary_version()
    locate(*world.point_in(1), version)
    with django_assert_num_queries(0):
        locate(*world.point_in(2), version)
    with django_assert_num_queries(1):
        locate(*world.point_in(2))


@pytest.mark.parametrize(
    "boundary",
    [
        {},
        [],
        {"type": "Point", "coordinates": [1, 2]},
        {"type": "Polygon", "coordinates": []},
        {"type": "Polygon", "coordinates": [[[1, 2], [3, 4]]]},
        {"type": "Polygon", "coordinates": "x"},
        {"type": "Polygon", "coordinates": [[[0, 0], [1, 1], [1, 0], [0, 1], [0, 0]]]},
        {"type": "Polygon", "coordinates": [[[0, 0], [0, 95], [1, 95], [0, 0]]]},
    ],
)
def test_a_boundary_that_cannot_be_read(world: World, boundary: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is refused in forms; where it got in by hand, the other grids are still found."""
    grid = world.grid(1)
    monkeypatch.setattr(grid, "boundary", boundary)
    with pytest.raises(ValidationError, match="边界"):
        grid.clean()
    grid.save()
    assert locate(*world.point_in(1)).match == "none"
    assert locate(*world.point_in(2)).code == world.grid(2).code
