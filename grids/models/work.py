"""A work group's lists: its tasks (任务清单), and who answers for what (责任清单). DOMAIN.md §1."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Self

from django.db import models
from django.db.models import F, OuterRef, Q, Subquery

from grids.access import Anyone, scope_of, within
from grids.models.places import Department, Grid, ReferenceQuerySet
from grids.roles import Role, Section
from grids.states import TaskState
from kernel.accounts.models import User
from kernel.clock import KernelNow


class TaskItemQuerySet(models.QuerySet["TaskItem"]):
    def visible_to(self, user: Anyone) -> Self:
        """Of the grids in the scope, one's own, those one gave, and those of whom one stands in for."""
        scope = scope_of(user)
        if scope.business_nothing:
            return self.none()
        if scope.sees_all:
            return self
        owners = {scope.user_id, *(seat.holder_id for seat in scope.seats)}
        return self.filter(within(scope) | Q(owner_id__in=owners) | Q(created_by_id=scope.user_id))

    def open(self) -> Self:
        return self.filter(state=TaskState.OPEN)

    def overdue(self, at: datetime) -> Self:
        return self.open().filter(due_at__lte=at)


class TaskItem(models.Model):
    """任务: something one person of a grid's group is to do by a moment.

    Written only by `grids.task_lists`. `source_kind` and `source_id` name the row of a higher app that
    it came from. `content_digest` is that of the first content, so that a repeated request is known.
    `clock_cycle` counts the due times it had: each has a clock of its own (`task:<id>`, kind `due`).
    """

    grid = models.ForeignKey(Grid, models.PROTECT, verbose_name="网格", related_name="task_items")
    client_uid = models.UUIDField("客户端编号", default=uuid.uuid4)
    content_digest = models.CharField("内容校验值", max_length=64)
    title = models.CharField("任务", max_length=80)
    note = models.TextField("说明", max_length=1000, blank=True, default="", db_default="")
    owner = models.ForeignKey(User, models.PROTECT, verbose_name="责任人", related_name="owned_tasks")
    due_at = models.DateTimeField("完成期限")
    clock_cycle = models.PositiveSmallIntegerField("期限轮次", default=1, db_default=1)
    state = models.CharField(
        "状态", max_length=10, choices=TaskState, default=TaskState.OPEN, db_default=TaskState.OPEN
    )
    version = models.PositiveIntegerField("版本", default=1, db_default=1)
    created_by = models.ForeignKey(
        User, models.PROTECT, verbose_name="布置人", related_name="given_tasks", null=True
    )
    created_at = models.DateTimeField("布置时间")
    done_by = models.ForeignKey(User, models.PROTECT, verbose_name="完成人", related_name="+", null=True)
    done_at = models.DateTimeField("完成时间", null=True)
    done_note = models.CharField("完成情况", max_length=500, blank=True, default="", db_default="")
    cancelled_by = models.ForeignKey(User, models.PROTECT, verbose_name="取消人", related_name="+", null=True)
    cancelled_at = models.DateTimeField("取消时间", null=True)
    cancel_reason = models.CharField("取消原因", max_length=200, blank=True, default="", db_default="")
    source_kind = models.CharField("来源类别", max_length=20, blank=True, default="", db_default="")
    source_id = models.BigIntegerField("来源编号", null=True)

    objects = TaskItemQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "任务清单"
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["grid", "-id"], name="grids_task_by_grid"),
            models.Index(fields=["owner"], condition=Q(state="open"), name="grids_task_open_of_owner"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["created_by", "client_uid"],
                nulls_distinct=False,
                name="grids_taskitem_one_client_uid",
            ),
            models.CheckConstraint(condition=~Q(title=""), name="grids_taskitem_says_what"),
            models.CheckConstraint(
                condition=Q(due_at__gt=F("created_at")),
                name="grids_taskitem_due_after_created",
                violation_error_message="完成期限必须晚于布置时间。",
            ),
            models.CheckConstraint(
                condition=Q(state="done", done_at__isnull=False, done_by__isnull=False)
                | (~Q(state="done") & Q(done_at__isnull=True, done_by__isnull=True)),
                name="grids_taskitem_done_has_when_and_who",
            ),
            models.CheckConstraint(
                condition=(Q(state="cancelled", cancelled_at__isnull=False) & ~Q(cancel_reason=""))
                | (
                    ~Q(state="cancelled")
                    & Q(cancelled_at__isnull=True, cancelled_by__isnull=True, cancel_reason="")
                ),
                name="grids_taskitem_cancelled_has_why",
            ),
            models.CheckConstraint(
                condition=Q(source_kind="", source_id__isnull=True)
                | (~Q(source_kind="") & Q(source_id__isnull=False)),
                name="grids_taskitem_source_whole",
            ),
        ]

    def __str__(self) -> str:
        return self.title

    @property
    def stream(self) -> str:
        return f"task:{self.pk}"

    def is_overdue(self, at: datetime) -> bool:
        return self.state == TaskState.OPEN and self.due_at <= at


class LeadGroup(models.TextChoices):
    """The groups of the lead catalogue (DOMAIN.md §6), by the first letter of their codes."""

    UNSORTED = "0", "说不清"
    FOOD = "F", "食品安全"
    LICENSING = "L", "登记许可"
    PRICE = "P", "价格计量"
    QUALITY = "Q", "产品质量"
    EQUIPMENT = "S", "特种设备"
    DRUG = "D", "药械化妆品"
    ADVERTISING = "A", "广告竞争知产"
    CONSUMER = "C", "消费维权"
    HANDED_OVER = "X", "移交其他部门"


class ResponsibilityQuerySet(ReferenceQuerySet):
    def named(self) -> Self:
        """With the name of the department, where there is one, as `department_name`."""
        names = Department.objects.filter(code=OuterRef("department")).values("name")
        return self.annotate(department_name=Subquery(names))

    def of_category(self, code: str) -> Self:
        """What applies to a category such as `F03`: its own items, its group's, and those of all."""
        return self.filter(Q(group="") | Q(group=code[:1], category__in=["", code]), is_active=True).order_by(
            "position", "id"
        )


class ResponsibilityItem(models.Model):
    """责任清单与流程规范: who answers for what, and how it is done, shown beside the lead.

    Either a role (of the bureau's sections also which one) or another department, by its code. An empty
    `group` is for every lead, an empty `category` for the whole group. Kept by the bureau.
    """

    group = models.CharField(
        "线索大类", max_length=1, choices=LeadGroup, blank=True, default="", help_text="留空为各类线索通用。"
    )
    category = models.CharField(
        "线索分类编码", max_length=3, blank=True, default="", help_text="如 F03；留空为整个大类。"
    )
    role = models.CharField("责任岗位", max_length=20, choices=Role, blank=True, default="")
    section = models.CharField("责任科室", max_length=20, choices=Section, blank=True, default="")
    department = models.CharField(
        "责任部门编码", max_length=20, blank=True, default="", help_text="由其他部门负责时填写。"
    )
    duty = models.TextField("责任内容", max_length=500)
    standard = models.TextField("流程规范", max_length=1000, blank=True, default="")
    basis = models.CharField("依据", max_length=200, blank=True, default="")
    position = models.PositiveSmallIntegerField("顺序", default=100, db_default=100)
    is_active = models.BooleanField("启用", default=True, db_default=True)
    version = models.PositiveIntegerField("版本", default=1, db_default=1, editable=False)
    updated_at = models.DateTimeField("更新时间", db_default=KernelNow(), editable=False)

    objects = ResponsibilityQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "责任清单"
        ordering = ["position", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["group", "category", "role", "section", "department"],
                name="grids_responsibilityitem_once",
                violation_error_message="同一分类下该责任方已有一条，请修改原有的一条。",
            ),
            models.CheckConstraint(
                condition=(~Q(role="") & Q(department="")) | (Q(role="") & ~Q(department="")),
                name="grids_responsibilityitem_one_answers",
                violation_error_message="责任岗位与责任部门须填写一项，且只能填写一项。",
            ),
            models.CheckConstraint(
                condition=Q(role=Role.BUREAU_SECTION) | Q(section=""),
                name="grids_responsibilityitem_section_of_bureau",
                violation_error_message="只有局业务科室需要填写责任科室。",
            ),
            models.CheckConstraint(
                condition=Q(category="") | (Q(category__startswith=F("group")) & ~Q(group="")),
                name="grids_responsibilityitem_category_in_group",
                violation_error_message="线索分类编码应属于所选的线索大类。",
            ),
            models.CheckConstraint(
                condition=~Q(duty=""),
                name="grids_responsibilityitem_says_what",
                violation_error_message="请填写责任内容。",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.scope_name} {self.answerable}"

    @property
    def scope_name(self) -> str:
        return self.category or (str(self.get_group_display()) if self.group else "通用")

    @property
    def answerable(self) -> str:
        """Who answers, in words. A department by its name where the row was read by `named`."""
        if self.section:
            return str(self.get_section_display())
        if self.role:
            return str(self.get_role_display())
        return getattr(self, "department_name", None) or self.department
