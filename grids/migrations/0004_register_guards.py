"""Guards of the register's rows, and its time limits."""

from typing import Any, ClassVar

from django.db import migrations


class Migration(migrations.Migration):
    dependencies: ClassVar[list[Any]] = [("grids", "0003_register")]
    operations: ClassVar[list[Any]] = []
