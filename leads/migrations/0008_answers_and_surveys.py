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
                ("cancelled_at", models.DateTimeField(null=True, verbose_name="取消时间")),
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
        migrations.AddConstraint(
            model_name="answer",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("cancelled_at__isnull", False), ("state", "cancelled")),
                    models.Q(models.Q(("state", "cancelled"), _negated=True), ("cancelled_at__isnull", True)),
                    _connector="OR",
                ),
                name="leads_answer_cancelled_when_said",
            ),
        ),
        migrations.AddIndex(
            model_name="answer",
            index=models.Index(fields=["answered_at"], name="leads_answer_by_time"),
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
        migrations.AddIndex(
            model_name="survey",
            index=models.Index(fields=["answered_at"], name="leads_survey_by_time"),
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
        migrations.RunSQL(GUARD, UNGUARD),
        migrations.RunPython(seed, migrations.RunPython.noop),
    ]
