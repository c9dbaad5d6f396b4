"""People: postings (任职), absences (请假、代岗) and the duty rota (值班表). DOMAIN.md §1."""

from __future__ import annotations

from datetime import datetime
from typing import Self

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import DateTimeRangeField, RangeBoundary, RangeOperators
from django.db import models
from django.db.models import F, Func, Q

from grids.access import Anyone, Scope, scope_of, within
from grids.models.places import Community, Department, Grid, Office, Subdistrict
from grids.roles import SCOPE_OF_ROLE, DutyRole, Role, Section
from kernel.accounts.models import User

WORDS = ("station_code", "section")
PLACES = ("grid", "seat", "office", "community", "department", "subdistrict")


def period() -> Func:
    """`[starts_at, ends_at)` as a range; no end is open."""
    return Func(
        F("starts_at"),
        F("ends_at"),
        RangeBoundary(inclusive_lower=True, inclusive_upper=False),
        function="TSTZRANGE",
        output_field=DateTimeRangeField(),
    )


def _scope_fits_role() -> Q:
    """For each role exactly the columns of `SCOPE_OF_ROLE` are filled."""
    fits = Q()
    for role, needed in SCOPE_OF_ROLE.items():
        one = Q(role=role)
        for column in PLACES:
            one &= Q(**{f"{column}__isnull": column not in needed})
        for column in WORDS:
            one &= ~Q(**{column: ""}) if column in needed else Q(**{column: ""})
        fits |= one
    return fits


def _people_of(scope: Scope) -> Q:
    """Postings beside whom the scope works: its grids', offices', communities' people."""
    inside = Grid.objects.filter(within(scope, ""))
    found = Q(grid__in=inside.values("id")) | Q(office_id__in=inside.values("office_id"))
    found |= Q(office_id__in=scope.office_ids) | Q(community_id__in=scope.community_ids)
    found |= Q(community__grids__in=inside.values("id")) if scope.office_ids else Q()
    found |= Q(community__subdistrict_id__in=scope.subdistrict_ids)
    return found | Q(subdistrict_id__in=scope.subdistrict_ids) | Q(department_id__in=scope.department_ids)


class PostingQuerySet(models.QuerySet["Posting"]):
    def visible_to(self, user: Anyone) -> Self:
        """His own and those he backs; of his grids, office, communities; all for bureau and administrator."""
        scope = scope_of(user)
        if user.pk is None:
            return self.none()
        if scope.sees_all or scope.has(Role.SYSTEM_ADMIN):
            return self
        mine = Q(user=user.pk) | Q(backup=user.pk)
        if not scope.seats:
            return self.filter(Q(user=user.pk))
        near = Posting.objects.filter(mine | _people_of(scope)).values("id")
        return self.filter(id__in=near)

    def active(self, at: datetime) -> Self:
        """Those that run at a moment."""
        return self.filter(Q(ends_at__isnull=True) | Q(ends_at__gt=at), starts_at__lte=at)


class Posting(models.Model):
    """任职: who holds which role where, from when to when, and who backs him up (A/B角).

    Appointed and ended only by `grids.postings`; never deleted. The database holds the maximum of a
    grid's staff: one commissioner, worker seats 1 to 3, each by an exclusion constraint over
    periods. `wound_up_at` is set when the callbacks of `postings.on_end` have run.
    """

    user = models.ForeignKey(User, models.PROTECT, verbose_name="人员", related_name="postings")
    role = models.CharField("岗位", max_length=20, choices=Role.choices)
    grid = models.ForeignKey(
        Grid, models.PROTECT, verbose_name="网格", related_name="postings", null=True, blank=True
    )
    seat = models.PositiveSmallIntegerField(
        "席位", null=True, blank=True, help_text="网格员填 1 至 3，其他岗位不填。"
    )
    office = models.ForeignKey(
        Office, models.PROTECT, verbose_name="市场监管所", related_name="postings", null=True, blank=True
    )
    community = models.ForeignKey(
        Community, models.PROTECT, verbose_name="社区", related_name="postings", null=True, blank=True
    )
    department = models.ForeignKey(
        Department, models.PROTECT, verbose_name="部门", related_name="postings", null=True, blank=True
    )
    subdistrict = models.ForeignKey(
        Subdistrict, models.PROTECT, verbose_name="街道", related_name="postings", null=True, blank=True
    )
    station_code = models.CharField("服务站编码", max_length=20, blank=True, default="", db_default="")
    section = models.CharField(
        "科室", max_length=20, choices=Section.choices, blank=True, default="", db_default=""
    )
    backup = models.ForeignKey(
        User, models.PROTECT, verbose_name="B角", related_name="backed_postings", null=True, blank=True
    )
    starts_at = models.DateTimeField("任职时间")
    ends_at = models.DateTimeField("离任时间", null=True, blank=True)
    wound_up_at = models.DateTimeField("移交完成时间", null=True, blank=True, editable=False)

    objects = PostingQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "任职"
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["ends_at"], name="grids_posting_to_wind_up", condition=Q(wound_up_at=None)),
        ]
        constraints = [
            ExclusionConstraint(
                name="grids_posting_one_commissioner",
                expressions=[("grid", RangeOperators.EQUAL), (period(), RangeOperators.OVERLAPS)],
                condition=Q(role=Role.COMMISSIONER),
                violation_error_message="该网格在此期间已有市场监管专员，每个网格只能有 1 名。",
            ),
            ExclusionConstraint(
                name="grids_posting_one_worker_a_seat",
                expressions=[
                    ("grid", RangeOperators.EQUAL),
                    ("seat", RangeOperators.EQUAL),
                    (period(), RangeOperators.OVERLAPS),
                ],
                condition=Q(role=Role.GRID_WORKER),
                violation_error_message="该网格的这个网格员席位在此期间已有人。",
            ),
            ExclusionConstraint(
                name="grids_posting_once_in_a_grid",
                expressions=[
                    ("user", RangeOperators.EQUAL),
                    ("grid", RangeOperators.EQUAL),
                    (period(), RangeOperators.OVERLAPS),
                ],
                condition=Q(grid__isnull=False),
                violation_error_message="同一人在同一网格同一期间只能担任一个岗位，专员与网格员不得由一人兼任。",
            ),
            models.CheckConstraint(
                condition=_scope_fits_role(),
                name="grids_posting_scope_fits_role",
                violation_error_message="岗位与任职范围不相符，请按岗位填写网格、所、社区、部门、街道、服务站或科室。",
            ),
            models.CheckConstraint(
                condition=Q(seat__isnull=True) | Q(seat__range=(1, 3)),
                name="grids_posting_seat_1_to_3",
                violation_error_message="网格员席位只能是 1、2、3。",
            ),
            models.CheckConstraint(
                condition=Q(backup__isnull=True) | ~Q(backup=F("user")),
                name="grids_posting_backup_is_another",
                violation_error_message="B角不能是本人。",
            ),
            models.CheckConstraint(
                condition=Q(ends_at__isnull=True) | Q(ends_at__gte=F("starts_at")),
                name="grids_posting_ends_after_start",
                violation_error_message="离任时间不能早于任职时间。",
            ),
            models.CheckConstraint(
                condition=Q(wound_up_at__isnull=True) | Q(ends_at__isnull=False),
                name="grids_posting_wound_up_when_ended",
                violation_error_message="尚未离任的任职不能标记为已移交。",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user} {self.get_role_display()}"

    def is_active(self, at: datetime) -> bool:
        return self.starts_at <= at and (self.ends_at is None or at < self.ends_at)


class AbsenceQuerySet(models.QuerySet["Absence"]):
    def visible_to(self, user: Anyone) -> Self:
        """Own and stood-in; of the people whose postings he sees, for heads, clerks and above."""
        scope = scope_of(user)
        if user.pk is None:
            return self.none()
        if scope.sees_all or scope.has(Role.SYSTEM_ADMIN):
            return self
        mine = Q(user=user.pk) | Q(stand_in=user.pk)
        if scope.office_ids or scope.community_ids or scope.subdistrict_ids:
            mine |= Q(user_id__in=Posting.objects.visible_to(user).active(scope.at).values("user_id"))
        return self.filter(mine)

    def running(self, at: datetime) -> Self:
        return self.filter(starts_at__lte=at, ends_at__gt=at)


class Absence(models.Model):
    """请假: someone is away for a time; the stand-in (代岗) may act, no owner changes.

    Where no stand-in is named, the backup of each posting acts, as he always may.
    """

    user = models.ForeignKey(User, models.PROTECT, verbose_name="请假人", related_name="absences")
    stand_in = models.ForeignKey(
        User, models.PROTECT, verbose_name="代岗人", related_name="stand_ins", null=True, blank=True
    )
    starts_at = models.DateTimeField("开始时间")
    ends_at = models.DateTimeField("结束时间")
    reason = models.CharField("事由", max_length=200, blank=True, default="", db_default="")

    objects = AbsenceQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "请假代岗"
        ordering = ["-id"]
        constraints = [
            ExclusionConstraint(
                name="grids_absence_one_at_a_time",
                expressions=[("user", RangeOperators.EQUAL), (period(), RangeOperators.OVERLAPS)],
                violation_error_message="该人员在此期间已有请假记录。",
            ),
            models.CheckConstraint(
                condition=Q(stand_in__isnull=True) | ~Q(stand_in=F("user")),
                name="grids_absence_stand_in_is_another",
                violation_error_message="代岗人不能是请假人本人。",
            ),
            models.CheckConstraint(
                condition=Q(ends_at__gte=F("starts_at")),
                name="grids_absence_ends_after_start",
                violation_error_message="结束时间不能早于开始时间。",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user} 请假"


class DutyShiftQuerySet(models.QuerySet["DutyShift"]):
    def visible_to(self, user: Anyone) -> Self:
        """Own; the rota of the offices that serve him (his office, or his grids' office)."""
        scope = scope_of(user)
        if user.pk is None:
            return self.none()
        if scope.sees_all or scope.has(Role.SYSTEM_ADMIN):
            return self
        offices = Grid.objects.filter(within(scope, "")).values("office_id")
        return self.filter(Q(user=user.pk) | Q(office_id__in=scope.office_ids) | Q(office_id__in=offices))


class DutyShift(models.Model):
    """值班表: one duty officer and one duty leader per office and day.

    A shift runs from 08:30 of its day to 08:30 of the next (Shanghai); see `staffing.duty_day`.
    """

    office = models.ForeignKey(Office, models.PROTECT, verbose_name="市场监管所", related_name="duty_shifts")
    day = models.DateField("日期")
    role = models.CharField("班次岗位", max_length=20, choices=DutyRole.choices)
    user = models.ForeignKey(User, models.PROTECT, verbose_name="值班人", related_name="duty_shifts")

    objects = DutyShiftQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "值班表"
        ordering = ["-day", "office_id", "role"]
        indexes = [models.Index(fields=["user", "day"], name="grids_dutyshift_user_day")]
        constraints = [
            models.UniqueConstraint(
                fields=["office", "day", "role"],
                name="grids_dutyshift_one_a_day",
                violation_error_message="该所当天的这个班次已有人。",
            ),
            models.CheckConstraint(
                condition=Q(role__in=DutyRole.values),
                name="grids_dutyshift_role_known",
                violation_error_message="班次岗位只能是值班员或带班领导。",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.day} {self.get_role_display()} {self.user}"
