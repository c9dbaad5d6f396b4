"""Whistles: a community calls departments (社区吹哨、部门报到).

No time limit of a department is seeded: each is on only where a joint notice sets it. Taken back, the
whistles are lost; the limit of the link stays: a version that was in force is kept.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

IN_FORCE_FROM = datetime(2025, 1, 1, tzinfo=ZoneInfo("Asia/Shanghai"))

GUARD = """
CREATE FUNCTION leads_whistle_never_restricted() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM leads_lead l WHERE l.id = NEW.lead_id AND l.restricted) THEN
        RAISE EXCEPTION 'leads_whistle_never_restricted: lead % is a tip-off', NEW.lead_id
              USING ERRCODE = 'check_violation', CONSTRAINT = 'leads_whistle_never_restricted';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER leads_whistle_never_restricted BEFORE INSERT OR UPDATE OF lead_id ON leads_whistle
    FOR EACH ROW WHEN (NEW.lead_id IS NOT NULL) EXECUTE FUNCTION leads_whistle_never_restricted();
CREATE TRIGGER leads_whistle_never_deleted BEFORE DELETE OR TRUNCATE ON leads_whistle
    FOR EACH STATEMENT EXECUTE FUNCTION journal_refuse_change();
CREATE TRIGGER leads_whistlecall_never_deleted BEFORE DELETE OR TRUNCATE ON leads_whistlecall
    FOR EACH STATEMENT EXECUTE FUNCTION journal_refuse_change();
CREATE TRIGGER leads_departmentpolicy_kept_in_force BEFORE UPDATE OR DELETE ON leads_departmentpolicy
    FOR EACH ROW WHEN (OLD.in_force_from <= kernel_now()) EXECUTE FUNCTION journal_refuse_change();
"""
UNGUARD = """
DROP TRIGGER leads_departmentpolicy_kept_in_force ON leads_departmentpolicy;
DROP TRIGGER leads_whistlecall_never_deleted ON leads_whistlecall;
DROP TRIGGER leads_whistle_never_deleted ON leads_whistle;
DROP TRIGGER leads_whistle_never_restricted ON leads_whistle;
DROP FUNCTION leads_whistle_never_restricted();
"""


def seed(apps: Any, schema_editor: Any) -> None:
    apps.get_model("deadlines", "LimitPolicy").objects.bulk_create(
        [
            apps.get_model("deadlines", "LimitPolicy")(
                kind="whistle_link",
                version=1,
                name="吹哨短信链接有效期",
                amount=24 * 60,
                basis="本局规定：短信链接24小时内有效，只能回应一次",
                in_force_from=IN_FORCE_FROM,
            )
        ],
        ignore_conflicts=True,
    )


def unseed(apps: Any, schema_editor: Any) -> None:
    """The limit stays (`deadlines` guards it)."""


class Migration(migrations.Migration):
    dependencies: ClassVar[list[Any]] = [
        ("leads", "0005_after_closing"),
        ("grids", "0001_initial"),
        ("evidence", "0001_initial"),
        ("deadlines", "0002_tune_for_churn"),
        ("journal", "0001_entries_and_seals"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations: ClassVar[list[Any]] = [
        migrations.CreateModel(
            name="DepartmentContact",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("name", models.CharField(max_length=40, verbose_name="姓名")),
                ("phone", models.CharField(max_length=20, verbose_name="手机号")),
                ("is_head", models.BooleanField(default=False, verbose_name="部门负责人")),
                ("is_active", models.BooleanField(default=True, verbose_name="启用")),
                (
                    "account",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="对应账号",
                    ),
                ),
                (
                    "department",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="contacts",
                        to="grids.department",
                        verbose_name="部门",
                    ),
                ),
            ],
            options={
                "verbose_name": "部门联系人",
                "verbose_name_plural": "部门联系人",
                "ordering": ["department_id", "-is_head", "id"],
            },
        ),
        migrations.CreateModel(
            name="DepartmentPolicy",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("version", models.PositiveIntegerField(verbose_name="版本")),
                ("document_number", models.CharField(max_length=60, verbose_name="联合发文文号")),
                (
                    "answer_minutes",
                    models.PositiveIntegerField(blank=True, null=True, verbose_name="回应时限（分钟）"),
                ),
                (
                    "on_site_minutes",
                    models.PositiveIntegerField(blank=True, null=True, verbose_name="到场时限（分钟）"),
                ),
                ("in_force_from", models.DateTimeField(verbose_name="生效时间")),
                ("added_at", models.DateTimeField(verbose_name="录入时间")),
                (
                    "added_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="录入人",
                    ),
                ),
                (
                    "department",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="whistle_policies",
                        to="grids.department",
                        verbose_name="部门",
                    ),
                ),
            ],
            options={
                "verbose_name": "部门报到时限",
                "verbose_name_plural": "部门报到时限",
                "ordering": ["department_id", "-version"],
            },
        ),
        migrations.CreateModel(
            name="Whistle",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "side",
                    models.CharField(
                        choices=[("office", "所"), ("community", "社")], max_length=10, verbose_name="吹哨方"
                    ),
                ),
                ("reason", models.CharField(max_length=500, verbose_name="吹哨事由")),
                ("place", models.CharField(blank=True, max_length=200, verbose_name="地点")),
                ("telephone", models.CharField(blank=True, max_length=20, verbose_name="回拨电话")),
                ("client_uid", models.UUIDField(verbose_name="客户端编号")),
                ("content_digest", models.CharField(max_length=64, verbose_name="吹哨内容校验值")),
                (
                    "state",
                    models.CharField(
                        choices=[("open", "进行中"), ("closed", "已结束")],
                        default="open",
                        max_length=8,
                        verbose_name="状态",
                    ),
                ),
                ("version", models.PositiveIntegerField(default=1, verbose_name="版本")),
                ("called_at", models.DateTimeField(verbose_name="吹哨时间")),
                ("closed_at", models.DateTimeField(null=True, verbose_name="结束时间")),
                ("close_note", models.CharField(blank=True, max_length=500, verbose_name="结束说明")),
                (
                    "called_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="吹哨人",
                    ),
                ),
                (
                    "closed_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="结束人",
                    ),
                ),
                (
                    "grid",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="whistles",
                        to="grids.grid",
                        verbose_name="网格",
                    ),
                ),
                (
                    "lead",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="whistles",
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
                        verbose_name="代谁吹哨",
                    ),
                ),
            ],
            options={
                "verbose_name": "社区吹哨",
                "verbose_name_plural": "社区吹哨",
                "ordering": ["-id"],
            },
        ),
        migrations.CreateModel(
            name="WhistleCall",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("called", "待回应"),
                            ("answered", "已回应"),
                            ("on_site", "已到场"),
                            ("reported", "已报告"),
                            ("declined", "不归我管"),
                            ("ended", "吹哨方已结束"),
                        ],
                        default="called",
                        max_length=10,
                        verbose_name="状态",
                    ),
                ),
                ("called_at", models.DateTimeField(verbose_name="通知时间")),
                ("answer_due_at", models.DateTimeField(null=True, verbose_name="回应时限")),
                ("on_site_due_at", models.DateTimeField(null=True, verbose_name="到场时限")),
                ("answer_late", models.BooleanField(default=False, verbose_name="回应超时")),
                ("on_site_late", models.BooleanField(default=False, verbose_name="到场超时")),
                (
                    "answer",
                    models.CharField(
                        blank=True,
                        choices=[("received", "接到"), ("dispatched", "已派人"), ("not_ours", "不归我管")],
                        max_length=12,
                        verbose_name="回应",
                    ),
                ),
                ("answered_at", models.DateTimeField(null=True, verbose_name="首次回应时间")),
                (
                    "answered_how",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("account", "联络员账号"),
                            ("link", "短信链接"),
                            ("telephone", "电话，吹哨方代录"),
                        ],
                        max_length=10,
                        verbose_name="回应方式",
                    ),
                ),
                ("said_by", models.CharField(blank=True, max_length=40, verbose_name="部门答复人")),
                ("answer_note", models.CharField(blank=True, max_length=500, verbose_name="回应说明")),
                ("declined_at", models.DateTimeField(null=True, verbose_name="答复不归我管时间")),
                ("checked_in_at", models.DateTimeField(null=True, verbose_name="到场时间")),
                (
                    "checked_in_how",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("account", "联络员账号"),
                            ("link", "短信链接"),
                            ("telephone", "电话，吹哨方代录"),
                        ],
                        max_length=10,
                        verbose_name="签到方式",
                    ),
                ),
                ("check_in_note", models.CharField(blank=True, max_length=500, verbose_name="到场说明")),
                (
                    "lon",
                    models.DecimalField(decimal_places=6, max_digits=9, null=True, verbose_name="到场经度"),
                ),
                (
                    "lat",
                    models.DecimalField(decimal_places=6, max_digits=8, null=True, verbose_name="到场纬度"),
                ),
                ("reported_at", models.DateTimeField(null=True, verbose_name="报告时间")),
                (
                    "reported_how",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("account", "联络员账号"),
                            ("link", "短信链接"),
                            ("telephone", "电话，吹哨方代录"),
                        ],
                        max_length=10,
                        verbose_name="报告方式",
                    ),
                ),
                ("report", models.CharField(blank=True, max_length=2000, verbose_name="处置报告")),
                ("ended_at", models.DateTimeField(null=True, verbose_name="被结束时间")),
                (
                    "answered_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="回应人或录入人",
                    ),
                ),
                (
                    "checked_in_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="签到人或录入人",
                    ),
                ),
                (
                    "department",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="whistle_calls",
                        to="grids.department",
                        verbose_name="部门",
                    ),
                ),
                (
                    "policy",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="leads.departmentpolicy",
                        verbose_name="时限依据",
                    ),
                ),
                (
                    "reported_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="报告人或录入人",
                    ),
                ),
                (
                    "whistle",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="calls",
                        to="leads.whistle",
                        verbose_name="吹哨",
                    ),
                ),
            ],
            options={
                "verbose_name": "部门报到",
                "verbose_name_plural": "部门报到",
                "ordering": ["id"],
            },
        ),
        migrations.CreateModel(
            name="WhistleEvidence",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("sha256", models.CharField(max_length=64, verbose_name="文件校验值")),
                ("added_at", models.DateTimeField(verbose_name="提交时间")),
                (
                    "added_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="提交人",
                    ),
                ),
                (
                    "call",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="evidence",
                        to="leads.whistlecall",
                        verbose_name="部门报到",
                    ),
                ),
                (
                    "evidence",
                    models.OneToOneField(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="evidence.evidence",
                        verbose_name="证据材料",
                    ),
                ),
            ],
            options={
                "verbose_name": "部门报到材料",
                "verbose_name_plural": "部门报到材料",
            },
        ),
        migrations.CreateModel(
            name="WhistleLink",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("token_hash", models.CharField(max_length=64, unique=True, verbose_name="链接校验值")),
                ("created_at", models.DateTimeField(verbose_name="生成时间")),
                ("expires_at", models.DateTimeField(verbose_name="失效时间")),
                ("used_at", models.DateTimeField(null=True, verbose_name="使用时间")),
                (
                    "call",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="links",
                        to="leads.whistlecall",
                        verbose_name="部门报到",
                    ),
                ),
                (
                    "contact",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="leads.departmentcontact",
                        verbose_name="部门联系人",
                    ),
                ),
            ],
            options={
                "verbose_name": "吹哨短信链接",
                "verbose_name_plural": "吹哨短信链接",
            },
        ),
        migrations.AddConstraint(
            model_name="departmentcontact",
            constraint=models.UniqueConstraint(
                condition=models.Q(("is_active", True)),
                fields=("department", "phone"),
                name="leads_departmentcontact_one_phone",
                violation_error_message="该部门已有这个手机号的联系人。",
            ),
        ),
        migrations.AddConstraint(
            model_name="departmentcontact",
            constraint=models.CheckConstraint(
                condition=models.Q(("phone__regex", "^1[3-9][0-9]{9}$")),
                name="leads_departmentcontact_phone_form",
                violation_error_message="请填写 11 位手机号。",
            ),
        ),
        migrations.AddConstraint(
            model_name="departmentpolicy",
            constraint=models.UniqueConstraint(
                fields=("department", "version"), name="leads_departmentpolicy_one_version"
            ),
        ),
        migrations.AddConstraint(
            model_name="departmentpolicy",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        ("answer_minutes__isnull", True),
                        ("answer_minutes__range", (1, 10080)),
                        _connector="OR",
                    ),
                    models.Q(
                        ("on_site_minutes__isnull", True),
                        ("on_site_minutes__range", (1, 10080)),
                        _connector="OR",
                    ),
                ),
                name="leads_departmentpolicy_minutes_range",
                violation_error_message="时限应在 1 分钟至 7 天（10080 分钟）之间。",
            ),
        ),
        migrations.AddConstraint(
            model_name="departmentpolicy",
            constraint=models.CheckConstraint(
                condition=models.Q(("document_number", ""), _negated=True),
                name="leads_departmentpolicy_names_its_notice",
                violation_error_message="请填写联合发文文号。",
            ),
        ),
        migrations.AddIndex(
            model_name="whistle",
            index=models.Index(fields=["grid", "-id"], name="leads_whistles_by_grid"),
        ),
        migrations.AddIndex(
            model_name="whistle",
            index=models.Index(fields=["called_at"], name="leads_whistles_by_time"),
        ),
        migrations.AddConstraint(
            model_name="whistle",
            constraint=models.UniqueConstraint(
                fields=("called_by", "client_uid"), name="leads_whistle_one_client_uid"
            ),
        ),
        migrations.AddConstraint(
            model_name="whistle",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("closed_at__isnull", False), ("closed_by__isnull", False), ("state", "closed")),
                    models.Q(
                        ("close_note", ""),
                        ("closed_at__isnull", True),
                        ("closed_by__isnull", True),
                        ("state", "open"),
                    ),
                    _connector="OR",
                ),
                name="leads_whistle_closed_when_said",
            ),
        ),
        migrations.AddConstraint(
            model_name="whistle",
            constraint=models.CheckConstraint(
                condition=models.Q(("reason", ""), _negated=True), name="leads_whistle_says_why"
            ),
        ),
        migrations.AddIndex(
            model_name="whistlecall",
            index=models.Index(
                condition=models.Q(("state__in", ["called", "answered", "on_site"])),
                fields=["department"],
                name="leads_calls_waiting",
            ),
        ),
        migrations.AddIndex(
            model_name="whistlecall",
            index=models.Index(fields=["department", "called_at"], name="leads_calls_by_department"),
        ),
        migrations.AddConstraint(
            model_name="whistlecall",
            constraint=models.UniqueConstraint(
                fields=("whistle", "department"),
                name="leads_whistlecall_once_a_whistle",
                violation_error_message="该部门已在本次吹哨中。",
            ),
        ),
        migrations.AddConstraint(
            model_name="whistlecall",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        ("answer", ""),
                        ("answered_at__isnull", True),
                        ("state", "called"),
                        ("checked_in_at__isnull", True),
                    ),
                    models.Q(
                        ("answer__in", ["received", "dispatched"]),
                        ("state", "answered"),
                        ("answered_at__isnull", False),
                        models.Q(("answer", ""), _negated=True),
                        ("checked_in_at__isnull", True),
                    ),
                    models.Q(
                        ("state__in", ["on_site", "reported"]),
                        ("answered_at__isnull", False),
                        models.Q(("answer", ""), _negated=True),
                        ("checked_in_at__isnull", False),
                    ),
                    models.Q(
                        ("answer", "not_ours"),
                        ("state", "declined"),
                        ("answered_at__isnull", False),
                        models.Q(("answer", ""), _negated=True),
                        ("checked_in_at__isnull", True),
                    ),
                    ("state", "ended"),
                    _connector="OR",
                ),
                name="leads_whistlecall_moments_fit_state",
            ),
        ),
        migrations.AddConstraint(
            model_name="whistlecall",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        ("reported_at__isnull", False),
                        ("reported_by__isnull", False),
                        ("state", "reported"),
                        models.Q(("report", ""), _negated=True),
                    ),
                    models.Q(
                        models.Q(("state", "reported"), _negated=True),
                        ("report", ""),
                        ("reported_at__isnull", True),
                        ("reported_by__isnull", True),
                    ),
                    _connector="OR",
                ),
                name="leads_whistlecall_reported_when_said",
            ),
        ),
        migrations.AddConstraint(
            model_name="whistlecall",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("declined_at__isnull", False), ("state", "declined")),
                    models.Q(models.Q(("state", "declined"), _negated=True), ("declined_at__isnull", True)),
                    _connector="OR",
                ),
                name="leads_whistlecall_declined_when_said",
            ),
        ),
        migrations.AddConstraint(
            model_name="whistlecall",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("ended_at__isnull", False), ("state", "ended")),
                    models.Q(models.Q(("state", "ended"), _negated=True), ("ended_at__isnull", True)),
                    _connector="OR",
                ),
                name="leads_whistlecall_ended_when_said",
            ),
        ),
        migrations.AddConstraint(
            model_name="whistlecall",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("answered_how", "telephone"), _negated=True),
                    models.Q(("said_by", ""), _negated=True),
                    _connector="OR",
                ),
                name="leads_whistlecall_telephone_says_who",
            ),
        ),
        migrations.AddConstraint(
            model_name="whistlecall",
            constraint=models.CheckConstraint(
                condition=models.Q(("answer_late", False), ("answer_due_at__isnull", False), _connector="OR"),
                name="leads_whistlecall_late_where_limited",
            ),
        ),
        migrations.AddConstraint(
            model_name="whistlecall",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("on_site_late", False), ("on_site_due_at__isnull", False), _connector="OR"
                ),
                name="leads_whistlecall_late_on_site_where_limited",
            ),
        ),
        migrations.AddConstraint(
            model_name="whistlecall",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("answered_at__isnull", True),
                    ("answered_at__gte", models.F("called_at")),
                    _connector="OR",
                ),
                name="leads_whistlecall_answered_after_called",
            ),
        ),
        migrations.AddIndex(
            model_name="whistleevidence",
            index=models.Index(
                condition=models.Q(("evidence__isnull", True)),
                fields=["sha256"],
                name="leads_call_files_awaited",
            ),
        ),
        migrations.AddConstraint(
            model_name="whistleevidence",
            constraint=models.UniqueConstraint(fields=("call", "sha256"), name="leads_whistleevidence_once"),
        ),
        migrations.AddConstraint(
            model_name="whistlelink",
            constraint=models.CheckConstraint(
                condition=models.Q(("expires_at__gt", models.F("created_at"))),
                name="leads_whistlelink_expires_later",
            ),
        ),
        migrations.RunPython(seed, unseed),
        migrations.RunSQL(GUARD, UNGUARD),
    ]
