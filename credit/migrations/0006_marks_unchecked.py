"""Marks of what is to be graded name their business without a check: none is ever deleted (a trigger)."""

from __future__ import annotations

from typing import Any, ClassVar

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies: ClassVar[list[Any]] = [
        ("credit", "0005_nominations_taken_back"),
        ("grids", "0004_register_guards"),
    ]

    operations: ClassVar[list[Any]] = [
        migrations.AlterField(
            model_name="dirtyentity",
            name="entity",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="+",
                to="grids.businessentity",
                verbose_name="经营主体",
            ),
        ),
    ]
