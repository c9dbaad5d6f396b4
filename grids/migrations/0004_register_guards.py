"""Guards of the register's rows, and the time limit of a key change.

Contacts are written once. Businesses, their licences, key changes and pairs of likenesses are never removed:
what is over has a state or an end.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

from django.db import migrations

IN_FORCE_FROM = datetime(2025, 1, 1, tzinfo=ZoneInfo("Asia/Shanghai"))


def seed(apps: Any, schema_editor: Any) -> None:
    policy = apps.get_model("deadlines", "LimitPolicy")
    row = policy(
        kind="entity_key_change",
        version=1,
        name="关键信息变更确认时限",
        amount=1440,
        warn_percent=80,
        basis="本局规定：专员24小时内确认，逾期转所长",
        in_force_from=IN_FORCE_FROM,
    )
    policy.objects.bulk_create([row], ignore_conflicts=True)


def keep(apps: Any, schema_editor: Any) -> None:
    """The limit stays: a version that was in force is never removed (`deadlines` guards it)."""


NEVER_DELETED = ("businessentity", "licence", "keychange", "duplicatepair")
GUARD = """
CREATE TRIGGER grids_entitycontact_immutable BEFORE UPDATE OR DELETE OR TRUNCATE ON grids_entitycontact
    FOR EACH STATEMENT EXECUTE FUNCTION journal_refuse_change();
""" + "".join(
    f"""
CREATE TRIGGER grids_{table}_never_deleted BEFORE DELETE OR TRUNCATE ON grids_{table}
    FOR EACH STATEMENT EXECUTE FUNCTION journal_refuse_change();
"""
    for table in NEVER_DELETED
)
UNGUARD = (
    "".join(f"DROP TRIGGER grids_{table}_never_deleted ON grids_{table};\n" for table in NEVER_DELETED)
    + "DROP TRIGGER grids_entitycontact_immutable ON grids_entitycontact;\n"
)


class Migration(migrations.Migration):
    dependencies: ClassVar[list[Any]] = [
        ("grids", "0003_register"),
        ("deadlines", "0002_tune_for_churn"),
        ("journal", "0001_entries_and_seals"),
    ]
    operations: ClassVar[list[Any]] = [
        migrations.RunPython(seed, keep),
        migrations.RunSQL(GUARD, UNGUARD),
    ]
