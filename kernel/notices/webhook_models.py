"""Outgoing webhooks: where our steps are told to other systems, and every telling, kept."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q

from kernel.clock import KernelNow


class WebhookEndpoint(models.Model):
    """One address of another system. Its host must be among `SUOSHE_WEBHOOK_HOSTS`, asked at every sending.

    Attributes:
        source: code of the platform whose own matters alone it is told; empty: every step that no
            secrecy covers.
        events: the steps it wants; none named means all that are told.
        format: in whose form the body is written (`kernel.notices.webhooks.register_format`).
        secret_sealed: what signs every body; sealed, shown once, in no list, log or export.
    """

    name = models.CharField("名称", max_length=60)
    url = models.CharField("接收地址", max_length=300)
    format = models.CharField("报文格式", max_length=12, db_default="suoshe")
    source = models.CharField("来源平台代码", max_length=12, blank=True, default="", db_default="")
    events = ArrayField(
        models.CharField(max_length=40), verbose_name="推送环节", default=list, db_default=[], blank=True
    )
    secret_sealed = models.CharField("签名密钥（密文）", max_length=400, editable=False)
    is_active = models.BooleanField("启用", default=True, db_default=True)

    class Meta:
        verbose_name = verbose_name_plural = "推送地址"
        ordering = ["name", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["source"], condition=~Q(source=""), name="notices_webhookendpoint_one_a_platform"
            ),
            models.CheckConstraint(condition=~Q(secret_sealed=""), name="notices_webhookendpoint_signs"),
            models.CheckConstraint(
                condition=Q(format="suoshe") | ~Q(source=""),
                name="notices_webhookendpoint_form_of_its_platform",
                violation_error_message="外部平台的报文格式只用于该平台转来的事项。",
            ),
        ]

    def __str__(self) -> str:
        return self.name


class WebhookDelivery(models.Model):
    """One step told, or to be told, to one endpoint; written in the transaction of the step.

    Steps of one subject reach one endpoint in their order: a later one waits while an earlier one is
    pending. At least once: the receiver knows a repeat by `X-Delivery-ID`.

    Attributes:
        payload: the step in our own words, without reporter and without what citizens wrote.
        restricted: about a tip-off (举报): the log shows neither subject nor body.
        leased_by: who holds it; with `attempts` it fences the acknowledgement.
        response_status: HTTP status of the last answer; empty where nobody answered.
    """

    class State(models.TextChoices):
        PENDING = "pending", "待推送"
        DELIVERED = "delivered", "已送达"
        DEAD = "dead", "推送失败"

    endpoint = models.ForeignKey(
        WebhookEndpoint, verbose_name="推送地址", on_delete=models.PROTECT, related_name="deliveries"
    )
    event = models.CharField("环节", max_length=40)
    subject_kind = models.CharField("关联对象类型", max_length=20)
    subject_id = models.BigIntegerField("关联对象编号")
    payload = models.JSONField("内容")
    restricted = models.BooleanField("限制知悉", db_default=False)
    created_at = models.DateTimeField("生成时间")
    state = models.CharField("状态", max_length=10, choices=State.choices, db_default=State.PENDING)
    attempts = models.PositiveSmallIntegerField("推送次数", db_default=0)
    available_at = models.DateTimeField("最早推送时间", db_default=KernelNow())
    leased_by = models.CharField("占用者", max_length=64, db_default="", blank=True)
    delivered_at = models.DateTimeField("送达时间", null=True, blank=True)
    failed_at = models.DateTimeField("最近一次失败时间", null=True, blank=True)
    response_status = models.PositiveSmallIntegerField("最近一次应答码", null=True, blank=True)
    last_error = models.CharField("最近一次失败原因", max_length=300, db_default="", blank=True)

    class Meta:
        verbose_name = verbose_name_plural = "推送日志"
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(state__in=["pending", "delivered", "dead"]),
                name="notices_webhookdelivery_known_state",
            ),
            models.CheckConstraint(
                condition=Q(state="delivered", delivered_at__isnull=False)
                | (~Q(state="delivered") & Q(delivered_at__isnull=True)),
                name="notices_webhookdelivery_delivered_when_said",
            ),
        ]
        indexes = [
            models.Index(
                fields=["endpoint", "subject_kind", "subject_id", "id"],
                condition=Q(state="pending"),
                name="notices_webhooks_in_order",
            ),
            models.Index(
                fields=["available_at", "id"], condition=Q(state="pending"), name="notices_webhooks_pending"
            ),
            models.Index(F("id").desc(), condition=Q(state="dead"), name="notices_webhooks_dead"),
        ]

    def __str__(self) -> str:
        return f"推送 {self.pk}"
