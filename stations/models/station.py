"""消费维权服务站: 17 in communities and 8 in commercial complexes (DOMAIN.md §1)."""

from __future__ import annotations

from typing import Self

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import DateRangeField, RangeBoundary, RangeOperators
from django.db import models
from django.db.models import F, Func, Q

from grids.access import Anyone, scope_of
from grids.models import BusinessEntity, Community, Grid


class StationKind(models.TextChoices):
    COMMUNITY = "COMMUNITY", "社区服务站"
    COMPLEX = "COMPLEX", "商业综合体服务站"


class StationQuerySet(models.QuerySet["Station"]):
    def visible_to(self, user: Anyone) -> Self:
        """All for whoever holds any seat: where the stations are is no secret."""
        return self if scope_of(user).seats else self.none()


class Station(models.Model):
    """A station. One in a complex names the complex and the community that it stands in.

    Its mediators are postings (`STATION_MEDIATOR` with the station's code). `grid` says which office answers
    for it; without one it is the grid that its community leads. `lon`, `lat`: WGS-84 degrees.
    """

    code = models.CharField("编码", max_length=20, unique=True)
    name = models.CharField("名称", max_length=60)
    kind = models.CharField("类型", max_length=20, choices=StationKind.choices)
    community = models.ForeignKey(Community, models.PROTECT, verbose_name="所在社区", related_name="stations")
    grid = models.ForeignKey(
        Grid, models.PROTECT, verbose_name="所在网格", related_name="stations", null=True, blank=True
    )
    complex_name = models.CharField("商业综合体", max_length=60, blank=True, default="", db_default="")
    address = models.CharField("地址", max_length=120, blank=True, default="", db_default="")
    telephone = models.CharField("对外电话", max_length=20, blank=True, default="", db_default="")
    lon = models.DecimalField("经度", max_digits=9, decimal_places=6, null=True, blank=True)
    lat = models.DecimalField("纬度", max_digits=8, decimal_places=6, null=True, blank=True)
    is_active = models.BooleanField("启用", db_default=True, default=True)
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
            ),
            models.CheckConstraint(
                condition=Q(lon__isnull=True, lat__isnull=True) | Q(lon__isnull=False, lat__isnull=False),
                name="stations_station_place_whole",
                violation_error_message="经度和纬度应同时填写。",
            ),
            models.CheckConstraint(
                condition=Q(kind=StationKind.COMPLEX) | Q(complex_name=""),
                name="stations_station_complex_named_of_complex",
                violation_error_message="只有商业综合体服务站填写综合体名称。",
            ),
        ]

    def __str__(self) -> str:
        return self.name


class StationHours(models.Model):
    """Opening hours of one day of the week (1 = Monday), Shanghai time. A day without a row is closed."""

    station = models.ForeignKey(Station, models.CASCADE, verbose_name="服务站", related_name="hours")
    weekday = models.PositiveSmallIntegerField(
        "星期", choices=[(n, f"星期{word}") for n, word in enumerate("一二三四五六日", start=1)]
    )
    opens_at = models.TimeField("开门时间")
    closes_at = models.TimeField("关门时间")

    class Meta:
        verbose_name = verbose_name_plural = "服务时间"
        ordering = ["station", "weekday", "opens_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["station", "weekday", "opens_at"], name="stations_stationhours_once"
            ),
            models.CheckConstraint(
                condition=Q(weekday__gte=1, weekday__lte=7), name="stations_stationhours_weekday"
            ),
            models.CheckConstraint(
                condition=Q(closes_at__gt=F("opens_at")),
                name="stations_stationhours_order",
                violation_error_message="关门时间必须晚于开门时间。",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_weekday_display()} {self.opens_at:%H:%M}—{self.closes_at:%H:%M}"


class CircleShop(models.Model):
    """A shop belongs to a circle (商圈) for a while: to one at a time. `until` is exclusive."""

    station = models.ForeignKey(Station, models.PROTECT, verbose_name="商圈服务站", related_name="shops")
    entity = models.ForeignKey(
        BusinessEntity, models.PROTECT, verbose_name="经营主体", related_name="circles"
    )
    since = models.DateField("自")
    until = models.DateField("至", null=True, blank=True)

    class Meta:
        verbose_name = verbose_name_plural = "商圈店铺"
        ordering = ["station", "entity"]
        constraints = [
            ExclusionConstraint(
                name="stations_circleshop_one_circle_at_a_time",
                expressions=[
                    ("entity", RangeOperators.EQUAL),
                    (
                        Func(
                            F("since"),
                            F("until"),
                            RangeBoundary(),
                            function="daterange",
                            output_field=DateRangeField(),
                        ),
                        RangeOperators.OVERLAPS,
                    ),
                ],
                violation_error_message="该店铺在这段时间内已属于一个商圈。",
            ),
            models.CheckConstraint(
                condition=Q(until__isnull=True) | Q(until__gt=F("since")),
                name="stations_circleshop_order",
                violation_error_message="结束日期必须晚于开始日期。",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.station_id} {self.entity_id}"
