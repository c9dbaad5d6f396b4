"""Coordinate systems of China: everything that comes in becomes WGS-84 (DOMAIN.md §8).

Pure functions on degrees. GCJ-02 (Amap, Tencent, phones) is WGS-84 bent by a fixed polynomial of
sines; BD-09 (Baidu) is GCJ-02 bent once more. Both bends have no closed inverse: it is found by
iteration to about a hundredth of a millimetre. Outside China GCJ-02 equals WGS-84.
"""

from __future__ import annotations

from collections.abc import Callable
from math import asin, atan2, cos, hypot, isfinite, pi, radians, sin, sqrt

CRS_NAMES = ("wgs84", "gcj02", "bd09")

_AXIS = 6378245.0
"""Semi-major axis of the Krasovsky 1940 ellipsoid, metres: GCJ-02 is defined on it."""
_ECCENTRICITY_SQUARED = 0.00669342162296594323
_BD_ANGLE = pi * 3000.0 / 180.0
_EARTH_RADIUS_M = 6371008.8
_TOLERANCE_DEG = 1e-10


def to_wgs84(lon: float, lat: float, crs: str) -> tuple[float, float]:
    """Longitude and latitude in WGS-84, of a point given in `crs` (`wgs84`, `gcj02`, `bd09`).

    Raises:
        ValueError: an unknown system, or numbers that are no place on Earth.
    """
    if not (isfinite(lon) and isfinite(lat) and -180 <= lon <= 180 and -90 <= lat <= 90):
        raise ValueError("not a place on Earth")
    if crs == "wgs84":
        return lon, lat
    if crs == "gcj02":
        return _gcj02_to_wgs84(lon, lat)
    if crs == "bd09":
        return _gcj02_to_wgs84(*_bd09_to_gcj02(lon, lat))
    raise ValueError(f"unknown coordinate system {crs!r}")


def from_wgs84(lon: float, lat: float, crs: str) -> tuple[float, float]:
    """The same point in `crs`, for maps that want their own system."""
    if crs == "wgs84":
        return lon, lat
    if crs == "gcj02":
        return _wgs84_to_gcj02(lon, lat)
    if crs == "bd09":
        return _gcj02_to_bd09(*_wgs84_to_gcj02(lon, lat))
    raise ValueError(f"unknown coordinate system {crs!r}")


def distance_m(lon_a: float, lat_a: float, lon_b: float, lat_b: float) -> float:
    """Great-circle distance of two WGS-84 points, metres (haversine; good to 0.5 %)."""
    half_lat = radians(lat_b - lat_a) / 2
    half_lon = radians(lon_b - lon_a) / 2
    chord = sin(half_lat) ** 2 + cos(radians(lat_a)) * cos(radians(lat_b)) * sin(half_lon) ** 2
    return 2 * _EARTH_RADIUS_M * asin(min(1.0, sqrt(chord)))


def _in_china(lon: float, lat: float) -> bool:
    return 72.004 <= lon <= 137.8347 and 0.8293 <= lat <= 55.8271


def _wgs84_to_gcj02(lon: float, lat: float) -> tuple[float, float]:
    if not _in_china(lon, lat):
        return lon, lat
    x, y = lon - 105.0, lat - 35.0
    common = (20.0 * sin(6.0 * x * pi) + 20.0 * sin(2.0 * x * pi)) * 2.0 / 3.0
    east = 300.0 + x + 2.0 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * sqrt(abs(x)) + common
    east += (20.0 * sin(x * pi) + 40.0 * sin(x / 3.0 * pi)) * 2.0 / 3.0
    east += (150.0 * sin(x / 12.0 * pi) + 300.0 * sin(x / 30.0 * pi)) * 2.0 / 3.0
    north = -100.0 + 2.0 * x + 3.0 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * sqrt(abs(x)) + common
    north += (20.0 * sin(y * pi) + 40.0 * sin(y / 3.0 * pi)) * 2.0 / 3.0
    north += (160.0 * sin(y / 12.0 * pi) + 320.0 * sin(y * pi / 30.0)) * 2.0 / 3.0
    flattening = 1 - _ECCENTRICITY_SQUARED * sin(radians(lat)) ** 2
    meridian = _AXIS * (1 - _ECCENTRICITY_SQUARED) / flattening**1.5
    parallel = _AXIS / sqrt(flattening) * cos(radians(lat))
    return lon + east / (parallel * pi) * 180.0, lat + north / (meridian * pi) * 180.0


def _gcj02_to_bd09(lon: float, lat: float) -> tuple[float, float]:
    radius = hypot(lon, lat) + 0.00002 * sin(lat * _BD_ANGLE)
    angle = atan2(lat, lon) + 0.000003 * cos(lon * _BD_ANGLE)
    return radius * cos(angle) + 0.0065, radius * sin(angle) + 0.006


def _gcj02_to_wgs84(lon: float, lat: float) -> tuple[float, float]:
    if not _in_china(lon, lat):
        return lon, lat
    return _undo(_wgs84_to_gcj02, lon, lat)


def _bd09_to_gcj02(lon: float, lat: float) -> tuple[float, float]:
    return _undo(_gcj02_to_bd09, lon, lat)


def _undo(bend: Callable[[float, float], tuple[float, float]], lon: float, lat: float) -> tuple[float, float]:
    """The point that `bend` moves to `(lon, lat)`: correct the guess by what it misses, until still."""
    guess_lon, guess_lat = lon, lat
    for _ in range(30):
        bent_lon, bent_lat = bend(guess_lon, guess_lat)
        miss_lon, miss_lat = lon - bent_lon, lat - bent_lat
        guess_lon, guess_lat = guess_lon + miss_lon, guess_lat + miss_lat
        if abs(miss_lon) < _TOLERANCE_DEG and abs(miss_lat) < _TOLERANCE_DEG:
            break
    return guess_lon, guess_lat
