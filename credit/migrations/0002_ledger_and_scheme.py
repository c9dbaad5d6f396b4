"""Guards of the ledger, time limits of what is asked, and the first scheme (DOMAIN.md §4).

The rules are written out: a migration says the same for ever, whatever `credit.scheme.DEFAULT` becomes. A test
holds the two together for as long as the first version is the default.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

from django.db import migrations

IN_FORCE_FROM = datetime(2025, 1, 1, tzinfo=ZoneInfo("Asia/Shanghai"))
MINUTES, WORKING_DAYS = "MINUTES", "WORKING_DAYS"

# kind, name, amount, unit, warn percent, basis
LIMITS = [
    ("credit_appeal_window", "信用等级申诉期", 21600, MINUTES, None, "本局规定：自评定之日起15日内提出"),
    ("credit_appeal", "信用等级申诉审核时限", 15, WORKING_DAYS, 80, "本局规定：15个工作日内审核"),
    ("credit_repair", "信用修复审核时限", 10, WORKING_DAYS, 80, "本局规定：10个工作日内审核"),
    ("red_partner", "红色合伙人审批时限", 10, WORKING_DAYS, 80, "本局规定：10个工作日内审批"),
]

RULES_1: dict[str, dict[str, Any]] = {
    "licensing": {"most": 12, "expired": 6, "mismatch": 3, "expiring": 1, "soon_days": 30},
    "annual_report": {"most": 8, "late": 4, "missing": 0},
    "patrol": {
        "most": 15,
        "months": 6,
        "minor": 1,
        "moderate": 3,
        "serious": 6,
        "urgent": 6,
        "on_time": 0.5,
    },
    "rectification": {"most": 15, "months": 12, "failed_look_back": 5},
    "complaint": {"most": 15, "months": 12, "substantiated": 3, "not_performed": 4},
    "penalty": {
        "most": 15,
        "light": 2,
        "light_months": 3,
        "ordinary": 6,
        "ordinary_months": 12,
        "grave": 15,
        "grave_months": 36,
    },
    "safety": {"most": 12, "months": 12, "sample_failed": 6, "test_overdue": 4, "self_check_missed": 1},
    "participation": {"most": 8, "months": 12, "each": 2},
    "limits": {
        "a": 90,
        "b": 75,
        "c": 60,
        "abnormal": "C",
        "overdue_serious": "C",
        "no_patrol": "B",
        "new": "B",
        "new_days": 90,
        "accident_months": 12,
    },
    "movement": {
        "stay_d": 90,
        "stay_c": 60,
        "stay_b": 90,
        "partner_b": 85,
        "partner_reviews": 2,
        "partner_penalty_months": 12,
    },
}


def seed(apps: Any, schema_editor: Any) -> None:
    policy = apps.get_model("deadlines", "LimitPolicy")
    rows = [
        policy(
            kind=kind,
            version=1,
            name=name,
            amount=amount,
            unit=unit,
            warn_percent=warn,
            basis=basis,
            in_force_from=IN_FORCE_FROM,
        )
        for kind, name, amount, unit, warn, basis in LIMITS
    ]
    policy.objects.bulk_create(rows, ignore_conflicts=True)
    scheme = apps.get_model("credit", "CreditScheme")
    first = scheme(
        version=1,
        title="八项指标信用分类",
        basis="本局规定：八项指标、A至D四级动态分类",
        rules=RULES_1,
        state="IN_FORCE",
        in_force_at=IN_FORCE_FROM,
        drafted_at=IN_FORCE_FROM,
    )
    scheme.objects.bulk_create([first], ignore_conflicts=True)


def unseed(apps: Any, schema_editor: Any) -> None:
    """Limits and scheme stay: what was in force is never removed, and gradings name it."""


APPEND_ONLY = ("creditfact", "creditassessment")
NEVER_DELETED = ("creditscheme", "creditreview", "redpartner", "appeal", "repair")
GUARD = "".join(
    f"CREATE TRIGGER credit_{table}_immutable BEFORE UPDATE OR DELETE OR TRUNCATE ON credit_{table}"
    " FOR EACH STATEMENT EXECUTE FUNCTION journal_refuse_change();\n"
    for table in APPEND_ONLY
) + "".join(
    f"CREATE TRIGGER credit_{table}_never_deleted BEFORE DELETE OR TRUNCATE ON credit_{table}"
    " FOR EACH STATEMENT EXECUTE FUNCTION journal_refuse_change();\n"
    for table in NEVER_DELETED
)
UNGUARD = "".join(
    f"DROP TRIGGER credit_{table}_immutable ON credit_{table};\n" for table in APPEND_ONLY
) + "".join(f"DROP TRIGGER credit_{table}_never_deleted ON credit_{table};\n" for table in NEVER_DELETED)

FROZEN = """
CREATE FUNCTION credit_creditscheme_frozen() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'credit_creditscheme_frozen: version % is no longer a draft', OLD.version
          USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'credit_creditscheme_frozen';
END $$;
CREATE TRIGGER credit_creditscheme_frozen BEFORE UPDATE ON credit_creditscheme
    FOR EACH ROW WHEN (OLD.state <> 'DRAFT' AND (
        OLD.version <> NEW.version OR OLD.rules <> NEW.rules OR OLD.title <> NEW.title OR OLD.basis <> NEW.basis
        OR OLD.in_force_at IS DISTINCT FROM NEW.in_force_at
        OR OLD.decided_by_id IS DISTINCT FROM NEW.decided_by_id
        OR OLD.trial_digest <> NEW.trial_digest
        OR NOT (NEW.state = OLD.state OR (OLD.state = 'IN_FORCE' AND NEW.state = 'RETIRED'))))
    EXECUTE FUNCTION credit_creditscheme_frozen();
CREATE FUNCTION credit_creditreview_frozen() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'credit_creditreview_frozen: review % is only confirmed, once', OLD.id
          USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'credit_creditreview_frozen';
END $$;
CREATE TRIGGER credit_creditreview_frozen BEFORE UPDATE ON credit_creditreview
    FOR EACH ROW WHEN (OLD.confirmed_at IS NOT NULL OR
        (OLD.entity_id, OLD.kind, OLD.period, OLD.total, OLD.before, OLD.grade, OLD.at)
        IS DISTINCT FROM (NEW.entity_id, NEW.kind, NEW.period, NEW.total, NEW.before, NEW.grade, NEW.at))
    EXECUTE FUNCTION credit_creditreview_frozen();
"""
UNFROZEN = """
DROP TRIGGER credit_creditreview_frozen ON credit_creditreview;
DROP FUNCTION credit_creditreview_frozen();
DROP TRIGGER credit_creditscheme_frozen ON credit_creditscheme;
DROP FUNCTION credit_creditscheme_frozen();
"""


class Migration(migrations.Migration):
    dependencies: ClassVar[list[Any]] = [
        ("credit", "0001_initial"),
        ("deadlines", "0002_tune_for_churn"),
        ("journal", "0001_entries_and_seals"),
    ]
    operations: ClassVar[list[Any]] = [
        migrations.RunPython(seed, unseed),
        migrations.RunSQL(GUARD, UNGUARD),
        migrations.RunSQL(FROZEN, UNFROZEN),
    ]
