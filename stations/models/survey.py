"""满意度回访 of a dispute, and shops with many disputes."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q

from grids.models import BusinessEntity
from leads.models import Rating
from stations.models.dispute import Dispute


class DisputeSurvey(models.Model):
    """One question a round, to the consumer, never to staff (DOMAIN.md §5). As `leads.Survey`: the token is
    kept as a hash, answered once, by link or by a telephone call that somebody uninvolved enters.
    """

    class How(models.TextChoices):
        LINK = "link", "短信链接"
        TELEPHONE = "telephone", "电话回访"

    dispute = models.ForeignKey(
        Dispute, verbose_name="纠纷", on_delete=models.PROTECT, related_name="surveys"
    )
    round = models.PositiveSmallIntegerField("轮次")
    asked_at = models.DateTimeField("发起时间")
    token_hash = models.CharField("链接校验值", max_length=64, null=True)
    expires_at = models.DateTimeField("链接失效时间")
    answered_at = models.DateTimeField("评价时间", null=True)
    rating = models.CharField("评价", max_length=16, choices=Rating, blank=True, default="")
    comment = models.CharField("意见", max_length=500, blank=True, default="")
    how = models.CharField("评价方式", max_length=10, choices=How, blank=True, default="")
    entered_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, verbose_name="登记人", null=True, on_delete=models.PROTECT, related_name="+"
    )
    voided_at = models.DateTimeField("作废时间", null=True)

    class Meta:
        verbose_name = verbose_name_plural = "纠纷满意度回访"
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["dispute", "round"], name="stations_disputesurvey_one_a_round"),
            models.UniqueConstraint(fields=["token_hash"], name="stations_disputesurvey_one_a_token"),
            models.CheckConstraint(
                condition=Q(answered_at__isnull=True, rating="", comment="", how="")
                | Q(
                    answered_at__isnull=False,
                    rating__in=Rating.values,
                    how__in=["link", "telephone"],
                    voided_at__isnull=True,
                ),
                name="stations_disputesurvey_answered_when_said",
            ),
            models.CheckConstraint(
                condition=Q(how="telephone", entered_by__isnull=False)
                | (~Q(how="telephone") & Q(entered_by__isnull=True)),
                name="stations_disputesurvey_telephone_names_who",
            ),
        ]
        indexes = [models.Index(fields=["answered_at"], name="stations_survey_by_time")]

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
