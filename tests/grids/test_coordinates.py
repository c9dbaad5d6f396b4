"""The field that reads a place from a body, against an independent implementation."""

from __future__ import annotations

from typing import Any

import prcoords
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rest_framework.exceptions import ValidationError

from grids.coordinates import PlaceField, distance_m

FIELD = PlaceField()
BEND = {"gcj02": prcoords.wgs_gcj, "bd09": prcoords.wgs_bd}


@pytest.mark.parametrize("crs", ["gcj02", "bd09"])
@given(st.floats(116.7, 116.83), st.floats(36.13, 36.2))
def test_every_system_becomes_wgs84(crs: str, lon: float, lat: float) -> None:
    bent_lat, bent_lon = BEND[crs]((lat, lon))
    place = FIELD.run_validation({"lon": bent_lon, "lat": bent_lat, "crs": crs, "accuracy_m": 12})
    assert distance_m(place["lon"], place["lat"], lon, lat) < 0.2
    assert (place["crs_in"], place["accuracy_m"]) == (crs, 12.0)


def test_answers_are_wgs84() -> None:
    place = FIELD.run_validation({"lon": 116.7512345678, "lat": 36.18, "crs": "wgs84"})
    assert place == {"lon": 116.751235, "lat": 36.18, "crs_in": "wgs84", "accuracy_m": None}
    assert FIELD.to_representation(place) == {
        "lon": 116.751235,
        "lat": 36.18,
        "crs": "wgs84",
        "accuracy_m": None,
    }


@pytest.mark.parametrize(
    ("body", "attrs"),
    [
        ([], {None}),
        ("116,36", {None}),
        ({}, {"lon", "lat", "crs"}),
        ({"lon": 116, "lat": 36}, {"crs"}),
        ({"lon": 116, "lat": 36, "crs": "cgcs2000"}, {"crs"}),
        ({"lon": 116, "lat": 36, "crs": ["wgs84"]}, {"crs"}),
        ({"lon": True, "lat": 36, "crs": "wgs84"}, {"lon"}),
        ({"lon": float("nan"), "lat": float("inf"), "crs": "wgs84"}, {"lon", "lat"}),
        ({"lon": 10**400, "lat": 36, "crs": "wgs84"}, {"lon"}),
        ({"lon": 116, "lat": 91, "crs": "wgs84"}, {"lat"}),
        ({"lon": 116, "lat": 36, "crs": "wgs84", "accuracy_m": -1}, {"accuracy_m"}),
        ({"lon": 116, "lat": 36, "crs": "wgs84", "altitude": 3}, {"altitude"}),
    ],
)
def test_what_is_no_place(body: Any, attrs: set[str | None]) -> None:
    with pytest.raises(ValidationError) as refused:
        FIELD.run_validation(body)
    detail = refused.value.detail
    assert (set(detail) if isinstance(detail, dict) else {None}) == attrs
    assert any("一" <= sign <= "鿿" for sign in str(detail))
