"""Robots and the SMS gateway in the admin: entering, testing, replaying what failed."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib import admin
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from unfold.decorators import action, display

from kernel import clock, journal
from kernel.notices import sms, trial
from kernel.notices.admin_pages import Asking
from kernel.notices.forms import PhoneForm, ReasonForm, RobotForm
from kernel.notices.models import Robot, SmsGateway
from kernel.notices.replay import replay_carrier

__all__ = ["RobotAdmin", "SmsGatewayAdmin"]


class CarrierAdmin(Asking):
    """What robots and the gateway have in common."""

    actions_detail = ["send_test", "send_all_again"]
    actions = None

    def back_to(self, carrier: Any) -> str:
        return reverse(f"admin:notices_{self.opts.model_name}_change", args=[carrier.pk])

    @action(
        description="重发失败通知", icon="forward_to_inbox", url_path="send-all-again", permissions=["change"]
    )
    def send_all_again(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """Every dead letter of this carrier, with a reason."""
        carrier = self.wanted(request, object_id)
        robot_id = carrier.pk if isinstance(carrier, Robot) else None

        def work(form: ReasonForm) -> tuple[bool, str]:
            done = replay_carrier(
                robot_id=robot_id, by=self.me(request), reason=form.cleaned_data["reason"], at=clock.now()
            )
            return (
                (True, f"已将 {done} 条通知重新放入待发送队列。") if done else (False, "没有发送失败的通知。")
            )

        return self.ask(
            request,
            ReasonForm(request.POST or None),
            work,
            title=f"重发失败通知：{carrier}",
            submit="全部重新发送",
            effect="该渠道全部发送失败的通知重新放入队列，每次最多 1000 条；请先排除失败原因。",
            back=self.back_to(carrier),
        )

    def note_change(self, request: HttpRequest, carrier: Any, fields: list[str]) -> None:
        """Who changed what of a carrier; never the values (some are keys)."""
        stream = f"robot:{carrier.pk}" if isinstance(carrier, Robot) else "sms:gateway"
        journal.append(
            stream=stream,
            kind="notice.carrier_changed",
            by=self.me(request),
            at=clock.now(),
            data={"fields": sorted(fields)},
        )


@admin.register(Robot)
class RobotAdmin(CarrierAdmin):
    """The chat groups' robots."""

    form = RobotForm
    list_display = [
        "name",
        "kind",
        "address_masked",
        "secret_entered",
        "rate_per_minute",
        "quiet_hours",
        "is_active",
    ]
    list_filter = ["is_active", "kind"]
    search_fields = ["name"]
    search_help_text = "按名称查找"
    readonly_fields = ["address_masked", "secret_entered"]
    fields = [
        "name",
        "kind",
        "address_masked",
        "new_url",
        "secret_entered",
        "new_secret",
        "clear_secret",
        "rate_per_minute",
        "quiet_from",
        "quiet_until",
        "is_active",
    ]

    @display(description="当前地址")
    def address_masked(self, robot: Robot) -> str:
        if not robot.url:
            return "未填写"
        given = urlsplit(robot.url)
        path = given.path if given.query else given.path.rpartition("/")[0] + "/"
        return f"{given.netloc}{path}…{robot.url[-4:]}"

    @display(description="加签密钥", boolean=True)
    def secret_entered(self, robot: Robot) -> bool:
        return bool(robot.secret_sealed)

    @display(description="免打扰时段")
    def quiet_hours(self, robot: Robot) -> str:
        if robot.quiet_from is None or robot.quiet_until is None:
            return "按全局"
        if robot.quiet_from == robot.quiet_until:
            return "不设"
        return f"{robot.quiet_from:%H:%M} 至 {robot.quiet_until:%H:%M}"

    def save_model(self, request: HttpRequest, obj: Robot, form: Any, change: bool) -> None:
        kept = {"new_url", "new_secret", "clear_secret"}
        with transaction.atomic():
            fields = [*form.put_into(obj), *(name for name in form.changed_data if name not in kept)]
            super().save_model(request, obj, form, change)
            if fields:
                self.note_change(request, obj, fields)

    @action(description="测试发送", icon="send", url_path="send-test", permissions=["change"])
    def send_test(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """One message to the group, at once; the provider's answer is shown."""
        robot: Robot = self.wanted(request, object_id)

        def work(form: None) -> tuple[bool, str]:
            outcome = trial.try_robot(robot=robot, by=self.me(request), at=clock.now())
            return outcome.well, outcome.words

        return self.ask(
            request,
            None,
            work,
            title=f"测试发送：{robot.name}",
            submit="发送测试消息",
            effect="将向该群发送一条测试消息，并显示平台的应答；计入每分钟上限。",
            back=self.back_to(robot),
        )


@admin.register(SmsGateway)
class SmsGatewayAdmin(CarrierAdmin):
    """The one gateway: what is configured, how fast it may go, and a test."""

    list_display = ["name", "configured", "rate_per_minute", "is_active"]
    list_display_links = ["name"]
    readonly_fields = ["configured", "address", "sign_name"]
    fields = [
        "configured",
        "address",
        "sign_name",
        "rate_per_minute",
        "quiet_from",
        "quiet_until",
        "is_active",
    ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[SmsGateway]:
        SmsGateway.objects.bulk_create([SmsGateway(pk=1)], ignore_conflicts=True)
        return super().get_queryset(request)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    @display(description="名称")
    def name(self, gateway: SmsGateway) -> str:
        return "短信网关"

    @display(description="已配置", boolean=True)
    def configured(self, gateway: SmsGateway) -> bool:
        return sms.configured()

    @display(description="网关地址")
    def address(self, gateway: SmsGateway) -> str:
        host: str = urlsplit(settings.SUOSHE_SMS_BASE_URL).netloc
        return host or "未配置：群众短信不会发出，请电话答复。地址和密钥在服务器设置中填写。"

    @display(description="短信签名")
    def sign_name(self, gateway: SmsGateway) -> str:
        return f"【{settings.SUOSHE_SMS_SIGN}】"

    def save_model(self, request: HttpRequest, obj: SmsGateway, form: Any, change: bool) -> None:
        with transaction.atomic():
            super().save_model(request, obj, form, change)
            if form.changed_data:
                self.note_change(request, obj, form.changed_data)

    @action(description="测试发送", icon="send", url_path="send-test", permissions=["change"])
    def send_test(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """One SMS to a number that is entered and not kept; the gateway's answer is shown."""
        gateway: SmsGateway = self.wanted(request, object_id)

        def work(form: PhoneForm) -> tuple[bool, str]:
            outcome = trial.try_gateway(phone=form.cleaned_data["phone"], by=self.me(request), at=clock.now())
            return outcome.well, outcome.words

        return self.ask(
            request,
            PhoneForm(request.POST or None),
            work,
            title="测试发送短信",
            submit="发送测试短信",
            effect="将立即发送一条测试短信，并显示网关的应答；计入每分钟上限。",
            back=self.back_to(gateway),
        )
