"""Places: subdistricts, communities, offices, departments and the 21 grids (DOMAIN.md §1, §8)."""

from __future__ import annotations

from typing import Any, Self

from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.db import models

from grids.access import Anyone, scope_of, within
from grids.boundaries import read_boundary
from grids.roles import Role

GRID_CODE = r"^370983\d{3}-L\d{2}$"


class ReferenceQuerySet(models.QuerySet[Any]):
    """Rows that name places: not secret, but only for people who hold a seat."""

    def visible_to(self, user: Anyone) -> Self:
        """All rows for whoever holds any seat (administrators too); else none."""
        return self if scope_of(user).seats else self.none()


class Subdistrict(models.Model):
    """街道: the level between community and bureau."""

    code = models.CharField("编码", max_length=20, unique=True)
    name = models.CharField("名称", max_length=40)

    objects = ReferenceQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "街道"
        ordering = ["code"]

    def __str__(self) -> str:
        return self.name


class Community(models.Model):
    """社区: the 社 of 所社联动. Invented ones are marked `is_demo` (演示数据)."""

    code = models.CharField("编码", max_length=20, unique=True)
    name = models.CharField("名称", max_length=40)
    subdistrict = models.ForeignKey(
        Subdistrict, models.PROTECT, verbose_name="街道", related_name="communities"
    )
    is_demo = models.BooleanField("演示数据", db_default=False, default=False)

    objects = ReferenceQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "社区"
        ordering = ["code"]

    def __str__(self) -> str:
        return self.name


class Office(models.Model):
    """市场监管所: the 所 of 所社联动."""

    code = models.CharField("编码", max_length=20, unique=True)
    name = models.CharField("名称", max_length=40)
    subdistrict = models.ForeignKey(
        Subdistrict, models.PROTECT, verbose_name="驻地街道", related_name="offices", null=True, blank=True
    )
    night_dispatch = models.BooleanField(
        "夜间派给值班员",
        db_default=False,
        default=False,
        help_text="工作时间以外的线索派给当天值班员，次日 08:30 交班给专员；不勾选则始终派给专员。",
    )
    is_demo = models.BooleanField("演示数据", db_default=False, default=False)

    objects = ReferenceQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "市场监管所"
        ordering = ["code"]

    def __str__(self) -> str:
        return self.name


class Department(models.Model):
    """部门 that a community may whistle for: 公安, 综合行政执法(城管), 消防 …"""

    code = models.CharField("编码", max_length=20, unique=True)
    name = models.CharField("名称", max_length=40)

    objects = ReferenceQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "部门"
        ordering = ["code"]

    def __str__(self) -> str:
        return self.name


class GridQuerySet(ReferenceQuerySet):
    """Grids: the map is for everyone with a seat; `served_by` is what someone answers for."""

    def served_by(self, user: Anyone) -> Self:
        """Grids in the scope of the user: his own, his office's, his community's; all for the bureau."""
        return self.filter(within(scope_of(user), ""))


class Grid(models.Model):
    """所社联动网格. Usually inside one community; may span several, of which one leads.

    `boundary` is a GeoJSON Polygon or MultiPolygon in WGS-84. A database trigger renews
    `BoundaryVersion` whenever boundary, code or activity of any grid change, so that every
    process drops its cached index (`grids.locate`).
    """

    code = models.CharField(
        "编码",
        max_length=20,
        unique=True,
        validators=[RegexValidator(GRID_CODE, "编码应形如 370983001-L01。")],
    )
    name = models.CharField("名称", max_length=60)
    office = models.ForeignKey(Office, models.PROTECT, verbose_name="市场监管所", related_name="grids")
    lead_community = models.ForeignKey(
        Community, models.PROTECT, verbose_name="牵头社区", related_name="led_grids"
    )
    communities = models.ManyToManyField(Community, verbose_name="所含社区", related_name="grids")
    boundary = models.JSONField("边界", help_text="GeoJSON 多边形,WGS-84 坐标。")
    is_active = models.BooleanField("启用", db_default=True, default=True)
    is_demo = models.BooleanField("演示数据", db_default=False, default=False)

    objects = GridQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "网格"
        ordering = ["code"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(code__regex=GRID_CODE),
                name="grids_grid_code_form",
                violation_error_message="网格编码应形如 370983001-L01。",
            )
        ]

    def __str__(self) -> str:
        return f"{self.code} {self.name}"

    def clean(self) -> None:
        """A boundary that cannot be read would lose the grid its leads."""
        try:
            read_boundary(self.boundary)
        except ValueError as unreadable:
            raise ValidationError({"boundary": str(unreadable)}) from unreadable


class BoundaryVersion(models.Model):
    """One row: changes with every change of any boundary. Written by a trigger only.

    The number is the wall clock in microseconds, never used twice, so a version seen inside a
    transaction that was rolled back cannot come again with other boundaries.
    """

    id = models.SmallIntegerField("编号", primary_key=True, default=1)
    version = models.BigIntegerField("版本")

    class Meta:
        verbose_name = verbose_name_plural = "网格边界版本"
        constraints = [models.CheckConstraint(condition=models.Q(id=1), name="grids_boundaryversion_one_row")]

    def __str__(self) -> str:
        return str(self.version)


class WorkGroupQuerySet(models.QuerySet["WorkGroup"]):
    def visible_to(self, user: Anyone) -> Self:
        """Groups of the grids in the scope; all for the system administrator (settings)."""
        scope = scope_of(user)
        return self if scope.has(Role.SYSTEM_ADMIN) else self.filter(within(scope))


class WorkGroup(models.Model):
    """工作群: a grid's chat group, and the robot that posts into it."""

    grid = models.OneToOneField(Grid, models.CASCADE, verbose_name="网格", related_name="work_group")
    name = models.CharField("群名称", max_length=60)
    robot = models.ForeignKey(
        "notices.Robot",
        models.SET_NULL,
        verbose_name="群机器人",
        related_name="work_groups",
        null=True,
        blank=True,
    )
    version = models.PositiveIntegerField("版本", default=1, db_default=1, editable=False)

    objects = WorkGroupQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "工作群"

    def __str__(self) -> str:
        return self.name
