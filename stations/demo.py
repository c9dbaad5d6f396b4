"""The 25 invented stations of the demo (演示数据): 17 in communities, 8 in complexes (DOMAIN.md §8)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import time, timedelta
from decimal import Decimal

from grids.demo import STATION_CODES, World
from grids.models import Community
from kernel.clock import local_date
from stations.models import CircleShop, Station, StationHours, StationKind

COMPLEXES = (
    ("桃都汇购物中心", 0),
    ("龙栖天街", 2),
    ("凤鸣城市广场", 3),
    ("康和生活广场", 4),
    ("春晖奥莱", 6),
    ("泰祥农贸综合体", 5),
    ("望岳国际商城", 11),
    ("百合邻里中心", 15),
)
"""Name, and the place of the community that it stands in."""


AT_COUNTERS = ((time(8, 30), time(12)), (time(13, 30), time(17, 30)))
IN_COMPLEXES = ((time(9, 30), time(21)),)
OF_A_CIRCLE = 6
"""So many shops, at most, belong to the circle of a complex."""
JOINED = timedelta(days=400)


def build_stations(world: World) -> list[Station]:
    """One station a community, then the eight complexes, in the order of the demo's codes; each with a place,
    an address, a telephone that is nobody's, and hours."""
    rows = [
        (f"{one.name}消费维权服务站", StationKind.COMMUNITY, one, "", f"{one.name}党群服务中心一楼")
        for one in world.communities
    ]
    rows += [
        (
            f"{name}消费维权服务站",
            StationKind.COMPLEX,
            world.communities[place],
            name,
            f"{name}一层服务台",
        )
        for name, place in COMPLEXES
    ]
    stations = Station.objects.bulk_create(
        [
            _station(world, number, *row, code=code)
            for number, (code, row) in enumerate(zip(STATION_CODES, rows, strict=True), start=1)
        ]
    )
    StationHours.objects.bulk_create([one for station in stations for one in _hours(station)])
    return stations


def grid_number(world: World, community: Community) -> int:
    """The number of the first grid that this community leads."""
    return next(n for n, grid in enumerate(world.grids, start=1) if grid.lead_community_id == community.id)


def _station(
    world: World, number: int, name: str, kind: StationKind, community: Community, mall: str, address: str,
    *, code: str,
) -> Station:  # fmt: skip
    place = grid_number(world, community)
    lon, lat = world.point_in(place)
    return Station(
        code=code,
        name=name,
        kind=kind,
        community=community,
        grid=world.grid(place),
        complex_name=mall,
        address=address,
        telephone=f"0538-00000{number:02d}",
        lon=Decimal(f"{lon + (0.001 if mall else 0):.6f}"),
        lat=Decimal(f"{lat:.6f}"),
        is_demo=True,
    )


def _hours(station: Station) -> Iterator[StationHours]:
    in_complex = station.kind == StationKind.COMPLEX
    for weekday in range(1, 8 if in_complex else 6):
        for opens_at, closes_at in IN_COMPLEXES if in_complex else AT_COUNTERS:
            yield StationHours(station=station, weekday=weekday, opens_at=opens_at, closes_at=closes_at)


def build_circles(world: World) -> list[CircleShop]:
    """The first shops of the grid around each complex belong to its circle (商圈)."""
    since, found = local_date(world.at) - JOINED, []
    for station in Station.objects.filter(kind=StationKind.COMPLEX).order_by("code"):
        shops = [one for one in world.entities if one.grid_id == station.grid_id][:OF_A_CIRCLE]
        found += [CircleShop(station=station, entity=shop, since=since) for shop in shops]
    return CircleShop.objects.bulk_create(found)
