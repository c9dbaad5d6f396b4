"""Indexes that nothing asks for: every row written to the register pays for each of its own.

Django gives each unique text a second index for LIKE; nobody looks for a part of a code on a door. The
licences of a business are found by the first column of `grids_licence_one_per_number`.
"""

from __future__ import annotations

from typing import Any, ClassVar

import django.db.models.deletion
from django.db import migrations, models

SPARE = "grids_businessentity_code_6a8ec8c5_like"
DROP = f"DROP INDEX IF EXISTS {SPARE}"
MAKE = f"CREATE INDEX {SPARE} ON grids_businessentity (code varchar_pattern_ops)"


class Migration(migrations.Migration):
    dependencies: ClassVar[list[Any]] = [("grids", "0005_same_business")]

    operations: ClassVar[list[Any]] = [
        migrations.RunSQL(DROP, MAKE),
        migrations.AlterField(
            model_name="licence",
            name="entity",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="licences",
                to="grids.businessentity",
                verbose_name="经营主体",
            ),
        ),
    ]
