"""Gradings of the whole register: every night, and the periodic reviews (DOMAIN.md §4)."""

from __future__ import annotations

from django.db import models
from django.db.models import Q


class GradingRun(models.Model):
    """One grading of the whole register: of a night (`date`), or the review of a period (its first day).

    Goes through the register in the order of its numbers; `reached` is the last that is surely done, so that
    a run that was broken off is taken up there. `after_assessment`: its own gradings have higher numbers.
    """

    class Kind(models.TextChoices):
        NIGHTLY = "NIGHTLY", "每日重算"
        REVIEW = "REVIEW", "定期评定"

    kind = models.CharField("类型", max_length=10, choices=Kind.choices)
    date = models.DateField("日期")
    started_at = models.DateTimeField("开始时间")
    finished_at = models.DateTimeField("完成时间", null=True)
    reached = models.BigIntegerField("已处理至", default=0)
    entities = models.PositiveIntegerField("已评定主体数", default=0)
    moved = models.PositiveIntegerField("等级变动数", default=0)
    after_assessment = models.BigIntegerField("起始评定记录", default=0)

    class Meta:
        verbose_name = verbose_name_plural = "全量评定"
        ordering = ["-started_at"]
        constraints = [
            models.UniqueConstraint(fields=["kind", "date"], name="credit_gradingrun_once"),
            models.CheckConstraint(
                condition=Q(finished_at__isnull=True) | Q(finished_at__gte=models.F("started_at")),
                name="credit_gradingrun_ends_after_start",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.date}"
