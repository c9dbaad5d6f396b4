"""Videos, voice notes, HEIC, and watermarked copies."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db import migrations


class Migration(migrations.Migration):
    dependencies: ClassVar[list[tuple[str, str]]] = [("evidence", "0001_initial")]

    operations: ClassVar[list[Any]] = []
