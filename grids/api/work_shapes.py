"""Shapes of tasks, responsibilities and work groups (API.md)."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from grids.access import scope_of
from grids.api.serializers import PersonSerializer
from grids.models import LeadGroup, TaskItem
from grids.roles import Role
from kernel.api import StrictSerializer
from kernel.notices.models import Channel
from kernel.notices.policy import masked


def reading(user: Any, at: datetime, *, mask: bool = False) -> dict[str, Any]:
    """The context of `TaskSerializer`: lists, and all that an auditor reads, are masked."""
    return {"mask": mask or scope_of(user).is_auditor, "at": at}


class SourceSerializer(serializers.Serializer[Any]):
    """The row that a task came from, such as a lead."""

    kind = serializers.CharField(read_only=True)
    id = serializers.IntegerField(read_only=True)


class TaskSerializer(serializers.ModelSerializer[TaskItem]):
    """A task. Telephone and identity numbers in lists are masked."""

    grid = serializers.CharField(source="grid.code", read_only=True)
    state_label = serializers.CharField(source="get_state_display", read_only=True)
    overdue = serializers.SerializerMethodField()
    owner = PersonSerializer(read_only=True)
    created_by = PersonSerializer(read_only=True, allow_null=True)
    done_by = PersonSerializer(read_only=True, allow_null=True)
    cancelled_by = PersonSerializer(read_only=True, allow_null=True)
    title = serializers.SerializerMethodField()
    note = serializers.SerializerMethodField()
    done_note = serializers.SerializerMethodField()
    cancel_reason = serializers.SerializerMethodField()
    task_source = serializers.SerializerMethodField()

    class Meta:
        model = TaskItem
        fields = [
            "id", "client_uid", "grid", "title", "note", "owner", "due_at", "state", "state_label", "overdue",
            "version", "created_by", "created_at", "done_by", "done_at", "done_note", "cancelled_by",
            "cancelled_at", "cancel_reason", "task_source",
        ]  # fmt: skip
        read_only_fields = fields

    def _said(self, text: str) -> str:
        return str(masked(text)) if self.context["mask"] else text

    def get_overdue(self, task: TaskItem) -> bool:
        return task.is_overdue(self.context["at"])

    def get_title(self, task: TaskItem) -> str:
        return self._said(task.title)

    def get_note(self, task: TaskItem) -> str:
        return self._said(task.note)

    def get_done_note(self, task: TaskItem) -> str:
        return self._said(task.done_note)

    def get_cancel_reason(self, task: TaskItem) -> str:
        return self._said(task.cancel_reason)

    @extend_schema_field(SourceSerializer(allow_null=True))
    def get_task_source(self, task: TaskItem) -> dict[str, Any] | None:
        return {"kind": task.source_kind, "id": task.source_id} if task.source_kind else None


class NewTaskSerializer(StrictSerializer):
    client_uid = serializers.UUIDField(label="客户端编号")
    title = serializers.CharField(max_length=80, label="任务")
    note = serializers.CharField(max_length=1000, required=False, allow_blank=True, label="说明")
    owner = serializers.CharField(max_length=60, label="责任人账号")
    due_at = serializers.DateTimeField(label="完成期限")


class ChangedTaskSerializer(StrictSerializer):
    title = serializers.CharField(max_length=80, required=False, label="任务")
    note = serializers.CharField(max_length=1000, required=False, allow_blank=True, label="说明")
    owner = serializers.CharField(max_length=60, required=False, label="责任人账号")
    due_at = serializers.DateTimeField(required=False, label="完成期限")


class DoneSerializer(StrictSerializer):
    note = serializers.CharField(max_length=500, required=False, allow_blank=True, label="完成情况")


class CancelSerializer(StrictSerializer):
    reason = serializers.CharField(max_length=200, label="取消原因")


class ResponsibilitySerializer(serializers.Serializer[Any]):
    """Who answers for what. `people`: who holds the role in this grid; null for who does not serve it."""

    group = serializers.ChoiceField(choices=LeadGroup.choices, allow_null=True, read_only=True)
    category = serializers.CharField(allow_null=True, read_only=True)
    who = serializers.CharField(read_only=True)
    role = serializers.ChoiceField(choices=Role.choices, allow_null=True, read_only=True)
    section = serializers.CharField(allow_null=True, read_only=True)
    department = serializers.CharField(allow_null=True, read_only=True)
    duty = serializers.CharField(read_only=True)
    standard = serializers.CharField(read_only=True)
    basis = serializers.CharField(read_only=True)
    people = PersonSerializer(many=True, allow_null=True, read_only=True)


class ResponsibilityListSerializer(serializers.Serializer[Any]):
    grid = serializers.CharField(read_only=True)
    category = serializers.CharField(allow_null=True, read_only=True)
    items = ResponsibilitySerializer(many=True, read_only=True)


class GroupMemberSerializer(serializers.Serializer[Any]):
    person = PersonSerializer(read_only=True)
    role = serializers.ChoiceField(choices=Role.choices, read_only=True)
    role_name = serializers.CharField(read_only=True)
    seat = serializers.IntegerField(allow_null=True, read_only=True)


class GroupRobotSerializer(serializers.Serializer[Any]):
    id = serializers.IntegerField(read_only=True)
    name = serializers.CharField(read_only=True)
    kind = serializers.ChoiceField(choices=Channel.choices, read_only=True)
    is_active = serializers.BooleanField(read_only=True)


class WorkGroupSerializer(serializers.Serializer[Any]):
    """A grid's chat group. `robots` are those to choose from, for who keeps the group (else null)."""

    grid = serializers.CharField(read_only=True)
    name = serializers.CharField(read_only=True)
    version = serializers.IntegerField(read_only=True)
    robot = GroupRobotSerializer(allow_null=True, read_only=True)
    members = GroupMemberSerializer(many=True, read_only=True)
    robots = GroupRobotSerializer(many=True, allow_null=True, read_only=True)


class ChangedGroupSerializer(StrictSerializer):
    name = serializers.CharField(max_length=60, required=False, label="群名称")
    robot = serializers.IntegerField(
        min_value=1, max_value=2**63 - 1, required=False, allow_null=True, label="群机器人"
    )
