"""The outbox and the chat groups' robots."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import kernel.clock


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("clock", "0001_kernel_now"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Robot",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("name", models.CharField(max_length=60, verbose_name="名称")),
                (
                    "kind",
                    models.CharField(
                        choices=[("wecom", "企业微信群机器人")],
                        db_default="wecom",
                        max_length=12,
                        verbose_name="类型",
                    ),
                ),
                ("url", models.CharField(max_length=500, verbose_name="Webhook 地址")),
                ("is_active", models.BooleanField(db_default=True, verbose_name="启用")),
                (
                    "rate_per_minute",
                    models.PositiveSmallIntegerField(db_default=20, verbose_name="每分钟上限（条）"),
                ),
                ("tokens", models.FloatField(db_default=20.0, editable=False, verbose_name="当前额度")),
                (
                    "tokens_at",
                    models.DateTimeField(
                        db_default=kernel.clock.KernelNow(), editable=False, verbose_name="额度计算时间"
                    ),
                ),
            ],
            options={
                "verbose_name": "工作群机器人",
                "verbose_name_plural": "工作群机器人",
                "ordering": ["name", "id"],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("rate_per_minute__gte", 1)),
                        name="notices_robot_rate_at_least_one",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("tokens__gte", 0)), name="notices_robot_tokens_not_negative"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="OutboxMessage",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("dedupe_key", models.CharField(max_length=160, unique=True, verbose_name="去重键")),
                ("template", models.CharField(max_length=60, verbose_name="模板")),
                ("params", models.JSONField(verbose_name="内容参数")),
                ("subject_kind", models.CharField(max_length=20, verbose_name="关联对象类型")),
                ("subject_id", models.BigIntegerField(verbose_name="关联对象编号")),
                ("created_at", models.DateTimeField(verbose_name="生成时间")),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("pending", "待发送"),
                            ("delivered", "已送达"),
                            ("dropped", "已无需发送"),
                            ("dead", "发送失败"),
                        ],
                        db_default="pending",
                        max_length=12,
                        verbose_name="状态",
                    ),
                ),
                ("attempts", models.PositiveSmallIntegerField(db_default=0, verbose_name="发送次数")),
                (
                    "available_at",
                    models.DateTimeField(db_default=kernel.clock.KernelNow(), verbose_name="最早发送时间"),
                ),
                (
                    "leased_by",
                    models.CharField(blank=True, db_default="", max_length=64, verbose_name="占用者"),
                ),
                ("maybe_sent", models.BooleanField(db_default=False, verbose_name="可能已送达")),
                ("expires_at", models.DateTimeField(blank=True, null=True, verbose_name="失效时间")),
                ("delivered_at", models.DateTimeField(blank=True, null=True, verbose_name="送达时间")),
                ("read_at", models.DateTimeField(blank=True, null=True, verbose_name="阅读时间")),
                (
                    "last_error",
                    models.CharField(
                        blank=True, db_default="", max_length=300, verbose_name="最近一次失败原因"
                    ),
                ),
                (
                    "recipient",
                    models.ForeignKey(
                        blank=True,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="接收人",
                    ),
                ),
                (
                    "robot",
                    models.ForeignKey(
                        blank=True,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="notices.robot",
                        verbose_name="工作群机器人",
                    ),
                ),
            ],
            options={
                "verbose_name": "通知发件箱",
                "verbose_name_plural": "通知发件箱",
                "ordering": ["-id"],
                "indexes": [
                    models.Index(
                        condition=models.Q(("state", "pending")),
                        fields=["available_at", "id"],
                        name="notices_outbox_pending",
                    ),
                    models.Index(
                        models.F("recipient_id"),
                        models.OrderBy(models.F("id"), descending=True),
                        condition=models.Q(("recipient__isnull", False)),
                        name="notices_outbox_inbox",
                    ),
                    models.Index(
                        models.F("recipient_id"),
                        models.OrderBy(models.F("id"), descending=True),
                        condition=models.Q(("read_at__isnull", True), ("recipient__isnull", False)),
                        name="notices_outbox_unread",
                    ),
                    models.Index(
                        models.OrderBy(models.F("id"), descending=True),
                        condition=models.Q(("state", "dead")),
                        name="notices_outbox_dead",
                    ),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("recipient__isnull", False), ("robot__isnull", True)),
                            models.Q(("recipient__isnull", True), ("robot__isnull", False)),
                            _connector="OR",
                        ),
                        name="notices_outboxmessage_one_addressee",
                        violation_error_message="一条通知只能有一个接收方",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("state__in", ["pending", "delivered", "dropped", "dead"])),
                        name="notices_outboxmessage_known_state",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("recipient__isnull", True), ("state", "delivered"), _connector="OR"
                        ),
                        name="notices_outboxmessage_inbox_row_is_delivery",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("robot__isnull", True),
                            models.Q(("delivered_at__isnull", False), ("state", "delivered")),
                            models.Q(
                                models.Q(("state", "delivered"), _negated=True),
                                ("delivered_at__isnull", True),
                            ),
                            _connector="OR",
                        ),
                        name="notices_outboxmessage_delivered_at",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("read_at__isnull", True), ("recipient__isnull", False), _connector="OR"
                        ),
                        name="notices_outboxmessage_only_people_read",
                    ),
                ],
            },
        ),
    ]
