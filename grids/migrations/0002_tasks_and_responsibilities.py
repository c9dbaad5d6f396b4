"""Task lists and responsibilities of a grid's work group."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db import migrations


class Migration(migrations.Migration):
    dependencies: ClassVar[list[tuple[str, str]]] = [("grids", "0001_initial")]

    operations: ClassVar[list[Any]] = []
