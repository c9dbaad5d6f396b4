"""What a department agreed to and whom to ring up there: joint notices and contacts."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from django.conf import settings
from django.db import models
from django.db.models import Q

from grids.access import scope_of
from grids.models import Department
from grids.roles import OFFICE_SIDE, Role
from kernel.accounts.masking import mask_phone

if TYPE_CHECKING:
    from kernel.accounts.models import User

CALLERS = frozenset({*OFFICE_SIDE, Role.GRID_WORKER, Role.COMMUNITY_HEAD, Role.SUBDISTRICT})


class DepartmentPolicyQuerySet(models.QuerySet["DepartmentPolicy"]):
    def visible_to(self, user: User) -> DepartmentPolicyQuerySet:
        """Everybody who may whistle or be whistled for, and the bureau."""
        scope = scope_of(user)
        if scope.sees_all or scope.office_ids or scope.has(*CALLERS):
            return self
        return self.filter(department_id__in=scope.department_ids)

    def in_force(self, at: datetime) -> DepartmentPolicyQuerySet:
        """The newest version of each department that is in force at `at`."""
        return (
            self.filter(in_force_from__lte=at)
            .order_by("department_id", "-in_force_from", "-version")
            .distinct("department_id")
        )


class DepartmentPolicy(models.Model):
    """Limits that a joint notice (联合发文) sets for one department; without one no clock runs.

    Versioned: a version that is in force is never changed (a trigger), a new one is added. Both limits
    left empty end the arrangement. Minutes count day and night.

    Rule: DOMAIN.md §3, whistle answered 30 min / on site 2 h, on only where a joint notice sets it.
    """

    department = models.ForeignKey(
        Department, verbose_name="部门", on_delete=models.PROTECT, related_name="whistle_policies"
    )
    version = models.PositiveIntegerField("版本")
    document_number = models.CharField("联合发文文号", max_length=60)
    answer_minutes = models.PositiveIntegerField("回应时限（分钟）", null=True, blank=True)
    on_site_minutes = models.PositiveIntegerField("到场时限（分钟）", null=True, blank=True)
    in_force_from = models.DateTimeField("生效时间")
    added_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, verbose_name="录入人", on_delete=models.PROTECT, related_name="+"
    )
    added_at = models.DateTimeField("录入时间")

    objects = DepartmentPolicyQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "部门报到时限"
        ordering = ["department_id", "-version"]
        constraints = [
            models.UniqueConstraint(
                fields=["department", "version"], name="leads_departmentpolicy_one_version"
            ),
            models.CheckConstraint(
                condition=(Q(answer_minutes__isnull=True) | Q(answer_minutes__range=(1, 10080)))
                & (Q(on_site_minutes__isnull=True) | Q(on_site_minutes__range=(1, 10080))),
                name="leads_departmentpolicy_minutes_range",
                violation_error_message="时限应在 1 分钟至 7 天（10080 分钟）之间。",
            ),
            models.CheckConstraint(
                condition=~Q(document_number=""),
                name="leads_departmentpolicy_names_its_notice",
                violation_error_message="请填写联合发文文号。",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.department} {self.document_number}"


class DepartmentContactQuerySet(models.QuerySet["DepartmentContact"]):
    def visible_to(self, user: User) -> DepartmentContactQuerySet:
        """The bureau, and a department's own liaison. Telephones are masked wherever they are listed."""
        scope = scope_of(user)
        if scope.sees_all:
            return self
        return self.filter(department_id__in=scope.department_ids)

    def active(self) -> DepartmentContactQuerySet:
        return self.filter(is_active=True)


class DepartmentContact(models.Model):
    """Whom a department is rung up by when it is whistled for (SMS), or when it stays silent (its head).

    `phone` is personal data: masked in lists, never in a journal or a notice. `account` is the same
    person's account, where he has one: he is told in the inbox too.
    """

    department = models.ForeignKey(
        Department, verbose_name="部门", on_delete=models.PROTECT, related_name="contacts"
    )
    name = models.CharField("姓名", max_length=40)
    phone = models.CharField("手机号", max_length=20)
    is_head = models.BooleanField("部门负责人", default=False)
    is_active = models.BooleanField("启用", default=True)
    account = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name="对应账号",
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
    )

    objects = DepartmentContactQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "部门联系人"
        ordering = ["department_id", "-is_head", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["department", "phone"],
                condition=Q(is_active=True),
                name="leads_departmentcontact_one_phone",
                violation_error_message="该部门已有这个手机号的联系人。",
            ),
            models.CheckConstraint(
                condition=Q(phone__regex=r"^1[3-9][0-9]{9}$"),
                name="leads_departmentcontact_phone_form",
                violation_error_message="请填写 11 位手机号。",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.department} {self.name}"

    @property
    def masked_phone(self) -> str:
        return mask_phone(self.phone)
