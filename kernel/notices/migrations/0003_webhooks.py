"""Outgoing webhooks with a log that can be replayed. Taken back, both are lost."""

from __future__ import annotations

from typing import Any, ClassVar

import django.contrib.postgres.fields
import django.db.models.deletion
from django.db import migrations, models

import kernel.clock


class Migration(migrations.Migration):
    dependencies: ClassVar[list[tuple[str, str]]] = [("notices", "0002_more_channels")]

    operations: ClassVar[list[Any]] = [
        migrations.CreateModel(
            name="WebhookEndpoint",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("name", models.CharField(max_length=60, verbose_name="名称")),
                ("url", models.CharField(max_length=300, verbose_name="接收地址")),
                ("format", models.CharField(db_default="suoshe", max_length=12, verbose_name="报文格式")),
                (
                    "source",
                    models.CharField(
                        blank=True, db_default="", default="", max_length=12, verbose_name="来源平台代码"
                    ),
                ),
                (
                    "events",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=40),
                        blank=True,
                        db_default=[],
                        default=list,
                        size=None,
                        verbose_name="推送环节",
                    ),
                ),
                (
                    "secret_sealed",
                    models.CharField(editable=False, max_length=400, verbose_name="签名密钥（密文）"),
                ),
                ("is_active", models.BooleanField(db_default=True, default=True, verbose_name="启用")),
            ],
            options={
                "verbose_name": "推送地址",
                "verbose_name_plural": "推送地址",
                "ordering": ["name", "id"],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("source", ""), _negated=True),
                        fields=("source",),
                        name="notices_webhookendpoint_one_a_platform",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("secret_sealed", ""), _negated=True),
                        name="notices_webhookendpoint_signs",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="WebhookDelivery",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("event", models.CharField(max_length=40, verbose_name="环节")),
                ("subject_kind", models.CharField(max_length=20, verbose_name="关联对象类型")),
                ("subject_id", models.BigIntegerField(verbose_name="关联对象编号")),
                ("payload", models.JSONField(verbose_name="内容")),
                ("restricted", models.BooleanField(db_default=False, verbose_name="限制知悉")),
                ("created_at", models.DateTimeField(verbose_name="生成时间")),
                (
                    "state",
                    models.CharField(
                        choices=[("pending", "待推送"), ("delivered", "已送达"), ("dead", "推送失败")],
                        db_default="pending",
                        max_length=10,
                        verbose_name="状态",
                    ),
                ),
                ("attempts", models.PositiveSmallIntegerField(db_default=0, verbose_name="推送次数")),
                (
                    "available_at",
                    models.DateTimeField(db_default=kernel.clock.KernelNow(), verbose_name="最早推送时间"),
                ),
                (
                    "leased_by",
                    models.CharField(blank=True, db_default="", max_length=64, verbose_name="占用者"),
                ),
                ("delivered_at", models.DateTimeField(blank=True, null=True, verbose_name="送达时间")),
                ("failed_at", models.DateTimeField(blank=True, null=True, verbose_name="最近一次失败时间")),
                (
                    "response_status",
                    models.PositiveSmallIntegerField(blank=True, null=True, verbose_name="最近一次应答码"),
                ),
                (
                    "last_error",
                    models.CharField(
                        blank=True, db_default="", max_length=300, verbose_name="最近一次失败原因"
                    ),
                ),
                (
                    "endpoint",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="deliveries",
                        to="notices.webhookendpoint",
                        verbose_name="推送地址",
                    ),
                ),
            ],
            options={
                "verbose_name": "推送日志",
                "verbose_name_plural": "推送日志",
                "ordering": ["-id"],
                "indexes": [
                    models.Index(
                        condition=models.Q(("state", "pending")),
                        fields=["endpoint", "subject_kind", "subject_id", "id"],
                        name="notices_webhooks_in_order",
                    ),
                    models.Index(
                        condition=models.Q(("state", "pending")),
                        fields=["available_at", "id"],
                        name="notices_webhooks_pending",
                    ),
                    models.Index(
                        models.OrderBy(models.F("id"), descending=True),
                        condition=models.Q(("state", "dead")),
                        name="notices_webhooks_dead",
                    ),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("state__in", ["pending", "delivered", "dead"])),
                        name="notices_webhookdelivery_known_state",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("delivered_at__isnull", False), ("state", "delivered")),
                            models.Q(
                                models.Q(("state", "delivered"), _negated=True),
                                ("delivered_at__isnull", True),
                            ),
                            _connector="OR",
                        ),
                        name="notices_webhookdelivery_delivered_when_said",
                    ),
                ],
            },
        ),
    ]
