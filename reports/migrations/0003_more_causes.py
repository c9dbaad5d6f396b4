"""More causes of a supervision order: the labels of a kept report's order follow (no change of the table)."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies: ClassVar[list[tuple[str, str]]] = [
        ("reports", "0002_kept_reports_immutable"),
        ("leads", "0005_after_closing"),
    ]

    operations: ClassVar[list[Any]] = [
        migrations.AlterField(
            model_name="slaorder",
            name="cause",
            field=models.CharField(
                choices=[
                    ("respond", "接单超时"),
                    ("feedback", "反馈超时"),
                    ("same_day", "食品隐患当日未处置"),
                    ("owner_respond", "改派后接单超时"),
                    ("final", "完整反馈超时"),
                    ("recheck", "复查超时"),
                ],
                max_length=14,
                verbose_name="原因",
            ),
        ),
    ]
