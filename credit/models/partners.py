"""红色合伙人: a title for the best of A and B (DOMAIN.md §4)."""

from __future__ import annotations

from typing import Any, Self

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from grids.access import Anyone, scope_of
from grids.models import BusinessEntity, Community

USER: Any = settings.AUTH_USER_MODEL


class RedPartnerQuerySet(models.QuerySet["RedPartner"]):
    def visible_to(self, user: Anyone) -> Self:
        if scope_of(user).business_nothing:
            return self.none()
        return self.filter(entity__in=BusinessEntity.objects.visible_to(user).values("id"))

    def holding(self) -> Self:
        """Who bears the title now: what the public page tells."""
        return self.filter(state=RedPartner.State.ACTIVE)


class RedPartner(models.Model):
    """One nomination and what became of it. The community nominates, the office approves; suspended by
    itself below B and active again when B or better returns; revoked by the office or the bureau with a
    reason. A nomination that waits is taken back by who made it (`WITHDRAWN`, decided by nobody). One living
    row per business.
    """

    class State(models.TextChoices):
        NOMINATED = "NOMINATED", "待批准"
        ACTIVE = "ACTIVE", "有效"
        SUSPENDED = "SUSPENDED", "暂停"
        REVOKED = "REVOKED", "已取消"
        REFUSED = "REFUSED", "未批准"
        WITHDRAWN = "WITHDRAWN", "已撤回"

    entity = models.ForeignKey(
        BusinessEntity, models.PROTECT, verbose_name="经营主体", related_name="partnerships"
    )
    community = models.ForeignKey(Community, models.PROTECT, verbose_name="提名社区", related_name="+")
    state = models.CharField("状态", max_length=10, choices=State.choices, default=State.NOMINATED)
    client_uid = models.UUIDField("客户端编号", null=True)
    reason = models.CharField("提名理由", max_length=500)
    nominated_by = models.ForeignKey(USER, models.PROTECT, verbose_name="提名人", related_name="+")
    nominated_at = models.DateTimeField("提名时间")
    decided_by = models.ForeignKey(USER, models.PROTECT, verbose_name="批准人", related_name="+", null=True)
    decided_at = models.DateTimeField("批准时间", null=True)
    suspended_at = models.DateTimeField("暂停时间", null=True)
    revoked_by = models.ForeignKey(USER, models.PROTECT, verbose_name="取消人", related_name="+", null=True)
    revoked_at = models.DateTimeField("取消时间", null=True)
    note = models.CharField("说明", max_length=500, blank=True, default="", db_default="")
    version = models.PositiveIntegerField("版本", default=1)

    objects = RedPartnerQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "红色合伙人"
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["entity"],
                condition=Q(state__in=["NOMINATED", "ACTIVE", "SUSPENDED"]),
                name="credit_redpartner_one_living",
                violation_error_message="该主体已被提名或已是红色合伙人。",
            ),
            models.UniqueConstraint(
                fields=["nominated_by", "client_uid"],
                condition=Q(client_uid__isnull=False),
                name="credit_redpartner_one_client_uid",
            ),
            models.CheckConstraint(
                condition=Q(state="NOMINATED", decided_at__isnull=True)
                | Q(decided_at__isnull=False) & ~Q(state="NOMINATED"),
                name="credit_redpartner_decided_when_said",
            ),
            models.CheckConstraint(
                condition=Q(decided_by__isnull=True) | ~Q(decided_by=F("nominated_by")),
                name="credit_redpartner_not_own",
            ),
            models.CheckConstraint(
                condition=Q(state="REVOKED", revoked_at__isnull=False)
                | Q(revoked_at__isnull=True) & ~Q(state="REVOKED"),
                name="credit_redpartner_revoked_when_said",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.entity_id} {self.get_state_display()}"
