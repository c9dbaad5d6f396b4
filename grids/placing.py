"""落格: which grid a business belongs to: by its point, by its community, or by hand (DOMAIN.md §2)."""

from __future__ import annotations

from dataclasses import dataclass

from grids.access import Scope
from grids.locate import locate
from grids.models import Community, Grid, PlacedBy
from grids.register_rights import may_place_by_hand
from kernel.errors import NotAllowed, Refused


@dataclass(frozen=True, slots=True)
class Placed:
    """`by` is empty where no grid was found: the office places it later."""

    grid: Grid | None
    community_id: int | None
    by: str


def place(
    *, lon: float | None, lat: float | None, community_id: int | None, grid_id: int | None, scope: Scope
) -> Placed:
    """By hand where a grid is named, else by the point, else by the community. WGS-84.

    A community is kept as given; without one it is the grid's only one. At most four statements.

    Raises:
        NotAllowed: `not_by_hand`. Refused: `unknown_grid`, `unknown_community`, `ask_which_grid` – the
        community has none or several grids, and no point tells which.
    """
    if community_id is not None and not Community.objects.filter(pk=community_id).exists():
        raise Refused("没有这个社区。", code="unknown_community", attr="community")
    if grid_id is not None:
        if not may_place_by_hand(scope):
            raise NotAllowed("网格由系统按位置或社区确定；需要人工指定时，请联系所内勤。", code="not_by_hand")
        named = Grid.objects.filter(pk=grid_id, is_active=True).first()
        if named is None:
            raise Refused("没有这个网格。", code="unknown_grid", attr="grid")
        return _in(named, community_id, PlacedBy.HAND)
    if lon is not None and lat is not None:
        found = locate(lon, lat)
        if found.grid_id is not None:
            return _in(Grid.objects.get(pk=found.grid_id), community_id, PlacedBy.POINT)
    if community_id is not None:
        return _in(_only_grid(community_id), community_id, PlacedBy.COMMUNITY)
    return Placed(None, None, "")


def _only_grid(community_id: int) -> Grid:
    grids = list(Grid.objects.filter(communities=community_id, is_active=True).order_by("code")[:10])
    if len(grids) != 1:
        named = "、".join(f"{grid.code}{grid.name}" for grid in grids) or "尚未划分网格"
        raise Refused(
            f"该社区对应的网格不唯一（{named}），请在地图上标出位置，或由所内勤指定网格。",
            code="ask_which_grid",
            attr="community",
        )
    return grids[0]


def _in(grid: Grid, community_id: int | None, by: PlacedBy) -> Placed:
    if community_id is None:
        ids = list(grid.communities.order_by("code").values_list("id", flat=True)[:2])
        community_id = ids[0] if len(ids) == 1 else None
    return Placed(grid, community_id, by.value)
