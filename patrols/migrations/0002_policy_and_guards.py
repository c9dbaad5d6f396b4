"""Guards of what is history, and the first policy of the plan."""

from typing import Any, ClassVar

from django.db import migrations


class Migration(migrations.Migration):
    dependencies: ClassVar[list[Any]] = [("patrols", "0001_initial")]
    operations: ClassVar[list[Any]] = []
