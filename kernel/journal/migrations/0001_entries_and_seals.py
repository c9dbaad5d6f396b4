"""Entries, seals, the chain trigger and the guard against change."""

import django.db.models.functions.datetime
from django.db import migrations, models

CHAIN = """
CREATE FUNCTION journal_entry_digest(
    prev_hash text, stream text, seq bigint, kind text, actor_id bigint, actor_name text, at timestamptz, data jsonb
) RETURNS text LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT encode(sha256(convert_to(jsonb_build_array(
        prev_hash, stream, seq, kind, actor_id, actor_name, (extract(epoch FROM at) * 1000000)::bigint, data
    )::text, 'UTF8')), 'hex')
$$;

CREATE FUNCTION journal_entry_chain() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    SELECT e.seq + 1, e.hash INTO NEW.seq, NEW.prev_hash
      FROM journal_entry e WHERE e.stream = NEW.stream ORDER BY e.seq DESC LIMIT 1;
    IF NOT FOUND THEN
        NEW.seq := 1;
        NEW.prev_hash := '';
    END IF;
    NEW.hash := journal_entry_digest(
        NEW.prev_hash, NEW.stream, NEW.seq, NEW.kind, NEW.actor_id, NEW.actor_name, NEW.at, NEW.data);
    RETURN NEW;
END $$;

CREATE TRIGGER journal_entry_chain BEFORE INSERT ON journal_entry
    FOR EACH ROW EXECUTE FUNCTION journal_entry_chain();

CREATE FUNCTION journal_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only: % refused', TG_TABLE_NAME, TG_OP USING ERRCODE = 'integrity_constraint_violation';
END $$;

CREATE TRIGGER journal_entry_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON journal_entry
    FOR EACH STATEMENT EXECUTE FUNCTION journal_refuse_change();
CREATE TRIGGER journal_seal_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON journal_seal
    FOR EACH STATEMENT EXECUTE FUNCTION journal_refuse_change();
"""

UNCHAIN = """
DROP TRIGGER journal_seal_append_only ON journal_seal;
DROP TRIGGER journal_entry_append_only ON journal_entry;
DROP TRIGGER journal_entry_chain ON journal_entry;
DROP FUNCTION journal_refuse_change();
DROP FUNCTION journal_entry_chain();
DROP FUNCTION journal_entry_digest(text, text, bigint, text, bigint, text, timestamptz, jsonb);
"""


class Migration(migrations.Migration):
    initial = True
    dependencies: list[tuple[str, str]] = []
    operations = [
        migrations.CreateModel(
            name="Entry",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("stream", models.CharField(max_length=60, verbose_name="对象")),
                ("seq", models.PositiveIntegerField(db_default=0, verbose_name="序号")),
                ("kind", models.CharField(max_length=60, verbose_name="事项")),
                ("actor_id", models.BigIntegerField(null=True, verbose_name="经办人编号")),
                ("actor_name", models.CharField(max_length=60, verbose_name="经办人")),
                ("at", models.DateTimeField(verbose_name="时间")),
                ("data", models.JSONField(verbose_name="内容")),
                ("prev_hash", models.CharField(db_default="", max_length=64, verbose_name="前一条校验值")),
                ("hash", models.CharField(db_default="", max_length=64, verbose_name="校验值")),
            ],
            options={
                "verbose_name": "留痕记录",
                "verbose_name_plural": "留痕记录",
                "ordering": ["stream", "seq"],
                "constraints": [
                    models.UniqueConstraint(fields=("stream", "seq"), name="journal_entry_one_seq")
                ],
            },
        ),
        migrations.CreateModel(
            name="Seal",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("first_entry_id", models.BigIntegerField(verbose_name="起始记录")),
                ("last_entry_id", models.BigIntegerField(verbose_name="截止记录")),
                ("entries", models.PositiveIntegerField(verbose_name="记录数")),
                ("prev_hash", models.CharField(max_length=64, verbose_name="前一封存值")),
                ("hash", models.CharField(max_length=64, verbose_name="封存值")),
                (
                    "sealed_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(), verbose_name="封存时间"
                    ),
                ),
            ],
            options={
                "verbose_name": "留痕封存",
                "verbose_name_plural": "留痕封存",
                "ordering": ["id"],
                "constraints": [
                    models.UniqueConstraint(fields=("first_entry_id",), name="journal_seal_one_start"),
                    models.UniqueConstraint(fields=("prev_hash",), name="journal_seal_one_successor"),
                    models.CheckConstraint(
                        condition=models.Q(("last_entry_id__gte", models.F("first_entry_id"))),
                        name="journal_seal_range",
                    ),
                ],
            },
        ),
        migrations.RunSQL(CHAIN, UNCHAIN),
    ]
