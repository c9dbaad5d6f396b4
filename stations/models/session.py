"""调解会: appointments, and the minutes of what was said."""

from __future__ import annotations

from django.conf import settings
from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import DateTimeRangeField, RangeBoundary, RangeOperators
from django.db import models
from django.db.models import F, Func, Q

from stations.models.dispute import Dispute
from stations.models.station import Station


class Session(models.Model):
    """One appointment. A mediator is at one place at a time (exclusion constraint).

    `minutes` are written once when it was held and never changed: a correction is another session's note.
    """

    class State(models.TextChoices):
        PLANNED = "planned", "已预约"
        HELD = "held", "已召开"
        CANCELLED = "cancelled", "已取消"

    class Place(models.TextChoices):
        STATION = "STATION", "服务站"
        SHOP = "SHOP", "店内"
        OFFICE = "OFFICE", "市场监管所"
        TELEPHONE = "TELEPHONE", "电话或视频"

    dispute = models.ForeignKey(
        Dispute, verbose_name="纠纷", on_delete=models.PROTECT, related_name="sessions"
    )
    station = models.ForeignKey(
        Station, verbose_name="服务站", on_delete=models.PROTECT, related_name="sessions"
    )
    client_uid = models.UUIDField("客户端编号")
    mediator = models.ForeignKey(
        settings.AUTH_USER_MODEL, verbose_name="调解员", on_delete=models.PROTECT, related_name="+"
    )
    place = models.CharField("地点", max_length=10, choices=Place)
    starts_at = models.DateTimeField("开始时间")
    ends_at = models.DateTimeField("结束时间")
    state = models.CharField("状态", max_length=10, choices=State, default=State.PLANNED)
    note = models.CharField("备注", max_length=500, blank=True, default="")
    consumer_came = models.BooleanField("消费者到场", null=True)
    shop_came = models.BooleanField("经营者到场", null=True)
    minutes = models.TextField("调解记录", max_length=4000, blank=True, default="")
    held_at = models.DateTimeField("登记时间", null=True)
    cancelled_why = models.CharField("取消原因", max_length=200, blank=True, default="")
    made_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, verbose_name="预约人", on_delete=models.PROTECT, related_name="+"
    )
    made_at = models.DateTimeField("预约时间")

    class Meta:
        verbose_name = verbose_name_plural = "调解会"
        ordering = ["starts_at", "id"]
        constraints = [
            models.UniqueConstraint(fields=["made_by", "client_uid"], name="stations_session_one_client_uid"),
            models.CheckConstraint(
                condition=Q(ends_at__gt=F("starts_at")),
                name="stations_session_order",
                violation_error_message="结束时间必须晚于开始时间。",
            ),
            models.CheckConstraint(
                condition=Q(
                    state="held",
                    held_at__isnull=False,
                    consumer_came__isnull=False,
                    shop_came__isnull=False,
                    cancelled_why="",
                )
                & ~Q(minutes="")
                | Q(state="planned", held_at__isnull=True, minutes="", cancelled_why="")
                | (Q(state="cancelled", held_at__isnull=True, minutes="") & ~Q(cancelled_why="")),
                name="stations_session_told_when_held",
            ),
            ExclusionConstraint(
                name="stations_session_mediator_at_one_place",
                expressions=[
                    ("mediator", RangeOperators.EQUAL),
                    (
                        Func(
                            F("starts_at"),
                            F("ends_at"),
                            RangeBoundary(),
                            function="tstzrange",
                            output_field=DateTimeRangeField(),
                        ),
                        RangeOperators.OVERLAPS,
                    ),
                ],
                condition=Q(state="planned"),
                violation_error_message="该调解员在这段时间已有预约。",
            ),
        ]
        indexes = [
            models.Index(fields=["station", "starts_at"], name="stations_sessions_by_station"),
        ]

    def __str__(self) -> str:
        return f"{self.dispute_id} {self.starts_at:%F %H:%M}"
