"""Shapes of grids, people and the register (API.md). People are named by account and name."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from grids.coordinates import PlaceField
from grids.models import (
    Absence,
    BusinessEntity,
    Community,
    Department,
    DutyShift,
    Grid,
    Office,
    PlacedBy,
    Posting,
)
from grids.roles import DutyRole
from kernel.accounts.masking import mask_name, mask_phone
from kernel.api import StrictSerializer


class NamedSerializer(serializers.Serializer[Any]):
    """A place by code and name."""

    code = serializers.CharField(read_only=True)
    name = serializers.CharField(read_only=True)


class PersonSerializer(serializers.Serializer[Any]):
    """A person by account and name."""

    username = serializers.CharField(read_only=True)
    name = serializers.CharField(read_only=True)


class CommunitySerializer(serializers.ModelSerializer[Community]):
    subdistrict = NamedSerializer(read_only=True)

    class Meta:
        model = Community
        fields = ["code", "name", "subdistrict", "is_demo"]
        read_only_fields = fields


class OfficeSerializer(serializers.ModelSerializer[Office]):
    class Meta:
        model = Office
        fields = ["code", "name", "night_dispatch", "is_demo"]
        read_only_fields = fields


class DepartmentSerializer(serializers.ModelSerializer[Department]):
    class Meta:
        model = Department
        fields = ["code", "name"]
        read_only_fields = fields


class GridSerializer(serializers.ModelSerializer[Grid]):
    office = NamedSerializer(read_only=True)
    lead_community = NamedSerializer(read_only=True)
    communities = NamedSerializer(many=True, read_only=True)

    class Meta:
        model = Grid
        fields = ["code", "name", "office", "lead_community", "communities", "is_active", "is_demo"]
        read_only_fields = fields


class StaffSerializer(serializers.ModelSerializer[Posting]):
    """One seat of a grid: who holds it, and his backup (B角)."""

    person = PersonSerializer(source="user", read_only=True)
    backup = PersonSerializer(read_only=True, allow_null=True)
    role_name = serializers.CharField(source="get_role_display", read_only=True)

    class Meta:
        model = Posting
        fields = ["role", "role_name", "seat", "person", "backup", "starts_at", "ends_at"]
        read_only_fields = fields


class ShortageSerializer(serializers.Serializer[Any]):
    kind = serializers.CharField(read_only=True)
    words = serializers.CharField(read_only=True)


class GridDetailSerializer(GridSerializer):
    """A grid with its boundary; staff and shortages only for who serves it (else null)."""

    boundary = serializers.JSONField(read_only=True)
    staff = serializers.SerializerMethodField()
    shortages = serializers.SerializerMethodField()

    class Meta(GridSerializer.Meta):
        fields = [*GridSerializer.Meta.fields, "boundary", "staff", "shortages"]
        read_only_fields = fields

    @extend_schema_field(StaffSerializer(many=True, allow_null=True))
    def get_staff(self, grid: Grid) -> Any:
        staff = self.context.get("staff")
        return None if staff is None else StaffSerializer(staff, many=True).data

    @extend_schema_field(ShortageSerializer(many=True, allow_null=True))
    def get_shortages(self, grid: Grid) -> Any:
        missing = self.context.get("shortages")
        return None if missing is None else ShortageSerializer(missing, many=True).data


class LocatedSerializer(serializers.Serializer[Any]):
    """Which grid a point lies in; `distance_m` to its boundary where it is near."""

    grid = serializers.CharField(source="code", allow_null=True, read_only=True)
    match = serializers.ChoiceField(choices=["inside", "near", "none"], read_only=True)
    distance_m = serializers.FloatField(allow_null=True, read_only=True)


class EntitySerializer(serializers.ModelSerializer[BusinessEntity]):
    """A business. The operator's and the contact's names and telephone are masked."""

    grid = serializers.CharField(source="grid.code", default=None, read_only=True, allow_null=True)
    community = serializers.CharField(source="community.code", default=None, read_only=True, allow_null=True)
    placed_by = serializers.SerializerMethodField()
    location = serializers.SerializerMethodField()
    operator = serializers.SerializerMethodField()
    contact_name = serializers.SerializerMethodField()
    contact_phone = serializers.SerializerMethodField()
    grade = serializers.CharField(source="credit_grade", read_only=True, allow_null=True)
    distance_m = serializers.SerializerMethodField()

    class Meta:
        model = BusinessEntity
        fields = [
            "id", "code", "name", "uscc", "lacks_code", "kind", "business_types", "is_campus_peripheral",
            "operator", "contact_name", "contact_phone", "grid", "community", "placed_by", "location",
            "address", "status", "grade", "version", "is_demo", "distance_m",
        ]  # fmt: skip
        read_only_fields = fields

    @extend_schema_field(PlaceField(allow_null=True))
    def get_location(self, entity: BusinessEntity) -> dict[str, Any] | None:
        if entity.lon is None or entity.lat is None:
            return None
        return {"lon": entity.lon, "lat": entity.lat, "crs": "wgs84", "accuracy_m": None}

    @extend_schema_field(serializers.ChoiceField(choices=PlacedBy.choices, allow_null=True))
    def get_placed_by(self, entity: BusinessEntity) -> str | None:
        """How it came to its grid; null where it has none, or came there before this was kept."""
        return entity.placed_by or None

    def get_operator(self, entity: BusinessEntity) -> str:
        return mask_name(entity.operator_name)

    def get_contact_name(self, entity: BusinessEntity) -> str:
        return mask_name(entity.contact_name)

    def get_contact_phone(self, entity: BusinessEntity) -> str:
        return mask_phone(entity.contact_phone)

    def get_distance_m(self, entity: BusinessEntity) -> float | None:
        """Only in a list asked for with `near`."""
        away: float | None = getattr(entity, "away_m", None)
        return None if away is None else round(away, 1)


class AbsenceSerializer(serializers.ModelSerializer[Absence]):
    person = PersonSerializer(source="user", read_only=True)
    stand_in = PersonSerializer(read_only=True, allow_null=True)

    class Meta:
        model = Absence
        fields = ["id", "person", "stand_in", "starts_at", "ends_at", "reason"]
        read_only_fields = fields


class NewAbsenceSerializer(StrictSerializer):
    """Who is away (oneself where left out), from when to when, and who stands in."""

    person = serializers.CharField(max_length=60, required=False, label="请假人账号")
    stand_in = serializers.CharField(max_length=60, required=False, allow_null=True, label="代岗人账号")
    starts_at = serializers.DateTimeField(label="开始时间")
    ends_at = serializers.DateTimeField(label="结束时间")
    reason = serializers.CharField(max_length=200, required=False, allow_blank=True, label="事由")


class DutyShiftSerializer(serializers.ModelSerializer[DutyShift]):
    office = NamedSerializer(read_only=True)
    person = PersonSerializer(source="user", read_only=True)
    role_name = serializers.CharField(source="get_role_display", read_only=True)

    class Meta:
        model = DutyShift
        fields = ["id", "office", "day", "role", "role_name", "person"]
        read_only_fields = fields


class NewDutyShiftSerializer(StrictSerializer):
    """One shift as it should be; an existing one gets the other person."""

    office = serializers.CharField(max_length=20, label="市场监管所编码")
    day = serializers.DateField(label="日期")
    role = serializers.ChoiceField(choices=DutyRole.choices, label="班次岗位")
    person = serializers.CharField(max_length=60, label="值班人账号")


class SwapSerializer(StrictSerializer):
    """`{"with": id}`: the other shift."""

    def get_fields(self) -> dict[str, Any]:
        return {"with": serializers.IntegerField(min_value=1, max_value=2**63 - 1, label="另一班次")}


class RotaUploadSerializer(StrictSerializer):
    file = serializers.FileField(label="值班表文件")
    dry_run = serializers.BooleanField(default=True, label="只检查不写入")


class RowErrorSerializer(serializers.Serializer[Any]):
    row = serializers.IntegerField(read_only=True)
    code = serializers.CharField(read_only=True)
    detail = serializers.CharField(read_only=True)


class UploadReportSerializer(serializers.Serializer[Any]):
    """What an upload did, or would do."""

    rows = serializers.IntegerField(read_only=True)
    created = serializers.IntegerField(read_only=True)
    updated = serializers.IntegerField(read_only=True)
    unchanged = serializers.IntegerField(read_only=True)
    errors = RowErrorSerializer(many=True, read_only=True)  # type: ignore[assignment]  # its name in API.md


class RefusedRowSerializer(serializers.Serializer[Any]):
    """One error of a refused upload: of a row, or of the file as a whole."""

    code = serializers.CharField()
    detail = serializers.CharField()
    attr = serializers.CharField(allow_null=True)
    row = serializers.IntegerField(required=False)


class RefusedUploadSerializer(serializers.Serializer[Any]):
    """A refusal in the shape of every other; where rows were read, also how many."""

    type = serializers.CharField()
    errors = RefusedRowSerializer(many=True)  # type: ignore[assignment]  # its name in API.md
    rows = serializers.IntegerField(required=False)
    created = serializers.IntegerField(required=False)
    updated = serializers.IntegerField(required=False)
    unchanged = serializers.IntegerField(required=False)
