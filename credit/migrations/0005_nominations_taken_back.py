"""A nomination of a 红色合伙人 may be taken back: one state more."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies: ClassVar[list[Any]] = [("credit", "0004_asking_and_trials")]

    operations: ClassVar[list[Any]] = [
        migrations.AlterField(
            model_name="redpartner",
            name="state",
            field=models.CharField(
                choices=[
                    ("NOMINATED", "待批准"),
                    ("ACTIVE", "有效"),
                    ("SUSPENDED", "暂停"),
                    ("REVOKED", "已取消"),
                    ("REFUSED", "未批准"),
                    ("WITHDRAWN", "已撤回"),
                ],
                default="NOMINATED",
                max_length=10,
                verbose_name="状态",
            ),
        ),
    ]
