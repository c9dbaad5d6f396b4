"""When a task was called off: a phone that was offline may have done it before."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies: ClassVar[list[Any]] = [("patrols", "0002_policy_and_guards")]
    operations: ClassVar[list[Any]] = [
        migrations.AddField(
            model_name="patroltask",
            name="called_off_at",
            field=models.DateTimeField("取消时间", null=True),
        ),
    ]
