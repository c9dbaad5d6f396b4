"""Guidance and leniency (柔性指导、容错纠错), and their limits.

Taken back, the decisions are lost; the limits stay: a version that was in force is kept.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

IN_FORCE_FROM = datetime(2025, 1, 1, tzinfo=ZoneInfo("Asia/Shanghai"))
DAY = 24 * 60

# kind, name, minutes, basis
LIMITS = [
    ("leniency_head", "容错纠错所长同意时限", DAY, "本局规定：24小时内"),
    ("leniency_legal", "容错纠错法规科审核时限", 2 * DAY, "本局规定：48小时内"),
    ("leniency_leader", "容错纠错局领导决定时限", 2 * DAY, "本局规定：48小时内"),
    ("leniency_window", "初次违法查询期", 730 * DAY, "本局规定：同一主体同类违法，2年内没有的为初次"),
]

GUARD = """
CREATE FUNCTION leads_leniencydecision_kept() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (NEW.lead_id, NEW.round, NEW.entity_id, NEW.category_id, NEW.route, NEW.result, NEW.harm, NEW.is_first,
        NEW.first_since, NEW.proof, NEW.guidance_id, NEW.by_id, NEW.at)
       IS DISTINCT FROM
       (OLD.lead_id, OLD.round, OLD.entity_id, OLD.category_id, OLD.route, OLD.result, OLD.harm, OLD.is_first,
        OLD.first_since, OLD.proof, OLD.guidance_id, OLD.by_id, OLD.at)
       OR OLD.state IN ('completed', 'refused') THEN
        RAISE EXCEPTION 'leads_leniencydecision_kept: decision % may not be changed', OLD.id
              USING ERRCODE = 'check_violation', CONSTRAINT = 'leads_leniencydecision_kept';
    END IF;
    IF NEW.state = 'completed' AND
       (SELECT count(*) FROM leads_officersignature s WHERE s.decision_id = NEW.id) < 2 THEN
        RAISE EXCEPTION 'leads_leniencydecision_two_officers: decision % lacks signatures', NEW.id
              USING ERRCODE = 'check_violation', CONSTRAINT = 'leads_leniencydecision_two_officers';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER leads_leniencydecision_kept BEFORE UPDATE ON leads_leniencydecision
    FOR EACH ROW EXECUTE FUNCTION leads_leniencydecision_kept();
CREATE TRIGGER leads_leniencydecision_never_deleted BEFORE DELETE OR TRUNCATE ON leads_leniencydecision
    FOR EACH STATEMENT EXECUTE FUNCTION journal_refuse_change();
CREATE TRIGGER leads_officersignature_immutable BEFORE UPDATE OR DELETE OR TRUNCATE ON leads_officersignature
    FOR EACH STATEMENT EXECUTE FUNCTION journal_refuse_change();
CREATE TRIGGER leads_guidance_immutable BEFORE UPDATE OR DELETE OR TRUNCATE ON leads_guidance
    FOR EACH STATEMENT EXECUTE FUNCTION journal_refuse_change();
"""
UNGUARD = """
DROP TRIGGER leads_guidance_immutable ON leads_guidance;
DROP TRIGGER leads_officersignature_immutable ON leads_officersignature;
DROP TRIGGER leads_leniencydecision_never_deleted ON leads_leniencydecision;
DROP TRIGGER leads_leniencydecision_kept ON leads_leniencydecision;
DROP FUNCTION leads_leniencydecision_kept();
"""


def seed(apps: Any, schema_editor: Any) -> None:
    policy = apps.get_model("deadlines", "LimitPolicy")
    policy.objects.bulk_create(
        [
            policy(kind=kind, version=1, name=name, amount=amount, basis=basis, in_force_from=IN_FORCE_FROM)
            for kind, name, amount, basis in LIMITS
        ],
        ignore_conflicts=True,
    )


class Migration(migrations.Migration):
    dependencies: ClassVar[list[Any]] = [
        ("leads", "0006_whistles"),
        ("grids", "0001_initial"),
        ("deadlines", "0002_tune_for_churn"),
        ("journal", "0001_entries_and_seals"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations: ClassVar[list[Any]] = [
        migrations.CreateModel(
            name="Guidance",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("client_uid", models.UUIDField(verbose_name="客户端编号")),
                (
                    "kind",
                    models.CharField(
                        choices=[("remind", "提醒"), ("guide", "指导"), ("interview", "约谈")],
                        max_length=10,
                        verbose_name="方式",
                    ),
                ),
                ("note", models.CharField(blank=True, max_length=1000, verbose_name="内容")),
                ("at", models.DateTimeField(verbose_name="指导时间")),
                (
                    "by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="指导人",
                    ),
                ),
                (
                    "entity",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="grids.businessentity",
                        verbose_name="经营主体",
                    ),
                ),
                (
                    "lead",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="guidance",
                        to="leads.lead",
                        verbose_name="线索",
                    ),
                ),
            ],
            options={
                "verbose_name": "柔性指导",
                "verbose_name_plural": "柔性指导",
                "ordering": ["-id"],
            },
        ),
        migrations.CreateModel(
            name="LeniencyDecision",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("round", models.PositiveSmallIntegerField(verbose_name="轮次")),
                (
                    "route",
                    models.CharField(
                        choices=[
                            ("MINOR_NO_HARM", "违法行为轻微并及时改正，没有造成危害后果，不予处罚"),
                            ("FIRST_MINOR", "初次违法且危害后果轻微并及时改正，可以不予处罚"),
                            ("NO_FAULT", "有证据足以证明没有主观过错，不予处罚"),
                        ],
                        max_length=14,
                        verbose_name="适用情形",
                    ),
                ),
                (
                    "result",
                    models.CharField(
                        choices=[("no_case", "不予立案"), ("no_penalty", "不予处罚")],
                        max_length=10,
                        verbose_name="决定",
                    ),
                ),
                (
                    "harm",
                    models.CharField(
                        choices=[("none", "没有造成危害后果"), ("minor", "危害后果轻微")],
                        max_length=6,
                        verbose_name="危害后果",
                    ),
                ),
                ("corrected_at", models.DateTimeField(null=True, verbose_name="改正时间")),
                ("is_first", models.BooleanField(verbose_name="初次违法（系统查询）")),
                ("first_since", models.DateTimeField(verbose_name="查询起始时间")),
                ("proof", models.TextField(blank=True, max_length=2000, verbose_name="无主观过错的证明")),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("proposed", "待所长同意"),
                            ("agreed", "待法规科审核"),
                            ("reviewed", "待局领导决定"),
                            ("decided", "待两名执法人员签字"),
                            ("completed", "已作出决定"),
                            ("refused", "未同意"),
                        ],
                        max_length=10,
                        verbose_name="状态",
                    ),
                ),
                ("form_number", models.CharField(blank=True, max_length=60, verbose_name="审批表编号")),
                ("at", models.DateTimeField(verbose_name="提出时间")),
                ("decided_at", models.DateTimeField(null=True, verbose_name="决定时间")),
                ("completed_at", models.DateTimeField(null=True, verbose_name="签字完成时间")),
                (
                    "by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="提出人",
                    ),
                ),
                (
                    "category",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="leads.category",
                        verbose_name="违法类型",
                    ),
                ),
                (
                    "entity",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="grids.businessentity",
                        verbose_name="经营主体",
                    ),
                ),
                (
                    "guidance",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="leads.guidance",
                        verbose_name="柔性指导",
                    ),
                ),
                (
                    "lead",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="leniencies",
                        to="leads.lead",
                        verbose_name="线索",
                    ),
                ),
            ],
            options={
                "verbose_name": "容错纠错",
                "verbose_name_plural": "容错纠错",
                "ordering": ["-id"],
            },
        ),
        migrations.CreateModel(
            name="OfficerSignature",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("card_number", models.CharField(max_length=40, verbose_name="执法证号")),
                ("snapshot", models.JSONField(verbose_name="所签内容")),
                ("digest", models.CharField(max_length=64, verbose_name="内容校验值")),
                ("at", models.DateTimeField(verbose_name="签字时间")),
                (
                    "decision",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="officers",
                        to="leads.leniencydecision",
                        verbose_name="容错纠错",
                    ),
                ),
                (
                    "officer",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="执法人员",
                    ),
                ),
            ],
            options={
                "verbose_name": "容错纠错签字",
                "verbose_name_plural": "容错纠错签字",
                "ordering": ["id"],
            },
        ),
        migrations.AddIndex(
            model_name="guidance",
            index=models.Index(fields=["entity", "-at"], name="leads_guidance_of_entity"),
        ),
        migrations.AddIndex(
            model_name="guidance",
            index=models.Index(fields=["at"], name="leads_guidance_by_time"),
        ),
        migrations.AddConstraint(
            model_name="guidance",
            constraint=models.UniqueConstraint(
                fields=("by", "client_uid"), name="leads_guidance_one_client_uid"
            ),
        ),
        migrations.AddConstraint(
            model_name="guidance",
            constraint=models.CheckConstraint(
                condition=models.Q(("kind__in", ["remind", "guide", "interview"])),
                name="leads_guidance_known_kind",
            ),
        ),
        migrations.AddIndex(
            model_name="leniencydecision",
            index=models.Index(fields=["entity", "category", "-at"], name="leads_leniency_of_entity"),
        ),
        migrations.AddIndex(
            model_name="leniencydecision",
            index=models.Index(fields=["completed_at"], name="leads_leniency_completed"),
        ),
        migrations.AddConstraint(
            model_name="leniencydecision",
            constraint=models.UniqueConstraint(
                fields=("lead", "round"), name="leads_leniencydecision_one_a_round"
            ),
        ),
        migrations.AddConstraint(
            model_name="leniencydecision",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("corrected_at__isnull", False), ("harm", "none"), ("route", "MINOR_NO_HARM")),
                    models.Q(
                        ("corrected_at__isnull", False),
                        ("harm", "minor"),
                        ("is_first", True),
                        ("route", "FIRST_MINOR"),
                    ),
                    models.Q(("route", "NO_FAULT"), models.Q(("proof", ""), _negated=True)),
                    _connector="OR",
                ),
                name="leads_leniencydecision_tests_hold",
                violation_error_message="所选情形的条件没有全部满足。",
            ),
        ),
        migrations.AddConstraint(
            model_name="leniencydecision",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("decided_at__isnull", False), ("state__in", ["decided", "completed"])),
                    models.Q(
                        ("decided_at__isnull", True),
                        ("state__in", ["proposed", "agreed", "reviewed", "refused"]),
                    ),
                    _connector="OR",
                ),
                name="leads_leniencydecision_decided_when_said",
            ),
        ),
        migrations.AddConstraint(
            model_name="leniencydecision",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        ("completed_at__isnull", False),
                        ("state", "completed"),
                        models.Q(("form_number", ""), _negated=True),
                    ),
                    models.Q(models.Q(("state", "completed"), _negated=True), ("completed_at__isnull", True)),
                    _connector="OR",
                ),
                name="leads_leniencydecision_completed_with_form",
            ),
        ),
        migrations.AddConstraint(
            model_name="leniencydecision",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("corrected_at__isnull", True), ("corrected_at__lte", models.F("at")), _connector="OR"
                ),
                name="leads_leniencydecision_corrected_before",
            ),
        ),
        migrations.AddConstraint(
            model_name="officersignature",
            constraint=models.UniqueConstraint(
                fields=("decision", "officer"), name="leads_officersignature_once"
            ),
        ),
        migrations.AddConstraint(
            model_name="officersignature",
            constraint=models.UniqueConstraint(
                fields=("decision", "card_number"), name="leads_officersignature_one_card"
            ),
        ),
        migrations.AddConstraint(
            model_name="officersignature",
            constraint=models.CheckConstraint(
                condition=models.Q(("card_number", ""), _negated=True), name="leads_officersignature_card"
            ),
        ),
        migrations.AddConstraint(
            model_name="officersignature",
            constraint=models.CheckConstraint(
                condition=models.Q(("digest__regex", "^[0-9a-f]{64}$")), name="leads_officersignature_digest"
            ),
        ),
        migrations.RunSQL(GUARD, UNGUARD),
        migrations.RunPython(seed, migrations.RunPython.noop),
    ]
