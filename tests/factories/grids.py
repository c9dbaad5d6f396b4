"""The world of grids for tests: the same builder as the demo's (`grids.demo`)."""

from __future__ import annotations

import itertools
from datetime import datetime
from typing import Any

from django.db import connection

from grids import demo
from grids.demo import World
from grids.models import BusinessEntity, BusinessType, EntityKind
from kernel import clock
from stations.demo import build_stations

__all__ = ["World", "make_entity", "make_world"]

_numbers = itertools.count(90001)


def make_world(*, at: datetime | None = None, entities: int = 0, stations: bool = False) -> World:
    """4 offices, 17 communities, 21 grids and all their people, as of now.

    `entities` businesses too, where asked; the 25 stations and their mediators with `stations`. Its
    references are looked up here: left to the end, each test on a standing world would do so anew.
    """
    world = demo.build(at=at or clock.now(), stations=stations)
    if entities:
        demo.build_entities(world, entities)
    if stations:
        build_stations(world)
    connection.check_constraints()
    return world


def make_entity(world: World, number: int = 1, **columns: Any) -> BusinessEntity:
    """A restaurant inside the grid with this number."""
    lon, lat = world.point_in(number)
    count = next(_numbers)
    columns.setdefault("name", f"测试饭店{count}")
    columns.setdefault("uscc", demo.demo_uscc(count, EntityKind.INDIVIDUAL))
    columns.setdefault("kind", EntityKind.INDIVIDUAL)
    columns.setdefault("business_types", [BusinessType.CATERING.value])
    return BusinessEntity.objects.create(
        **{"grid": world.grid(number), "lon": lon, "lat": lat, "operator_name": "张三丰", **columns}
    )
