"""Gradings of the whole register, and how the tables that they rewrite are stored.

- `grids_businessentity`: half of each page stays free, so that a change of the grade rewrites the row in its page
  and none of its indexes, the one over the grams of names above all (a first grading changes every row).
- `credit_creditstanding`: the same, for the nightly changes of points.
- `credit_dirtyentity`: a queue: emptied every second, so vacuumed by number and not by share.
- `credit_creditfact`: only ever added to; grading reads its index alone while the visibility map is fresh.
"""

from typing import Any, ClassVar

from django.db import migrations, models

STORED = """
ALTER TABLE grids_businessentity SET (fillfactor = 50);
ALTER TABLE credit_creditstanding SET (fillfactor = 70);
ALTER TABLE credit_dirtyentity SET (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);
ALTER TABLE credit_creditfact SET (autovacuum_vacuum_insert_scale_factor = 0.02);
"""
AS_BEFORE = """
ALTER TABLE grids_businessentity RESET (fillfactor);
ALTER TABLE credit_creditstanding RESET (fillfactor);
ALTER TABLE credit_dirtyentity RESET (autovacuum_vacuum_scale_factor, autovacuum_vacuum_threshold);
ALTER TABLE credit_creditfact RESET (autovacuum_vacuum_insert_scale_factor);
"""


class Migration(migrations.Migration):
    dependencies: ClassVar[list[Any]] = [("credit", "0002_ledger_and_scheme")]

    operations: ClassVar[list[Any]] = [
        migrations.CreateModel(
            name="GradingRun",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[("NIGHTLY", "每日重算"), ("REVIEW", "定期评定")],
                        max_length=10,
                        verbose_name="类型",
                    ),
                ),
                ("date", models.DateField(verbose_name="日期")),
                ("started_at", models.DateTimeField(verbose_name="开始时间")),
                ("finished_at", models.DateTimeField(null=True, verbose_name="完成时间")),
                ("reached", models.BigIntegerField(default=0, verbose_name="已处理至")),
                ("entities", models.PositiveIntegerField(default=0, verbose_name="已评定主体数")),
                ("moved", models.PositiveIntegerField(default=0, verbose_name="等级变动数")),
                ("after_assessment", models.BigIntegerField(default=0, verbose_name="起始评定记录")),
            ],
            options={
                "verbose_name": "全量评定",
                "verbose_name_plural": "全量评定",
                "ordering": ["-started_at"],
                "constraints": [
                    models.UniqueConstraint(fields=("kind", "date"), name="credit_gradingrun_once"),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("finished_at__isnull", True),
                            ("finished_at__gte", models.F("started_at")),
                            _connector="OR",
                        ),
                        name="credit_gradingrun_ends_after_start",
                    ),
                ],
            },
        ),
        migrations.RunSQL(STORED, AS_BEFORE),
    ]
