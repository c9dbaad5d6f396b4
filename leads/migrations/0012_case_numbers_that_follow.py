"""案件编号 that came after the result: beside the disposal, which is signed; entered once, never changed."""

from __future__ import annotations

from typing import Any, ClassVar

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

GUARD = """
CREATE TRIGGER leads_casenumber_immutable BEFORE UPDATE OR DELETE OR TRUNCATE ON leads_casenumber
    FOR EACH STATEMENT EXECUTE FUNCTION journal_refuse_change();
"""
UNGUARD = "DROP TRIGGER leads_casenumber_immutable ON leads_casenumber;"


class Migration(migrations.Migration):
    dependencies: ClassVar[list[Any]] = [
        ("leads", "0011_case_numbers"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]
    operations: ClassVar[list[Any]] = [
        migrations.CreateModel(
            name="CaseNumber",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("number", models.CharField(max_length=60, verbose_name="案件编号")),
                ("at", models.DateTimeField(verbose_name="登记时间")),
                (
                    "by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="登记人",
                    ),
                ),
                (
                    "disposal",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="later_case",
                        to="leads.disposal",
                        verbose_name="处置结果",
                    ),
                ),
            ],
            options={
                "verbose_name": "补登的案件编号",
                "verbose_name_plural": "补登的案件编号",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("number", ""), _negated=True), name="leads_casenumber_says_which"
                    )
                ],
            },
        ),
        migrations.RunSQL(GUARD, UNGUARD),
    ]
