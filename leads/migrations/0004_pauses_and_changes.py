"""Side roads that somebody approves: suspend, extend, reject, reclassify; who is charged with a lateness."""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

import django.contrib.postgres.fields
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

IN_FORCE_FROM = datetime(2025, 1, 1, tzinfo=ZoneInfo("Asia/Shanghai"))

# kind, name, minutes, basis
LIMITS = [
    ("approve_suspend", "暂缓审批时限", 120, "本局规定：2小时内审批"),
    ("approve_extend", "延期审批时限", 120, "本局规定：申请后暂停计时，最长2小时；逾期未批，继续计时"),
    (
        "agree_reject",
        "退单确认时限（网格员）",
        1440,
        "本局规定：网格员24小时内确认，逾期或不同意的由所长决定",
    ),
    ("approve_reject", "退单审批时限（所长）", 1440, "本局规定：24小时内审批"),
    ("agree_reclassify", "改出食品安全确认时限（网格员）", 1440, "本局规定：网格员24小时内确认"),
]


def seed(apps: Any, schema_editor: Any) -> None:
    policy = apps.get_model("deadlines", "LimitPolicy")
    rows = [
        policy(
            kind=kind,
            version=1,
            name=name,
            amount=amount,
            basis=basis,
            in_force_from=IN_FORCE_FROM,
        )
        for kind, name, amount, basis in LIMITS
    ]
    policy.objects.bulk_create(rows, ignore_conflicts=True)


def unseed(apps: Any, schema_editor: Any) -> None:
    """The limits stay: a version that was in force is never removed (`deadlines` guards it)."""


GUARD = """
CREATE TRIGGER leads_extension_immutable BEFORE UPDATE OR DELETE OR TRUNCATE ON leads_extension
    FOR EACH STATEMENT EXECUTE FUNCTION journal_refuse_change();
CREATE TRIGGER leads_rejection_immutable BEFORE UPDATE OR DELETE OR TRUNCATE ON leads_rejection
    FOR EACH STATEMENT EXECUTE FUNCTION journal_refuse_change();
CREATE TRIGGER leads_reclassification_immutable BEFORE UPDATE OR DELETE OR TRUNCATE ON leads_reclassification
    FOR EACH STATEMENT EXECUTE FUNCTION journal_refuse_change();
CREATE TRIGGER leads_jointhandler_immutable BEFORE UPDATE OR DELETE OR TRUNCATE ON leads_jointhandler
    FOR EACH STATEMENT EXECUTE FUNCTION journal_refuse_change();
CREATE TRIGGER leads_suspension_never_deleted BEFORE DELETE OR TRUNCATE ON leads_suspension
    FOR EACH STATEMENT EXECUTE FUNCTION journal_refuse_change();
CREATE FUNCTION leads_suspension_ends_once() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.ended_at IS NOT NULL OR (to_jsonb(NEW) - '{ended_at,ended_by_id}'::text[])
           <> (to_jsonb(OLD) - '{ended_at,ended_by_id}'::text[]) THEN
        RAISE EXCEPTION 'leads_suspension_ends_once: suspension % only ends, once', OLD.id
              USING ERRCODE = 'check_violation', CONSTRAINT = 'leads_suspension_ends_once';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER leads_suspension_ends_once BEFORE UPDATE ON leads_suspension
    FOR EACH ROW EXECUTE FUNCTION leads_suspension_ends_once();
"""
UNGUARD = """
DROP TRIGGER leads_suspension_ends_once ON leads_suspension;
DROP FUNCTION leads_suspension_ends_once();
DROP TRIGGER leads_suspension_never_deleted ON leads_suspension;
DROP TRIGGER leads_jointhandler_immutable ON leads_jointhandler;
DROP TRIGGER leads_reclassification_immutable ON leads_reclassification;
DROP TRIGGER leads_rejection_immutable ON leads_rejection;
DROP TRIGGER leads_extension_immutable ON leads_extension;
"""


class Migration(migrations.Migration):
    dependencies: ClassVar[list[Any]] = [
        ("leads", "0003_side_roads"),
        ("approvals", "0001_approvals"),
        ("deadlines", "0002_tune_for_churn"),
        ("journal", "0001_entries_and_seals"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations: ClassVar[list[Any]] = [
        migrations.CreateModel(
            name="Extension",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("clock", models.CharField(max_length=30, verbose_name="时限种类")),
                ("cycle", models.PositiveSmallIntegerField(verbose_name="轮次")),
                ("reason", models.CharField(blank=True, max_length=500, verbose_name="理由")),
                ("due_before", models.DateTimeField(verbose_name="原时限")),
                ("due_after", models.DateTimeField(verbose_name="延期后时限")),
                ("keeps_breach", models.BooleanField(default=False, verbose_name="此前已超时")),
                ("at", models.DateTimeField(verbose_name="批准时间")),
            ],
            options={
                "verbose_name": "延期",
                "verbose_name_plural": "延期",
                "ordering": ["id"],
            },
        ),
        migrations.CreateModel(
            name="JointHandler",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("owner_cycle", models.PositiveSmallIntegerField(verbose_name="经办轮次")),
                ("at", models.DateTimeField(verbose_name="加入时间")),
            ],
            options={
                "verbose_name": "共同承办",
                "verbose_name_plural": "共同承办",
                "ordering": ["id"],
            },
        ),
        migrations.CreateModel(
            name="Reclassification",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "from_severity",
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
                    "to_severity",
                    models.CharField(
                        choices=[
                            ("MINOR", "一般"),
                            ("MODERATE", "较重"),
                            ("SERIOUS", "严重"),
                            ("URGENT", "紧急"),
                        ],
                        max_length=8,
                        verbose_name="新严重程度",
                    ),
                ),
                ("from_food", models.BooleanField(verbose_name="原为食品安全")),
                ("to_food", models.BooleanField(verbose_name="现为食品安全")),
                ("reason", models.CharField(max_length=500, verbose_name="理由")),
                ("at", models.DateTimeField(verbose_name="改类时间")),
            ],
            options={
                "verbose_name": "改类",
                "verbose_name_plural": "改类",
                "ordering": ["id"],
            },
        ),
        migrations.CreateModel(
            name="Rejection",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "reason_kind",
                    models.CharField(
                        choices=[
                            ("not_ours", "不属本局职责"),
                            ("duplicate", "重复上报"),
                            ("no_such_place", "查无此地、此店"),
                            ("untrue", "内容不实"),
                            ("too_vague", "信息不足，无法核实"),
                            ("other", "其他"),
                        ],
                        max_length=20,
                        verbose_name="退单原因",
                    ),
                ),
                ("note", models.CharField(blank=True, max_length=500, verbose_name="说明")),
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
                ("at", models.DateTimeField(verbose_name="退单时间")),
            ],
            options={
                "verbose_name": "退单",
                "verbose_name_plural": "退单",
            },
        ),
        migrations.CreateModel(
            name="Suspension",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("number", models.PositiveSmallIntegerField(verbose_name="次数")),
                (
                    "reason_kind",
                    models.CharField(
                        choices=[
                            ("test_result", "等待检验检测结果"),
                            ("out_of_reach", "当事人暂时无法联系"),
                            ("shop_closed", "经营场所暂停营业"),
                            ("other_department", "等待其他部门配合"),
                            ("force_majeure", "恶劣天气等不可抗力"),
                            ("other", "其他"),
                        ],
                        max_length=20,
                        verbose_name="暂缓原因",
                    ),
                ),
                ("reason", models.CharField(blank=True, max_length=500, verbose_name="说明")),
                ("began_at", models.DateTimeField(verbose_name="暂缓时间")),
                ("until_at", models.DateTimeField(verbose_name="暂缓至")),
                ("ended_at", models.DateTimeField(null=True, verbose_name="恢复时间")),
            ],
            options={
                "verbose_name": "暂缓办理",
                "verbose_name_plural": "暂缓办理",
                "ordering": ["id"],
            },
        ),
        migrations.AddField(
            model_name="supervisionorder",
            name="charged_approval",
            field=models.ForeignKey(
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="approvals.approval",
                verbose_name="逾期未批的申请",
            ),
        ),
        migrations.AlterField(
            model_name="supervisionorder",
            name="late_side",
            field=models.CharField(
                choices=[
                    ("office", "所"),
                    ("community", "社"),
                    ("department", "部门"),
                    ("approver", "审批人"),
                ],
                max_length=10,
                verbose_name="责任方",
            ),
        ),
        migrations.AddConstraint(
            model_name="supervisionorder",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("charged_approval__isnull", False), ("late_side", "approver")),
                    models.Q(
                        models.Q(("late_side", "approver"), _negated=True), ("charged_approval__isnull", True)
                    ),
                    _connector="OR",
                ),
                name="leads_supervisionorder_charged_when_said",
            ),
        ),
        migrations.AddField(
            model_name="extension",
            name="approval",
            field=models.OneToOneField(
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="approvals.approval",
                verbose_name="审批",
            ),
        ),
        migrations.AddField(
            model_name="extension",
            name="approved_by",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
                verbose_name="批准人",
            ),
        ),
        migrations.AddField(
            model_name="extension",
            name="asked_by",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
                verbose_name="申请人",
            ),
        ),
        migrations.AddField(
            model_name="extension",
            name="lead",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="extensions",
                to="leads.lead",
                verbose_name="线索",
            ),
        ),
        migrations.AddField(
            model_name="extension",
            name="order",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="leads.supervisionorder",
                verbose_name="督办单",
            ),
        ),
        migrations.AddField(
            model_name="jointhandler",
            name="lead",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="joint_handlers",
                to="leads.lead",
                verbose_name="线索",
            ),
        ),
        migrations.AddField(
            model_name="jointhandler",
            name="order",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="leads.supervisionorder",
                verbose_name="督办单",
            ),
        ),
        migrations.AddField(
            model_name="jointhandler",
            name="person",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
                verbose_name="共同承办人",
            ),
        ),
        migrations.AddField(
            model_name="reclassification",
            name="agreed_by",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
                verbose_name="同意人",
            ),
        ),
        migrations.AddField(
            model_name="reclassification",
            name="approval",
            field=models.OneToOneField(
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="approvals.approval",
                verbose_name="审批",
            ),
        ),
        migrations.AddField(
            model_name="reclassification",
            name="by",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
                verbose_name="改类人",
            ),
        ),
        migrations.AddField(
            model_name="reclassification",
            name="from_category",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="leads.category",
                verbose_name="原分类",
            ),
        ),
        migrations.AddField(
            model_name="reclassification",
            name="lead",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="reclassifications",
                to="leads.lead",
                verbose_name="线索",
            ),
        ),
        migrations.AddField(
            model_name="reclassification",
            name="on_behalf_of",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
                verbose_name="代谁改类",
            ),
        ),
        migrations.AddField(
            model_name="reclassification",
            name="to_category",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="leads.category",
                verbose_name="新分类",
            ),
        ),
        migrations.AddField(
            model_name="rejection",
            name="agreed_by",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
                verbose_name="同意人",
            ),
        ),
        migrations.AddField(
            model_name="rejection",
            name="approval",
            field=models.OneToOneField(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="approvals.approval",
                verbose_name="审批",
            ),
        ),
        migrations.AddField(
            model_name="rejection",
            name="lead",
            field=models.OneToOneField(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="rejection",
                to="leads.lead",
                verbose_name="线索",
            ),
        ),
        migrations.AddField(
            model_name="rejection",
            name="proposed_by",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
                verbose_name="提出人",
            ),
        ),
        migrations.AddField(
            model_name="suspension",
            name="approval",
            field=models.OneToOneField(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="approvals.approval",
                verbose_name="审批",
            ),
        ),
        migrations.AddField(
            model_name="suspension",
            name="approved_by",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
                verbose_name="批准人",
            ),
        ),
        migrations.AddField(
            model_name="suspension",
            name="asked_by",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
                verbose_name="申请人",
            ),
        ),
        migrations.AddField(
            model_name="suspension",
            name="ended_by",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
                verbose_name="恢复人",
            ),
        ),
        migrations.AddField(
            model_name="suspension",
            name="lead",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="suspensions",
                to="leads.lead",
                verbose_name="线索",
            ),
        ),
        migrations.AddConstraint(
            model_name="extension",
            constraint=models.UniqueConstraint(
                fields=("lead", "clock", "cycle"), name="leads_extension_once_a_clock"
            ),
        ),
        migrations.AddConstraint(
            model_name="extension",
            constraint=models.CheckConstraint(
                condition=models.Q(("due_after__gt", models.F("due_before"))), name="leads_extension_later"
            ),
        ),
        migrations.AddConstraint(
            model_name="extension",
            constraint=models.CheckConstraint(
                condition=models.Q(("clock__in", ["feedback", "final"])),
                name="leads_extension_of_feedback_only",
            ),
        ),
        migrations.AddConstraint(
            model_name="extension",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("approval__isnull", False), ("asked_by__isnull", False)),
                    ("order__isnull", False),
                    _connector="OR",
                ),
                name="leads_extension_has_a_ground",
            ),
        ),
        migrations.AddConstraint(
            model_name="extension",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("asked_by__isnull", True),
                    models.Q(("approved_by", models.F("asked_by")), _negated=True),
                    _connector="OR",
                ),
                name="leads_extension_approved_by_another",
            ),
        ),
        migrations.AddConstraint(
            model_name="jointhandler",
            constraint=models.UniqueConstraint(
                fields=("lead", "person", "owner_cycle"), name="leads_jointhandler_once_an_owner"
            ),
        ),
        migrations.AddConstraint(
            model_name="reclassification",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("from_food", False), ("to_food", True), ("agreed_by__isnull", False), _connector="OR"
                ),
                name="leads_reclassification_out_of_food_agreed",
                violation_error_message="食品安全线索改为其他分类须经网格员同意。",
            ),
        ),
        migrations.AddConstraint(
            model_name="reclassification",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("agreed_by__isnull", True),
                    models.Q(("agreed_by", models.F("by")), _negated=True),
                    _connector="OR",
                ),
                name="leads_reclassification_agreed_by_another",
            ),
        ),
        migrations.AddConstraint(
            model_name="reclassification",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("from_category", models.F("to_category")), _negated=True),
                    models.Q(("from_severity", models.F("to_severity")), _negated=True),
                    _connector="OR",
                ),
                name="leads_reclassification_changes_something",
            ),
        ),
        migrations.AddConstraint(
            model_name="reclassification",
            constraint=models.CheckConstraint(
                condition=models.Q(("reason", ""), _negated=True), name="leads_reclassification_says_why"
            ),
        ),
        migrations.AddConstraint(
            model_name="rejection",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("note", ""), _negated=True), ("evidence__len__gt", 0), _connector="OR"
                ),
                name="leads_rejection_has_a_ground",
            ),
        ),
        migrations.AddConstraint(
            model_name="rejection",
            constraint=models.CheckConstraint(
                condition=models.Q(("agreed_by", models.F("proposed_by")), _negated=True),
                name="leads_rejection_agreed_by_another",
            ),
        ),
        migrations.AddConstraint(
            model_name="suspension",
            constraint=models.UniqueConstraint(
                fields=("lead", "number"), name="leads_suspension_one_a_number"
            ),
        ),
        migrations.AddConstraint(
            model_name="suspension",
            constraint=models.UniqueConstraint(
                condition=models.Q(("ended_at__isnull", True)),
                fields=("lead",),
                name="leads_suspension_one_open",
            ),
        ),
        migrations.AddConstraint(
            model_name="suspension",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("until_at__gt", models.F("began_at")),
                    (
                        "until_at__lte",
                        django.db.models.expressions.CombinedExpression(
                            models.F("began_at"),
                            "+",
                            models.Value("7 days", output_field=models.DurationField()),
                        ),
                    ),
                ),
                name="leads_suspension_a_week_at_most",
                violation_error_message="暂缓办理最长 7 天。",
            ),
        ),
        migrations.AddConstraint(
            model_name="suspension",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("ended_at__isnull", True),
                    models.Q(
                        ("ended_at__gte", models.F("began_at")), ("ended_at__lte", models.F("until_at"))
                    ),
                    _connector="OR",
                ),
                name="leads_suspension_ends_in_time",
            ),
        ),
        migrations.AddConstraint(
            model_name="suspension",
            constraint=models.CheckConstraint(
                condition=models.Q(("approved_by", models.F("asked_by")), _negated=True),
                name="leads_suspension_approved_by_another",
            ),
        ),
        migrations.RunPython(seed, unseed),
        migrations.RunSQL(GUARD, UNGUARD),
    ]
