"""The 25 invented stations of the demo (演示数据): 17 in communities, 8 in complexes (DOMAIN.md §8)."""

from __future__ import annotations

from grids.demo import STATION_CODES, World
from stations.models import Station, StationKind

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


def build_stations(world: World) -> list[Station]:
    """One station a community, then the eight complexes, in the order of the demo's codes."""
    rows = [(f"{one.name}消费维权服务站", StationKind.COMMUNITY, one) for one in world.communities]
    rows += [
        (f"{name}消费维权服务站", StationKind.COMPLEX, world.communities[place]) for name, place in COMPLEXES
    ]
    return Station.objects.bulk_create(
        [
            Station(code=code, name=name, kind=kind, community=community, is_demo=True)
            for code, (name, kind, community) in zip(STATION_CODES, rows, strict=True)
        ]
    )
