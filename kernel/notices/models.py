"""The outbox: what must be told, written in the transaction of what it tells (DESIGN.md §6)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from kernel.clock import KernelNow
from kernel.notices.policy import Urgency
from kernel.notices.webhook_models import WebhookDelivery, WebhookEndpoint

if TYPE_CHECKING:
    from kernel.accounts.models import User

__all__ = [
    "Carrier",
    "Channel",
    "DeadLetter",
    "OutboxMessage",
    "Robot",
    "SmsGateway",
    "State",
    "WebhookDelivery",
    "WebhookEndpoint",
]


class Channel(models.TextChoices):
    """Whose robot it is; each kind has a sender in `kernel.notices.senders`."""

    WECOM = "wecom", "企业微信群机器人"
    DINGTALK = "dingtalk", "钉钉群机器人"
    FEISHU = "feishu", "飞书群机器人"


class State(models.TextChoices):
    """The life of a message. Only `pending` waits for a deliverer."""

    PENDING = "pending", "待发送"
    DELIVERED = "delivered", "已送达"
    DROPPED = "dropped", "已无需发送"
    DEAD = "dead", "发送失败"


class Carrier(models.Model):
    """What carries notices out of the house, with its token bucket and its quiet hours.

    Attributes:
        rate_per_minute: how many messages a minute the provider takes, also the size of the bucket.
        tokens, tokens_at: how full the bucket was at that moment; written by deliverers alone. A
            provider that says "wait" puts `tokens_at` ahead: the bucket fills from there on.
        quiet_from, quiet_until: its own quiet hours (Shanghai); both empty: the house's
            (`SUOSHE_QUIET_HOURS`); both the same time: none.
    """

    is_active = models.BooleanField("启用", db_default=True)
    rate_per_minute = models.PositiveSmallIntegerField("每分钟上限（条）", db_default=20)
    tokens = models.FloatField("当前额度", db_default=20.0, editable=False)
    tokens_at = models.DateTimeField("额度计算时间", db_default=KernelNow(), editable=False)
    quiet_from = models.TimeField("免打扰开始", null=True, blank=True)
    quiet_until = models.TimeField("免打扰结束", null=True, blank=True)

    class Meta:
        abstract = True
        constraints = [
            models.CheckConstraint(
                condition=Q(rate_per_minute__gte=1), name="notices_%(class)s_rate_at_least_one"
            ),
            models.CheckConstraint(condition=Q(tokens__gte=0), name="notices_%(class)s_tokens_not_negative"),
            models.CheckConstraint(
                condition=Q(quiet_from__isnull=True, quiet_until__isnull=True)
                | Q(quiet_from__isnull=False, quiet_until__isnull=False),
                name="notices_%(class)s_quiet_hours_whole",
                violation_error_message="免打扰的开始和结束时间应同时填写或同时留空。",
            ),
        ]


class Robot(Carrier):
    """A chat group's robot (工作群机器人).

    Only the path and query of `url` are used (they carry the robot's key, a secret); the host comes
    from the settings, so that a row can never point the server at another machine.

    Attributes:
        secret_sealed: the secret that signs each message (加签, 签名校验), sealed; empty where none is.
    """

    name = models.CharField("名称", max_length=60)
    kind = models.CharField("类型", max_length=12, choices=Channel.choices, db_default=Channel.WECOM)
    url = models.CharField("Webhook 地址", max_length=500)
    secret_sealed = models.CharField(
        "加签密钥（密文）", max_length=400, db_default="", blank=True, editable=False
    )

    class Meta(Carrier.Meta):
        verbose_name = verbose_name_plural = "工作群机器人"
        ordering = ["name", "id"]

    def __str__(self) -> str:
        return self.name


class SmsGateway(Carrier):
    """The one SMS gateway (短信网关): a single row. Address and keys come from the settings."""

    class Meta(Carrier.Meta):
        verbose_name = verbose_name_plural = "短信网关"
        constraints = [
            *Carrier.Meta.constraints,
            models.CheckConstraint(condition=Q(id=1), name="notices_smsgateway_only_one"),
        ]

    def __str__(self) -> str:
        return "短信网关"


class OutboxQuerySet(models.QuerySet["OutboxMessage"]):
    """Rows by who may read them and by what is still to be done."""

    def visible_to(self, user: User) -> OutboxQuerySet:
        """A person's own inbox; nobody reads another's."""
        return self.filter(recipient_id=user.pk)

    def unread(self) -> OutboxQuerySet:
        """What its recipient has not opened."""
        return self.filter(recipient__isnull=False, read_at__isnull=True)

    def of_carrier(self, robot_id: int | None) -> OutboxQuerySet:
        """What goes out through one robot; with None, what goes out as SMS."""
        if robot_id is not None:
            return self.filter(robot_id=robot_id)
        return self.filter(recipient__isnull=True, robot__isnull=True)


class OutboxMessage(models.Model):
    """One thing told to one person (in-app inbox), one chat group (robot) or one telephone (SMS).

    A row with a recipient *is* the delivery: it is inserted as `delivered`. Every other row waits as
    `pending` until a deliverer has sent it. Every column after `created_at` has a default in the
    database, so that set-based SQL may leave it out.

    Attributes:
        dedupe_key: the same key is told once, however often the act is repeated.
        sms_user: an SMS to the telephone that this account names when it is sent (staff).
        phone_masked, sealed: an SMS to a telephone that is no account: `138****5678`, and sealed the
            number and the links of `params` (`kernel.notices.telephones.opened`); the seal is thrown away
            when the message is delivered or dropped, so no number outlives its use.
        params: values for the template; masked, never a telephone or identity number.
        urgency: empty: the template's own (`Urgency`).
        available_at: not before this moment; while leased, the end of the lease.
        leased_by: the deliverer that holds the row; with `attempts` it fences the acknowledgement.
        attempts: how often sending has begun.
        maybe_sent: sending began and nobody knows how it ended, so a repeat says so.
        expires_at: from here on it is of no use and is dropped.
        failed_at: when sending last failed.
    """

    dedupe_key = models.CharField("去重键", max_length=160, unique=True)
    recipient = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name="接收人",
        on_delete=models.PROTECT,
        related_name="+",
        null=True,
        blank=True,
        db_index=False,
    )
    robot = models.ForeignKey(
        Robot,
        verbose_name="工作群机器人",
        on_delete=models.PROTECT,
        related_name="+",
        null=True,
        blank=True,
        db_index=False,
    )
    sms_user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name="短信接收人",
        on_delete=models.PROTECT,
        related_name="+",
        null=True,
        blank=True,
        db_index=False,
    )
    phone_masked = models.CharField("短信号码", max_length=20, db_default="", blank=True)
    sealed = models.TextField("短信号码和链接（密文）", db_default="", blank=True, editable=False)
    template = models.CharField("模板", max_length=60)
    params = models.JSONField("内容参数")
    subject_kind = models.CharField("关联对象类型", max_length=20)
    subject_id = models.BigIntegerField("关联对象编号")
    created_at = models.DateTimeField("生成时间")
    urgency = models.CharField("提醒级别", max_length=8, choices=Urgency.choices, db_default="", blank=True)
    state = models.CharField("状态", max_length=12, choices=State.choices, db_default=State.PENDING)
    attempts = models.PositiveSmallIntegerField("发送次数", db_default=0)
    available_at = models.DateTimeField("最早发送时间", db_default=KernelNow())
    leased_by = models.CharField("占用者", max_length=64, db_default="", blank=True)
    maybe_sent = models.BooleanField("可能已送达", db_default=False)
    expires_at = models.DateTimeField("失效时间", null=True, blank=True)
    delivered_at = models.DateTimeField("送达时间", null=True, blank=True)
    read_at = models.DateTimeField("阅读时间", null=True, blank=True)
    failed_at = models.DateTimeField("最近一次失败时间", null=True, blank=True)
    last_error = models.CharField("最近一次失败原因", max_length=300, db_default="", blank=True)

    objects = OutboxQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "通知发件箱"
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(
                    recipient__isnull=False, robot__isnull=True, sms_user__isnull=True, phone_masked=""
                )
                | Q(recipient__isnull=True, robot__isnull=False, sms_user__isnull=True, phone_masked="")
                | Q(recipient__isnull=True, robot__isnull=True, sms_user__isnull=False, phone_masked="")
                | (
                    Q(recipient__isnull=True, robot__isnull=True, sms_user__isnull=True) & ~Q(phone_masked="")
                ),
                name="notices_outboxmessage_one_addressee",
                violation_error_message="一条通知只能有一个接收方",
            ),
            models.CheckConstraint(
                condition=Q(sealed="") | ~Q(phone_masked=""), name="notices_outboxmessage_seal_of_a_phone"
            ),
            models.CheckConstraint(
                condition=Q(urgency="") | Q(urgency__in=Urgency.values),
                name="notices_outboxmessage_known_urgency",
            ),
            models.CheckConstraint(
                condition=Q(state__in=State.values), name="notices_outboxmessage_known_state"
            ),
            models.CheckConstraint(
                condition=Q(recipient__isnull=True) | Q(state=State.DELIVERED),
                name="notices_outboxmessage_inbox_row_is_delivery",
            ),
            models.CheckConstraint(
                condition=Q(recipient__isnull=False)
                | Q(state=State.DELIVERED, delivered_at__isnull=False)
                | (~Q(state=State.DELIVERED) & Q(delivered_at__isnull=True)),
                name="notices_outboxmessage_delivered_at",
            ),
            models.CheckConstraint(
                condition=Q(read_at__isnull=True) | Q(recipient__isnull=False),
                name="notices_outboxmessage_only_people_read",
            ),
        ]
        indexes = [
            models.Index(
                fields=["available_at", "id"], condition=Q(state="pending"), name="notices_outbox_pending"
            ),
            models.Index(
                F("recipient_id"),
                F("id").desc(),
                condition=Q(recipient__isnull=False),
                name="notices_outbox_inbox",
            ),
            models.Index(
                F("recipient_id"),
                F("id").desc(),
                condition=Q(recipient__isnull=False, read_at__isnull=True),
                name="notices_outbox_unread",
            ),
            models.Index(F("id").desc(), condition=Q(state="dead"), name="notices_outbox_dead"),
            models.Index(
                fields=["created_at"],
                condition=Q(recipient__isnull=True, robot__isnull=True, state="dropped"),
                name="notices_outbox_sms_dropped",
            ),
        ]

    def __str__(self) -> str:
        return self.dedupe_key


class DeadLetter(OutboxMessage):
    """The same rows, for the page of what was given up and waits for a person."""

    class Meta:
        proxy = True
        verbose_name = verbose_name_plural = "发送失败的通知"
