"""Other platforms: signed intake, tip-offs, complaints kept for stations."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db import migrations


class Migration(migrations.Migration):
    dependencies: ClassVar[list[tuple[str, str]]] = [("leads", "0008_answers_and_surveys")]

    operations: ClassVar[list[Any]] = []
