"""Daily figures, and the nightly reports that are kept."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("grids", "0001_initial"),
        ("journal", "0001_entries_and_seals"),
        ("leads", "0002_catalogue_and_policies"),
    ]

    operations = [
        migrations.CreateModel(
            name="ReportRun",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[("sla", "日报生成"), ("sla_told", "日报推送")],
                        max_length=20,
                        verbose_name="事项",
                    ),
                ),
                ("date", models.DateField(verbose_name="日期")),
                ("finished_at", models.DateTimeField(verbose_name="完成时间")),
            ],
            options={
                "verbose_name": "日报运行记录",
                "verbose_name_plural": "日报运行记录",
                "ordering": ["-date", "kind"],
                "constraints": [
                    models.UniqueConstraint(fields=("kind", "date"), name="reports_reportrun_once_a_date"),
                    models.CheckConstraint(
                        condition=models.Q(("kind__in", ["sla", "sla_told"])),
                        name="reports_reportrun_known_kind",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="SlaReport",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("date", models.DateField(unique=True, verbose_name="日期")),
                ("as_of", models.DateTimeField(verbose_name="统计截止")),
                ("made_at", models.DateTimeField(verbose_name="生成时间")),
                (
                    "run",
                    models.OneToOneField(
                        editable=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="report",
                        to="reports.reportrun",
                        verbose_name="运行记录",
                    ),
                ),
                (
                    "seal",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="journal.seal",
                        verbose_name="留痕封存",
                    ),
                ),
            ],
            options={
                "verbose_name": "运行日报",
                "verbose_name_plural": "运行日报",
                "ordering": ["-date"],
            },
        ),
        migrations.CreateModel(
            name="DailyGridStat",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("reported", models.PositiveIntegerField(verbose_name="上报")),
                ("desk", models.PositiveIntegerField(verbose_name="转人工派单")),
                ("desk_late", models.PositiveIntegerField(verbose_name="派单超时")),
                ("respond_counted", models.PositiveIntegerField(verbose_name="应接单")),
                ("responded_on_time", models.PositiveIntegerField(verbose_name="按时接单")),
                ("feedback_counted", models.PositiveIntegerField(verbose_name="应反馈")),
                ("fed_back_on_time", models.PositiveIntegerField(verbose_name="按时反馈")),
                ("closed", models.PositiveIntegerField(verbose_name="已办结")),
                ("mature", models.PositiveIntegerField(verbose_name="办结时限已到")),
                ("mature_closed", models.PositiveIntegerField(verbose_name="时限已到且办结")),
                ("closing_counted", models.PositiveIntegerField(verbose_name="已办结或已到期")),
                ("closed_on_time", models.PositiveIntegerField(verbose_name="按时办结")),
                ("fed_back", models.PositiveIntegerField(verbose_name="已反馈")),
                ("reworked", models.PositiveIntegerField(verbose_name="返工线索")),
                ("reworks", models.PositiveIntegerField(verbose_name="退回重办次数")),
                ("food", models.PositiveIntegerField(verbose_name="食品安全线索")),
                ("food_same_day", models.PositiveIntegerField(verbose_name="当日处置")),
                ("food_evening", models.PositiveIntegerField(verbose_name="20时后发现")),
                ("food_evening_same_day", models.PositiveIntegerField(verbose_name="20时后发现当日处置")),
                ("fixed_on_spot", models.PositiveIntegerField(verbose_name="即知即改")),
                ("verified_in_stead", models.PositiveIntegerField(verbose_name="代核验")),
                ("orders_raised", models.PositiveIntegerField(verbose_name="督办单")),
                ("orders_escalated", models.PositiveIntegerField(verbose_name="升级局级督办")),
                ("orders_lifted", models.PositiveIntegerField(verbose_name="督办已解除")),
                ("day", models.DateField(verbose_name="日期")),
                ("as_of", models.DateTimeField(verbose_name="统计截止")),
                (
                    "grid",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="grids.grid",
                        verbose_name="网格",
                    ),
                ),
            ],
            options={
                "verbose_name": "网格日统计",
                "verbose_name_plural": "网格日统计",
                "ordering": ["-day", "grid__code"],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("day", "grid"), name="reports_dailygridstat_one_a_day", nulls_distinct=False
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("responded_on_time__lte", models.F("respond_counted")),
                            ("fed_back_on_time__lte", models.F("feedback_counted")),
                            ("closed__lte", models.F("reported")),
                            ("mature_closed__lte", models.F("mature")),
                            ("closed_on_time__lte", models.F("closing_counted")),
                            ("reworked__lte", models.F("fed_back")),
                            ("food_same_day__lte", models.F("food")),
                            ("food_evening_same_day__lte", models.F("food_evening")),
                            ("desk_late__lte", models.F("desk")),
                            ("desk__lte", models.F("reported")),
                            ("fixed_on_spot__lte", models.F("reported")),
                            ("verified_in_stead__lte", models.F("closed")),
                            ("orders_escalated__lte", models.F("orders_raised")),
                            ("orders_lifted__lte", models.F("orders_raised")),
                            ("food_evening__lte", models.F("food")),
                            ("reworked__lte", models.F("reworks")),
                        ),
                        name="reports_dailygridstat_parts_within_whole",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="SlaOverdue",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("number", models.CharField(max_length=24, verbose_name="编号")),
                ("category", models.CharField(max_length=40, verbose_name="分类")),
                ("grid_code", models.CharField(blank=True, max_length=20, verbose_name="网格编码")),
                ("grid_name", models.CharField(blank=True, max_length=60, verbose_name="网格名称")),
                ("office_name", models.CharField(blank=True, max_length=40, verbose_name="监管所")),
                ("owner_name", models.CharField(blank=True, max_length=60, verbose_name="承办人")),
                (
                    "clock",
                    models.CharField(
                        choices=[
                            ("desk", "派单"),
                            ("respond", "接单"),
                            ("feedback", "反馈"),
                            ("same_day", "食品隐患当日处置"),
                            ("verify", "核验"),
                            ("closing", "办结"),
                        ],
                        max_length=10,
                        verbose_name="超时事项",
                    ),
                ),
                ("cycle", models.PositiveSmallIntegerField(verbose_name="轮次")),
                ("due_at", models.DateTimeField(verbose_name="时限")),
                (
                    "hours_late",
                    models.DecimalField(decimal_places=1, max_digits=9, verbose_name="超时（小时）"),
                ),
                (
                    "grid",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="grids.grid",
                        verbose_name="网格",
                    ),
                ),
                (
                    "lead",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="leads.lead",
                        verbose_name="线索",
                    ),
                ),
                (
                    "report",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="overdue",
                        to="reports.slareport",
                        verbose_name="日报",
                    ),
                ),
            ],
            options={
                "verbose_name": "日报超时事项",
                "verbose_name_plural": "日报超时事项",
                "ordering": ["report", "due_at", "id"],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("report", "lead", "clock", "cycle"), name="reports_slaoverdue_one_a_clock"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("hours_late__gte", 0)), name="reports_slaoverdue_late"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="SlaOrder",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("number", models.CharField(max_length=24, verbose_name="编号")),
                ("category", models.CharField(max_length=40, verbose_name="分类")),
                ("grid_code", models.CharField(blank=True, max_length=20, verbose_name="网格编码")),
                ("grid_name", models.CharField(blank=True, max_length=60, verbose_name="网格名称")),
                ("office_name", models.CharField(blank=True, max_length=40, verbose_name="监管所")),
                (
                    "cause",
                    models.CharField(
                        choices=[
                            ("respond", "接单超时"),
                            ("feedback", "反馈超时"),
                            ("same_day", "食品隐患当日未处置"),
                            ("owner_respond", "改派后接单超时"),
                        ],
                        max_length=14,
                        verbose_name="原因",
                    ),
                ),
                (
                    "level",
                    models.CharField(
                        choices=[("office", "所社督办"), ("bureau", "局级督办")],
                        max_length=8,
                        verbose_name="层级",
                    ),
                ),
                (
                    "state",
                    models.CharField(
                        choices=[("open", "督办中"), ("lifted", "已解除")], max_length=8, verbose_name="状态"
                    ),
                ),
                ("raised_at", models.DateTimeField(verbose_name="督办时间")),
                ("office_acknowledged_at", models.DateTimeField(null=True, verbose_name="所方签收时间")),
                ("community_acknowledged_at", models.DateTimeField(null=True, verbose_name="社方签收时间")),
                (
                    "grid",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="grids.grid",
                        verbose_name="网格",
                    ),
                ),
                (
                    "lead",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="leads.lead",
                        verbose_name="线索",
                    ),
                ),
                (
                    "order",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="leads.supervisionorder",
                        verbose_name="督办单",
                    ),
                ),
                (
                    "report",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="orders",
                        to="reports.slareport",
                        verbose_name="日报",
                    ),
                ),
            ],
            options={
                "verbose_name": "日报督办单",
                "verbose_name_plural": "日报督办单",
                "ordering": ["report", "raised_at", "id"],
                "constraints": [
                    models.UniqueConstraint(fields=("report", "order"), name="reports_slaorder_once")
                ],
            },
        ),
        migrations.CreateModel(
            name="SlaLine",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("reported", models.PositiveIntegerField(verbose_name="上报")),
                ("desk", models.PositiveIntegerField(verbose_name="转人工派单")),
                ("desk_late", models.PositiveIntegerField(verbose_name="派单超时")),
                ("respond_counted", models.PositiveIntegerField(verbose_name="应接单")),
                ("responded_on_time", models.PositiveIntegerField(verbose_name="按时接单")),
                ("feedback_counted", models.PositiveIntegerField(verbose_name="应反馈")),
                ("fed_back_on_time", models.PositiveIntegerField(verbose_name="按时反馈")),
                ("closed", models.PositiveIntegerField(verbose_name="已办结")),
                ("mature", models.PositiveIntegerField(verbose_name="办结时限已到")),
                ("mature_closed", models.PositiveIntegerField(verbose_name="时限已到且办结")),
                ("closing_counted", models.PositiveIntegerField(verbose_name="已办结或已到期")),
                ("closed_on_time", models.PositiveIntegerField(verbose_name="按时办结")),
                ("fed_back", models.PositiveIntegerField(verbose_name="已反馈")),
                ("reworked", models.PositiveIntegerField(verbose_name="返工线索")),
                ("reworks", models.PositiveIntegerField(verbose_name="退回重办次数")),
                ("food", models.PositiveIntegerField(verbose_name="食品安全线索")),
                ("food_same_day", models.PositiveIntegerField(verbose_name="当日处置")),
                ("food_evening", models.PositiveIntegerField(verbose_name="20时后发现")),
                ("food_evening_same_day", models.PositiveIntegerField(verbose_name="20时后发现当日处置")),
                ("fixed_on_spot", models.PositiveIntegerField(verbose_name="即知即改")),
                ("verified_in_stead", models.PositiveIntegerField(verbose_name="代核验")),
                ("orders_raised", models.PositiveIntegerField(verbose_name="督办单")),
                ("orders_escalated", models.PositiveIntegerField(verbose_name="升级局级督办")),
                ("orders_lifted", models.PositiveIntegerField(verbose_name="督办已解除")),
                (
                    "span",
                    models.CharField(
                        choices=[("day", "当日"), ("recent", "近7日")], max_length=6, verbose_name="统计期"
                    ),
                ),
                (
                    "level",
                    models.CharField(
                        choices=[
                            ("bureau", "全局"),
                            ("office", "监管所"),
                            ("community", "社区"),
                            ("grid", "网格"),
                        ],
                        max_length=9,
                        verbose_name="层级",
                    ),
                ),
                ("code", models.CharField(blank=True, max_length=20, verbose_name="编码")),
                ("name", models.CharField(max_length=60, verbose_name="名称")),
                ("pending", models.PositiveIntegerField(verbose_name="24时在办")),
                ("overdue", models.PositiveIntegerField(verbose_name="24时超时未办")),
                (
                    "response_on_time_rate",
                    models.DecimalField(decimal_places=4, max_digits=5, null=True, verbose_name="响应及时率"),
                ),
                (
                    "feedback_on_time_rate",
                    models.DecimalField(decimal_places=4, max_digits=5, null=True, verbose_name="反馈及时率"),
                ),
                (
                    "closure_rate",
                    models.DecimalField(decimal_places=4, max_digits=5, null=True, verbose_name="办结率"),
                ),
                (
                    "mature_closure_rate",
                    models.DecimalField(decimal_places=4, max_digits=5, null=True, verbose_name="到期办结率"),
                ),
                (
                    "closed_on_time_rate",
                    models.DecimalField(decimal_places=4, max_digits=5, null=True, verbose_name="按时办结率"),
                ),
                (
                    "rework_rate",
                    models.DecimalField(decimal_places=4, max_digits=5, null=True, verbose_name="返工率"),
                ),
                (
                    "same_day_rate",
                    models.DecimalField(decimal_places=4, max_digits=5, null=True, verbose_name="当日处置率"),
                ),
                (
                    "evening_same_day_rate",
                    models.DecimalField(
                        decimal_places=4, max_digits=5, null=True, verbose_name="20时后发现当日处置率"
                    ),
                ),
                (
                    "community",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="grids.community",
                        verbose_name="社区",
                    ),
                ),
                (
                    "grid",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="grids.grid",
                        verbose_name="网格",
                    ),
                ),
                (
                    "office",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="grids.office",
                        verbose_name="监管所",
                    ),
                ),
                (
                    "report",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="lines",
                        to="reports.slareport",
                        verbose_name="日报",
                    ),
                ),
            ],
            options={
                "verbose_name": "日报统计行",
                "verbose_name_plural": "日报统计行",
                "ordering": ["report", "span", "id"],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("report", "span", "level", "grid", "office", "community"),
                        name="reports_slaline_one_a_place",
                        nulls_distinct=False,
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("responded_on_time__lte", models.F("respond_counted")),
                            ("fed_back_on_time__lte", models.F("feedback_counted")),
                            ("closed__lte", models.F("reported")),
                            ("mature_closed__lte", models.F("mature")),
                            ("closed_on_time__lte", models.F("closing_counted")),
                            ("reworked__lte", models.F("fed_back")),
                            ("food_same_day__lte", models.F("food")),
                            ("food_evening_same_day__lte", models.F("food_evening")),
                            ("desk_late__lte", models.F("desk")),
                            ("desk__lte", models.F("reported")),
                            ("fixed_on_spot__lte", models.F("reported")),
                            ("verified_in_stead__lte", models.F("closed")),
                            ("orders_escalated__lte", models.F("orders_raised")),
                            ("orders_lifted__lte", models.F("orders_raised")),
                            ("food_evening__lte", models.F("food")),
                            ("reworked__lte", models.F("reworks")),
                        ),
                        name="reports_slaline_parts_within_whole",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("overdue__lte", models.F("pending"))),
                        name="reports_slaline_overdue_pending",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("community", None), ("level", "grid"), ("office", None)),
                            models.Q(
                                ("community", None),
                                ("grid", None),
                                ("level", "office"),
                                ("office__isnull", False),
                            ),
                            models.Q(
                                ("community__isnull", False),
                                ("grid", None),
                                ("level", "community"),
                                ("office", None),
                            ),
                            models.Q(
                                ("community", None), ("grid", None), ("level", "bureau"), ("office", None)
                            ),
                            _connector="OR",
                        ),
                        name="reports_slaline_place_fits_level",
                    ),
                ],
            },
        ),
    ]
