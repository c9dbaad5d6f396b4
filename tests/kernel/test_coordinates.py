"""`kernel.coordinates` against the vectors of an independent implementation."""

import prcoords
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel.coordinates import distance_m, from_wgs84, to_wgs84

NEAR_FEICHENG = {"lon": st.floats(116.6, 116.9), "lat": st.floats(36.0, 36.3)}
IN_CHINA = {"lon": st.floats(80.0, 130.0), "lat": st.floats(20.0, 50.0)}


@given(**IN_CHINA)
def test_gcj02_bends_as_prcoords_does(lon: float, lat: float) -> None:
    expected = prcoords.wgs_gcj((lat, lon))
    assert distance_m(*from_wgs84(lon, lat, "gcj02"), expected[1], expected[0]) < 0.01


@given(**IN_CHINA)
def test_bd09_bends_as_prcoords_does(lon: float, lat: float) -> None:
    expected = prcoords.wgs_bd((lat, lon))
    assert distance_m(*from_wgs84(lon, lat, "bd09"), expected[1], expected[0]) < 0.01


@pytest.mark.parametrize("crs", ["wgs84", "gcj02", "bd09"])
@given(**NEAR_FEICHENG)
def test_there_and_back_within_a_centimetre(crs: str, lon: float, lat: float) -> None:
    assert distance_m(*to_wgs84(*from_wgs84(lon, lat, crs), crs), lon, lat) < 0.01


@given(**NEAR_FEICHENG)
def test_taking_one_system_for_another_errs_by_hundreds_of_metres(lon: float, lat: float) -> None:
    assert 300 < distance_m(*to_wgs84(lon, lat, "gcj02"), lon, lat) < 900


def test_outside_china_gcj02_is_wgs84() -> None:
    assert to_wgs84(2.35, 48.85, "gcj02") == (2.35, 48.85)


def test_distance_of_a_degree_of_latitude() -> None:
    assert distance_m(116.7, 36.0, 116.7, 37.0) == pytest.approx(111_195, rel=0.001)


@pytest.mark.parametrize(
    ("lon", "lat", "crs"),
    [(float("nan"), 36, "wgs84"), (181, 36, "wgs84"), (116, -91, "gcj02"), (116, float("inf"), "bd09")],
)
def test_no_place_on_earth_is_refused(lon: float, lat: float, crs: str) -> None:
    with pytest.raises(ValueError, match="Earth"):
        to_wgs84(lon, lat, crs)


def test_an_unknown_system_is_refused() -> None:
    with pytest.raises(ValueError, match="unknown"):
        to_wgs84(116, 36, "cgcs2000")
    with pytest.raises(ValueError, match="unknown"):
        from_wgs84(116, 36, "cgcs2000")
