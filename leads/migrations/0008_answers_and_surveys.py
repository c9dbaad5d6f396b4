"""Answers to citizens, surveys, and revealing a reporter."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db import migrations


class Migration(migrations.Migration):
    dependencies: ClassVar[list[tuple[str, str]]] = [("leads", "0007_guidance_and_leniency")]

    operations: ClassVar[list[Any]] = []
