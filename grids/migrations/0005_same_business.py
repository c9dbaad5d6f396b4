"""Which closed entry of the register stands for which other, and what a verdict 同一家 took over."""

from __future__ import annotations

from typing import Any, ClassVar

import django.db.models.deletion
from django.db import migrations, models

GUARD = """
CREATE TRIGGER grids_samebusiness_never_deleted BEFORE DELETE OR TRUNCATE ON grids_samebusiness
    FOR EACH STATEMENT EXECUTE FUNCTION journal_refuse_change();
"""
UNGUARD = "DROP TRIGGER grids_samebusiness_never_deleted ON grids_samebusiness;"


class Migration(migrations.Migration):
    dependencies: ClassVar[list[Any]] = [("grids", "0004_register_guards")]

    operations: ClassVar[list[Any]] = [
        migrations.CreateModel(
            name="SameBusiness",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("since_at", models.DateTimeField(verbose_name="自")),
                ("until_at", models.DateTimeField(null=True, verbose_name="至")),
                (
                    "entity",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="grids.businessentity",
                        verbose_name="并入主体",
                    ),
                ),
                (
                    "survivor",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="grids.businessentity",
                        verbose_name="保留主体",
                    ),
                ),
                (
                    "pair",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="grids.duplicatepair",
                        verbose_name="核对",
                    ),
                ),
            ],
            options={"verbose_name": "同一主体", "verbose_name_plural": "同一主体", "ordering": ["-id"]},
        ),
        migrations.AddField(
            model_name="duplicatepair",
            name="taken",
            field=models.JSONField(
                blank=True, db_default={}, default=dict, editable=False, verbose_name="并入内容"
            ),
        ),
        migrations.AddConstraint(
            model_name="duplicatepair",
            constraint=models.UniqueConstraint(
                condition=models.Q(("state", "SAME")),
                fields=("second",),
                name="grids_duplicatepair_one_survivor",
            ),
        ),
        migrations.AddIndex(
            model_name="samebusiness",
            index=models.Index(
                condition=models.Q(("until_at__isnull", True)),
                fields=["survivor"],
                name="grids_same_by_survivor",
            ),
        ),
        migrations.AddConstraint(
            model_name="samebusiness",
            constraint=models.UniqueConstraint(
                condition=models.Q(("until_at__isnull", True)),
                fields=("entity",),
                name="grids_samebusiness_one_now",
            ),
        ),
        migrations.AddConstraint(
            model_name="samebusiness",
            constraint=models.CheckConstraint(
                condition=models.Q(("survivor__lt", models.F("entity"))),
                name="grids_samebusiness_earlier_stays",
            ),
        ),
        migrations.RunSQL(GUARD, UNGUARD),
    ]
