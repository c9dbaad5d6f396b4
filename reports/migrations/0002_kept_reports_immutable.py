"""What was reported stays as it was reported: triggers refuse every change of kept rows."""

from django.db import migrations

KEPT = ("reportrun", "slareport", "slaline", "slaoverdue", "slaorder")
GUARD = "\n".join(
    f"CREATE TRIGGER reports_{name}_immutable BEFORE UPDATE OR DELETE OR TRUNCATE ON reports_{name}"
    " FOR EACH STATEMENT EXECUTE FUNCTION journal_refuse_change();"
    for name in KEPT
)
UNGUARD = "\n".join(f"DROP TRIGGER reports_{name}_immutable ON reports_{name};" for name in KEPT)


class Migration(migrations.Migration):
    dependencies = [("reports", "0001_initial"), ("journal", "0001_entries_and_seals")]
    operations = [migrations.RunSQL(GUARD, UNGUARD)]
