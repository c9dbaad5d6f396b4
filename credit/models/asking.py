"""What is asked about a grade: an appeal within 15 days, and the repair of a penalty (信用修复)."""

from __future__ import annotations

from typing import Any, Self

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q

from credit.models.ledger import CreditFact
from credit.models.standing import CreditAssessment
from grids.access import Anyone, scope_of
from grids.models import BusinessEntity

USER: Any = settings.AUTH_USER_MODEL


class Outcome(models.TextChoices):
    WAITING = "WAITING", "待审核"
    UPHELD = "UPHELD", "成立"
    REFUSED = "REFUSED", "不成立"
    WITHDRAWN = "WITHDRAWN", "已撤回"


class OfEntityQuerySet(models.QuerySet[Any]):
    def visible_to(self, user: Anyone) -> Self:
        if scope_of(user).business_nothing:
            return self.none()
        return self.filter(entity__in=BusinessEntity.objects.visible_to(user).values("id"))


class Asked(models.Model):
    """What both have in common: asked by a person for the shop, decided by another (a constraint)."""

    entity = models.ForeignKey(
        BusinessEntity, models.PROTECT, verbose_name="经营主体", related_name="%(class)ss"
    )
    client_uid = models.UUIDField("客户端编号")
    reason = models.CharField("理由", max_length=500)
    evidence = ArrayField(
        models.CharField(max_length=64), verbose_name="证据校验值", default=list, blank=True
    )
    state = models.CharField("状态", max_length=10, choices=Outcome.choices, default=Outcome.WAITING)
    asked_by = models.ForeignKey(USER, models.PROTECT, verbose_name="登记人", related_name="+")
    asked_at = models.DateTimeField("提出时间")
    decided_by = models.ForeignKey(USER, models.PROTECT, verbose_name="审核人", related_name="+", null=True)
    decided_at = models.DateTimeField("审核时间", null=True)
    note = models.CharField("审核意见", max_length=500, blank=True, default="", db_default="")
    version = models.PositiveIntegerField("版本", default=1)

    objects = OfEntityQuerySet.as_manager()

    class Meta:
        abstract = True
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["asked_by", "client_uid"], name="credit_%(class)s_one_client_uid"
            ),
            models.CheckConstraint(
                condition=Q(decided_by__isnull=True) | ~Q(decided_by=F("asked_by")),
                name="credit_%(class)s_not_own",
            ),
            models.CheckConstraint(
                condition=Q(state="WAITING", decided_at__isnull=True)
                | Q(decided_at__isnull=False) & ~Q(state="WAITING"),
                name="credit_%(class)s_decided_when_said",
            ),
        ]


class Appeal(Asked):
    """申诉 against a grading, within 15 days. `disputed` are the facts that the shop denies; upheld, each
    that the decision names gets a WITHDRAWN fact and the business is graded anew at once."""

    assessment = models.ForeignKey(
        CreditAssessment, models.PROTECT, verbose_name="评定记录", related_name="appeals"
    )
    disputed = models.ManyToManyField(CreditFact, verbose_name="有异议的事实", related_name="+", blank=True)

    class Meta(Asked.Meta):
        verbose_name = verbose_name_plural = "等级申诉"
        constraints = [
            *Asked.Meta.constraints,
            models.UniqueConstraint(
                fields=["assessment"], condition=Q(state="WAITING"), name="credit_appeal_one_waits"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.entity_id} {self.get_state_display()}"


class Repair(Asked):
    """信用修复 of one penalty: upheld, a PENALTY_REPAIRED fact is recorded."""

    fact = models.ForeignKey(CreditFact, models.PROTECT, verbose_name="行政处罚", related_name="repairs")

    class Meta(Asked.Meta):
        verbose_name = verbose_name_plural = "信用修复"
        constraints = [
            *Asked.Meta.constraints,
            models.UniqueConstraint(
                fields=["fact"], condition=Q(state="WAITING"), name="credit_repair_one_waits"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.entity_id} {self.get_state_display()}"
