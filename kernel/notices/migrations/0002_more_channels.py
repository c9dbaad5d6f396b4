"""DingTalk and Feishu robots, SMS to accounts and to telephones, quiet hours, dead letters.

Taken back, the messages to telephones are lost: the older table has no place for them.
"""

from __future__ import annotations

from typing import Any, ClassVar

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import kernel.clock


class Migration(migrations.Migration):
    dependencies: ClassVar[list[Any]] = [
        ("notices", "0001_initial"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations: ClassVar[list[Any]] = [
        migrations.CreateModel(
            name="SmsGateway",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
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
                ("quiet_from", models.TimeField(blank=True, null=True, verbose_name="免打扰开始")),
                ("quiet_until", models.TimeField(blank=True, null=True, verbose_name="免打扰结束")),
            ],
            options={
                "verbose_name": "短信网关",
                "verbose_name_plural": "短信网关",
                "abstract": False,
            },
        ),
        migrations.CreateModel(
            name="DeadLetter",
            fields=[],
            options={
                "verbose_name": "发送失败的通知",
                "verbose_name_plural": "发送失败的通知",
                "proxy": True,
                "indexes": [],
                "constraints": [],
            },
            bases=("notices.outboxmessage",),
        ),
        migrations.RemoveConstraint(
            model_name="outboxmessage",
            name="notices_outboxmessage_one_addressee",
        ),
        migrations.RemoveConstraint(
            model_name="outboxmessage",
            name="notices_outboxmessage_delivered_at",
        ),
        migrations.AddField(
            model_name="outboxmessage",
            name="failed_at",
            field=models.DateTimeField(blank=True, null=True, verbose_name="最近一次失败时间"),
        ),
        migrations.AddField(
            model_name="outboxmessage",
            name="phone_masked",
            field=models.CharField(blank=True, db_default="", max_length=20, verbose_name="短信号码"),
        ),
        migrations.AddField(
            model_name="outboxmessage",
            name="sealed",
            field=models.TextField(
                blank=True, db_default="", editable=False, verbose_name="短信号码和链接（密文）"
            ),
        ),
        migrations.AddField(
            model_name="outboxmessage",
            name="sms_user",
            field=models.ForeignKey(
                blank=True,
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
                verbose_name="短信接收人",
            ),
        ),
        migrations.AddField(
            model_name="outboxmessage",
            name="urgency",
            field=models.CharField(
                blank=True,
                choices=[("urgent", "紧急"), ("clock", "计时中"), ("news", "一般消息")],
                db_default="",
                max_length=8,
                verbose_name="提醒级别",
            ),
        ),
        migrations.AddField(
            model_name="robot",
            name="quiet_from",
            field=models.TimeField(blank=True, null=True, verbose_name="免打扰开始"),
        ),
        migrations.AddField(
            model_name="robot",
            name="quiet_until",
            field=models.TimeField(blank=True, null=True, verbose_name="免打扰结束"),
        ),
        migrations.AddField(
            model_name="robot",
            name="secret_sealed",
            field=models.CharField(
                blank=True, db_default="", editable=False, max_length=400, verbose_name="加签密钥（密文）"
            ),
        ),
        migrations.AlterField(
            model_name="robot",
            name="kind",
            field=models.CharField(
                choices=[
                    ("wecom", "企业微信群机器人"),
                    ("dingtalk", "钉钉群机器人"),
                    ("feishu", "飞书群机器人"),
                ],
                db_default="wecom",
                max_length=12,
                verbose_name="类型",
            ),
        ),
        migrations.AddIndex(
            model_name="outboxmessage",
            index=models.Index(
                condition=models.Q(
                    ("recipient__isnull", True), ("robot__isnull", True), ("state", "dropped")
                ),
                fields=["created_at"],
                name="notices_outbox_sms_dropped",
            ),
        ),
        migrations.AddConstraint(
            model_name="outboxmessage",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        ("phone_masked", ""),
                        ("recipient__isnull", False),
                        ("robot__isnull", True),
                        ("sms_user__isnull", True),
                    ),
                    models.Q(
                        ("phone_masked", ""),
                        ("recipient__isnull", True),
                        ("robot__isnull", False),
                        ("sms_user__isnull", True),
                    ),
                    models.Q(
                        ("phone_masked", ""),
                        ("recipient__isnull", True),
                        ("robot__isnull", True),
                        ("sms_user__isnull", False),
                    ),
                    models.Q(
                        ("recipient__isnull", True),
                        ("robot__isnull", True),
                        ("sms_user__isnull", True),
                        models.Q(("phone_masked", ""), _negated=True),
                    ),
                    _connector="OR",
                ),
                name="notices_outboxmessage_one_addressee",
                violation_error_message="一条通知只能有一个接收方",
            ),
        ),
        migrations.AddConstraint(
            model_name="outboxmessage",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("sealed", ""), models.Q(("phone_masked", ""), _negated=True), _connector="OR"
                ),
                name="notices_outboxmessage_seal_of_a_phone",
            ),
        ),
        migrations.AddConstraint(
            model_name="outboxmessage",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("urgency", ""), ("urgency__in", ["urgent", "clock", "news"]), _connector="OR"
                ),
                name="notices_outboxmessage_known_urgency",
            ),
        ),
        migrations.AddConstraint(
            model_name="outboxmessage",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("recipient__isnull", False),
                    models.Q(("delivered_at__isnull", False), ("state", "delivered")),
                    models.Q(models.Q(("state", "delivered"), _negated=True), ("delivered_at__isnull", True)),
                    _connector="OR",
                ),
                name="notices_outboxmessage_delivered_at",
            ),
        ),
        migrations.AddConstraint(
            model_name="robot",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("quiet_from__isnull", True), ("quiet_until__isnull", True)),
                    models.Q(("quiet_from__isnull", False), ("quiet_until__isnull", False)),
                    _connector="OR",
                ),
                name="notices_robot_quiet_hours_whole",
                violation_error_message="免打扰的开始和结束时间应同时填写或同时留空。",
            ),
        ),
        migrations.AddConstraint(
            model_name="smsgateway",
            constraint=models.CheckConstraint(
                condition=models.Q(("rate_per_minute__gte", 1)), name="notices_smsgateway_rate_at_least_one"
            ),
        ),
        migrations.AddConstraint(
            model_name="smsgateway",
            constraint=models.CheckConstraint(
                condition=models.Q(("tokens__gte", 0)), name="notices_smsgateway_tokens_not_negative"
            ),
        ),
        migrations.AddConstraint(
            model_name="smsgateway",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("quiet_from__isnull", True), ("quiet_until__isnull", True)),
                    models.Q(("quiet_from__isnull", False), ("quiet_until__isnull", False)),
                    _connector="OR",
                ),
                name="notices_smsgateway_quiet_hours_whole",
                violation_error_message="免打扰的开始和结束时间应同时填写或同时留空。",
            ),
        ),
        migrations.AddConstraint(
            model_name="smsgateway",
            constraint=models.CheckConstraint(
                condition=models.Q(("id", 1)), name="notices_smsgateway_only_one"
            ),
        ),
        migrations.RunSQL(
            migrations.RunSQL.noop,
            reverse_sql="DELETE FROM notices_outboxmessage WHERE recipient_id IS NULL AND robot_id IS NULL",
        ),
    ]
