"""Stations as reference data."""

from __future__ import annotations

import pytest
from django.db import IntegrityError, transaction
from rest_framework.test import APIClient

from stations.models import Station, StationKind
from tests.factories.accounts import bearer
from tests.factories.grids import make_world

pytestmark = pytest.mark.django_db


def test_seventeen_and_eight() -> None:
    world = make_world(stations=True)
    client = APIClient(headers=bearer(world.user("station-01")))
    assert len(client.get("/api/v1/stations").json()["results"]) == 25
    in_complexes = client.get("/api/v1/stations/?kind=COMPLEX").json()["results"]
    assert len(in_complexes) == 8
    assert in_complexes[0]["name"] == "桃都汇购物中心消费维权服务站"
    code = world.communities[0].code
    assert {
        one["community"] for one in client.get(f"/api/v1/stations?community={code}").json()["results"]
    } == {code}
    assert client.get("/api/v1/stations?kind=X").status_code == 400


def test_kinds_are_of_the_list() -> None:
    world = make_world()
    station = Station(code="x", name="x", kind="SHOP", community=world.communities[0])
    with pytest.raises(IntegrityError, match="stations_station_kind_known"), transaction.atomic():
        station.save()
    assert len(StationKind.values) == 2
