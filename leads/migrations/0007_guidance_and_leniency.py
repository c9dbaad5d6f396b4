"""Guidance and leniency (柔性指导、容错纠错)."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db import migrations


class Migration(migrations.Migration):
    dependencies: ClassVar[list[tuple[str, str]]] = [("leads", "0006_whistles")]

    operations: ClassVar[list[Any]] = []
