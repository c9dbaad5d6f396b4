"""Places as the API takes and gives them: every coordinate names its system (API.md, DOMAIN.md §8).

The arithmetic is `kernel.coordinates`; this module adds the field that reads a place from a body.
"""

from __future__ import annotations

import math
from typing import Any

from rest_framework import serializers

from kernel.coordinates import CRS_NAMES, distance_m, from_wgs84, to_wgs84

__all__ = ["CRS_NAMES", "PlaceField", "distance_m", "from_wgs84", "read_degrees", "to_wgs84"]

PLACES = 6
FAR_M = 100_000.0
KEYS = ("lon", "lat", "crs", "accuracy_m")
BAD_CRS = "坐标系只能是 wgs84、gcj02 或 bd09，请注明。"
BAD_NUMBER = "请填写数字。"


def read_degrees(value: Any, limit: float) -> float:
    """A finite number of degrees within ±limit, from a JSON number or a query string.

    Raises:
        serializers.ValidationError: no number, not finite, or out of range.
    """
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise serializers.ValidationError(BAD_NUMBER, code="invalid")
    try:
        number = float(value)
    except (ValueError, OverflowError):
        raise serializers.ValidationError(BAD_NUMBER, code="invalid") from None
    if not math.isfinite(number) or abs(number) > limit:
        raise serializers.ValidationError(f"数值应在 -{limit:g} 与 {limit:g} 之间。", code="out_of_range")
    return number


class PlaceField(serializers.Field[dict[str, Any], Any, dict[str, Any], Any]):
    """`{"lon", "lat", "crs", "accuracy_m"?}` → `{lon, lat (WGS-84), crs_in, accuracy_m}`.

    `crs` must be named. Answers in WGS-84. Unknown keys are refused.
    """

    default_error_messages = {"invalid": "位置应为包含 lon、lat、crs 的对象。"}

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        if not isinstance(data, dict):
            self.fail("invalid")
        errors: dict[str, Any] = {
            str(key)[:80]: [serializers.ErrorDetail("没有这个字段。", code="unknown_field")]
            for key in data
            if key not in KEYS
        }
        read: dict[str, Any] = {}
        for key, limit in (("lon", 180.0), ("lat", 90.0), ("accuracy_m", FAR_M)):
            if key == "accuracy_m" and data.get(key) is None:
                read[key] = None
                continue
            try:
                read[key] = read_degrees(data.get(key), limit)
            except serializers.ValidationError as refused:
                errors[key] = refused.detail
        if read.get("accuracy_m") is not None and read["accuracy_m"] < 0:
            errors["accuracy_m"] = [serializers.ErrorDetail("精度不能为负数。", code="out_of_range")]
        if data.get("crs") not in CRS_NAMES:
            errors["crs"] = [serializers.ErrorDetail(BAD_CRS, code="bad_crs")]
        if errors:
            raise serializers.ValidationError(errors)
        lon, lat = to_wgs84(read["lon"], read["lat"], data["crs"])
        return {
            "lon": round(lon, PLACES),
            "lat": round(lat, PLACES),
            "crs_in": data["crs"],
            "accuracy_m": read["accuracy_m"],
        }

    def to_representation(self, value: dict[str, Any]) -> dict[str, Any]:
        return {
            "lon": float(value["lon"]),
            "lat": float(value["lat"]),
            "crs": "wgs84",
            "accuracy_m": value.get("accuracy_m"),
        }
