"""The outbox and the robots in the admin: for system administrators (DESIGN.md §7).

An administrator keeps delivery running and sees no business: the rows show what kind of notice went
where and how it fared, never its words. Inbox rows of persons are not listed.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from unfold.decorators import display
from unfold.widgets import UnfoldAdminTextInputWidget

from kernel import clock
from kernel.accounts.admin import ForAdministrators
from kernel.accounts.models import User
from kernel.notices.models import OutboxMessage, Robot, State
from kernel.notices.replay import replay

__all__ = ["OutboxMessageAdmin", "RobotAdmin"]


@admin.register(OutboxMessage)
class OutboxMessageAdmin(ForAdministrators):
    """What waits for chat groups, what arrived, what was given up; dead letters can be sent again."""

    list_display = [
        "id",
        "template",
        "robot",
        "state_label",
        "attempts",
        "created_at",
        "available_at",
        "delivered_at",
        "last_error",
    ]
    list_filter = ["state", "robot", "template"]
    list_select_related = ["robot"]
    search_fields = ["dedupe_key", "template", "robot__name", "last_error"]
    search_help_text = "按去重键、模板、机器人名称或失败原因查找"
    ordering = ["-id"]
    show_full_result_count = False
    actions = ["send_again"]
    fields = [
        "dedupe_key",
        "template",
        "robot",
        "subject_kind",
        "subject_id",
        "state",
        "attempts",
        "maybe_sent",
        "created_at",
        "available_at",
        "expires_at",
        "delivered_at",
        "last_error",
    ]
    readonly_fields = fields

    def get_queryset(self, request: HttpRequest) -> QuerySet[OutboxMessage]:
        return super().get_queryset(request).filter(robot__isnull=False)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    @display(
        description="状态",
        ordering="state",
        label={
            State.PENDING.label: "info",
            State.DELIVERED.label: "success",
            State.DROPPED.label: "default",
            State.DEAD.label: "danger",
        },
    )
    def state_label(self, message: OutboxMessage) -> str:
        return State(message.state).label

    @admin.action(description="重新发送所选的失败通知", permissions=["change"])
    def send_again(self, request: HttpRequest, queryset: QuerySet[OutboxMessage]) -> None:
        by = User.objects.get(pk=request.user.pk)
        found = replay(ids=queryset.values_list("pk", flat=True), by=by, at=clock.now())
        if found:
            messages.success(request, f"已将 {found} 条通知重新放入待发送队列。")
        else:
            messages.warning(request, "所选通知中没有发送失败的，无需重新发送。")


class RobotForm(forms.ModelForm):
    """The address holds the robot's key: it is shown shortened and only ever replaced."""

    new_url = forms.CharField(
        label="更换 Webhook 地址",
        required=False,
        max_length=500,
        widget=UnfoldAdminTextInputWidget(attrs={"autocomplete": "off"}),
        help_text="从企业微信群机器人处复制。留空则不更改。",
    )

    class Meta:
        model = Robot
        fields = ["name", "kind", "rate_per_minute", "is_active"]

    def clean_new_url(self) -> str:
        url: str = self.cleaned_data["new_url"].strip()
        if not url and not self.instance.url:
            raise forms.ValidationError("请填写 Webhook 地址。")
        if url and not (urlsplit(url).path.strip("/") and urlsplit(url).query):
            raise forms.ValidationError("地址不完整，应包含路径和 key 参数。")
        return url


@admin.register(Robot)
class RobotAdmin(ForAdministrators):
    """The chat groups' robots."""

    form = RobotForm
    list_display = ["name", "kind", "address_masked", "rate_per_minute", "is_active"]
    list_filter = ["is_active", "kind"]
    search_fields = ["name"]
    search_help_text = "按名称查找"
    readonly_fields = ["address_masked"]
    fields = ["name", "kind", "address_masked", "new_url", "rate_per_minute", "is_active"]
    actions = None

    @display(description="当前地址")
    def address_masked(self, robot: Robot) -> str:
        return (
            f"{robot.url[:40]}…{robot.url[-4:]}"
            if len(robot.url) > 60
            else "已填写"
            if robot.url
            else "未填写"
        )

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        if form.cleaned_data.get("new_url"):
            obj.url = form.cleaned_data["new_url"]
        super().save_model(request, obj, form, change)
