"""Trials that are asked for, who wrote at a scheme, nominations that a phone may repeat."""

from __future__ import annotations

from typing import Any, ClassVar

import django.contrib.postgres.fields
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies: ClassVar[list[Any]] = [
        ("credit", "0003_grading_runs"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations: ClassVar[list[Any]] = [
        migrations.AddField(
            model_name="creditscheme",
            name="authors",
            field=django.contrib.postgres.fields.ArrayField(
                base_field=models.BigIntegerField(),
                blank=True,
                db_default=[],
                default=list,
                size=None,
                verbose_name="起草和修改人",
            ),
        ),
        migrations.AddField(
            model_name="creditscheme",
            name="revision",
            field=models.PositiveIntegerField(db_default=1, default=1, verbose_name="修订"),
        ),
        migrations.AddField(
            model_name="creditscheme",
            name="trial_asked_at",
            field=models.DateTimeField(null=True, verbose_name="申请试算时间"),
        ),
        migrations.AddField(
            model_name="creditscheme",
            name="trial_error",
            field=models.CharField(
                blank=True, db_default="", default="", max_length=200, verbose_name="试算未完成原因"
            ),
        ),
        migrations.AddField(
            model_name="redpartner",
            name="client_uid",
            field=models.UUIDField(null=True, verbose_name="客户端编号"),
        ),
        migrations.AddConstraint(
            model_name="creditscheme",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("decided_by__isnull", True),
                    ("drafted_by__isnull", True),
                    models.Q(("decided_by", models.F("drafted_by")), _negated=True),
                    _connector="OR",
                ),
                name="credit_scheme_not_own",
                violation_error_message="不能批准施行自己起草的方案。",
            ),
        ),
        migrations.AddConstraint(
            model_name="redpartner",
            constraint=models.UniqueConstraint(
                condition=models.Q(("client_uid__isnull", False)),
                fields=("nominated_by", "client_uid"),
                name="credit_redpartner_one_client_uid",
            ),
        ),
        migrations.AlterField(
            model_name="creditassessment",
            name="trigger",
            field=models.CharField(
                choices=[
                    ("FACT", "新事实"),
                    ("NIGHTLY", "每日重算"),
                    ("REVIEW", "定期评定"),
                    ("SCHEME", "方案变更"),
                    ("APPEAL", "申诉成立"),
                ],
                max_length=10,
                verbose_name="起因",
            ),
        ),
    ]
