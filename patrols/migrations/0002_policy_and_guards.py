"""Guards of what is history, the first policy of the plan, and the time in which the bureau answers at the cap."""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

from django.db import migrations

IN_FORCE_FROM = datetime(2025, 1, 1, tzinfo=ZoneInfo("Asia/Shanghai"))


def seed(apps: Any, schema_editor: Any) -> None:
    apps.get_model("deadlines", "LimitPolicy").objects.bulk_create(
        [
            apps.get_model("deadlines", "LimitPolicy")(
                kind="patrol_over_cap",
                version=1,
                name="超年度上限入店检查审批时限",
                amount=1,
                unit="WORKING_DAYS",
                warn_percent=None,
                basis="本局规定：次一工作日内答复，未答复的不入店检查",
                in_force_from=IN_FORCE_FROM,
            )
        ],
        ignore_conflicts=True,
    )
    apps.get_model("patrols", "PatrolPolicy").objects.bulk_create(
        [
            apps.get_model("patrols", "PatrolPolicy")(
                version=1,
                in_force_at=IN_FORCE_FROM,
                daily_on_rest_days=False,
                worker_daily_limit=25,
                commissioner_weekly_limit=10,
                inspections_a_year=24,
                closed_in_a_row=3,
                basis="本局规定：按信用等级分类巡查",
            )
        ],
        ignore_conflicts=True,
    )


def unseed(apps: Any, schema_editor: Any) -> None:
    """The limit stays: a version that was in force is never removed. The policy goes with its table."""


GUARD = """
CREATE TRIGGER patrols_patrolvisit_immutable BEFORE UPDATE OR DELETE OR TRUNCATE ON patrols_patrolvisit
    FOR EACH STATEMENT EXECUTE FUNCTION journal_refuse_change();
CREATE TRIGGER patrols_inspectionpaper_immutable BEFORE UPDATE OR DELETE OR TRUNCATE ON patrols_inspectionpaper
    FOR EACH STATEMENT EXECUTE FUNCTION journal_refuse_change();
CREATE TRIGGER patrols_patroltask_never_deleted BEFORE DELETE OR TRUNCATE ON patrols_patroltask
    FOR EACH STATEMENT EXECUTE FUNCTION journal_refuse_change();
CREATE TRIGGER patrols_planrun_never_deleted BEFORE DELETE OR TRUNCATE ON patrols_planrun
    FOR EACH STATEMENT EXECUTE FUNCTION journal_refuse_change();

CREATE FUNCTION patrols_task_done_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'patrols_task_done_stays: task % is done', OLD.id
          USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'patrols_task_done_stays';
END $$;
CREATE TRIGGER patrols_task_done_stays BEFORE UPDATE OF state ON patrols_patroltask
    FOR EACH ROW WHEN (OLD.state = 'DONE' AND NEW.state <> 'DONE')
    EXECUTE FUNCTION patrols_task_done_stays();

CREATE FUNCTION patrols_policy_frozen() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.in_force_at <= kernel_now() THEN
        RAISE EXCEPTION 'patrols_policy_frozen: version % is in force, add another', OLD.version
              USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'patrols_policy_frozen';
    END IF;
    RETURN CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;
END $$;
CREATE TRIGGER patrols_policy_frozen BEFORE UPDATE OR DELETE ON patrols_patrolpolicy
    FOR EACH ROW EXECUTE FUNCTION patrols_policy_frozen();

CREATE FUNCTION patrols_card_of_an_officer() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM grids_posting p
                WHERE p.user_id = NEW.officer_id AND p.role = 'GRID_WORKER' AND p.starts_at <= kernel_now()
                  AND (p.ends_at IS NULL OR p.ends_at > kernel_now())) THEN
        RAISE EXCEPTION 'patrols_card_of_an_officer: user % is a grid worker', NEW.officer_id
              USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'patrols_card_of_an_officer';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER patrols_card_of_an_officer BEFORE INSERT OR UPDATE OF officer_id ON patrols_enforcementcard
    FOR EACH ROW EXECUTE FUNCTION patrols_card_of_an_officer();
"""
UNGUARD = """
DROP TRIGGER patrols_card_of_an_officer ON patrols_enforcementcard;
DROP FUNCTION patrols_card_of_an_officer();
DROP TRIGGER patrols_policy_frozen ON patrols_patrolpolicy;
DROP FUNCTION patrols_policy_frozen();
DROP TRIGGER patrols_task_done_stays ON patrols_patroltask;
DROP FUNCTION patrols_task_done_stays();
DROP TRIGGER patrols_planrun_never_deleted ON patrols_planrun;
DROP TRIGGER patrols_patroltask_never_deleted ON patrols_patroltask;
DROP TRIGGER patrols_inspectionpaper_immutable ON patrols_inspectionpaper;
DROP TRIGGER patrols_patrolvisit_immutable ON patrols_patrolvisit;
"""


class Migration(migrations.Migration):
    dependencies: ClassVar[list[Any]] = [
        ("patrols", "0001_initial"),
        ("deadlines", "0002_tune_for_churn"),
        ("journal", "0001_entries_and_seals"),
    ]
    operations: ClassVar[list[Any]] = [
        migrations.RunPython(seed, unseed),
        migrations.RunSQL(GUARD, UNGUARD),
    ]
