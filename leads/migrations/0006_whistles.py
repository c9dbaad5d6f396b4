"""Whistles: a community calls departments (社区吹哨、部门报到)."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db import migrations


class Migration(migrations.Migration):
    dependencies: ClassVar[list[tuple[str, str]]] = [("leads", "0005_after_closing")]

    operations: ClassVar[list[Any]] = []
