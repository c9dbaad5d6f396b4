"""DingTalk, Feishu, SMS, digests and quiet hours."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db import migrations


class Migration(migrations.Migration):
    dependencies: ClassVar[list[tuple[str, str]]] = [("notices", "0001_initial")]

    operations: ClassVar[list[Any]] = []
