"""Guards of what is history, and the time limits of disputes (DESIGN.md §9, DOMAIN.md §3)."""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

from django.db import migrations

SHANGHAI = ZoneInfo("Asia/Shanghai")
IN_FORCE_FROM = datetime(2025, 1, 1, tzinfo=SHANGHAI)
ORDER_121 = datetime(2026, 4, 15, tzinfo=SHANGHAI)
MINUTES, DAYS, WORKING_DAYS = "MINUTES", "DAYS", "WORKING_DAYS"

# kind, version, name, amount, unit, warn percent, in force from, basis
LIMITS = [
    ("dispute_shop", 1, "店内协商时限", 1440, MINUTES, 80, IN_FORCE_FROM, "本局规定：小事不出店，24小时"),
    ("dispute_circle", 1, "商圈调解时限", 4320, MINUTES, 80, IN_FORCE_FROM, "本局规定：大事不出商圈，3日"),
    (
        "dispute_community",
        1,
        "社区调解时限",
        10080,
        MINUTES,
        80,
        IN_FORCE_FROM,
        "本局规定：难事不出社区，7日",
    ),
    (
        "dispute_accept",
        1,
        "投诉受理决定时限",
        7,
        WORKING_DAYS,
        80,
        IN_FORCE_FROM,
        "《消费者权益保护法》第四十六条：七个工作日",
    ),
    (
        "dispute_mediation",
        1,
        "行政调解时限",
        45,
        WORKING_DAYS,
        80,
        IN_FORCE_FROM,
        "市场监管总局令第20号第二十一条：四十五个工作日",
    ),
    (
        "dispute_mediation",
        2,
        "行政调解时限",
        60,
        DAYS,
        80,
        ORDER_121,
        "市场监管总局令第121号第二十三条：六十日",
    ),
    (
        "dispute_check",
        1,
        "协议履行核实时限",
        3,
        DAYS,
        None,
        IN_FORCE_FROM,
        "本局规定：履行期满后3日内核实",
    ),
    (
        "dispute_reopen",
        1,
        "重新调解审批时限",
        3,
        WORKING_DAYS,
        80,
        IN_FORCE_FROM,
        "本局规定：3个工作日内审批",
    ),
]


def seed(apps: Any, schema_editor: Any) -> None:
    policy = apps.get_model("deadlines", "LimitPolicy")
    policy.objects.bulk_create(
        [
            policy(
                kind=kind,
                version=version,
                name=name,
                amount=amount,
                unit=unit,
                warn_percent=warn,
                in_force_from=since,
                basis=basis,
            )
            for kind, version, name, amount, unit, warn, since, basis in LIMITS
        ],
        ignore_conflicts=True,
    )


def unseed(apps: Any, schema_editor: Any) -> None:
    """The limits stay: a version that was in force is never removed (`deadlines` guards it)."""


IMMUTABLE = ("consumerword", "disputelead", "hotshop")
NEVER_DELETED = (
    "dispute",
    "disputeconsumer",
    "disputeevidence",
    "tierstay",
    "testing",
    "session",
    "agreement",
    "agreementsignature",
    "disputesurvey",
)
GUARD = "".join(
    f"CREATE TRIGGER stations_{table}_immutable BEFORE UPDATE OR DELETE OR TRUNCATE ON stations_{table}"
    " FOR EACH STATEMENT EXECUTE FUNCTION journal_refuse_change();\n"
    for table in IMMUTABLE
) + "".join(
    f"CREATE TRIGGER stations_{table}_never_deleted BEFORE DELETE OR TRUNCATE ON stations_{table}"
    " FOR EACH STATEMENT EXECUTE FUNCTION journal_refuse_change();\n"
    for table in NEVER_DELETED
)
UNGUARD = "".join(
    f"DROP TRIGGER stations_{table}_never_deleted ON stations_{table};\n" for table in NEVER_DELETED
) + "".join(f"DROP TRIGGER stations_{table}_immutable ON stations_{table};\n" for table in IMMUTABLE)

# What rests sealed may be sealed anew under another key (`manage.py reseal_identities`), nothing else of it.
RULES = """
CREATE FUNCTION stations_agreed_needs_three() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (SELECT count(*) FROM stations_agreementsignature s
          JOIN stations_agreement a ON a.id = s.agreement_id
         WHERE a.dispute_id = NEW.id AND a.cycle = NEW.cycle AND a.state = 'signed') < 3 THEN
        RAISE EXCEPTION 'stations_agreed_needs_three: dispute % lacks signatures', NEW.id
              USING ERRCODE = 'check_violation', CONSTRAINT = 'stations_agreed_needs_three';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER stations_agreed_needs_three AFTER UPDATE OF state ON stations_dispute
    FOR EACH ROW WHEN (NEW.state = 'agreed' AND OLD.state <> 'agreed')
    EXECUTE FUNCTION stations_agreed_needs_three();

CREATE FUNCTION stations_official_needs_word() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM stations_consumerword w WHERE w.dispute_id = NEW.id) THEN
        RAISE EXCEPTION 'stations_official_needs_word: nobody said so for dispute %', NEW.id
              USING ERRCODE = 'check_violation', CONSTRAINT = 'stations_official_needs_word';
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER stations_official_needs_word AFTER INSERT OR UPDATE OF tier ON stations_dispute
    DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW WHEN (NEW.tier = 'OFFICIAL') EXECUTE FUNCTION stations_official_needs_word();

CREATE FUNCTION stations_agreement_frozen() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'stations_agreement_frozen: agreement % was signed', OLD.number
          USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'stations_agreement_frozen';
END $$;
CREATE TRIGGER stations_agreement_frozen BEFORE UPDATE ON stations_agreement
    FOR EACH ROW WHEN (
        OLD.state <> 'signed'
        AND to_jsonb(OLD) - 'sealed_content' IS DISTINCT FROM to_jsonb(NEW) - 'sealed_content'
        OR (OLD.dispute_id, OLD.number, OLD.cycle, OLD.tier, OLD.mediator_id, OLD.terms, OLD.perform_by,
            OLD.digest, OLD.signed_at)
           IS DISTINCT FROM
           (NEW.dispute_id, NEW.number, NEW.cycle, NEW.tier, NEW.mediator_id, NEW.terms, NEW.perform_by,
            NEW.digest, NEW.signed_at)
        OR OLD.amount IS DISTINCT FROM NEW.amount)
    EXECUTE FUNCTION stations_agreement_frozen();

CREATE TRIGGER stations_agreementsignature_immutable BEFORE UPDATE ON stations_agreementsignature
    FOR EACH ROW WHEN (to_jsonb(OLD) - 'sealed_image' IS DISTINCT FROM to_jsonb(NEW) - 'sealed_image')
    EXECUTE FUNCTION journal_refuse_change();

CREATE FUNCTION stations_minutes_frozen() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'stations_minutes_frozen: session % is over', OLD.id
          USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'stations_minutes_frozen';
END $$;
CREATE TRIGGER stations_minutes_frozen BEFORE UPDATE ON stations_session
    FOR EACH ROW WHEN (OLD.state <> 'planned') EXECUTE FUNCTION stations_minutes_frozen();

CREATE FUNCTION stations_survey_by_the_uninvolved() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM stations_dispute d WHERE d.id = NEW.dispute_id
                AND NEW.entered_by_id IN (d.taken_by_id, d.ended_by_id, d.decided_by_id))
       OR EXISTS (SELECT FROM stations_session s WHERE s.dispute_id = NEW.dispute_id
                   AND s.state = 'held' AND s.mediator_id = NEW.entered_by_id)
       OR EXISTS (SELECT FROM stations_agreement a WHERE a.dispute_id = NEW.dispute_id
                   AND a.mediator_id = NEW.entered_by_id) THEN
        RAISE EXCEPTION 'stations_survey_by_the_uninvolved: survey %', NEW.id
              USING ERRCODE = 'check_violation', CONSTRAINT = 'stations_survey_by_the_uninvolved';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER stations_survey_by_the_uninvolved BEFORE UPDATE ON stations_disputesurvey
    FOR EACH ROW WHEN (NEW.entered_by_id IS NOT NULL AND OLD.entered_by_id IS NULL)
    EXECUTE FUNCTION stations_survey_by_the_uninvolved();
"""
UNRULES = """
DROP TRIGGER stations_survey_by_the_uninvolved ON stations_disputesurvey;
DROP FUNCTION stations_survey_by_the_uninvolved();
DROP TRIGGER stations_minutes_frozen ON stations_session;
DROP FUNCTION stations_minutes_frozen();
DROP TRIGGER stations_agreementsignature_immutable ON stations_agreementsignature;
DROP TRIGGER stations_agreement_frozen ON stations_agreement;
DROP FUNCTION stations_agreement_frozen();
DROP TRIGGER stations_official_needs_word ON stations_dispute;
DROP FUNCTION stations_official_needs_word();
DROP TRIGGER stations_agreed_needs_three ON stations_dispute;
DROP FUNCTION stations_agreed_needs_three();
"""


class Migration(migrations.Migration):
    dependencies: ClassVar[list[Any]] = [
        ("stations", "0002_disputes"),
        ("deadlines", "0003_days"),
        ("journal", "0001_entries_and_seals"),
    ]
    operations: ClassVar[list[Any]] = [
        migrations.RunPython(seed, unseed),
        migrations.RunSQL(GUARD, UNGUARD),
        migrations.RunSQL(RULES, UNRULES),
    ]
