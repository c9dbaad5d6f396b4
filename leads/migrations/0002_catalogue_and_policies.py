"""The lead catalogue and the first version of every limit; immutable rows and six signatures held by triggers."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.db import migrations

from leads.catalogue import GROUPS, ROWS, group_of, is_food

IN_FORCE_FROM = datetime(2025, 1, 1, tzinfo=ZoneInfo("Asia/Shanghai"))

# kind, name, minutes, warn percent, basis
LIMITS = [
    ("respond", "接单时限", 30, 80, "肥城市市场监管局“所社联动”：30分钟内响应"),
    ("feedback", "反馈时限", 1440, 80, "肥城市市场监管局“所社联动”：24小时内反馈"),
    ("same_day", "食品隐患当日处置宽限", 240, 80, "当日发现、当日处置；20时后发现的自发现起4小时"),
    ("desk", "待派单时限", 15, None, "本局规定：无法自动派单的线索15分钟内人工派单"),
    ("owner_respond", "改派后接单时限", 30, 80, "本局规定"),
    ("verify", "核验时限", 1440, None, "本局规定：反馈后24小时内核验"),
    ("verify_stead", "代核验起始时间", 2880, None, "本局规定：反馈48小时后社区书记可代核验"),
    ("closing", "办结时限（反馈时限之后）", 1440, None, "本局规定"),
    ("ack", "督办签收时限", 120, None, "本局规定：2小时内签收；夜间一般事项自08:30起算"),
    ("urgent_backup", "紧急线索备岗加入", 10, None, "本局规定：紧急线索10分钟无人接单，B角加入"),
    ("urgent_duty", "紧急线索值班员加入", 20, None, "本局规定：紧急线索20分钟无人接单，值班员加入"),
]


def seed(apps: Any, schema_editor: Any) -> None:
    category = apps.get_model("leads", "Category")
    category.objects.bulk_create(
        category(
            code=row.code,
            name=row.name,
            group=group_of(row.code),
            group_name=GROUPS[group_of(row.code)][0],
            severity=row.severity,
            food=is_food(row.code),
            section=GROUPS[group_of(row.code)][1],
            departments=list(row.departments),
            words=list(row.words),
        )
        for row in ROWS
    )
    policy = apps.get_model("deadlines", "LimitPolicy")
    rows = [
        policy(
            kind=kind,
            version=1,
            name=name,
            amount=amount,
            warn_percent=warn,
            basis=basis,
            in_force_from=IN_FORCE_FROM,
        )
        for kind, name, amount, warn, basis in LIMITS
    ]
    policy.objects.bulk_create(rows, ignore_conflicts=True)


def unseed(apps: Any, schema_editor: Any) -> None:
    """The limits stay: a version that was in force is never removed (`deadlines` guards it)."""
    apps.get_model("leads", "Category").objects.all().delete()


GUARD = """
CREATE FUNCTION leads_lead_closed_needs_six() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (SELECT count(DISTINCT (s.stage, s.side)) FROM leads_signature s
         WHERE s.lead_id = NEW.id AND (s.stage <> 'result' OR s.cycle = NEW.round)) < 6 THEN
        RAISE EXCEPTION 'leads_lead_closed_needs_six: lead % lacks signatures', NEW.id
              USING ERRCODE = 'check_violation', CONSTRAINT = 'leads_lead_closed_needs_six';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER leads_lead_closed_needs_six AFTER UPDATE OF state ON leads_lead
    FOR EACH ROW WHEN (NEW.state = 'closed' AND OLD.state <> 'closed')
    EXECUTE FUNCTION leads_lead_closed_needs_six();
CREATE CONSTRAINT TRIGGER leads_lead_made_closed_needs_six AFTER INSERT ON leads_lead
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (NEW.state = 'closed')
    EXECUTE FUNCTION leads_lead_closed_needs_six();
CREATE TRIGGER leads_signature_immutable BEFORE UPDATE OR DELETE OR TRUNCATE ON leads_signature
    FOR EACH STATEMENT EXECUTE FUNCTION journal_refuse_change();
CREATE TRIGGER leads_disposal_immutable BEFORE UPDATE OR DELETE OR TRUNCATE ON leads_disposal
    FOR EACH STATEMENT EXECUTE FUNCTION journal_refuse_change();
CREATE TRIGGER leads_rework_immutable BEFORE UPDATE OR DELETE OR TRUNCATE ON leads_rework
    FOR EACH STATEMENT EXECUTE FUNCTION journal_refuse_change();
CREATE TRIGGER leads_acknowledgement_immutable BEFORE UPDATE OR DELETE OR TRUNCATE ON leads_acknowledgement
    FOR EACH STATEMENT EXECUTE FUNCTION journal_refuse_change();
CREATE TRIGGER leads_lead_never_deleted BEFORE DELETE OR TRUNCATE ON leads_lead
    FOR EACH STATEMENT EXECUTE FUNCTION journal_refuse_change();
"""
UNGUARD = """
DROP TRIGGER leads_lead_never_deleted ON leads_lead;
DROP TRIGGER leads_acknowledgement_immutable ON leads_acknowledgement;
DROP TRIGGER leads_rework_immutable ON leads_rework;
DROP TRIGGER leads_disposal_immutable ON leads_disposal;
DROP TRIGGER leads_signature_immutable ON leads_signature;
DROP TRIGGER leads_lead_made_closed_needs_six ON leads_lead;
DROP TRIGGER leads_lead_closed_needs_six ON leads_lead;
DROP FUNCTION leads_lead_closed_needs_six();
"""


class Migration(migrations.Migration):
    dependencies = [
        ("leads", "0001_leads_and_signatures"),
        ("deadlines", "0002_tune_for_churn"),
        ("journal", "0001_entries_and_seals"),
    ]
    operations = [migrations.RunPython(seed, unseed), migrations.RunSQL(GUARD, UNGUARD)]
