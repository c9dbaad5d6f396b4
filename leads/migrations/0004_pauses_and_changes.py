"""Side roads that somebody approves: suspend, extend, reject, reclassify."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db import migrations


class Migration(migrations.Migration):
    dependencies: ClassVar[list[tuple[str, str]]] = [("leads", "0003_side_roads")]

    operations: ClassVar[list[Any]] = []
