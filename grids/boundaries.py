"""Reading a grid's boundary: a GeoJSON Polygon or MultiPolygon in WGS-84.

shapely brings numpy along: it is imported by the first boundary that is read, since most processes read none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from shapely.geometry.base import BaseGeometry

KINDS = ("Polygon", "MultiPolygon")


def read_boundary(boundary: Any) -> BaseGeometry:
    """The shape of a boundary.

    Raises:
        ValueError: no polygon, empty, crossing itself, or off the Earth; the sentence is for people.
    """
    if not isinstance(boundary, dict) or boundary.get("type") not in KINDS:
        raise ValueError("边界应为 GeoJSON 的 Polygon 或 MultiPolygon。")
    from shapely import GEOSException, get_coordinates
    from shapely.geometry import shape

    try:
        read = shape(boundary)
        points = get_coordinates(read)
    except (GEOSException, ValueError, TypeError, KeyError, IndexError, AttributeError) as broken:
        raise ValueError("边界的坐标无法读取。") from broken
    if read.is_empty or len(points) == 0:
        raise ValueError("边界是空的。")
    if not (abs(points[:, 0]) <= 180).all() or not (abs(points[:, 1]) <= 90).all():
        raise ValueError("边界的经纬度超出范围。")
    if not read.is_valid:
        raise ValueError("边界自相交或有重复，请检查各个顶点。")
    return read
