"""Interim feedback, merging, handing over, rechecks and look-backs."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db import migrations


class Migration(migrations.Migration):
    dependencies: ClassVar[list[tuple[str, str]]] = [("leads", "0004_pauses_and_changes")]

    operations: ClassVar[list[Any]] = []
