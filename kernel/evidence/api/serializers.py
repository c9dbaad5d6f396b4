"""What a phone sends with a file, and what it is told."""

from __future__ import annotations

from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from kernel.api import StrictSerializer
from kernel.coordinates import CRS_NAMES, to_wgs84
from kernel.evidence.models import Evidence
from kernel.evidence.policy import Place


@extend_schema_field(OpenApiTypes.BINARY)
class UploadedFileField(serializers.FileField):
    """A file in a multipart body; an empty one is refused by the service, with its own sentence."""


class UploadSerializer(StrictSerializer):
    """Multipart body of `POST evidence/`. Coordinates name their system; `wgs84` where they do not."""

    file = UploadedFileField(label="文件", allow_empty_file=True, use_url=False)
    sha256 = serializers.RegexField(r"^[0-9a-fA-F]{64}\Z", label="SHA-256")
    client_uid = serializers.UUIDField(label="客户端编号")
    captured_at = serializers.DateTimeField(label="拍摄时间", required=False, allow_null=True, default=None)
    lon = serializers.FloatField(label="经度", required=False, min_value=-180, max_value=180)
    lat = serializers.FloatField(label="纬度", required=False, min_value=-90, max_value=90)
    crs = serializers.ChoiceField(label="坐标系", choices=CRS_NAMES, required=False, default="wgs84")

    def validate_sha256(self, value: str) -> str:
        return value.lower()

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        lon, lat = attrs.pop("lon", None), attrs.pop("lat", None)
        crs = attrs.pop("crs")
        if (lon is None) != (lat is None):
            missing = "lat" if lat is None else "lon"
            raise serializers.ValidationError({missing: ["经度和纬度须同时填写。"]}, code="required")
        attrs["place"] = None
        if lon is not None and lat is not None:
            try:
                attrs["place"] = Place(*(round(value, 7) for value in to_wgs84(lon, lat, crs)))
            except ValueError as failure:
                raise serializers.ValidationError({"lon": ["坐标无效。"]}) from failure
        return attrs


class EvidenceSerializer(serializers.ModelSerializer[Evidence]):
    """What the uploader is told."""

    flags = serializers.ListField(child=serializers.CharField(), read_only=True)

    class Meta:
        model = Evidence
        fields = ["id", "sha256", "kind", "flags"]
        read_only_fields = fields
