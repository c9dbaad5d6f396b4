"""Answers to citizens, surveys, when a reporter's identity was removed, and their limits.

Taken back, the answers and ratings are lost; the limits stay: a version that was in force is kept.
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

# kind, name, amount, unit, basis
LIMITS = [
    ("answer", "办结回复时限", 1, "WORKING_DAYS", "事事有回音：办结后1个工作日内回复反映人"),
    (
        "lead_reopen",
        "不满意复核时限",
        1,
        "WORKING_DAYS",
        "本局规定：群众评价不满意的，1个工作日内决定是否重新办理",
    ),
    ("survey_link", "满意度链接有效期", 14 * DAY, "MINUTES", "本局规定：链接14天内有效，只能评价一次"),
    ("identity_retention", "反映人信息保存期", 730 * DAY, "MINUTES", "个人信息保护法：办结满2年后清除"),
]

GUARD = """
CREATE FUNCTION leads_survey_by_the_uninvolved() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.answered_at IS NOT NULL THEN
        RAISE EXCEPTION 'leads_survey_answered_once: survey % has been answered', OLD.id
              USING ERRCODE = 'check_violation', CONSTRAINT = 'leads_survey_answered_once';
    END IF;
    IF NEW.entered_by_id IS NOT NULL AND (
           EXISTS (SELECT 1 FROM leads_signature s
                    WHERE s.lead_id = NEW.lead_id AND s.signer_id = NEW.entered_by_id)
        OR EXISTS (SELECT 1 FROM leads_lead l WHERE l.id = NEW.lead_id
                      AND NEW.entered_by_id IN (l.assignee_id, l.reported_by_id, l.closed_by_id))) THEN
        RAISE EXCEPTION 'leads_survey_by_the_uninvolved: % handled lead %', NEW.entered_by_id, NEW.lead_id
              USING ERRCODE = 'check_violation', CONSTRAINT = 'leads_survey_by_the_uninvolved';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER leads_survey_by_the_uninvolved BEFORE UPDATE ON leads_survey
    FOR EACH ROW EXECUTE FUNCTION leads_survey_by_the_uninvolved();
CREATE TRIGGER leads_survey_never_deleted BEFORE DELETE OR TRUNCATE ON leads_survey
    FOR EACH STATEMENT EXECUTE FUNCTION journal_refuse_change();
CREATE TRIGGER leads_answer_never_deleted BEFORE DELETE OR TRUNCATE ON leads_answer
    FOR EACH STATEMENT EXECUTE FUNCTION journal_refuse_change();
CREATE TRIGGER leads_answerattempt_never_deleted BEFORE DELETE OR TRUNCATE ON leads_answerattempt
    FOR EACH STATEMENT EXECUTE FUNCTION journal_refuse_change();
"""
UNGUARD = """
DROP TRIGGER leads_answerattempt_never_deleted ON leads_answerattempt;
DROP TRIGGER leads_answer_never_deleted ON leads_answer;
DROP TRIGGER leads_survey_never_deleted ON leads_survey;
DROP TRIGGER leads_survey_by_the_uninvolved ON leads_survey;
DROP FUNCTION leads_survey_by_the_uninvolved();
"""


def seed(apps: Any, schema_editor: Any) -> None:
    policy = apps.get_model("deadlines", "LimitPolicy")
    rows = [
        policy(
            kind=kind,
            version=1,
            name=name,
            amount=amount,
            unit=unit,
            basis=basis,
            in_force_from=IN_FORCE_FROM,
        )
        for kind, name, amount, unit, basis in LIMITS
    ]
    policy.objects.bulk_create(rows, ignore_conflicts=True)


class Migration(migrations.Migration):
    dependencies: ClassVar[list[Any]] = [
        ("leads", "0007_guidance_and_leniency"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations: ClassVar[list[Any]] = [
        migrations.CreateModel(
            name="Answer",
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
                        choices=[("owed", "待回复"), ("answered", "已回复"), ("cancelled", "已重新办理")],
                        max_length=10,
                        verbose_name="状态",
                    ),
                ),
                ("owed_at", models.DateTimeField(verbose_name="办结时间")),
                ("due_at", models.DateTimeField(verbose_name="回复时限")),
                ("answered_at", models.DateTimeField(null=True, verbose_name="回复时间")),
                (
                    "way",
                    models.CharField(
                        blank=True,
                        choices=[("sms", "短信"), ("call", "电话")],
                        default="",
                        max_length=4,
                        verbose_name="回复方式",
                    ),
                ),
            ],
            options={
                "verbose_name": "办结回复",
                "verbose_name_plural": "办结回复",
                "ordering": ["-id"],
            },
        ),
        migrations.CreateModel(
            name="AnswerAttempt",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "way",
                    models.CharField(
                        choices=[("sms", "短信"), ("call", "电话")], max_length=4, verbose_name="方式"
                    ),
                ),
                (
                    "result",
                    models.CharField(
                        choices=[
                            ("sending", "发送中"),
                            ("delivered", "已送达"),
                            ("failed", "未能送达"),
                            ("reached", "已接通并告知"),
                            ("not_reached", "未接通"),
                            ("refused", "对方拒绝接听"),
                        ],
                        max_length=12,
                        verbose_name="结果",
                    ),
                ),
                ("at", models.DateTimeField(verbose_name="时间")),
                ("client_uid", models.UUIDField(null=True, verbose_name="客户端编号")),
                (
                    "content_digest",
                    models.CharField(blank=True, default="", max_length=64, verbose_name="登记内容校验值"),
                ),
                ("note", models.CharField(blank=True, default="", max_length=500, verbose_name="说明")),
                (
                    "message_key",
                    models.CharField(blank=True, default="", max_length=160, verbose_name="短信去重键"),
                ),
            ],
            options={
                "verbose_name": "回复记录",
                "verbose_name_plural": "回复记录",
                "ordering": ["id"],
            },
        ),
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
            ],
            options={
                "verbose_name": "部门报到时限",
                "verbose_name_plural": "部门报到时限",
                "ordering": ["department_id", "-version"],
            },
        ),
        migrations.CreateModel(
            name="Survey",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("round", models.PositiveSmallIntegerField(verbose_name="轮次")),
                (
                    "asked",
                    models.CharField(
                        choices=[("citizen", "反映人"), ("shop", "经营主体")],
                        max_length=8,
                        verbose_name="回访对象",
                    ),
                ),
                ("asked_at", models.DateTimeField(verbose_name="发起时间")),
                ("token_hash", models.CharField(max_length=64, null=True, verbose_name="链接校验值")),
                ("expires_at", models.DateTimeField(verbose_name="链接失效时间")),
                ("answered_at", models.DateTimeField(null=True, verbose_name="评价时间")),
                (
                    "rating",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("very_satisfied", "非常满意"),
                            ("satisfied", "满意"),
                            ("neutral", "一般"),
                            ("unsatisfied", "不满意"),
                            ("very_unsatisfied", "非常不满意"),
                        ],
                        default="",
                        max_length=16,
                        verbose_name="评价",
                    ),
                ),
                ("comment", models.CharField(blank=True, default="", max_length=500, verbose_name="意见")),
                (
                    "how",
                    models.CharField(
                        blank=True,
                        choices=[("link", "短信链接"), ("telephone", "电话回访")],
                        default="",
                        max_length=10,
                        verbose_name="评价方式",
                    ),
                ),
                ("voided_at", models.DateTimeField(null=True, verbose_name="作废时间")),
            ],
            options={
                "verbose_name": "满意度回访",
                "verbose_name_plural": "满意度回访",
                "ordering": ["-id"],
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
            ],
            options={
                "verbose_name": "吹哨短信链接",
                "verbose_name_plural": "吹哨短信链接",
            },
        ),
        migrations.AddField(
            model_name="leadreporter",
            name="removed_at",
            field=models.DateTimeField(null=True, verbose_name="到期清除时间"),
        ),
        migrations.AddConstraint(
            model_name="leadreporter",
            constraint=models.CheckConstraint(
                condition=models.Q(("removed_at__isnull", True), ("sealed", b""), _connector="OR"),
                name="leads_leadreporter_emptied_when_removed",
            ),
        ),
        migrations.AddField(
            model_name="answer",
            name="lead",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="answers",
                to="leads.lead",
                verbose_name="线索",
            ),
        ),
        migrations.AddField(
            model_name="answerattempt",
            name="answer",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="attempts",
                to="leads.answer",
                verbose_name="办结回复",
            ),
        ),
        migrations.AddField(
            model_name="answerattempt",
            name="by",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
                verbose_name="联系人",
            ),
        ),
        migrations.AddField(
            model_name="departmentcontact",
            name="account",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
                verbose_name="对应账号",
            ),
        ),
        migrations.AddField(
            model_name="departmentcontact",
            name="department",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="contacts",
                to="grids.department",
                verbose_name="部门",
            ),
        ),
        migrations.AddField(
            model_name="departmentpolicy",
            name="added_by",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
                verbose_name="录入人",
            ),
        ),
        migrations.AddField(
            model_name="departmentpolicy",
            name="department",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="whistle_policies",
                to="grids.department",
                verbose_name="部门",
            ),
        ),
        migrations.AddField(
            model_name="survey",
            name="entered_by",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
                verbose_name="登记人",
            ),
        ),
        migrations.AddField(
            model_name="survey",
            name="lead",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="surveys",
                to="leads.lead",
                verbose_name="线索",
            ),
        ),
        migrations.AddField(
            model_name="whistle",
            name="called_by",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
                verbose_name="吹哨人",
            ),
        ),
        migrations.AddField(
            model_name="whistle",
            name="closed_by",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
                verbose_name="结束人",
            ),
        ),
        migrations.AddField(
            model_name="whistle",
            name="grid",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="whistles",
                to="grids.grid",
                verbose_name="网格",
            ),
        ),
        migrations.AddField(
            model_name="whistle",
            name="lead",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="whistles",
                to="leads.lead",
                verbose_name="线索",
            ),
        ),
        migrations.AddField(
            model_name="whistle",
            name="on_behalf_of",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
                verbose_name="代谁吹哨",
            ),
        ),
        migrations.AddField(
            model_name="whistlecall",
            name="answered_by",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
                verbose_name="回应人或录入人",
            ),
        ),
        migrations.AddField(
            model_name="whistlecall",
            name="checked_in_by",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
                verbose_name="签到人或录入人",
            ),
        ),
        migrations.AddField(
            model_name="whistlecall",
            name="department",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="whistle_calls",
                to="grids.department",
                verbose_name="部门",
            ),
        ),
        migrations.AddField(
            model_name="whistlecall",
            name="policy",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="leads.departmentpolicy",
                verbose_name="时限依据",
            ),
        ),
        migrations.AddField(
            model_name="whistlecall",
            name="reported_by",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
                verbose_name="报告人或录入人",
            ),
        ),
        migrations.AddField(
            model_name="whistlecall",
            name="whistle",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="calls",
                to="leads.whistle",
                verbose_name="吹哨",
            ),
        ),
        migrations.AddField(
            model_name="whistleevidence",
            name="added_by",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
                verbose_name="提交人",
            ),
        ),
        migrations.AddField(
            model_name="whistleevidence",
            name="call",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="evidence",
                to="leads.whistlecall",
                verbose_name="部门报到",
            ),
        ),
        migrations.AddField(
            model_name="whistleevidence",
            name="evidence",
            field=models.OneToOneField(
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="evidence.evidence",
                verbose_name="证据材料",
            ),
        ),
        migrations.AddField(
            model_name="whistlelink",
            name="call",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="links",
                to="leads.whistlecall",
                verbose_name="部门报到",
            ),
        ),
        migrations.AddField(
            model_name="whistlelink",
            name="contact",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="leads.departmentcontact",
                verbose_name="部门联系人",
            ),
        ),
        migrations.AddIndex(
            model_name="answer",
            index=models.Index(
                condition=models.Q(("state", "owed")), fields=["due_at"], name="leads_answer_owed_by_due"
            ),
        ),
        migrations.AddConstraint(
            model_name="answer",
            constraint=models.UniqueConstraint(fields=("lead", "round"), name="leads_answer_one_a_round"),
        ),
        migrations.AddConstraint(
            model_name="answer",
            constraint=models.CheckConstraint(
                condition=models.Q(("state__in", ["owed", "answered", "cancelled"])),
                name="leads_answer_known_state",
            ),
        ),
        migrations.AddConstraint(
            model_name="answer",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        ("answered_at__isnull", False), ("state", "answered"), ("way__in", ["sms", "call"])
                    ),
                    models.Q(
                        models.Q(("state", "answered"), _negated=True),
                        ("answered_at__isnull", True),
                        ("way", ""),
                    ),
                    _connector="OR",
                ),
                name="leads_answer_given_when_said",
            ),
        ),
        migrations.AddIndex(
            model_name="answerattempt",
            index=models.Index(
                condition=models.Q(("result", "sending")), fields=["id"], name="leads_answer_sms_on_its_way"
            ),
        ),
        migrations.AddConstraint(
            model_name="answerattempt",
            constraint=models.UniqueConstraint(
                fields=("by", "client_uid"), name="leads_answerattempt_one_client_uid"
            ),
        ),
        migrations.AddConstraint(
            model_name="answerattempt",
            constraint=models.UniqueConstraint(
                condition=models.Q(("message_key", ""), _negated=True),
                fields=("message_key",),
                name="leads_answerattempt_one_message",
            ),
        ),
        migrations.AddConstraint(
            model_name="answerattempt",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        ("by__isnull", True),
                        ("client_uid__isnull", True),
                        ("result__in", ("sending", "delivered", "failed")),
                        ("way", "sms"),
                        models.Q(("message_key", ""), _negated=True),
                    ),
                    models.Q(
                        ("by__isnull", False),
                        ("client_uid__isnull", False),
                        ("message_key", ""),
                        ("result__in", ("reached", "not_reached", "refused")),
                        ("way", "call"),
                    ),
                    _connector="OR",
                ),
                name="leads_answerattempt_sms_or_call",
            ),
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
            model_name="survey",
            index=models.Index(fields=["asked_at"], name="leads_survey_by_day"),
        ),
        migrations.AddConstraint(
            model_name="survey",
            constraint=models.UniqueConstraint(fields=("lead", "round"), name="leads_survey_one_a_round"),
        ),
        migrations.AddConstraint(
            model_name="survey",
            constraint=models.UniqueConstraint(fields=("token_hash",), name="leads_survey_one_a_token"),
        ),
        migrations.AddConstraint(
            model_name="survey",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("answered_at__isnull", True), ("comment", ""), ("how", ""), ("rating", "")),
                    models.Q(
                        ("answered_at__isnull", False),
                        ("how__in", ["link", "telephone"]),
                        (
                            "rating__in",
                            ["very_satisfied", "satisfied", "neutral", "unsatisfied", "very_unsatisfied"],
                        ),
                        ("voided_at__isnull", True),
                    ),
                    _connector="OR",
                ),
                name="leads_survey_answered_when_said",
            ),
        ),
        migrations.AddConstraint(
            model_name="survey",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("entered_by__isnull", False), ("how", "telephone")),
                    models.Q(models.Q(("how", "telephone"), _negated=True), ("entered_by__isnull", True)),
                    _connector="OR",
                ),
                name="leads_survey_telephone_names_who",
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
        migrations.RunSQL(GUARD, UNGUARD),
        migrations.RunPython(seed, migrations.RunPython.noop),
    ]
