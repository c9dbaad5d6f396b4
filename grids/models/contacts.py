"""入企记录: every time anyone enters a shop, by whichever app (DOMAIN.md §1). Append-only (trigger)."""

from __future__ import annotations

from typing import Self

from django.conf import settings
from django.db import models
from django.db.models import Q

from grids.access import Anyone
from grids.models.register import BusinessEntity


class Purpose(models.TextChoices):
    """Why somebody called. Only `CHECK` and `CAMPAIGN` are administrative inspections (涉企行政检查)."""

    PATROL = "PATROL", "巡查走访"
    CHECK = "CHECK", "每周查"
    LEAD = "LEAD", "线索处置"
    VERIFY = "VERIFY", "线索核验"
    RECHECK = "RECHECK", "复查"
    LOOK_BACK = "LOOK_BACK", "回头看"
    GUIDANCE = "GUIDANCE", "指导约谈"
    WHISTLE = "WHISTLE", "吹哨到场"
    CAMPAIGN = "CAMPAIGN", "专项行动"
    SERVICE = "SERVICE", "送服务问需求"
    MEDIATION = "MEDIATION", "纠纷调解"


INSPECTIONS = frozenset({Purpose.CHECK, Purpose.CAMPAIGN})


class EntityContactQuerySet(models.QuerySet["EntityContact"]):
    def visible_to(self, user: Anyone) -> Self:
        """Who sees the business sees who has called there; a contact whose matter is restricted is never
        written here at all."""
        return self.filter(entity__in=BusinessEntity.objects.visible_to(user).values("id"))


class EntityContact(models.Model):
    """One call at one shop. `source` names the act that wrote it and is unique: written once.

    `entered` False: seen from outside or checked from records; it is kept, and counts as no entry.
    `on` is the Shanghai date of `at`.
    """

    entity = models.ForeignKey(
        BusinessEntity, models.PROTECT, verbose_name="经营主体", related_name="contacts"
    )
    purpose = models.CharField("事由", max_length=12, choices=Purpose.choices)
    entered = models.BooleanField("是否入店", default=True)
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, verbose_name="入企人", related_name="+", null=True
    )
    with_names = models.CharField("同行人员", max_length=120, blank=True, default="", db_default="")
    at = models.DateTimeField("入企时间")
    on = models.DateField("入企日期")
    source = models.CharField("来源", max_length=80, unique=True)
    note = models.CharField("说明", max_length=200, blank=True, default="", db_default="")

    objects = EntityContactQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "入企记录"
        ordering = ["-at", "-id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(purpose__in=Purpose.values), name="grids_contact_purpose_known"
            ),
            models.CheckConstraint(condition=~Q(source=""), name="grids_contact_has_source"),
        ]
        indexes = [
            models.Index(fields=["entity", "-at"], name="grids_contact_by_entity"),
            models.Index(fields=["on", "purpose"], name="grids_contact_by_day"),
        ]

    def __str__(self) -> str:
        return f"{self.get_purpose_display()} {self.on}"
