"""What a person reads of a notice."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from kernel.notices import templates
from kernel.notices.models import OutboxMessage


class SubjectSerializer(serializers.Serializer[Any]):
    """What a notice is about, e.g. `{"kind": "lead", "id": 42}`."""

    kind = serializers.CharField()
    id = serializers.IntegerField()


class NoticeSerializer(serializers.ModelSerializer[OutboxMessage]):
    """A notice in words."""

    title = serializers.SerializerMethodField()
    body = serializers.SerializerMethodField()
    subject = serializers.SerializerMethodField()

    class Meta:
        model = OutboxMessage
        fields = ["id", "template", "title", "body", "subject", "created_at", "read_at"]
        read_only_fields = fields

    def get_title(self, notice: OutboxMessage) -> str:
        return templates.render(notice.template, notice.params).title

    def get_body(self, notice: OutboxMessage) -> str:
        return templates.render(notice.template, notice.params).body

    @extend_schema_field(SubjectSerializer)
    def get_subject(self, notice: OutboxMessage) -> dict[str, Any]:
        return {"kind": notice.subject_kind, "id": notice.subject_id}
