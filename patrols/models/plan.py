"""What rules the plan, and what each planning did."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q


class PatrolPolicy(models.Model):
    """The bureau's settings of the plan, versioned; the newest whose `in_force_at` has come counts.

    `inspections_a_year`: 每周查 and campaign inspections that one business may be entered for in a calendar
    year (国办发〔2024〕54号). `*_limit`: above it a plan asks the bureau before it takes effect.
    `daily_on_rest_days`: is 每日巡 planned for weekends and holidays too?
    """

    version = models.PositiveIntegerField("版本", unique=True)
    in_force_at = models.DateTimeField("施行时间")
    daily_on_rest_days = models.BooleanField("休息日也安排每日巡", default=False)
    worker_daily_limit = models.PositiveSmallIntegerField("网格员每日任务上限", default=25)
    commissioner_weekly_limit = models.PositiveSmallIntegerField("专员每周检查上限", default=10)
    inspections_a_year = models.PositiveSmallIntegerField("每户年度检查上限", default=24)
    closed_in_a_row = models.PositiveSmallIntegerField("连续关门几次后核实", default=3)
    basis = models.CharField("依据", max_length=200, blank=True, default="", db_default="")
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, verbose_name="制定人", related_name="+", null=True
    )

    class Meta:
        verbose_name = verbose_name_plural = "巡查规则"
        ordering = ["-version"]
        constraints = [
            models.CheckConstraint(
                condition=Q(
                    worker_daily_limit__gt=0,
                    commissioner_weekly_limit__gt=0,
                    inspections_a_year__gt=0,
                    closed_in_a_row__gt=0,
                ),
                name="patrols_policy_positive",
                violation_error_message="各项数量应大于 0。",
            )
        ]

    def __str__(self) -> str:
        return f"第{self.version}版"


class PlanRun(models.Model):
    """One nightly planning of one date, once per date (unique). `counts` by kind, `load` the fullest days:
    `{"workers": [...], "commissioners": [...]}`; `needs_consent` where a limit of the policy is passed."""

    for_date = models.DateField("计划日期", unique=True)
    at = models.DateTimeField("生成时间")
    counts = models.JSONField("任务数", default=dict)
    load = models.JSONField("工作量", default=dict)
    needs_consent = models.BooleanField("超出工作量上限", default=False)
    consented_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, verbose_name="同意人", related_name="+", null=True
    )
    consented_at = models.DateTimeField("同意时间", null=True)

    class Meta:
        verbose_name = verbose_name_plural = "计划生成记录"
        ordering = ["-for_date"]

    def __str__(self) -> str:
        return f"{self.for_date}"
