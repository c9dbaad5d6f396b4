"""消费维权服务站: 17 in communities and 8 in commercial complexes (DOMAIN.md §1).

Reference rows only; disputes come later.
"""

from __future__ import annotations

from typing import Self

from django.db import models
from django.db.models import Q

from grids.access import Anyone, scope_of
from grids.models import Community


class StationKind(models.TextChoices):
    COMMUNITY = "COMMUNITY", "社区服务站"
    COMPLEX = "COMPLEX", "商业综合体服务站"


class StationQuerySet(models.QuerySet["Station"]):
    def visible_to(self, user: Anyone) -> Self:
        """All for whoever holds any seat: where the stations are is no secret."""
        return self if scope_of(user).seats else self.none()


class Station(models.Model):
    """A station. One in a complex names the complex and the community that it stands in."""

    code = models.CharField("编码", max_length=20, unique=True)
    name = models.CharField("名称", max_length=60)
    kind = models.CharField("类型", max_length=20, choices=StationKind.choices)
    community = models.ForeignKey(Community, models.PROTECT, verbose_name="所在社区", related_name="stations")
    is_demo = models.BooleanField("演示数据", db_default=False, default=False)

    objects = StationQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "消费维权服务站"
        ordering = ["code"]
        constraints = [
            models.CheckConstraint(
                condition=Q(kind__in=StationKind.values),
                name="stations_station_kind_known",
                violation_error_message="服务站类型只能是社区或商业综合体。",
            )
        ]

    def __str__(self) -> str:
        return self.name
