"""Other platforms, matters and their records, and the statutory limits of tip-offs.

Taken back, matters and kept complaints are lost; the limits stay: a version that was in force is kept.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

import django.contrib.postgres.fields
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

IN_FORCE_FROM = datetime(2025, 1, 1, tzinfo=ZoneInfo("Asia/Shanghai"))

# kind, name, working days, warn percent, basis
LIMITS = [
    ("tip_off", "举报核查时限", 15, 80, "市场监督管理投诉举报处理办法：15个工作日内核查并决定是否立案"),
    ("tip_off_more", "举报核查延长期限", 15, None, "市场监督管理投诉举报处理办法：可延长15个工作日，限一次"),
]

GUARD = """
CREATE TRIGGER leads_matter_never_deleted BEFORE DELETE OR TRUNCATE ON leads_matter
    FOR EACH STATEMENT EXECUTE FUNCTION journal_refuse_change();
CREATE TRIGGER leads_keptcomplaint_never_deleted BEFORE DELETE OR TRUNCATE ON leads_keptcomplaint
    FOR EACH STATEMENT EXECUTE FUNCTION journal_refuse_change();
"""
UNGUARD = """
DROP TRIGGER leads_keptcomplaint_never_deleted ON leads_keptcomplaint;
DROP TRIGGER leads_matter_never_deleted ON leads_matter;
"""


def seed(apps: Any, schema_editor: Any) -> None:
    policy = apps.get_model("deadlines", "LimitPolicy")
    policy.objects.bulk_create(
        [
            policy(
                kind=kind,
                version=1,
                name=name,
                amount=amount,
                unit="WORKING_DAYS",
                warn_percent=warn,
                basis=basis,
                in_force_from=IN_FORCE_FROM,
            )
            for kind, name, amount, warn, basis in LIMITS
        ],
        ignore_conflicts=True,
    )


class Migration(migrations.Migration):
    dependencies: ClassVar[list[Any]] = [
        ("leads", "0008_answers_and_surveys"),
        ("grids", "0001_initial"),
        ("deadlines", "0002_tune_for_churn"),
        ("journal", "0001_entries_and_seals"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations: ClassVar[list[Any]] = [
        migrations.CreateModel(
            name="Platform",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("code", models.SlugField(max_length=12, unique=True, verbose_name="代码")),
                ("name", models.CharField(max_length=60, verbose_name="名称")),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("12345", "12345政务服务便民热线"),
                            ("12315", "全国12315平台"),
                            ("city", "城市治理平台（桃都善治）"),
                        ],
                        max_length=8,
                        verbose_name="平台类型",
                    ),
                ),
                ("sealed_secret", models.TextField(verbose_name="密钥（密封）")),
                (
                    "sealed_secret_before",
                    models.TextField(blank=True, default="", verbose_name="原密钥（密封）"),
                ),
                ("is_active", models.BooleanField(default=True, verbose_name="启用")),
                ("hands_back", models.BooleanField(default=False, verbose_name="回传办理进度")),
                (
                    "callback_path",
                    models.CharField(blank=True, default="", max_length=200, verbose_name="回传地址"),
                ),
                (
                    "user",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="接入账号",
                    ),
                ),
            ],
            options={
                "verbose_name": "外部平台",
                "verbose_name_plural": "外部平台",
                "ordering": ["code"],
            },
        ),
        migrations.CreateModel(
            name="Matter",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "external_number",
                    models.CharField(blank=True, default="", max_length=60, verbose_name="平台编号"),
                ),
                ("client_uid", models.UUIDField(verbose_name="客户端编号")),
                ("content_digest", models.CharField(max_length=64, verbose_name="内容校验值")),
                (
                    "kinds",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(
                            choices=[("request", "诉求"), ("complaint", "投诉"), ("tip_off", "举报")],
                            max_length=10,
                        ),
                        size=None,
                        verbose_name="事项类别",
                    ),
                ),
                ("their_due_at", models.DateTimeField(null=True, verbose_name="平台时限")),
                ("received_at", models.DateTimeField(verbose_name="接收时间")),
                (
                    "lead",
                    models.OneToOneField(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="matter",
                        to="leads.lead",
                        verbose_name="诉求线索",
                    ),
                ),
                (
                    "taken_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="登记人",
                    ),
                ),
                (
                    "tip_off",
                    models.OneToOneField(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="tip_off_matter",
                        to="leads.lead",
                        verbose_name="举报线索",
                    ),
                ),
                (
                    "platform",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="matters",
                        to="leads.platform",
                        verbose_name="来源平台",
                    ),
                ),
            ],
            options={
                "verbose_name": "来件",
                "verbose_name_plural": "来件",
                "ordering": ["-id"],
            },
        ),
        migrations.CreateModel(
            name="UsedSignature",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("signature", models.CharField(max_length=64, verbose_name="签名")),
                ("at", models.DateTimeField(verbose_name="收到时间")),
                (
                    "platform",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="used",
                        to="leads.platform",
                        verbose_name="外部平台",
                    ),
                ),
            ],
            options={
                "verbose_name": "已用签名",
                "verbose_name_plural": "已用签名",
            },
        ),
        migrations.CreateModel(
            name="KeptComplaint",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "entity_name",
                    models.CharField(blank=True, default="", max_length=120, verbose_name="被投诉人"),
                ),
                ("description", models.TextField(max_length=2000, verbose_name="投诉内容")),
                (
                    "amount",
                    models.DecimalField(
                        decimal_places=2, max_digits=12, null=True, verbose_name="争议金额（元）"
                    ),
                ),
                ("sealed_consumer", models.BinaryField(null=True, verbose_name="消费者（密封）")),
                (
                    "state",
                    models.CharField(
                        choices=[("kept", "待转服务站")], default="kept", max_length=8, verbose_name="状态"
                    ),
                ),
                ("received_at", models.DateTimeField(verbose_name="接收时间")),
                (
                    "entity",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="grids.businessentity",
                        verbose_name="经营主体",
                    ),
                ),
                (
                    "grid",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="grids.grid",
                        verbose_name="网格",
                    ),
                ),
                (
                    "matter",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="complaint",
                        to="leads.matter",
                        verbose_name="来件",
                    ),
                ),
            ],
            options={
                "verbose_name": "待转投诉",
                "verbose_name_plural": "待转投诉",
                "ordering": ["-id"],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("amount__isnull", True), ("amount__gte", 0), _connector="OR"),
                        name="leads_keptcomplaint_amount",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("description", ""), _negated=True),
                        name="leads_keptcomplaint_says_what",
                    ),
                ],
            },
        ),
        migrations.AddConstraint(
            model_name="platform",
            constraint=models.CheckConstraint(
                condition=models.Q(("sealed_secret", ""), _negated=True), name="leads_platform_has_secret"
            ),
        ),
        migrations.AddConstraint(
            model_name="platform",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("hands_back", False), models.Q(("callback_path", ""), _negated=True), _connector="OR"
                ),
                name="leads_platform_hands_back_somewhere",
                violation_error_message="回传办理进度须填写回传地址。",
            ),
        ),
        migrations.AddIndex(
            model_name="matter",
            index=models.Index(fields=["received_at"], name="leads_matters_by_time"),
        ),
        migrations.AddConstraint(
            model_name="matter",
            constraint=models.UniqueConstraint(
                condition=models.Q(("platform__isnull", False)),
                fields=("platform", "external_number"),
                name="leads_matter_one_external_number",
            ),
        ),
        migrations.AddConstraint(
            model_name="matter",
            constraint=models.UniqueConstraint(
                fields=("taken_by", "client_uid"), name="leads_matter_one_client_uid"
            ),
        ),
        migrations.AddConstraint(
            model_name="matter",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("external_number", ""), ("platform__isnull", True)),
                    models.Q(("platform__isnull", False), models.Q(("external_number", ""), _negated=True)),
                    _connector="OR",
                ),
                name="leads_matter_numbered_by_its_platform",
            ),
        ),
        migrations.AddConstraint(
            model_name="matter",
            constraint=models.CheckConstraint(
                condition=models.Q(("kinds", []), _negated=True), name="leads_matter_has_a_kind"
            ),
        ),
        migrations.AddIndex(
            model_name="usedsignature",
            index=models.Index(fields=["at"], name="leads_used_signatures_by_time"),
        ),
        migrations.AddConstraint(
            model_name="usedsignature",
            constraint=models.UniqueConstraint(
                fields=("platform", "signature"), name="leads_usedsignature_once"
            ),
        ),
        migrations.RunSQL(
            "UPDATE leads_category SET departments = array_replace(departments, 'ecology', 'environment')",
            migrations.RunSQL.noop,
        ),
        migrations.RunSQL(GUARD, UNGUARD),
        migrations.RunPython(seed, migrations.RunPython.noop),
    ]
