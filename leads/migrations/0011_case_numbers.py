"""案件编号: a penalty case that a result filed carries its number in the enforcement system."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db import migrations, models
from django.db.models import Q


class Migration(migrations.Migration):
    dependencies: ClassVar[list[Any]] = [("leads", "0010_complaints_taken")]
    operations: ClassVar[list[Any]] = [
        migrations.AddField(
            "disposal",
            "case_number",
            models.CharField(blank=True, db_default="", default="", max_length=60, verbose_name="案件编号"),
        ),
        migrations.AddConstraint(
            "disposal",
            models.CheckConstraint(
                condition=Q(kind="penalty") | Q(case_number=""),
                name="leads_disposal_case_of_a_penalty",
                violation_error_message="案件编号仅立案查处填写。",
            ),
        ),
    ]
