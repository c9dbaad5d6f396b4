"""Outgoing webhooks with a log that can be replayed."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db import migrations


class Migration(migrations.Migration):
    dependencies: ClassVar[list[tuple[str, str]]] = [("notices", "0002_more_channels")]

    operations: ClassVar[list[Any]] = []
