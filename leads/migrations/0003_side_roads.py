"""States and columns of the side roads (DESIGN.md §3)."""

from __future__ import annotations

from typing import Any, ClassVar

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

KEEP = """
UPDATE leads_lead SET was_food = food, feedback_strict_due_at = feedback_due_at, first_closed_at = closed_at;
"""


class Migration(migrations.Migration):
    dependencies: ClassVar[list[Any]] = [
        ("leads", "0002_catalogue_and_policies"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations: ClassVar[list[Any]] = [
        migrations.RemoveConstraint(
            model_name="lead",
            name="leads_lead_known_state",
        ),
        migrations.RemoveConstraint(
            model_name="lead",
            name="leads_lead_owner_once_dispatched",
        ),
        migrations.RemoveConstraint(
            model_name="lead",
            name="leads_lead_responded_when_said",
        ),
        migrations.RemoveConstraint(
            model_name="lead",
            name="leads_lead_fed_back_when_said",
        ),
        migrations.AddField(
            model_name="lead",
            name="cleared_at",
            field=models.DateTimeField(null=True, verbose_name="销号时间"),
        ),
        migrations.AddField(
            model_name="lead",
            name="feedback_strict_due_at",
            field=models.DateTimeField(null=True, verbose_name="反馈时限（不含延期暂缓）"),
        ),
        migrations.AddField(
            model_name="lead",
            name="final_due_at",
            field=models.DateTimeField(null=True, verbose_name="完整反馈时限"),
        ),
        migrations.AddField(
            model_name="lead",
            name="first_closed_at",
            field=models.DateTimeField(null=True, verbose_name="首次办结时间"),
        ),
        migrations.AddField(
            model_name="lead",
            name="first_interim_at",
            field=models.DateTimeField(null=True, verbose_name="首次阶段反馈时间"),
        ),
        migrations.AddField(
            model_name="lead",
            name="handed_over_at",
            field=models.DateTimeField(null=True, verbose_name="移交回执时间"),
        ),
        migrations.AddField(
            model_name="lead",
            name="merged_at",
            field=models.DateTimeField(null=True, verbose_name="并单时间"),
        ),
        migrations.AddField(
            model_name="lead",
            name="merged_into",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="merged",
                to="leads.lead",
                verbose_name="并入线索",
            ),
        ),
        migrations.AddField(
            model_name="lead",
            name="rejected_at",
            field=models.DateTimeField(null=True, verbose_name="退单时间"),
        ),
        migrations.AddField(
            model_name="lead",
            name="reopen_count",
            field=models.PositiveSmallIntegerField(db_default=0, default=0, verbose_name="重新办理次数"),
        ),
        migrations.AddField(
            model_name="lead",
            name="reopened_at",
            field=models.DateTimeField(null=True, verbose_name="最近重新办理时间"),
        ),
        migrations.AddField(
            model_name="lead",
            name="restricted",
            field=models.BooleanField(db_default=False, default=False, verbose_name="限制知悉（举报）"),
        ),
        migrations.AddField(
            model_name="lead",
            name="restricted_section",
            field=models.CharField(
                blank=True,
                choices=[
                    ("FOOD", "食品安全监管科"),
                    ("EQUIPMENT", "特种设备安全监察科"),
                    ("CONSUMER", "消费者权益保护科"),
                    ("CREDIT", "信用监督管理科"),
                    ("LEGAL", "法规科"),
                    ("REGISTRATION", "登记注册科"),
                    ("PRICE", "价格监督与反不正当竞争科"),
                    ("QUALITY", "产品质量安全监管科"),
                    ("DRUG", "药械化妆品监管科"),
                    ("ADVERTISING", "广告与知识产权科"),
                ],
                db_default="",
                default="",
                max_length=20,
                verbose_name="知悉科室",
            ),
        ),
        migrations.AddField(
            model_name="lead",
            name="second_officer",
            field=models.ForeignKey(
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
                verbose_name="第二执法人员",
            ),
        ),
        migrations.AddField(
            model_name="lead",
            name="settled_at",
            field=models.DateTimeField(null=True, verbose_name="即知即改时间"),
        ),
        migrations.AddField(
            model_name="lead",
            name="source",
            field=models.CharField(
                blank=True, db_default="", default="", max_length=12, verbose_name="来源平台"
            ),
        ),
        migrations.AddField(
            model_name="lead",
            name="suspended_at",
            field=models.DateTimeField(null=True, verbose_name="暂缓时间"),
        ),
        migrations.AddField(
            model_name="lead",
            name="suspended_until",
            field=models.DateTimeField(null=True, verbose_name="暂缓至"),
        ),
        migrations.AddField(
            model_name="lead",
            name="was_food",
            field=models.BooleanField(db_default=False, default=False, verbose_name="曾列为食品安全"),
        ),
        migrations.AlterField(
            model_name="lead",
            name="state",
            field=models.CharField(
                choices=[
                    ("reported", "待派单"),
                    ("dispatched", "已派单"),
                    ("responded", "办理中"),
                    ("fed_back", "待核验"),
                    ("closed", "已办结"),
                    ("suspended", "暂缓办理"),
                    ("rejected", "已退单"),
                    ("merged", "已并单"),
                ],
                max_length=10,
                verbose_name="状态",
            ),
        ),
        migrations.RunSQL(KEEP, migrations.RunSQL.noop),
        migrations.AlterField(
            model_name="lead",
            name="feedback_strict_due_at",
            field=models.DateTimeField(verbose_name="反馈时限（不含延期暂缓）"),
        ),
        migrations.AddConstraint(
            model_name="lead",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    (
                        "state__in",
                        [
                            "reported",
                            "dispatched",
                            "responded",
                            "fed_back",
                            "closed",
                            "suspended",
                            "rejected",
                            "merged",
                        ],
                    )
                ),
                name="leads_lead_known_state",
            ),
        ),
        migrations.AddConstraint(
            model_name="lead",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        ("assignee__isnull", True),
                        ("dispatched_at__isnull", True),
                        ("owner_cycle", 0),
                        ("state__in", ["reported", "merged"]),
                    ),
                    models.Q(
                        models.Q(("state", "reported"), _negated=True),
                        ("assignee__isnull", False),
                        ("dispatched_at__isnull", False),
                        ("grid__isnull", False),
                        ("owner_cycle__gte", 1),
                    ),
                    models.Q(
                        ("assignee__isnull", False),
                        ("owner_cycle__gte", 1),
                        ("restricted", True),
                        ("state__in", ("dispatched", "responded", "fed_back", "closed", "suspended")),
                    ),
                    _connector="OR",
                ),
                name="leads_lead_owner_once_dispatched",
            ),
        ),
        migrations.AddConstraint(
            model_name="lead",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("responded_at__isnull", True), ("state__in", ["reported", "dispatched"])),
                    models.Q(
                        ("responded_at__isnull", False),
                        ("state__in", ("responded", "fed_back", "closed", "suspended")),
                    ),
                    ("state__in", ["rejected", "merged"]),
                    _connector="OR",
                ),
                name="leads_lead_responded_when_said",
            ),
        ),
        migrations.AddConstraint(
            model_name="lead",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("fed_back_at__isnull", False), ("state__in", ["fed_back", "closed"])),
                    models.Q(
                        models.Q(("state__in", ["fed_back", "closed"]), _negated=True),
                        ("fed_back_at__isnull", True),
                    ),
                    _connector="OR",
                ),
                name="leads_lead_fed_back_when_said",
            ),
        ),
        migrations.AddConstraint(
            model_name="lead",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        ("state", "suspended"),
                        ("suspended_at__isnull", False),
                        ("suspended_until__isnull", False),
                    ),
                    models.Q(
                        models.Q(("state", "suspended"), _negated=True),
                        ("suspended_at__isnull", True),
                        ("suspended_until__isnull", True),
                    ),
                    _connector="OR",
                ),
                name="leads_lead_suspended_when_said",
            ),
        ),
        migrations.AddConstraint(
            model_name="lead",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("rejected_at__isnull", False), ("state", "rejected")),
                    models.Q(models.Q(("state", "rejected"), _negated=True), ("rejected_at__isnull", True)),
                    _connector="OR",
                ),
                name="leads_lead_rejected_when_said",
            ),
        ),
        migrations.AddConstraint(
            model_name="lead",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        ("merged_at__isnull", False),
                        ("merged_into__isnull", False),
                        ("state", "merged"),
                        models.Q(("merged_into", models.F("id")), _negated=True),
                    ),
                    models.Q(
                        models.Q(("state", "merged"), _negated=True),
                        ("merged_at__isnull", True),
                        ("merged_into__isnull", True),
                    ),
                    _connector="OR",
                ),
                name="leads_lead_merged_when_said",
            ),
        ),
        migrations.AddConstraint(
            model_name="lead",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("restricted", True), models.Q(("restricted_section", ""), _negated=True)),
                    models.Q(
                        ("restricted", False), ("restricted_section", ""), ("second_officer__isnull", True)
                    ),
                    _connector="OR",
                ),
                name="leads_lead_restricted_names_section",
            ),
        ),
        migrations.AddConstraint(
            model_name="lead",
            constraint=models.CheckConstraint(
                condition=models.Q(("food", False), ("was_food", True), _connector="OR"),
                name="leads_lead_food_is_remembered",
            ),
        ),
        migrations.AddConstraint(
            model_name="lead",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("first_closed_at__isnull", False),
                    models.Q(("cleared_at__isnull", True), ("closed_at__isnull", True)),
                    _connector="OR",
                ),
                name="leads_lead_first_closing_kept",
            ),
        ),
        migrations.AddConstraint(
            model_name="lead",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("reopen_count", 0), ("reopened_at__isnull", True)),
                    models.Q(
                        ("first_closed_at__isnull", False),
                        ("reopen_count__gt", 0),
                        ("reopened_at__isnull", False),
                    ),
                    _connector="OR",
                ),
                name="leads_lead_reopened_after_closing",
            ),
        ),
        migrations.AddIndex(
            model_name="lead",
            index=models.Index(
                condition=models.Q(("state", "rejected")),
                fields=["rejected_at"],
                name="leads_rejected_by_time",
            ),
        ),
        migrations.AddIndex(
            model_name="lead",
            index=models.Index(
                condition=models.Q(("state", "merged")), fields=["merged_at"], name="leads_merged_by_time"
            ),
        ),
        migrations.AddIndex(
            model_name="lead",
            index=models.Index(
                condition=models.Q(("was_food", True)),
                fields=["discovered_at"],
                name="leads_food_cohort_ever",
            ),
        ),
    ]
