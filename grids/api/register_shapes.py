"""Shapes of the register when it is written, and of what hangs on a business (API.md)."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from grids.api.serializers import EntitySerializer, PersonSerializer
from grids.coordinates import PlaceField
from grids.models import (
    BusinessEntity,
    BusinessType,
    DuplicatePair,
    EntityContact,
    EntityKind,
    EntityStatus,
    Equipment,
    EquipmentKind,
    KeyChange,
    Licence,
    LicenceType,
)
from grids.register_reveal import REVEALABLE
from grids.register_words import label, shown
from kernel.accounts.masking import mask_text
from kernel.api import StrictSerializer

# --- what comes in ---------------------------------------------------------------------------------


class LicenceIn(StrictSerializer):
    """A licence as it should stand: added, renewed or ended, known by type and number."""

    type = serializers.ChoiceField(choices=LicenceType.choices, label="证照类型")
    number = serializers.CharField(max_length=60, label="证照编号")
    issued_on = serializers.DateField(required=False, allow_null=True, label="发证日期")
    expires_on = serializers.DateField(required=False, allow_null=True, label="有效期至")
    ended_on = serializers.DateField(required=False, allow_null=True, label="注销日期")


class EquipmentIn(StrictSerializer):
    """A piece of equipment as it should stand, known by kind and number."""

    kind = serializers.ChoiceField(choices=EquipmentKind.choices, label="设备种类")
    number = serializers.CharField(max_length=60, label="设备编号")
    place = serializers.CharField(max_length=100, required=False, allow_blank=True, label="所在位置")
    next_test_on = serializers.DateField(required=False, allow_null=True, label="下次检验日期")
    ended_on = serializers.DateField(required=False, allow_null=True, label="停用日期")


class LicencesIn(StrictSerializer):
    licences = serializers.ListField(child=LicenceIn(), allow_empty=False, max_length=50)


class EquipmentListIn(StrictSerializer):
    equipment = serializers.ListField(child=EquipmentIn(), allow_empty=False, max_length=200)


class _Fields(StrictSerializer):
    uscc = serializers.CharField(
        max_length=18, required=False, allow_blank=True, label="统一社会信用代码或15位注册号"
    )
    is_campus_peripheral = serializers.BooleanField(required=False, label="校园周边")
    operator = serializers.CharField(max_length=60, required=False, allow_blank=True, label="经营者")
    contact_name = serializers.CharField(max_length=60, required=False, allow_blank=True, label="联系人")
    contact_phone = serializers.RegexField(
        r"^[0-9+() -]{0,20}$",
        required=False,
        allow_blank=True,
        label="联系电话",
        error_messages={"invalid": "电话由数字、空格、括号和短横线组成，不超过20位。"},
    )
    address = serializers.CharField(max_length=200, required=False, allow_blank=True, label="经营地址")
    remark = serializers.CharField(max_length=200, required=False, allow_blank=True, label="备注")
    status = serializers.ChoiceField(choices=EntityStatus.choices, required=False, label="状态")
    established_on = serializers.DateField(required=False, allow_null=True, label="成立日期")
    location = PlaceField(required=False)
    community = serializers.CharField(max_length=20, required=False, label="社区编码")
    grid = serializers.CharField(max_length=20, required=False, label="网格编码（人工指定）")


def types_field(*, required: bool) -> serializers.ListField:
    return serializers.ListField(
        child=serializers.ChoiceField(choices=BusinessType.choices),
        allow_empty=False,
        max_length=21,
        required=required,
        label="业态",
    )


class NewEntityIn(_Fields):
    """A business as it was found, placed by `grid` (office, bureau), `location` or `community`."""

    client_uid = serializers.UUIDField(label="客户端编号")
    name = serializers.CharField(max_length=120, label="名称")
    kind = serializers.ChoiceField(choices=EntityKind.choices, label="主体类型")
    business_types = types_field(required=True)
    licences = serializers.ListField(child=LicenceIn(), required=False, max_length=50)
    equipment = serializers.ListField(child=EquipmentIn(), required=False, max_length=200)


class ChangedEntityIn(_Fields):
    """What is left out stays. `name`, `uscc` and `status` from a grid worker wait for the commissioner."""

    name = serializers.CharField(max_length=120, required=False, label="名称")
    kind = serializers.ChoiceField(choices=EntityKind.choices, required=False, label="主体类型")
    business_types = types_field(required=False)
    reason = serializers.CharField(max_length=200, required=False, allow_blank=True, label="变更原因")


class RevealIn(StrictSerializer):
    field = serializers.ChoiceField(choices=list(REVEALABLE.items()), label="字段")
    reason = serializers.CharField(max_length=200, label="查看事由")


class JudgeIn(StrictSerializer):
    verdict = serializers.ChoiceField(choices=[("same", "同一家"), ("different", "不是同一家")], label="结论")
    note = serializers.CharField(max_length=200, required=False, allow_blank=True, label="核对说明")
    revise = serializers.BooleanField(required=False, default=False, label="更正已有结论（须填写理由）")


# --- what goes out ---------------------------------------------------------------------------------


class RevealedSerializer(serializers.Serializer[Any]):
    field = serializers.ChoiceField(choices=list(REVEALABLE.items()), read_only=True)
    value = serializers.CharField(read_only=True)


class LicenceSerializer(serializers.ModelSerializer[Licence]):
    """A certificate of a person shows its number whole only to who keeps the business."""

    type_label = serializers.CharField(source="get_type_display", read_only=True)
    number = serializers.SerializerMethodField()

    class Meta:
        model = Licence
        fields = ["id", "type", "type_label", "number", "issued_on", "expires_on", "ended_on"]
        read_only_fields = fields

    def get_number(self, licence: Licence) -> str:
        return licence.number if self.context.get("keeps") else licence.told_number


class EquipmentSerializer(serializers.ModelSerializer[Equipment]):
    kind_label = serializers.CharField(source="get_kind_display", read_only=True)

    class Meta:
        model = Equipment
        fields = ["id", "kind", "kind_label", "number", "place", "next_test_on", "ended_on"]
        read_only_fields = fields


class ChangedFieldSerializer(serializers.Serializer[Any]):
    """One field: what it was, what it is or is to be, in words."""

    def get_fields(self) -> dict[str, Any]:
        names = ("field", "label", "from", "to")
        return {name: serializers.CharField(read_only=True) for name in names}


class KeyChangeSerializer(serializers.ModelSerializer[KeyChange]):
    """A change of name, code or status that was asked for."""

    entity = serializers.IntegerField(source="entity_id", read_only=True)
    entity_name = serializers.CharField(source="entity.name", read_only=True)
    state_label = serializers.CharField(source="get_state_display", read_only=True)
    changes = serializers.SerializerMethodField()
    reason = serializers.SerializerMethodField()
    note = serializers.SerializerMethodField()
    asked_by = PersonSerializer(read_only=True)
    decided_by = PersonSerializer(read_only=True, allow_null=True)

    class Meta:
        model = KeyChange
        fields = [
            "id", "entity", "entity_name", "changes", "reason", "state", "state_label", "asked_by",
            "asked_at", "decided_by", "decided_at", "note",
        ]  # fmt: skip
        read_only_fields = fields

    def get_reason(self, row: KeyChange) -> str:
        return mask_text(row.reason)

    def get_note(self, row: KeyChange) -> str:
        return mask_text(row.note)

    @extend_schema_field(ChangedFieldSerializer(many=True))
    def get_changes(self, row: KeyChange) -> list[dict[str, str]]:
        return [
            {
                "field": field,
                "label": label(field),
                "from": shown(field, one["from"]),
                "to": shown(field, one["to"]),
            }
            for field, one in row.changes.items()
        ]


class LikeSerializer(serializers.Serializer[Any]):
    """Another business that may be the same."""

    id = serializers.IntegerField(read_only=True)
    name = serializers.CharField(read_only=True)
    address = serializers.CharField(read_only=True)
    grid = serializers.CharField(read_only=True, allow_null=True)
    status = serializers.ChoiceField(choices=EntityStatus.choices, read_only=True)


class PossibleDuplicateSerializer(serializers.Serializer[Any]):
    pair = serializers.IntegerField(read_only=True)
    why = serializers.CharField(read_only=True)
    entity = LikeSerializer(read_only=True)


class EntityDetailSerializer(EntitySerializer):
    """A business with all that is kept of it. Contact and operator are masked; `…/reveal/` shows them."""

    remark = serializers.SerializerMethodField()
    licences = LicenceSerializer(many=True, read_only=True)
    equipment = EquipmentSerializer(many=True, read_only=True)
    contact_line = serializers.SerializerMethodField()
    waiting = serializers.SerializerMethodField()
    possible_duplicates = serializers.SerializerMethodField()

    class Meta(EntitySerializer.Meta):
        fields = [
            *EntitySerializer.Meta.fields, "established_on", "filed_on", "created_at", "remark", "licences",
            "equipment", "contact_line", "waiting", "possible_duplicates",
        ]  # fmt: skip
        read_only_fields = fields

    def get_remark(self, entity: BusinessEntity) -> str:
        return mask_text(entity.remark)

    def get_contact_line(self, entity: BusinessEntity) -> str:
        """How often somebody has entered this month, and when last."""
        return str(self.context["line"])

    @extend_schema_field(KeyChangeSerializer(allow_null=True))
    def get_waiting(self, entity: BusinessEntity) -> Any:
        """What waits for the commissioner."""
        row = self.context["waiting"]
        return None if row is None else KeyChangeSerializer(row).data

    @extend_schema_field(PossibleDuplicateSerializer(many=True))
    def get_possible_duplicates(self, entity: BusinessEntity) -> Any:
        return PossibleDuplicateSerializer(self.context["alike"], many=True).data


class EntityContactSerializer(serializers.ModelSerializer[EntityContact]):
    """入企记录."""

    purpose_label = serializers.CharField(source="get_purpose_display", read_only=True)
    by = PersonSerializer(read_only=True, allow_null=True)
    note = serializers.SerializerMethodField()

    class Meta:
        model = EntityContact
        fields = ["id", "purpose", "purpose_label", "entered", "by", "with_names", "at", "on", "note"]
        read_only_fields = fields

    def get_note(self, row: EntityContact) -> str:
        return mask_text(row.note)


class EntityHistorySerializer(serializers.Serializer[Any]):
    """One entry of the journal in words: who, when, what, from, to."""

    id = serializers.IntegerField(read_only=True)
    at = serializers.DateTimeField(read_only=True)
    by = serializers.CharField(read_only=True)
    kind = serializers.CharField(read_only=True)
    what = serializers.CharField(read_only=True)
    subject = serializers.CharField(read_only=True)
    changes = ChangedFieldSerializer(many=True, read_only=True)
    reason = serializers.CharField(read_only=True)
    text = serializers.CharField(read_only=True)


class DuplicatePairSerializer(serializers.ModelSerializer[DuplicatePair]):
    first = serializers.SerializerMethodField()
    second = serializers.SerializerMethodField()
    note = serializers.SerializerMethodField()
    state_label = serializers.CharField(source="get_state_display", read_only=True)
    judged_by = PersonSerializer(read_only=True, allow_null=True)

    class Meta:
        model = DuplicatePair
        fields = [
            "id", "first", "second", "why", "state", "state_label", "found_at", "judged_by", "judged_at",
            "note",
        ]  # fmt: skip
        read_only_fields = fields

    def get_note(self, pair: DuplicatePair) -> str:
        return mask_text(pair.note)

    @extend_schema_field(LikeSerializer)
    def get_first(self, pair: DuplicatePair) -> dict[str, Any]:
        return like(pair.first)

    @extend_schema_field(LikeSerializer)
    def get_second(self, pair: DuplicatePair) -> dict[str, Any]:
        return like(pair.second)


def like(entity: BusinessEntity) -> dict[str, Any]:
    """A business as it is named beside another."""
    return {
        "id": entity.pk,
        "name": entity.name,
        "address": entity.address,
        "grid": entity.grid.code if entity.grid else None,
        "status": entity.status,
    }
