"""Which station, which circle, which office."""

from __future__ import annotations

from datetime import timedelta

import pytest

from grids.demo import World
from grids.models import BusinessEntity
from kernel import clock
from stations import placing
from stations.models import CircleShop, StationKind, Tier
from tests.factories import stations as made
from tests.factories.grids import make_entity
from tests.factories.stations import Place

pytestmark = pytest.mark.django_db


def test_the_circle_is_the_one_of_today(around: Place) -> None:
    today = clock.today()
    assert placing.circle_of(around.shop, today) == around.circle
    assert placing.circle_of(None, today) is None
    assert placing.circle_of(make_entity(around.world, 1), today) is None
    row = CircleShop.objects.get(entity=around.shop)
    row.until = today
    row.save()
    assert placing.circle_of(around.shop, today) is None
    assert placing.circle_of(around.shop, today - timedelta(days=1)) == around.circle


def test_a_station_that_is_closed_is_no_circle_and_takes_nothing(around: Place) -> None:
    assert around.circle is not None
    for station in (around.circle, around.station):
        station.is_active = False
        station.save()
    assert placing.from_outside(around.shop, on=clock.today()) is None


def test_from_outside_to_the_circle_then_the_community_then_the_place(world: World, around: Place) -> None:
    today = clock.today()
    assert placing.from_outside(around.shop, on=today) == around.circle
    other = make_entity(world, 1)
    assert placing.from_outside(other, on=today) == around.station
    assert placing.from_outside(None, grid=world.grid(1), on=today) == around.station
    assert placing.from_outside(None, on=today) is None
    assert placing.from_outside(make_entity(world, 21), on=today) is None


def test_the_shops_own_community_comes_before_its_grids(world: World, around: Place) -> None:
    elsewhere = made.make_station(world, 5)
    shop = make_entity(world, 1, community=elsewhere.community)
    assert placing.community_of(shop) == elsewhere.community_id
    assert placing.from_outside(shop, on=clock.today()) == elsewhere
    row = made.taken(around, entity_id=shop.pk)
    assert placing.community_station(row) == elsewhere
    assert placing.of_tier(row, Tier.COMMUNITY) == elsewhere


def test_the_community_station_falls_back_to_the_taking_one(world: World, around: Place) -> None:
    typed = made.taken(around, entity_name="流动水果摊")
    assert placing.community_station(typed) == around.station
    in_circle = made.taken(
        around, entity_name="流动水果摊", by=around.section, station_code=around.circle.code
    )  # fmt: skip
    assert placing.community_station(in_circle) == around.station
    around.station.kind = StationKind.COMPLEX
    around.station.save()
    in_circle.refresh_from_db()
    assert placing.community_station(in_circle) == around.circle


def test_each_tier_has_its_station(around: Place) -> None:
    row = made.taken(around)
    assert [placing.of_tier(row, tier) for tier in Tier] == [
        around.station,
        around.circle,
        around.station,
        around.station,
    ]
    row = made.taken(around, entity_name="流动水果摊")
    with pytest.raises(ValueError, match="no circle"):
        placing.of_tier(row, Tier.CIRCLE)


def test_the_office_is_of_the_shops_grid_then_the_place_then_the_station(world: World) -> None:
    shop, station = make_entity(world, 21), made.make_station(world, 1)
    assert placing.office_of(shop, station=station) == world.office_of(21).pk
    nowhere: BusinessEntity = make_entity(world, 1, grid=None)
    assert placing.office_of(nowhere, station=station, grid=world.grid(21)) == world.office_of(21).pk
    assert placing.office_of(nowhere, station=station) == world.office_of(1).pk
    own = made.make_station(world, 1, grid=world.grid(21))
    assert placing.office_of(None, station=own) == world.office_of(21).pk
    assert placing.office_of(None) is None
