"""Which station, which circle, which office: where a dispute is taken and where it goes (DESIGN.md §9).

The circle is the one that the shop belongs to today; the office that of the shop's grid. What comes in from
outside – the code on a door, another platform – goes to the shop's circle, else to its community's station.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from django.db.models import Q

from grids.models import BusinessEntity, Grid
from stations.models import CircleShop, Dispute, Station, StationKind
from stations.states import Tier

LONGEST_CODE = 20


def named(code: str) -> Station | None:
    """The station with this code that is in use, whatever somebody typed or scanned. One statement."""
    if not (0 < len(code) <= LONGEST_CODE and code.isprintable()):
        return None
    rows = Station.objects.select_related("grid", "community").filter(is_active=True)
    return rows.filter(code__iexact=code).first()


def circle_of(entity: BusinessEntity | None, on: date) -> Station | None:
    """The circle (商圈) that the shop belongs to on a day; None for a shop of no circle. One statement."""
    if entity is None:
        return None
    shops = CircleShop.objects.filter(entity=entity, since__lte=on, station__is_active=True)
    row = shops.filter(Q(until__isnull=True) | Q(until__gt=on)).select_related("station__grid").first()
    return None if row is None else row.station


def community_of(entity: BusinessEntity | None) -> int | None:
    """The shop's community, else the one that leads its grid."""
    if entity is None:
        return None
    return entity.community_id or (None if entity.grid is None else entity.grid.lead_community_id)


def station_in(community_id: int | None) -> Station | None:
    """The community's own station, the first by code; None where it has none. One statement."""
    if community_id is None:
        return None
    rows = Station.objects.filter(kind=StationKind.COMMUNITY, community_id=community_id, is_active=True)
    return rows.select_related("grid").order_by("code").first()


def by_community() -> dict[int | None, Station]:
    """Each community's own station, as `station_in` finds it. One statement."""
    rows = Station.objects.filter(kind=StationKind.COMMUNITY, is_active=True).select_related("grid")
    return {one.community_id: one for one in rows.order_by("-code")}


def community_station(dispute: Dispute, stations: Mapping[int | None, Station] | None = None) -> Station:
    """The station of COMMUNITY for a dispute: the shop's community's; else the taking station where it is one
    of a community, else that of its community, else the taking station itself. With `stations`
    (`by_community`) nothing is read."""
    find = station_in if stations is None else stations.get
    taken = dispute.taken_station
    found = find(community_of(dispute.entity))
    if found is not None or taken.kind == StationKind.COMMUNITY:
        return found or taken
    return find(taken.community_id) or taken


def of_tier(dispute: Dispute, tier: Tier, stations: Mapping[int | None, Station] | None = None) -> Station:
    """The station that handles a dispute on a tier; at OFFICIAL, for the record, the one that has it.
    `stations` as for `community_station`.

    Raises: ValueError: CIRCLE, for a shop that belongs to none (a mistake of the caller).
    """
    if tier is Tier.SHOP:
        return dispute.taken_station
    if tier is Tier.COMMUNITY:
        return community_station(dispute, stations)
    if tier is Tier.OFFICIAL:
        return dispute.station
    if dispute.circle is None:
        raise ValueError(f"dispute {dispute.pk} belongs to no circle")
    return dispute.circle


def from_outside(entity: BusinessEntity | None, *, grid: Grid | None = None, on: date) -> Station | None:
    """Who takes what nobody took at a counter: the shop's circle, else its community's station, else that of
    the community that leads `grid`; None where nobody can be found."""
    return circle_of(entity, on) or official_record(entity, grid=grid)


def official_record(entity: BusinessEntity | None, *, grid: Grid | None = None) -> Station | None:
    """The community's station of a shop, or of a place: it keeps the record of what the office handles."""
    return station_in(community_of(entity)) or station_in(None if grid is None else grid.lead_community_id)


def office_of(
    entity: BusinessEntity | None, *, station: Station | None = None, grid: Grid | None = None
) -> int | None:
    """The office that answers for it: of the shop's grid, of the place's, of the station's, or of the grid
    that the station's community leads. None where no grid is known."""
    for one in (entity.grid if entity else None, grid, station.grid if station else None):
        if one is not None:
            return one.office_id
    if station is None:
        return None
    led = Grid.objects.filter(lead_community_id=station.community_id, is_active=True).order_by("code")
    return led.values_list("office_id", flat=True).first()
