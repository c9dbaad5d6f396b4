"""满意度回访 of a dispute, and shops with many disputes."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from grids.models import BusinessEntity
from leads.models.answer import Question
from stations.models.dispute import Dispute


class DisputeSurvey(Question):
    """The question about a dispute, to the consumer."""

    dispute = models.ForeignKey(
        Dispute, verbose_name="纠纷", on_delete=models.PROTECT, related_name="surveys"
    )

    class Meta(Question.Meta):
        verbose_name = verbose_name_plural = "纠纷满意度回访"
        constraints = [
            models.UniqueConstraint(fields=["dispute", "round"], name="stations_disputesurvey_one_a_round"),
            *Question.Meta.constraints,
        ]

    def __str__(self) -> str:
        return f"{self.dispute_id} 第 {self.round} 轮"


class HotShop(models.Model):
    """A shop came to three or more disputes within 30 days: told to the bureau once in each such stretch."""

    entity = models.ForeignKey(
        BusinessEntity, verbose_name="经营主体", on_delete=models.PROTECT, related_name="hot_since"
    )
    told_at = models.DateTimeField("提示时间")
    disputes = models.PositiveIntegerField("30日内纠纷数")

    class Meta:
        verbose_name = verbose_name_plural = "纠纷集中店铺"
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(condition=Q(disputes__gte=3), name="stations_hotshop_three_or_more")
        ]
        indexes = [models.Index(fields=["entity", "-told_at"], name="stations_hot_by_entity")]

    def __str__(self) -> str:
        return f"{self.entity_id} {self.told_at:%F}"
