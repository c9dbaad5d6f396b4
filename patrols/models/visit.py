"""What somebody did at a shop: of a task, or unplanned with a reason (无事不扰). Append-only (trigger)."""

from __future__ import annotations

from typing import Self

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from grids.access import Anyone, scope_of, within
from grids.models import BusinessEntity, Grid
from leads.models import Lead
from patrols.kinds import How, Result
from patrols.models.task import PatrolTask


class PatrolVisitQuerySet(models.QuerySet["PatrolVisit"]):
    def visible_to(self, user: Anyone) -> Self:
        scope = scope_of(user)
        if scope.business_nothing:
            return self.none()
        return self if scope.sees_all else self.filter(within(scope) | Q(by_id=scope.user_id))


class PatrolVisit(models.Model):
    """One visit. `captured_at` is the phone's moment, `at` the receipt; `done_on` the Shanghai date by which
    it counts (of `captured_at` where that is within 5 days before receipt). `stretch` ties the visits of one
    go along a street together: they are shown apart from single ones. `lead` is what a finding became.
    """

    client_uid = models.UUIDField("客户端编号")
    content_digest = models.CharField("内容校验值", max_length=64)
    task = models.OneToOneField(
        PatrolTask, models.PROTECT, verbose_name="任务", related_name="visit", null=True
    )
    entity = models.ForeignKey(
        BusinessEntity, models.PROTECT, verbose_name="经营主体", related_name="visits", db_index=False
    )
    grid = models.ForeignKey(Grid, models.PROTECT, verbose_name="网格", related_name="+")
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, verbose_name="走访人", related_name="+", db_index=False
    )
    on_behalf_of = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, verbose_name="代谁走访", related_name="+", null=True
    )
    result = models.CharField("结果", max_length=12, choices=Result.choices)
    how = models.CharField("方式", max_length=10, choices=How.choices, default=How.SINGLE)
    reason = models.CharField("计划外走访原因", max_length=200, blank=True)
    note = models.CharField("说明", max_length=500, blank=True)
    evidence = ArrayField(
        models.CharField(max_length=64), verbose_name="证据校验值", default=list, blank=True
    )
    lon = models.FloatField("经度", null=True)
    lat = models.FloatField("纬度", null=True)
    lead = models.ForeignKey(Lead, models.PROTECT, verbose_name="线索", related_name="+", null=True)
    stretch = models.UUIDField("沿街批次", null=True)
    captured_at = models.DateTimeField("走访时间")
    at = models.DateTimeField("接收时间")
    done_on = models.DateField("走访日期")

    objects = PatrolVisitQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "走访记录"
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["by", "client_uid"], name="patrols_visit_one_client_uid"),
            models.CheckConstraint(
                condition=Q(task__isnull=False) | ~Q(reason=""), name="patrols_visit_unplanned_says_why"
            ),
            models.CheckConstraint(
                condition=Q(result__in=Result.values, how__in=How.values), name="patrols_visit_words_known"
            ),
            models.CheckConstraint(
                condition=Q(how="STRETCH", stretch__isnull=False)
                | ~Q(how="STRETCH") & Q(stretch__isnull=True),
                name="patrols_visit_stretch_when_said",
            ),
            models.CheckConstraint(
                condition=Q(lead__isnull=True) | Q(result="problem"), name="patrols_visit_lead_of_problem"
            ),
        ]
        indexes = [
            models.Index(fields=["entity", "-id"], name="patrols_visits_by_entity"),
            models.Index(fields=["by", "done_on"], name="patrols_visits_by_person"),
        ]

    def __str__(self) -> str:
        return f"{self.get_result_display()} {self.done_on}"
