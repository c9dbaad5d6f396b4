"""The plan: one row per business, kind and period (DESIGN.md §8)."""

from __future__ import annotations

from datetime import date
from typing import Self

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from grids.access import Anyone, scope_of, within
from grids.models import BusinessEntity, CreditGrade, Grid
from grids.roles import Section
from patrols.kinds import LIVE, Cause, TaskKind, TaskState


class PatrolTaskQuerySet(models.QuerySet["PatrolTask"]):
    def visible_to(self, user: Anyone) -> Self:
        """Of the grids in the scope; all for the bureau; 季度评 for its section of credit, which is told of
        their exceptions. A system administrator, a department: none."""
        scope = scope_of(user)
        if scope.business_nothing:
            return self.none()
        if scope.sees_all:
            return self
        mine = within(scope) | Q(assignee_id=scope.user_id)
        if Section.CREDIT in scope.sections:
            mine |= Q(kind=TaskKind.QUARTERLY_REVIEW)
        return self.filter(mine)

    def of_the_day(self, user_id: int | None, day: date) -> Self:
        """What the plan has for this person on this day and is still to be done (not the reviews by list)."""
        waiting = self.filter(assignee_id=user_id, planned_on=day, state__in=LIVE)
        return waiting.exclude(kind=TaskKind.QUARTERLY_REVIEW)


class PatrolTask(models.Model):
    """One task. Unique per business, kind and period: the period's first day is its name.

    `planned_on` is the day on which it stands in the plan, `sequence` its place in that day's walking order
    of its assignee (from 1). `period_end` is the last day on which it still counts as done in time. `grade`
    and `cause` are as planned. MISSED is written by the night after `period_end`; history is not replanned.
    `called_off_at` stays with a task that was done before it was called off, and told of later.
    """

    entity = models.ForeignKey(
        BusinessEntity, models.PROTECT, verbose_name="经营主体", related_name="patrol_tasks", db_index=False
    )
    grid = models.ForeignKey(
        Grid, models.PROTECT, verbose_name="网格", related_name="patrol_tasks", db_index=False
    )
    kind = models.CharField("任务类型", max_length=16, choices=TaskKind.choices)
    period = models.DateField("周期首日")
    period_end = models.DateField("周期末日")
    planned_on = models.DateField("计划日期")
    assignee = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        verbose_name="承办人",
        related_name="+",
        null=True,
        db_index=False,
    )
    sequence = models.PositiveIntegerField("路线次序", default=0)
    grade = models.CharField("计划时等级", max_length=1, choices=CreditGrade.choices, blank=True)
    cause = models.CharField("安排依据", max_length=16, choices=Cause.choices, default=Cause.GRADE)
    without_entering = models.BooleanField("不入店检查", default=False)
    state = models.CharField("状态", max_length=10, choices=TaskState.choices, default=TaskState.PLANNED)
    done_at = models.DateTimeField("完成时间", null=True)
    called_off_at = models.DateTimeField("取消时间", null=True)
    why = models.CharField("取消或说明", max_length=200, blank=True, default="", db_default="")
    version = models.PositiveIntegerField("版本", default=1, db_default=1)
    planned_at = models.DateTimeField("生成时间")

    objects = PatrolTaskQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "巡查任务"
        ordering = ["planned_on", "assignee_id", "sequence", "id"]
        constraints = [
            models.UniqueConstraint(fields=["entity", "kind", "period"], name="patrols_task_one_a_period"),
            models.CheckConstraint(
                condition=Q(planned_on__gte=F("period"), planned_on__lte=F("period_end")),
                name="patrols_task_planned_in_period",
            ),
            models.CheckConstraint(
                condition=Q(state="DONE", done_at__isnull=False) | ~Q(state="DONE") & Q(done_at__isnull=True),
                name="patrols_task_done_when_said",
            ),
            models.CheckConstraint(
                condition=Q(kind__in=TaskKind.values, state__in=TaskState.values),
                name="patrols_task_words_known",
            ),
        ]
        indexes = [
            models.Index(fields=["assignee", "planned_on", "sequence"], name="patrols_tasks_of_a_day"),
            models.Index(fields=["grid", "planned_on"], name="patrols_tasks_of_a_grid"),
            models.Index(
                fields=["period_end", "id"],
                condition=Q(state__in=["PLANNED", "ASKS"]),
                name="patrols_tasks_live",
            ),
            models.Index(
                fields=["planned_on"],
                condition=Q(sequence=0, state__in=["PLANNED", "ASKS"]) & ~Q(kind="QUARTERLY_REVIEW"),
                name="patrols_tasks_unordered",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.planned_on}"

    @property
    def stream(self) -> str:
        return f"patrol_task:{self.pk}"
