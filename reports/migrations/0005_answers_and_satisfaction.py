"""Answers to citizens and satisfaction among the counts and rates (DOMAIN.md §5).

Reports kept so far asked nobody: their closed leads are counted as 无回访对象, with the guard of kept rows
lifted for that alone.
"""

from __future__ import annotations

from typing import Any, ClassVar

from django.db import migrations, models

FILL = """
ALTER TABLE reports_slaline DISABLE TRIGGER reports_slaline_immutable;
UPDATE reports_slaline SET not_asked = closed;
ALTER TABLE reports_slaline ENABLE TRIGGER reports_slaline_immutable;
UPDATE reports_dailygridstat SET not_asked = closed;
"""


class Migration(migrations.Migration):
    dependencies: ClassVar[list[tuple[str, str]]] = [
        ("reports", "0004_side_roads"),
        ("leads", "0008_answers_and_surveys"),
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
            name="answered",
            field=models.PositiveIntegerField(db_default=0, default=0, verbose_name="已回复反映人"),
        ),
        migrations.AddField(
            model_name="dailygridstat",
            name="answered_on_time",
            field=models.PositiveIntegerField(db_default=0, default=0, verbose_name="按时回复反映人"),
        ),
        migrations.AddField(
            model_name="dailygridstat",
            name="answers_owed",
            field=models.PositiveIntegerField(db_default=0, default=0, verbose_name="应回复反映人"),
        ),
        migrations.AddField(
            model_name="dailygridstat",
            name="not_asked",
            field=models.PositiveIntegerField(db_default=0, default=0, verbose_name="无回访对象"),
        ),
        migrations.AddField(
            model_name="dailygridstat",
            name="rated",
            field=models.PositiveIntegerField(db_default=0, default=0, verbose_name="有效评价"),
        ),
        migrations.AddField(
            model_name="dailygridstat",
            name="satisfied",
            field=models.PositiveIntegerField(db_default=0, default=0, verbose_name="满意评价"),
        ),
        migrations.AddField(
            model_name="dailygridstat",
            name="surveys",
            field=models.PositiveIntegerField(db_default=0, default=0, verbose_name="满意度回访"),
        ),
        migrations.AddField(
            model_name="slaline",
            name="answered",
            field=models.PositiveIntegerField(db_default=0, default=0, verbose_name="已回复反映人"),
        ),
        migrations.AddField(
            model_name="slaline",
            name="answered_on_time",
            field=models.PositiveIntegerField(db_default=0, default=0, verbose_name="按时回复反映人"),
        ),
        migrations.AddField(
            model_name="slaline",
            name="answered_rate",
            field=models.DecimalField(decimal_places=4, max_digits=5, null=True, verbose_name="回复率"),
        ),
        migrations.AddField(
            model_name="slaline",
            name="answers_owed",
            field=models.PositiveIntegerField(db_default=0, default=0, verbose_name="应回复反映人"),
        ),
        migrations.AddField(
            model_name="slaline",
            name="not_asked",
            field=models.PositiveIntegerField(db_default=0, default=0, verbose_name="无回访对象"),
        ),
        migrations.AddField(
            model_name="slaline",
            name="rated",
            field=models.PositiveIntegerField(db_default=0, default=0, verbose_name="有效评价"),
        ),
        migrations.AddField(
            model_name="slaline",
            name="satisfaction_rate",
            field=models.DecimalField(decimal_places=4, max_digits=5, null=True, verbose_name="满意率"),
        ),
        migrations.AddField(
            model_name="slaline",
            name="satisfied",
            field=models.PositiveIntegerField(db_default=0, default=0, verbose_name="满意评价"),
        ),
        migrations.AddField(
            model_name="slaline",
            name="survey_response_rate",
            field=models.DecimalField(decimal_places=4, max_digits=5, null=True, verbose_name="评价率"),
        ),
        migrations.AddField(
            model_name="slaline",
            name="surveys",
            field=models.PositiveIntegerField(db_default=0, default=0, verbose_name="满意度回访"),
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
                    ("satisfied__lte", models.F("rated")),
                    ("rated__lte", models.F("surveys")),
                    ("answered__lte", models.F("answers_owed")),
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
                    ("answered_on_time__lte", models.F("answered")),
                    ("not_asked__lte", models.F("reported")),
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
                    ("satisfied__lte", models.F("rated")),
                    ("rated__lte", models.F("surveys")),
                    ("answered__lte", models.F("answers_owed")),
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
                    ("answered_on_time__lte", models.F("answered")),
                    ("not_asked__lte", models.F("reported")),
                ),
                name="reports_slaline_parts_within_whole",
            ),
        ),
    ]
