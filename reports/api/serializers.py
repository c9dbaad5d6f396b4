"""What a report answers. Rates are numbers between 0 and 1, or null where nothing was to be counted."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from kernel.journal.models import Seal
from reports import departments, kpi
from reports.models import SlaLine, SlaOrder, SlaOverdue

__all__ = ["SlaOrderSerializer", "SlaOverdueSerializer", "SlaSerializer"]


class SlaFiguresSerializer(serializers.Serializer[Any]):
    """Counts and rates of one place and span."""

    pending = serializers.IntegerField(help_text="24时在办")
    overdue = serializers.IntegerField(help_text="24时超时未办的线索")

    def get_fields(self) -> dict[str, Any]:
        counts = {name: serializers.IntegerField(help_text=label) for name, label in kpi.COUNTS.items()}
        rates = {
            name: serializers.FloatField(
                allow_null=True, min_value=0, max_value=1, help_text=f"{label} = {part} ÷ {whole}"
            )
            for name, (label, part, whole) in kpi.RATES.items()
        }
        return {**super().get_fields(), **counts, **rates}


class SlaLineSerializer(SlaFiguresSerializer):
    """One place. `code` is empty for the bureau and for leads without a grid."""

    level = serializers.ChoiceField(choices=SlaLine._meta.get_field("level").choices)  # type: ignore[arg-type]
    code = serializers.CharField(allow_blank=True)
    name = serializers.CharField()


class SlaSealSerializer(serializers.ModelSerializer[Seal]):
    """The journal's seal that the report prints."""

    number = serializers.IntegerField(source="pk")

    class Meta:
        model = Seal
        fields = ["number", "hash", "entries", "sealed_at"]


class SlaOverdueSerializer(serializers.ModelSerializer[SlaOverdue]):
    """One limit that had passed unmet at 24:00."""

    lead = serializers.IntegerField(source="lead_id")
    grid = serializers.CharField(source="grid_code")
    office = serializers.CharField(source="office_name")
    owner = serializers.CharField(source="owner_name")
    hours_late = serializers.FloatField()

    class Meta:
        model = SlaOverdue
        fields = [
            "lead", "number", "category", "grid", "grid_name", "office", "owner", "clock", "cycle", "due_at",
            "hours_late",
        ]  # fmt: skip


class SlaOrderSerializer(serializers.ModelSerializer[SlaOrder]):
    """A supervision order raised that day or still open; `silent` are the sides yet to acknowledge."""

    id = serializers.IntegerField(source="order_id")
    lead = serializers.IntegerField(source="lead_id")
    grid = serializers.CharField(source="grid_code")
    office = serializers.CharField(source="office_name")
    silent = serializers.ListField(child=serializers.ChoiceField(choices=["office", "community"]))

    class Meta:
        model = SlaOrder
        fields = [
            "id", "lead", "number", "category", "grid", "grid_name", "office", "cause", "level", "state",
            "raised_at", "office_acknowledged_at", "community_acknowledged_at", "silent",
        ]  # fmt: skip


class SlaDepartmentSerializer(serializers.Serializer[Any]):
    """A department that was whistled for. Limits count only where a joint notice set them."""

    code = serializers.CharField()
    name = serializers.CharField()

    def get_fields(self) -> dict[str, Any]:
        shares = {"answer_rate", "on_site_rate"}
        fields: dict[str, Any] = {}
        for name, label in departments.COLUMNS.items():
            if name in shares:
                fields[name] = serializers.FloatField(
                    allow_null=True, min_value=0, max_value=1, help_text=label
                )
            elif name.startswith("median_"):
                fields[name] = serializers.FloatField(allow_null=True, min_value=0, help_text=label)
            else:
                fields[name] = serializers.IntegerField(help_text=label)
        return {**super().get_fields(), **fields}


class SlaRecentSerializer(serializers.Serializer[Any]):
    """The seven days that end with the report's, as of the same 24:00: their limits have mostly passed."""

    days = serializers.IntegerField()
    figures = SlaFiguresSerializer()
    lines = SlaLineSerializer(many=True)
    departments = SlaDepartmentSerializer(many=True)


class SlaSerializer(serializers.Serializer[Any]):
    """The nightly report of one day, as far as the person may see it."""

    date = serializers.DateField()
    as_of = serializers.DateTimeField()
    made_at = serializers.DateTimeField()
    scope = serializers.CharField(help_text="figures 所统计的范围")
    seal = SlaSealSerializer(allow_null=True)
    figures = SlaFiguresSerializer()
    lines = SlaLineSerializer(many=True)
    recent = SlaRecentSerializer()
    overdue = SlaOverdueSerializer(many=True)
    orders = SlaOrderSerializer(many=True)
    departments = SlaDepartmentSerializer(many=True)
    text_zh = serializers.CharField()
