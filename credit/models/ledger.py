"""The ledger: what is known of a business, and that is all that scoring reads. Append-only (trigger)."""

from __future__ import annotations

from typing import Self

from django.conf import settings
from django.db import models
from django.db.models import Q

from credit.facts import Fact, FactKind
from grids.access import Anyone, scope_of
from grids.models import BusinessEntity


class CreditFactQuerySet(models.QuerySet["CreditFact"]):
    def visible_to(self, user: Anyone) -> Self:
        """Who sees the business sees its facts; a system administrator none."""
        if scope_of(user).business_nothing:
            return self.none()
        return self.filter(entity__in=BusinessEntity.objects.visible_to(user).values("id"))


class CreditFact(models.Model):
    """One fact. `source` is unique: an event that is told twice is kept once. Never changed, never deleted:
    what turns out untrue gets a `WITHDRAWN` fact whose `ref` is its source.

    `ref` ties the facts of one matter together (`credit.facts`). `data` holds what the explanation tells
    (numbers of papers, no personal data).
    """

    entity = models.ForeignKey(
        BusinessEntity, models.PROTECT, verbose_name="经营主体", related_name="facts", db_index=False
    )
    kind = models.CharField("事实", max_length=24, choices=FactKind.choices)
    level = models.CharField("程度", max_length=16, blank=True, default="", db_default="")
    ref = models.CharField("事项", max_length=120)
    at = models.DateTimeField("发生时间")
    happened_on = models.DateField("发生日期")
    until = models.DateField("有效至", null=True, blank=True)
    source = models.CharField("来源", max_length=140)
    data = models.JSONField("详情", default=dict, blank=True)
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        verbose_name="登记人",
        related_name="+",
        null=True,
        db_index=False,
    )
    recorded_at = models.DateTimeField("入账时间")

    objects = CreditFactQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "信用事实"
        ordering = ["-id"]
        indexes = [
            # In the order in which grading reads, with all that it reads: the table itself is not touched.
            models.Index(
                fields=["entity", "ref", "kind", "at", "id"],
                include=["level", "happened_on", "until"],
                name="credit_facts_by_entity",
            ),
            models.Index(fields=["entity"], condition=Q(kind="WITHDRAWN"), name="credit_facts_withdrawn"),
        ]
        constraints = [
            # Not `unique=True`: that would bring a second index of the same texts, for patterns.
            models.UniqueConstraint(fields=["source"], name="credit_fact_one_source"),
            models.CheckConstraint(condition=Q(kind__in=FactKind.values), name="credit_fact_kind_known"),
            models.CheckConstraint(
                condition=~Q(source="") & ~Q(ref=""), name="credit_fact_has_source_and_ref"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.happened_on}"

    def as_fact(self) -> Fact:
        """The row as scoring and explaining see it; its number is its place in the ledger."""
        return Fact(
            kind=self.kind,
            level=self.level,
            ref=self.ref,
            at=self.at,
            happened_on=self.happened_on,
            until=self.until,
            source=self.source,
            number=self.pk,
            data=self.data,
        )


class DirtyEntity(models.Model):
    """A business to be graded anew within seconds. A queue: many rows of one business are one grading.

    Its key is not checked: no business is ever deleted (a trigger), a row lives for seconds, and each row of
    an imported file would pay for the check.
    """

    entity = models.ForeignKey(
        BusinessEntity,
        models.CASCADE,
        verbose_name="经营主体",
        related_name="+",
        db_index=False,
        db_constraint=False,
    )
    at = models.DateTimeField("登记时间")

    class Meta:
        verbose_name = verbose_name_plural = "待重新评定"
        ordering = ["id"]

    def __str__(self) -> str:
        return str(self.entity_id)
