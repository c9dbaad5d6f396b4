"""Interim feedback, merging, handing over, rechecks and look-backs; their limits; rows that never change."""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

import django.contrib.postgres.fields
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

IN_FORCE_FROM = datetime(2025, 1, 1, tzinfo=ZoneInfo("Asia/Shanghai"))
MINUTES, WORKING_DAYS = "MINUTES", "WORKING_DAYS"

# kind, name, amount, unit, warn percent, basis
LIMITS = [
    ("final", "完整反馈时限（最长）", 10080, MINUTES, 80, "本局规定：阶段反馈后7天内完整反馈"),
    ("approve_interim", "阶段反馈审批时限", 120, MINUTES, None, "本局规定：2小时内审批"),
    ("rectify", "整改期限（最长）", 259200, MINUTES, None, "责令改正所定日期"),
    ("recheck", "复查时限", 3, WORKING_DAYS, 80, "本局规定：整改期限届满后3个工作日内复查"),
    ("countersign", "复查会签时限", 1440, MINUTES, None, "本局规定：24小时内会签；其后社区书记可代会签"),
    ("look_back", "回头看（第一次）", 10080, MINUTES, 80, "本局规定：复查通过后7天回头看"),
    ("look_back_food", "回头看（食品，第一次）", 4320, MINUTES, 80, "本局规定：食品安全复查通过后3天回头看"),
    ("look_back_again", "回头看（第二次）", 43200, MINUTES, 80, "本局规定：复查通过后30天再次回头看"),
    ("look_back_window", "回头看可提前办理", 4320, MINUTES, None, "本局规定：到期前3天起可以办理"),
    ("referral_receipt", "移交回执时限", 2, WORKING_DAYS, None, "本局规定：移交后2个工作日内取得回执"),
    ("referral_reply", "移交答复时限", 10, WORKING_DAYS, 80, "本局规定：收到回执后10个工作日内答复"),
]


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


def unseed(apps: Any, schema_editor: Any) -> None:
    """The limits stay: a version that was in force is never removed (`deadlines` guards it)."""


APPEND_ONLY = ("interimfeedback", "recusal", "merge", "unmerge", "correction", "reopening")
NEVER_DELETED = ("referral", "recheck", "lookback")
GUARD = "".join(
    f"CREATE TRIGGER leads_{table}_immutable BEFORE UPDATE OR DELETE OR TRUNCATE ON leads_{table}"
    " FOR EACH STATEMENT EXECUTE FUNCTION journal_refuse_change();\n"
    for table in APPEND_ONLY
) + "".join(
    f"CREATE TRIGGER leads_{table}_never_deleted BEFORE DELETE OR TRUNCATE ON leads_{table}"
    " FOR EACH STATEMENT EXECUTE FUNCTION journal_refuse_change();\n"
    for table in NEVER_DELETED
)
UNGUARD = "".join(
    f"DROP TRIGGER leads_{table}_immutable ON leads_{table};\n" for table in APPEND_ONLY
) + "".join(f"DROP TRIGGER leads_{table}_never_deleted ON leads_{table};\n" for table in NEVER_DELETED)

RECUSED = """
CREATE FUNCTION leads_recused_owns_nothing() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM leads_recusal r WHERE r.lead_id = NEW.id AND r.person_id = NEW.assignee_id) THEN
        RAISE EXCEPTION 'leads_recusal_owns_nothing: lead %', NEW.id
              USING ERRCODE = 'check_violation', CONSTRAINT = 'leads_recusal_owns_nothing';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER leads_recused_owns_nothing AFTER UPDATE OF assignee_id ON leads_lead
    FOR EACH ROW WHEN (NEW.assignee_id IS DISTINCT FROM OLD.assignee_id)
    EXECUTE FUNCTION leads_recused_owns_nothing();
CREATE FUNCTION leads_recused_signs_nothing() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM leads_recusal r WHERE r.lead_id = NEW.lead_id AND r.person_id = NEW.signer_id) THEN
        RAISE EXCEPTION 'leads_recusal_signs_nothing: lead %', NEW.lead_id
              USING ERRCODE = 'check_violation', CONSTRAINT = 'leads_recusal_signs_nothing';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER leads_recused_signs_nothing AFTER INSERT ON leads_signature
    FOR EACH ROW EXECUTE FUNCTION leads_recused_signs_nothing();
"""
UNRECUSED = """
DROP TRIGGER leads_recused_signs_nothing ON leads_signature;
DROP FUNCTION leads_recused_signs_nothing();
DROP TRIGGER leads_recused_owns_nothing ON leads_lead;
DROP FUNCTION leads_recused_owns_nothing();
"""


class Migration(migrations.Migration):
    dependencies: ClassVar[list[Any]] = [
        ("leads", "0004_pauses_and_changes"),
        ("grids", "0001_initial"),
        ("deadlines", "0002_tune_for_churn"),
        ("journal", "0001_entries_and_seals"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations: ClassVar[list[Any]] = [
        migrations.AlterField(
            model_name="leadevidence",
            name="stage",
            field=models.CharField(
                choices=[
                    ("discovery", "发现"),
                    ("handover", "交接"),
                    ("result", "结果"),
                    ("correction", "整改证明"),
                    ("recheck", "复查"),
                    ("look_back", "回头看"),
                ],
                max_length=10,
                verbose_name="环节",
            ),
        ),
        migrations.AlterField(
            model_name="supervisionorder",
            name="cause",
            field=models.CharField(
                choices=[
                    ("respond", "接单超时"),
                    ("feedback", "反馈超时"),
                    ("same_day", "食品隐患当日未处置"),
                    ("owner_respond", "改派后接单超时"),
                    ("final", "完整反馈超时"),
                    ("recheck", "复查超时"),
                ],
                max_length=14,
                verbose_name="原因",
            ),
        ),
        migrations.CreateModel(
            name="Merge",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("reason", models.CharField(blank=True, max_length=500, verbose_name="并单原因")),
                ("changed", models.JSONField(verbose_name="变动内容")),
                ("at", models.DateTimeField(verbose_name="并单时间")),
                (
                    "by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="并单人",
                    ),
                ),
                (
                    "lead",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="merges",
                        to="leads.lead",
                        verbose_name="被并线索",
                    ),
                ),
                (
                    "survivor",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="absorbed",
                        to="leads.lead",
                        verbose_name="保留线索",
                    ),
                ),
            ],
            options={
                "verbose_name": "并单",
                "verbose_name_plural": "并单",
                "ordering": ["id"],
            },
        ),
        migrations.CreateModel(
            name="Recheck",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("round", models.PositiveSmallIntegerField(verbose_name="轮次")),
                (
                    "state",
                    models.CharField(
                        choices=[("waiting", "待会签"), ("passed", "通过"), ("failed", "未通过")],
                        max_length=8,
                        verbose_name="结果",
                    ),
                ),
                ("note", models.TextField(max_length=2000, verbose_name="复查情况")),
                (
                    "evidence",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=64),
                        blank=True,
                        default=list,
                        size=None,
                        verbose_name="证据校验值",
                    ),
                ),
                ("at", models.DateTimeField(verbose_name="复查时间")),
                ("countersigned_at", models.DateTimeField(null=True, verbose_name="会签时间")),
                ("countersign_note", models.CharField(blank=True, max_length=500, verbose_name="会签意见")),
                (
                    "by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="复查人",
                    ),
                ),
                (
                    "countersigned_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="会签人",
                    ),
                ),
                (
                    "countersigned_for",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="代谁会签",
                    ),
                ),
                (
                    "lead",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="rechecks",
                        to="leads.lead",
                        verbose_name="线索",
                    ),
                ),
                (
                    "on_behalf_of",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="代谁复查",
                    ),
                ),
            ],
            options={
                "verbose_name": "复查",
                "verbose_name_plural": "复查",
                "ordering": ["id"],
            },
        ),
        migrations.CreateModel(
            name="LookBack",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("round", models.PositiveSmallIntegerField(verbose_name="轮次")),
                (
                    "number",
                    models.PositiveSmallIntegerField(
                        choices=[(1, "第一次"), (2, "第二次")], verbose_name="次序"
                    ),
                ),
                ("opens_at", models.DateTimeField(verbose_name="最早可查时间")),
                ("due_on", models.DateField(verbose_name="应查日期")),
                ("due_at", models.DateTimeField(verbose_name="到期时间")),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("scheduled", "待回头看"),
                            ("passed", "未反弹"),
                            ("failed", "反弹"),
                            ("cancelled", "已取消"),
                        ],
                        db_default="scheduled",
                        max_length=10,
                        verbose_name="状态",
                    ),
                ),
                ("version", models.PositiveIntegerField(db_default=1, default=1, verbose_name="版本")),
                ("done_at", models.DateTimeField(null=True, verbose_name="完成时间")),
                ("note", models.TextField(blank=True, max_length=2000, verbose_name="检查情况")),
                (
                    "evidence",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=64),
                        blank=True,
                        default=list,
                        size=None,
                        verbose_name="证据校验值",
                    ),
                ),
                (
                    "by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="检查人",
                    ),
                ),
                (
                    "lead",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="look_backs",
                        to="leads.lead",
                        verbose_name="线索",
                    ),
                ),
                (
                    "on_behalf_of",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="代谁检查",
                    ),
                ),
                (
                    "recheck",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="look_backs",
                        to="leads.recheck",
                        verbose_name="复查",
                    ),
                ),
            ],
            options={
                "verbose_name": "回头看",
                "verbose_name_plural": "回头看",
                "ordering": ["due_at", "id"],
            },
        ),
        migrations.CreateModel(
            name="Recusal",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("reason", models.CharField(max_length=500, verbose_name="回避原因")),
                ("was_owner", models.BooleanField(default=False, verbose_name="原承办人")),
                ("at", models.DateTimeField(verbose_name="回避时间")),
                (
                    "lead",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="recusals",
                        to="leads.lead",
                        verbose_name="线索",
                    ),
                ),
                (
                    "person",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="回避人",
                    ),
                ),
            ],
            options={
                "verbose_name": "回避",
                "verbose_name_plural": "回避",
                "ordering": ["id"],
            },
        ),
        migrations.CreateModel(
            name="Referral",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("round", models.PositiveSmallIntegerField(verbose_name="轮次")),
                ("document_number", models.CharField(blank=True, max_length=60, verbose_name="移交函文号")),
                ("sent_at", models.DateTimeField(verbose_name="移交时间")),
                ("receipt_at", models.DateTimeField(null=True, verbose_name="收到回执时间")),
                ("receipt_number", models.CharField(blank=True, max_length=60, verbose_name="回执编号")),
                ("reply_due_at", models.DateTimeField(null=True, verbose_name="答复时限")),
                ("reply_at", models.DateTimeField(null=True, verbose_name="收到答复时间")),
                ("reply", models.TextField(blank=True, max_length=2000, verbose_name="答复内容")),
                (
                    "department",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="grids.department",
                        verbose_name="移交部门",
                    ),
                ),
                (
                    "lead",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="referrals",
                        to="leads.lead",
                        verbose_name="线索",
                    ),
                ),
                (
                    "receipt_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="回执登记人",
                    ),
                ),
                (
                    "reply_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="答复登记人",
                    ),
                ),
                (
                    "sent_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="移交人",
                    ),
                ),
            ],
            options={
                "verbose_name": "移交",
                "verbose_name_plural": "移交",
                "ordering": ["id"],
            },
        ),
        migrations.CreateModel(
            name="Reopening",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("round", models.PositiveSmallIntegerField(verbose_name="新的轮次")),
                (
                    "cause",
                    models.CharField(
                        choices=[
                            ("head", "所长决定"),
                            ("recheck", "复查未通过"),
                            ("look_back", "回头看反弹"),
                            ("survey", "群众不满意"),
                        ],
                        max_length=10,
                        verbose_name="缘由",
                    ),
                ),
                ("reason", models.CharField(max_length=500, verbose_name="原因")),
                ("closed_at", models.DateTimeField(verbose_name="原办结时间")),
                (
                    "severity_before",
                    models.CharField(
                        choices=[
                            ("MINOR", "一般"),
                            ("MODERATE", "较重"),
                            ("SERIOUS", "严重"),
                            ("URGENT", "紧急"),
                        ],
                        max_length=8,
                        verbose_name="原严重程度",
                    ),
                ),
                (
                    "severity_after",
                    models.CharField(
                        choices=[
                            ("MINOR", "一般"),
                            ("MODERATE", "较重"),
                            ("SERIOUS", "严重"),
                            ("URGENT", "紧急"),
                        ],
                        max_length=8,
                        verbose_name="现严重程度",
                    ),
                ),
                (
                    "to",
                    models.CharField(
                        choices=[("responded", "办理中"), ("dispatched", "已派单")],
                        max_length=10,
                        verbose_name="转入状态",
                    ),
                ),
                ("at", models.DateTimeField(verbose_name="重新办理时间")),
                (
                    "by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="决定人",
                    ),
                ),
                (
                    "lead",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="reopenings",
                        to="leads.lead",
                        verbose_name="线索",
                    ),
                ),
            ],
            options={
                "verbose_name": "重新办理",
                "verbose_name_plural": "重新办理",
                "ordering": ["id"],
            },
        ),
        migrations.CreateModel(
            name="Unmerge",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("reason", models.CharField(max_length=500, verbose_name="撤销原因")),
                ("at", models.DateTimeField(verbose_name="撤销时间")),
                (
                    "by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="撤销人",
                    ),
                ),
                (
                    "merge",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="undone",
                        to="leads.merge",
                        verbose_name="并单",
                    ),
                ),
            ],
            options={
                "verbose_name": "撤销并单",
                "verbose_name_plural": "撤销并单",
            },
        ),
        migrations.CreateModel(
            name="Correction",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("round", models.PositiveSmallIntegerField(verbose_name="轮次")),
                ("note", models.TextField(max_length=2000, verbose_name="整改情况")),
                (
                    "evidence",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=64),
                        blank=True,
                        default=list,
                        size=None,
                        verbose_name="证据校验值",
                    ),
                ),
                ("in_time", models.BooleanField(verbose_name="在整改期限内")),
                ("at", models.DateTimeField(verbose_name="提交时间")),
                (
                    "by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="提交人",
                    ),
                ),
                (
                    "lead",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="corrections",
                        to="leads.lead",
                        verbose_name="线索",
                    ),
                ),
            ],
            options={
                "verbose_name": "整改证明",
                "verbose_name_plural": "整改证明",
                "ordering": ["id"],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("note", ""), _negated=True), name="leads_correction_says_what"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="InterimFeedback",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("round", models.PositiveSmallIntegerField(verbose_name="轮次")),
                ("number", models.PositiveSmallIntegerField(verbose_name="次数")),
                ("done", models.TextField(max_length=1000, verbose_name="已完成")),
                ("remaining", models.TextField(max_length=1000, verbose_name="尚需办理")),
                ("final_due_at", models.DateTimeField(verbose_name="承诺完整反馈时间")),
                ("at", models.DateTimeField(verbose_name="反馈时间")),
                (
                    "approved_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="批准人",
                    ),
                ),
                (
                    "by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="反馈人",
                    ),
                ),
                (
                    "lead",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="interims",
                        to="leads.lead",
                        verbose_name="线索",
                    ),
                ),
                (
                    "on_behalf_of",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="代谁反馈",
                    ),
                ),
            ],
            options={
                "verbose_name": "阶段反馈",
                "verbose_name_plural": "阶段反馈",
                "ordering": ["id"],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("lead", "round", "number"), name="leads_interimfeedback_one_a_number"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("done", ""), _negated=True), models.Q(("remaining", ""), _negated=True)
                        ),
                        name="leads_interimfeedback_says_what",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("number", 1), ("approved_by__isnull", False), _connector="OR"),
                        name="leads_interimfeedback_later_approved",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("approved_by__isnull", True),
                            models.Q(("approved_by", models.F("by")), _negated=True),
                            _connector="OR",
                        ),
                        name="leads_interimfeedback_approved_by_another",
                    ),
                ],
            },
        ),
        migrations.AddConstraint(
            model_name="merge",
            constraint=models.CheckConstraint(
                condition=models.Q(("lead", models.F("survivor")), _negated=True),
                name="leads_merge_two_leads",
            ),
        ),
        migrations.AddConstraint(
            model_name="recheck",
            constraint=models.UniqueConstraint(fields=("lead", "round"), name="leads_recheck_one_a_round"),
        ),
        migrations.AddConstraint(
            model_name="recheck",
            constraint=models.CheckConstraint(
                condition=models.Q(("note", ""), _negated=True), name="leads_recheck_says_what"
            ),
        ),
        migrations.AddConstraint(
            model_name="recheck",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("state", "passed"), _negated=True),
                    ("countersigned_by__isnull", False),
                    _connector="OR",
                ),
                name="leads_recheck_passed_countersigned",
            ),
        ),
        migrations.AddConstraint(
            model_name="recheck",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("countersigned_at__isnull", True), ("countersigned_by__isnull", True)),
                    models.Q(("countersigned_at__isnull", False), ("countersigned_by__isnull", False)),
                    _connector="OR",
                ),
                name="leads_recheck_countersigned_whole",
            ),
        ),
        migrations.AddConstraint(
            model_name="recheck",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("countersigned_by__isnull", True),
                    models.Q(("countersigned_by", models.F("by")), _negated=True),
                    _connector="OR",
                ),
                name="leads_recheck_two_people",
            ),
        ),
        migrations.AddIndex(
            model_name="lookback",
            index=models.Index(
                condition=models.Q(("state", "scheduled")), fields=["due_at"], name="leads_look_backs_waiting"
            ),
        ),
        migrations.AddIndex(
            model_name="lookback",
            index=models.Index(fields=["done_at"], name="leads_look_backs_done"),
        ),
        migrations.AddConstraint(
            model_name="lookback",
            constraint=models.UniqueConstraint(
                fields=("recheck", "number"), name="leads_lookback_one_a_number"
            ),
        ),
        migrations.AddConstraint(
            model_name="lookback",
            constraint=models.CheckConstraint(
                condition=models.Q(("number__in", [1, 2])), name="leads_lookback_first_or_second"
            ),
        ),
        migrations.AddConstraint(
            model_name="lookback",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        ("by__isnull", False), ("done_at__isnull", False), ("state__in", ["passed", "failed"])
                    ),
                    models.Q(
                        ("by__isnull", True),
                        ("done_at__isnull", True),
                        ("state__in", ["scheduled", "cancelled"]),
                    ),
                    _connector="OR",
                ),
                name="leads_lookback_done_by_somebody",
            ),
        ),
        migrations.AddConstraint(
            model_name="lookback",
            constraint=models.CheckConstraint(
                condition=models.Q(("opens_at__lt", models.F("due_at"))),
                name="leads_lookback_opens_before_due",
            ),
        ),
        migrations.AddConstraint(
            model_name="recusal",
            constraint=models.UniqueConstraint(fields=("lead", "person"), name="leads_recusal_once"),
        ),
        migrations.AddConstraint(
            model_name="recusal",
            constraint=models.CheckConstraint(
                condition=models.Q(("reason", ""), _negated=True), name="leads_recusal_says_why"
            ),
        ),
        migrations.AddConstraint(
            model_name="referral",
            constraint=models.UniqueConstraint(fields=("lead", "round"), name="leads_referral_one_a_round"),
        ),
        migrations.AddConstraint(
            model_name="referral",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        ("receipt_at__isnull", True),
                        ("receipt_by__isnull", True),
                        ("reply_due_at__isnull", True),
                    ),
                    models.Q(
                        ("receipt_at__isnull", False),
                        ("receipt_by__isnull", False),
                        ("reply_due_at__isnull", False),
                    ),
                    _connector="OR",
                ),
                name="leads_referral_receipt_whole",
            ),
        ),
        migrations.AddConstraint(
            model_name="referral",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("reply", ""), ("reply_at__isnull", True), ("reply_by__isnull", True)),
                    models.Q(
                        ("receipt_at__isnull", False),
                        ("reply_at__isnull", False),
                        ("reply_by__isnull", False),
                        models.Q(("reply", ""), _negated=True),
                    ),
                    _connector="OR",
                ),
                name="leads_referral_reply_after_receipt",
            ),
        ),
        migrations.AddConstraint(
            model_name="reopening",
            constraint=models.UniqueConstraint(fields=("lead", "round"), name="leads_reopening_one_a_round"),
        ),
        migrations.AddConstraint(
            model_name="reopening",
            constraint=models.CheckConstraint(
                condition=models.Q(("reason", ""), _negated=True), name="leads_reopening_says_why"
            ),
        ),
        migrations.AddConstraint(
            model_name="unmerge",
            constraint=models.CheckConstraint(
                condition=models.Q(("reason", ""), _negated=True), name="leads_unmerge_says_why"
            ),
        ),
        migrations.RunPython(seed, unseed),
        migrations.RunSQL(GUARD, UNGUARD),
        migrations.RunSQL(RECUSED, UNRECUSED),
    ]
