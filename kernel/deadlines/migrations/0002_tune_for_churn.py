"""Storage of the running clocks: a vacuum that keeps pace with the sweep; guards against change.

Events are append-only. A limit in force is never changed or deleted: a new version is added.
"""

from django.db import migrations

TUNE = """
ALTER TABLE deadlines_deadline SET (
    fillfactor = 80,
    autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 20000,
    autovacuum_analyze_scale_factor = 0, autovacuum_analyze_threshold = 50000,
    autovacuum_vacuum_cost_delay = 0);
CREATE TRIGGER deadlines_event_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON deadlines_event
    FOR EACH STATEMENT EXECUTE FUNCTION journal_refuse_change();
CREATE TRIGGER deadlines_limitpolicy_kept_in_force BEFORE UPDATE OR DELETE ON deadlines_limitpolicy
    FOR EACH ROW WHEN (OLD.in_force_from <= kernel_now()) EXECUTE FUNCTION journal_refuse_change();
"""
UNTUNE = """
DROP TRIGGER deadlines_limitpolicy_kept_in_force ON deadlines_limitpolicy;
DROP TRIGGER deadlines_event_append_only ON deadlines_event;
ALTER TABLE deadlines_deadline RESET (
    fillfactor, autovacuum_vacuum_scale_factor, autovacuum_vacuum_threshold,
    autovacuum_analyze_scale_factor, autovacuum_analyze_threshold, autovacuum_vacuum_cost_delay);
"""


class Migration(migrations.Migration):
    dependencies = [
        ("deadlines", "0001_clocks_and_policies"),
        ("journal", "0001_entries_and_seals"),
        ("clock", "0001_kernel_now"),
    ]
    operations = [migrations.RunSQL(TUNE, UNTUNE)]
