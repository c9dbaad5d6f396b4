"""Grids, reference data and the register over HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import transaction
from pytest_django import DjangoDbBlocker
from rest_framework.test import APIClient

from grids import demo_map
from grids.demo import World
from grids.models import BusinessEntity, Posting
from grids.search import nearest
from kernel.accounts.models import User
from kernel.coordinates import from_wgs84
from tests.factories.accounts import make_user, token_for
from tests.factories.grids import make_entity, make_world

pytestmark = pytest.mark.django_db
LISTS = ["grids", "grids.geojson", "communities", "offices", "departments", "stations", "entities"]


@pytest.fixture(scope="module")
def standing_world(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[World]:
    with django_db_blocker.unblock(), transaction.atomic():
        yield make_world(stations=True)
        transaction.set_rollback(True)


def client_of(user: User | None) -> APIClient:
    client = APIClient()
    if user is not None:
        client.credentials(HTTP_AUTHORIZATION=f"Bearer {token_for(user)}")
    return client


def get(user: User | None, path: str, **params: Any) -> Any:
    return client_of(user).get(f"/api/v1/{path}", params)


@pytest.mark.parametrize("slash", ["", "/"])
@pytest.mark.parametrize(
    "path", [*LISTS, "grids/370983001-L01", "grids/locate", "entities/1", "entities/by-code/X"]
)
def test_401_without_a_token(world: World, path: str, slash: str) -> None:
    assert get(None, path + slash).status_code == 401


@pytest.mark.parametrize("slash", ["", "/"])
@pytest.mark.parametrize(
    ("path", "count"),
    [("grids", 21), ("communities", 17), ("offices", 4), ("departments", 8), ("stations", 25)],
)
def test_reference_data(world: World, path: str, slash: str, count: int) -> None:
    for username in ("worker-01-1", "bureau", "police", "admin"):
        body = get(world.user(username), path + slash, count="exact").json()
        assert (len(body["results"]), body["count"]) == (count, count)
    assert get(make_user(), path + slash).json()["results"] == []


def test_grids_by_cursor_and_filters(world: World) -> None:
    user = world.worker(1)
    first = get(user, "grids", page_size=5).json()
    codes = [grid["code"] for grid in first["results"]]
    assert codes == [grid.code for grid in world.grids[:5]]
    second = client_of(user).get(first["next"]).json()
    assert [grid["code"] for grid in second["results"]] == [grid.code for grid in world.grids[5:10]]
    assert len(get(user, "grids", office=world.offices[1].code).json()["results"]) == 4
    assert len(get(user, "grids", community=world.communities[0].code).json()["results"]) == 2
    assert get(user, "grids", ordering="-code").json()["results"][0]["code"] == world.grids[-1].code
    assert get(user, "grids", ordering="boundary").status_code == 400
    assert get(user, "grids", page_size="x").status_code == 400
    assert all(grid["is_demo"] for grid in first["results"])


def test_no_more_statements_for_more_rows(world: World, django_assert_max_num_queries) -> None:  # type: ignore[no-untyped-def]
    client = client_of(world.worker(1))
    with django_assert_max_num_queries(4):
        client.get("/api/v1/grids?page_size=200")


@pytest.mark.parametrize(
    ("username", "sees_people"),
    [("worker-01-1", True), ("office-01", True), ("bureau", True), ("admin", True),
     ("worker-09-1", False), ("police", False)],
)  # fmt: skip
def test_a_grid_and_its_people(world: World, username: str, sees_people: bool) -> None:
    body = get(world.user(username), f"grids/{world.grid(1).code}").json()
    assert body["boundary"]["type"] == "Polygon"
    if sees_people:
        assert [one["role"] for one in body["staff"]] == ["COMMISSIONER", *["GRID_WORKER"] * 3]
        assert body["staff"][0]["person"]["username"] == "commissioner-01"
        assert body["staff"][0]["backup"]["username"] == "commissioner-02"
        assert body["shortages"] == []
    else:
        assert body["staff"] is None
        assert body["shortages"] is None


def test_a_grid_shows_what_it_lacks(world: World) -> None:
    Posting.objects.filter(user=world.users["commissioner-01"]).update(ends_at=world.at)
    body = get(world.user("office-01"), f"grids/{world.grid(1).code}/").json()
    assert [one["kind"] for one in body["shortages"]] == ["no_commissioner"]


def test_grids_nobody_may_know_of(world: World) -> None:
    assert get(world.worker(1), "grids/370983001-L99").status_code == 404
    assert get(make_user(), f"grids/{world.grid(1).code}").status_code == 404


def test_geojson(world: World) -> None:
    answer = get(world.worker(1), "grids.geojson")
    assert answer["Content-Type"] == "application/geo+json"
    body = answer.json()
    assert body["type"] == "FeatureCollection"
    assert [one["properties"]["code"] for one in body["features"]] == [grid.code for grid in world.grids]


@pytest.mark.parametrize("crs", ["wgs84", "gcj02", "bd09"])
def test_locate_in_all_systems(world: World, crs: str) -> None:
    for number in (1, 8, 21):
        lon, lat = from_wgs84(*world.point_in(number), crs)
        body = get(world.worker(1), "grids/locate", lon=lon, lat=lat, crs=crs).json()
        assert body == {"grid": world.grid(number).code, "match": "inside", "distance_m": 0.0}


def test_locate_near_and_nowhere(world: World) -> None:
    near = get(world.worker(1), "grids/locate", lon=demo_map.WEST - 0.001, lat=36.165, crs="wgs84").json()
    assert near["match"] == "near"
    assert 80 < near["distance_m"] < 100
    nowhere = get(world.worker(1), "grids/locate/", lon=0, lat=0, crs="wgs84").json()
    assert nowhere == {"grid": None, "match": "none", "distance_m": None}


@pytest.mark.parametrize(
    ("params", "attr"),
    [
        ({"lon": "116.7", "lat": "36.1"}, "crs"),
        ({"lon": "116.7", "lat": "36.1", "crs": "cgcs2000"}, "crs"),
        ({"lon": "nan", "lat": "36.1", "crs": "wgs84"}, "lon"),
        ({"lon": "inf", "lat": "36.1", "crs": "gcj02"}, "lon"),
        ({"lon": "1" * 5000, "lat": "36.1", "crs": "wgs84"}, "lon"),
        ({"lon": "1e308", "lat": "36.1", "crs": "bd09"}, "lon"),
        ({"lon": "116.7", "lat": "-91", "crs": "wgs84"}, "lat"),
        ({"lon": "116.7", "lat": "abc", "crs": "wgs84"}, "lat"),
        ({"lon": "116.7", "crs": "wgs84"}, "lat"),
    ],
)
def test_locate_refuses_what_is_no_place(world: World, params: dict[str, str], attr: str) -> None:
    answer = get(world.worker(1), "grids/locate", **params)
    assert answer.status_code == 400
    body = answer.json()
    assert body["type"] == "validation_error"
    assert body["errors"][0]["attr"] == attr
    assert any("一" <= sign <= "鿿" for sign in body["errors"][0]["detail"])


def test_locate_needs_a_seat(world: World) -> None:
    assert get(make_user(), "grids/locate", lon=116.7, lat=36.1, crs="wgs84").status_code == 403


def test_the_register_by_scope(world: World) -> None:
    mine, other = make_entity(world, 1), make_entity(world, 9)
    for username, seen in [
        ("worker-01-1", {mine.id}), ("office-01", {mine.id}), ("bureau", {mine.id, other.id}),
        ("section-food", {mine.id, other.id}), ("admin", set()), ("police", set()),
    ]:  # fmt: skip
        user = world.user(username)
        assert {row["id"] for row in get(user, "entities").json()["results"]} == seen
        for entity in (mine, other):
            status = 200 if entity.id in seen else 404
            assert get(user, f"entities/{entity.id}").status_code == status
            assert get(user, f"entities/by-code/{entity.code.lower()}/").status_code == status


def test_one_business(world: World) -> None:
    entity = make_entity(world, 1, name="福来饭店", operator_name="张建国")
    answer = get(world.worker(1), f"entities/{entity.id}/")
    assert answer["ETag"] == '"v1"'
    body = answer.json()
    assert body["operator"] == "张**"
    assert "张建国" not in answer.content.decode()
    assert body["grid"] == world.grid(1).code
    assert body["location"]["crs"] == "wgs84"
    assert body["lacks_code"] is False
    assert get(world.worker(1), "entities/99999999999999999999999").status_code == 404


def test_filters_of_the_register(world: World) -> None:
    user = world.user("bureau")
    one = make_entity(world, 1, name="福来饭店", address="桃园路1号", credit_grade="D")
    two = make_entity(
        world, 2, name="万家超市", business_types=["SUPERMARKET", "FOOD_RETAIL"], uscc="", status="CLOSED"
    )
    for params, expected in [
        ({"q": "福来"}, one), ({"q": "桃园 饭店"}, one), ({"q": one.uscc[:10]}, one), ({"q": two.code}, two),
        ({"grid": world.grid(2).code}, two), ({"business_type": "FOOD_RETAIL"}, two), ({"grade": "D"}, one),
        ({"status": "CLOSED"}, two), ({"uscc": one.uscc.lower()}, one),
    ]:  # fmt: skip
        found = get(user, "entities", **params).json()["results"]
        assert [row["id"] for row in found] == [expected.id], params
    assert get(user, "entities", q="%").json()["results"] == []
    for params in [
        {"business_type": "X"},
        {"grade": "Z"},
        {"status": "?"},
        {"q": "a\x00b"},
        {"q": "x" * 500},
    ]:
        assert get(user, "entities", **params).status_code == 400, params


def test_the_ten_nearest_are_the_same_however_far_one_looks(world: World, monkeypatch: Any) -> None:
    lon, lat = world.point_in(1)
    for n in range(40):
        make_entity(world, 1, lon=lon + (n % 7 - 3) * 0.0009 * n, lat=lat + (n % 5 - 2) * 0.0008 * n)
    rows = BusinessEntity.objects.all()
    for at in ((lon, lat), (lon + 0.01, lat), (0.0, 89.9)):
        found = [row.pk for row in nearest(rows, *at)]
        assert len(found) == 10
        with monkeypatch.context() as patched:
            patched.setattr("grids.search.REACHES_M", ())
            assert found == [row.pk for row in nearest(rows, *at)]


def test_the_nearest(world: World) -> None:
    near, far = make_entity(world, 1), make_entity(world, 6)
    lon, lat = world.point_in(1)
    found = get(world.user("bureau"), "entities", near=f"{lon},{lat}").json()["results"]
    assert [row["id"] for row in found] == [near.id, far.id]
    assert found[0]["distance_m"] == 0
    assert found[1]["distance_m"] > 1000
    assert [row["id"] for row in get(world.worker(6), "entities", near=f"{lon},{lat}").json()["results"]] == [
        far.id
    ]
    for params in [{"near": "x"}, {"near": "nan,nan"}, {"near": "1,2", "crs": "mars"}]:
        assert get(world.user("bureau"), "entities", **params).status_code == 400


@pytest.mark.parametrize("path", [path for path in LISTS if path != "entities"])
def test_read_only(world: World, path: str) -> None:
    client = client_of(world.user("bureau"))
    for method in ("post", "put", "patch", "delete"):
        assert getattr(client, method)(f"/api/v1/{path}/", {}).status_code == 405
