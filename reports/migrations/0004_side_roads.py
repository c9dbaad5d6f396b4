"""Counts and rates of the side roads (DOMAIN.md §5).

Reports kept so far had none: everything was owed a closing, and no limit had been moved. Their new counts
are filled in with what those days' own rows say, with the guard of kept rows lifted for that alone.
"""

from __future__ import annotations

from typing import Any, ClassVar

from django.db import migrations, models

FILL = """
ALTER TABLE reports_slaline DISABLE TRIGGER reports_slaline_immutable;
UPDATE reports_slaline SET closure_counted = reported, strict_counted = feedback_counted,
       strict_on_time = fed_back_on_time, strict_feedback_rate = feedback_on_time_rate;
ALTER TABLE reports_slaline ENABLE TRIGGER reports_slaline_immutable;
UPDATE reports_dailygridstat SET closure_counted = reported, strict_counted = feedback_counted,
       strict_on_time = fed_back_on_time;
"""


class Migration(migrations.Migration):
    dependencies: ClassVar[list[tuple[str, str]]] = [
        ("reports", "0003_more_causes"),
        ("leads", "0005_after_closing"),
    ]

    operations: ClassVar[list[Any]] = [
        migrations.RemoveConstraint(
            model_name="dailygridstat",
            name="reports_dailygridstat_parts_within_whole",
        ),
        migrations.RemoveConstraint(
            model_name="slaline",
            name="reports_slaline_parts_within_whole",
        ),
        migrations.AddField(
            model_name="dailygridstat",
            name="cleared",
            field=models.PositiveIntegerField(db_default=0, default=0, verbose_name="已销号"),
        ),
        migrations.AddField(
            model_name="dailygridstat",
            name="closure_counted",
            field=models.PositiveIntegerField(db_default=0, default=0, verbose_name="应办结"),
        ),
        migrations.AddField(
            model_name="dailygridstat",
            name="extended",
            field=models.PositiveIntegerField(db_default=0, default=0, verbose_name="延期"),
        ),
        migrations.AddField(
            model_name="dailygridstat",
            name="food_left",
            field=models.PositiveIntegerField(db_default=0, default=0, verbose_name="改出食品类"),
        ),
        migrations.AddField(
            model_name="dailygridstat",
            name="handed_over",
            field=models.PositiveIntegerField(db_default=0, default=0, verbose_name="已移交"),
        ),
        migrations.AddField(
            model_name="dailygridstat",
            name="interim_on_time",
            field=models.PositiveIntegerField(db_default=0, default=0, verbose_name="其中按时阶段反馈"),
        ),
        migrations.AddField(
            model_name="dailygridstat",
            name="look_backs",
            field=models.PositiveIntegerField(db_default=0, default=0, verbose_name="回头看"),
        ),
        migrations.AddField(
            model_name="dailygridstat",
            name="merged",
            field=models.PositiveIntegerField(db_default=0, default=0, verbose_name="并单"),
        ),
        migrations.AddField(
            model_name="dailygridstat",
            name="orders_charged",
            field=models.PositiveIntegerField(db_default=0, default=0, verbose_name="其中因审批逾期"),
        ),
        migrations.AddField(
            model_name="dailygridstat",
            name="reclassified",
            field=models.PositiveIntegerField(db_default=0, default=0, verbose_name="改类"),
        ),
        migrations.AddField(
            model_name="dailygridstat",
            name="rectify_due",
            field=models.PositiveIntegerField(db_default=0, default=0, verbose_name="整改到期"),
        ),
        migrations.AddField(
            model_name="dailygridstat",
            name="rejected",
            field=models.PositiveIntegerField(db_default=0, default=0, verbose_name="退单"),
        ),
        migrations.AddField(
            model_name="dailygridstat",
            name="relapsed",
            field=models.PositiveIntegerField(db_default=0, default=0, verbose_name="反弹"),
        ),
        migrations.AddField(
            model_name="dailygridstat",
            name="settled",
            field=models.PositiveIntegerField(db_default=0, default=0, verbose_name="即知即改"),
        ),
        migrations.AddField(
            model_name="dailygridstat",
            name="strict_counted",
            field=models.PositiveIntegerField(db_default=0, default=0, verbose_name="应反馈（不计延期暂缓）"),
        ),
        migrations.AddField(
            model_name="dailygridstat",
            name="strict_on_time",
            field=models.PositiveIntegerField(
                db_default=0, default=0, verbose_name="按时反馈（不计延期暂缓）"
            ),
        ),
        migrations.AddField(
            model_name="dailygridstat",
            name="suspended",
            field=models.PositiveIntegerField(db_default=0, default=0, verbose_name="暂缓"),
        ),
        migrations.AddField(
            model_name="slaline",
            name="cleared",
            field=models.PositiveIntegerField(db_default=0, default=0, verbose_name="已销号"),
        ),
        migrations.AddField(
            model_name="slaline",
            name="cleared_rate",
            field=models.DecimalField(decimal_places=4, max_digits=5, null=True, verbose_name="销号率"),
        ),
        migrations.AddField(
            model_name="slaline",
            name="closure_counted",
            field=models.PositiveIntegerField(db_default=0, default=0, verbose_name="应办结"),
        ),
        migrations.AddField(
            model_name="slaline",
            name="extended",
            field=models.PositiveIntegerField(db_default=0, default=0, verbose_name="延期"),
        ),
        migrations.AddField(
            model_name="slaline",
            name="food_left",
            field=models.PositiveIntegerField(db_default=0, default=0, verbose_name="改出食品类"),
        ),
        migrations.AddField(
            model_name="slaline",
            name="handed_over",
            field=models.PositiveIntegerField(db_default=0, default=0, verbose_name="已移交"),
        ),
        migrations.AddField(
            model_name="slaline",
            name="interim_on_time",
            field=models.PositiveIntegerField(db_default=0, default=0, verbose_name="其中按时阶段反馈"),
        ),
        migrations.AddField(
            model_name="slaline",
            name="look_backs",
            field=models.PositiveIntegerField(db_default=0, default=0, verbose_name="回头看"),
        ),
        migrations.AddField(
            model_name="slaline",
            name="merged",
            field=models.PositiveIntegerField(db_default=0, default=0, verbose_name="并单"),
        ),
        migrations.AddField(
            model_name="slaline",
            name="orders_charged",
            field=models.PositiveIntegerField(db_default=0, default=0, verbose_name="其中因审批逾期"),
        ),
        migrations.AddField(
            model_name="slaline",
            name="reclassified",
            field=models.PositiveIntegerField(db_default=0, default=0, verbose_name="改类"),
        ),
        migrations.AddField(
            model_name="slaline",
            name="rectify_due",
            field=models.PositiveIntegerField(db_default=0, default=0, verbose_name="整改到期"),
        ),
        migrations.AddField(
            model_name="slaline",
            name="rejected",
            field=models.PositiveIntegerField(db_default=0, default=0, verbose_name="退单"),
        ),
        migrations.AddField(
            model_name="slaline",
            name="relapse_rate",
            field=models.DecimalField(decimal_places=4, max_digits=5, null=True, verbose_name="回头看反弹率"),
        ),
        migrations.AddField(
            model_name="slaline",
            name="relapsed",
            field=models.PositiveIntegerField(db_default=0, default=0, verbose_name="反弹"),
        ),
        migrations.AddField(
            model_name="slaline",
            name="settled",
            field=models.PositiveIntegerField(db_default=0, default=0, verbose_name="即知即改"),
        ),
        migrations.AddField(
            model_name="slaline",
            name="strict_counted",
            field=models.PositiveIntegerField(db_default=0, default=0, verbose_name="应反馈（不计延期暂缓）"),
        ),
        migrations.AddField(
            model_name="slaline",
            name="strict_feedback_rate",
            field=models.DecimalField(
                decimal_places=4, max_digits=5, null=True, verbose_name="反馈及时率（不计延期暂缓）"
            ),
        ),
        migrations.AddField(
            model_name="slaline",
            name="strict_on_time",
            field=models.PositiveIntegerField(
                db_default=0, default=0, verbose_name="按时反馈（不计延期暂缓）"
            ),
        ),
        migrations.AddField(
            model_name="slaline",
            name="suspended",
            field=models.PositiveIntegerField(db_default=0, default=0, verbose_name="暂缓"),
        ),
        migrations.AlterField(
            model_name="dailygridstat",
            name="fixed_on_spot",
            field=models.PositiveIntegerField(verbose_name="现场已改正"),
        ),
        migrations.AlterField(
            model_name="slaline",
            name="fixed_on_spot",
            field=models.PositiveIntegerField(verbose_name="现场已改正"),
        ),
        migrations.AlterField(
            model_name="slaoverdue",
            name="clock",
            field=models.CharField(
                choices=[
                    ("desk", "派单"),
                    ("respond", "接单"),
                    ("feedback", "反馈"),
                    ("final", "完整反馈"),
                    ("same_day", "食品隐患当日处置"),
                    ("verify", "核验"),
                    ("closing", "办结"),
                ],
                max_length=10,
                verbose_name="超时事项",
            ),
        ),
        migrations.RunSQL(FILL, migrations.RunSQL.noop),
        migrations.AddConstraint(
            model_name="dailygridstat",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("responded_on_time__lte", models.F("respond_counted")),
                    ("fed_back_on_time__lte", models.F("feedback_counted")),
                    ("strict_on_time__lte", models.F("strict_counted")),
                    ("closed__lte", models.F("closure_counted")),
                    ("mature_closed__lte", models.F("mature")),
                    ("closed_on_time__lte", models.F("closing_counted")),
                    ("reworked__lte", models.F("fed_back")),
                    ("food_same_day__lte", models.F("food")),
                    ("food_evening_same_day__lte", models.F("food_evening")),
                    ("cleared__lte", models.F("rectify_due")),
                    ("relapsed__lte", models.F("look_backs")),
                    ("desk_late__lte", models.F("desk")),
                    ("desk__lte", models.F("reported")),
                    ("fixed_on_spot__lte", models.F("reported")),
                    ("verified_in_stead__lte", models.F("closed")),
                    ("orders_escalated__lte", models.F("orders_raised")),
                    ("orders_lifted__lte", models.F("orders_raised")),
                    ("orders_charged__lte", models.F("orders_raised")),
                    ("food_evening__lte", models.F("food")),
                    ("food_left__lte", models.F("food")),
                    ("interim_on_time__lte", models.F("fed_back_on_time")),
                    ("closure_counted__lte", models.F("reported")),
                    ("rejected__lte", models.F("reported")),
                    ("merged__lte", models.F("reported")),
                    ("settled__lte", models.F("reported")),
                    ("handed_over__lte", models.F("reported")),
                    ("extended__lte", models.F("reported")),
                    ("suspended__lte", models.F("reported")),
                    ("reclassified__lte", models.F("reported")),
                    ("reworked__lte", models.F("reworks")),
                ),
                name="reports_dailygridstat_parts_within_whole",
            ),
        ),
        migrations.AddConstraint(
            model_name="slaline",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("responded_on_time__lte", models.F("respond_counted")),
                    ("fed_back_on_time__lte", models.F("feedback_counted")),
                    ("strict_on_time__lte", models.F("strict_counted")),
                    ("closed__lte", models.F("closure_counted")),
                    ("mature_closed__lte", models.F("mature")),
                    ("closed_on_time__lte", models.F("closing_counted")),
                    ("reworked__lte", models.F("fed_back")),
                    ("food_same_day__lte", models.F("food")),
                    ("food_evening_same_day__lte", models.F("food_evening")),
                    ("cleared__lte", models.F("rectify_due")),
                    ("relapsed__lte", models.F("look_backs")),
                    ("desk_late__lte", models.F("desk")),
                    ("desk__lte", models.F("reported")),
                    ("fixed_on_spot__lte", models.F("reported")),
                    ("verified_in_stead__lte", models.F("closed")),
                    ("orders_escalated__lte", models.F("orders_raised")),
                    ("orders_lifted__lte", models.F("orders_raised")),
                    ("orders_charged__lte", models.F("orders_raised")),
                    ("food_evening__lte", models.F("food")),
                    ("food_left__lte", models.F("food")),
                    ("interim_on_time__lte", models.F("fed_back_on_time")),
                    ("closure_counted__lte", models.F("reported")),
                    ("rejected__lte", models.F("reported")),
                    ("merged__lte", models.F("reported")),
                    ("settled__lte", models.F("reported")),
                    ("handed_over__lte", models.F("reported")),
                    ("extended__lte", models.F("reported")),
                    ("suspended__lte", models.F("reported")),
                    ("reclassified__lte", models.F("reported")),
                    ("reworked__lte", models.F("reworks")),
                ),
                name="reports_slaline_parts_within_whole",
            ),
        ),
    ]
