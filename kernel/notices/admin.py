"""The outbox and its dead letters in the admin: for system administrators (DESIGN.md §7).

An administrator keeps delivery running and sees no business: the rows show what kind of notice went
where and how it fared, never its words; telephones are masked. Inbox rows of persons are not listed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import admin
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from unfold.decorators import action, display

from kernel import clock
from kernel.accounts.masking import mask_name
from kernel.notices.admin_pages import Asking
from kernel.notices.carriers_admin import RobotAdmin, SmsGatewayAdmin
from kernel.notices.forms import ReasonForm
from kernel.notices.models import Channel, DeadLetter, OutboxMessage, State
from kernel.notices.replay import replay, set_aside
from kernel.notices.selectors import SMS
from kernel.notices.webhooks_admin import WebhookDeliveryAdmin, WebhookEndpointAdmin

__all__ = [
    "DeadLetterAdmin",
    "OutboxMessageAdmin",
    "RobotAdmin",
    "SmsGatewayAdmin",
    "WebhookDeliveryAdmin",
    "WebhookEndpointAdmin",
]


class ChannelFilter(admin.SimpleListFilter):
    """By which way it goes out."""

    title = "渠道"
    parameter_name = "channel"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [*((str(kind), str(label)) for kind, label in Channel.choices), (SMS, "短信")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[OutboxMessage]) -> QuerySet[OutboxMessage]:
        if self.value() is None:
            return queryset
        if self.value() == SMS:
            return queryset.filter(robot__isnull=True)
        return queryset.filter(robot__kind=self.value())


class GoingOut(Asking):
    """Rows that leave the house; read-only."""

    list_select_related = ["robot", "sms_user"]
    search_fields = ["dedupe_key", "template", "robot__name", "phone_masked", "last_error"]
    search_help_text = "按去重键、模板、机器人名称、脱敏号码或失败原因查找"
    ordering = ["-id"]
    show_full_result_count = False
    fields = [
        "dedupe_key",
        "template",
        "channel",
        "addressee",
        "subject_kind",
        "subject_id",
        "state_label",
        "urgency",
        "attempts",
        "maybe_sent",
        "created_at",
        "available_at",
        "expires_at",
        "delivered_at",
        "failed_at",
        "last_error",
    ]
    readonly_fields = fields

    def get_queryset(self, request: HttpRequest) -> QuerySet[OutboxMessage]:
        rows = super().get_queryset(request).filter(recipient__isnull=True)
        return rows.defer("params", "sealed")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    @display(description="编号", ordering="id")
    def number(self, message: OutboxMessage) -> int:
        return message.pk

    @display(description="渠道")
    def channel(self, message: OutboxMessage) -> str:
        return Channel(message.robot.kind).label if message.robot else "短信"

    @display(description="接收方")
    def addressee(self, message: OutboxMessage) -> str:
        if message.robot:
            return message.robot.name
        return message.phone_masked or (mask_name(message.sms_user.name) if message.sms_user else "")

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


@admin.register(OutboxMessage)
class OutboxMessageAdmin(GoingOut):
    """What waits for chat groups and telephones, what arrived, what was given up."""

    list_display = [
        "number",
        "template",
        "channel",
        "addressee",
        "state_label",
        "attempts",
        "created_at",
        "available_at",
        "delivered_at",
        "last_error",
    ]
    list_filter = [ChannelFilter, "state", "robot", "template"]
    actions = None


@admin.register(DeadLetter)
class DeadLetterAdmin(GoingOut):
    """What was given up after 12 attempts or cannot be taken: sent again, or laid aside, with a reason."""

    list_display = [
        "number",
        "template",
        "channel",
        "addressee",
        "last_error",
        "attempts",
        "created_at",
        "failed_at",
    ]
    list_filter = [ChannelFilter, "robot", "template", ("failed_at", admin.DateFieldListFilter)]
    actions = ["send_again", "give_up"]
    actions_detail = ["send_one_again", "give_one_up"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[OutboxMessage]:
        return super().get_queryset(request).filter(state=State.DEAD)

    @admin.action(description="重新发送所选通知", permissions=["change"])
    def send_again(self, request: HttpRequest, queryset: QuerySet[OutboxMessage]) -> HttpResponse:
        return self._many(request, queryset, "send_again", replay)

    @admin.action(description="不再发送所选通知", permissions=["change"])
    def give_up(self, request: HttpRequest, queryset: QuerySet[OutboxMessage]) -> HttpResponse:
        return self._many(request, queryset, "give_up", set_aside)

    @action(description="重新发送", icon="send", url_path="send-again", permissions=["change"])
    def send_one_again(self, request: HttpRequest, object_id: int) -> HttpResponse:
        return self._one(request, object_id, replay)

    @action(description="不再发送", icon="cancel_schedule_send", url_path="give-up", permissions=["change"])
    def give_one_up(self, request: HttpRequest, object_id: int) -> HttpResponse:
        return self._one(request, object_id, set_aside)

    def _many(
        self, request: HttpRequest, queryset: QuerySet[OutboxMessage], name: str, service: Callable[..., int]
    ) -> HttpResponse:
        """The action's first POST asks for the reason, its second acts."""
        kept = [("action", name), ("asked", "1")]
        kept += [(ACTION_CHECKBOX_NAME, one) for one in request.POST.getlist(ACTION_CHECKBOX_NAME)]
        if request.POST.get("select_across") == "1":
            kept.append(("select_across", "1"))
        ids = list(queryset.values_list("pk", flat=True))
        return self._sure(request, ids, service, posted="asked" in request.POST, kept=kept)

    def _one(self, request: HttpRequest, object_id: int, service: Callable[..., int]) -> HttpResponse:
        row = self.wanted(request, object_id)
        return self._sure(request, [row.pk], service, posted=request.method == "POST", kept=[])

    def _sure(
        self,
        request: HttpRequest,
        ids: list[int],
        service: Callable[..., int],
        *,
        posted: bool,
        kept: list[tuple[str, str]],
    ) -> HttpResponse:
        again = service is replay

        def work(form: ReasonForm) -> tuple[bool, str]:
            reason = form.cleaned_data["reason"]
            done = service(ids=ids, by=self.me(request), reason=reason, at=clock.now())
            if not done:
                return False, "所选通知已被他人处理。"
            return True, f"已将 {done} 条通知{'重新放入待发送队列' if again else '标为不再发送'}。"

        return self.ask(
            request,
            ReasonForm(request.POST if posted else None),
            work,
            title="重新发送" if again else "不再发送",
            submit="重新发送" if again else "确定",
            effect=f"共 {len(ids)} 条。"
            + (
                "请先排除失败原因；可能已送达的会注明“重发”。"
                if again
                else "通知不再发送，短信号码的密文随即清除。"
            ),
            back=reverse("admin:notices_deadletter_changelist"),
            kept=kept,
            posted=posted,
        )
