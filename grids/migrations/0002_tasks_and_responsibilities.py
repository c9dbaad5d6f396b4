"""Task lists and responsibilities of a grid's work group."""

from __future__ import annotations

import uuid
from typing import Any, ClassVar

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import kernel.clock
from grids.responsibility_rows import ROWS, columns


def seed(apps: Any, schema_editor: Any) -> None:
    item = apps.get_model("grids", "ResponsibilityItem")
    item.objects.bulk_create(item(**columns(row, 10 * number)) for number, row in enumerate(ROWS, start=1))


class Migration(migrations.Migration):
    dependencies: ClassVar[list[Any]] = [
        ("grids", "0001_initial"),
        ("clock", "0001_kernel_now"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations: ClassVar[list[Any]] = [
        migrations.AddField(
            model_name="workgroup",
            name="version",
            field=models.PositiveIntegerField(db_default=1, default=1, editable=False, verbose_name="版本"),
        ),
        migrations.CreateModel(
            name="ResponsibilityItem",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "group",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("0", "说不清"),
                            ("F", "食品安全"),
                            ("L", "登记许可"),
                            ("P", "价格计量"),
                            ("Q", "产品质量"),
                            ("S", "特种设备"),
                            ("D", "药械化妆品"),
                            ("A", "广告竞争知产"),
                            ("C", "消费维权"),
                            ("X", "移交其他部门"),
                        ],
                        default="",
                        help_text="留空为各类线索通用。",
                        max_length=1,
                        verbose_name="线索大类",
                    ),
                ),
                (
                    "category",
                    models.CharField(
                        blank=True,
                        default="",
                        help_text="如 F03；留空为整个大类。",
                        max_length=3,
                        verbose_name="线索分类编码",
                    ),
                ),
                (
                    "role",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("GRID_WORKER", "社区网格员"),
                            ("COMMISSIONER", "市场监管专员"),
                            ("OFFICE_CLERK", "所内勤"),
                            ("OFFICE_HEAD", "所长"),
                            ("COMMUNITY_HEAD", "社区书记"),
                            ("DEPARTMENT_LIAISON", "部门联络员"),
                            ("STATION_MEDIATOR", "调解员"),
                            ("BUREAU_SECTION", "局业务科室"),
                            ("BUREAU", "市场监管局"),
                            ("BUREAU_LEADER", "局领导"),
                            ("SUBDISTRICT", "街道"),
                            ("AUDITOR", "审计员"),
                            ("SYSTEM_ADMIN", "系统管理员"),
                            ("IDENTITY_KEEPER", "举报人信息保管员"),
                        ],
                        default="",
                        max_length=20,
                        verbose_name="责任岗位",
                    ),
                ),
                (
                    "section",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("FOOD", "食品安全监管科"),
                            ("EQUIPMENT", "特种设备安全监察科"),
                            ("CONSUMER", "消费者权益保护科"),
                            ("CREDIT", "信用监督管理科"),
                            ("LEGAL", "法规科"),
                            ("REGISTRATION", "登记注册科"),
                            ("PRICE", "价格监督与反不正当竞争科"),
                            ("QUALITY", "产品质量安全监管科"),
                            ("DRUG", "药械化妆品监管科"),
                            ("ADVERTISING", "广告与知识产权科"),
                        ],
                        default="",
                        max_length=20,
                        verbose_name="责任科室",
                    ),
                ),
                (
                    "department",
                    models.CharField(
                        blank=True,
                        default="",
                        help_text="由其他部门负责时填写。",
                        max_length=20,
                        verbose_name="责任部门编码",
                    ),
                ),
                ("duty", models.TextField(max_length=500, verbose_name="责任内容")),
                (
                    "standard",
                    models.TextField(blank=True, default="", max_length=1000, verbose_name="流程规范"),
                ),
                ("basis", models.CharField(blank=True, default="", max_length=200, verbose_name="依据")),
                (
                    "position",
                    models.PositiveSmallIntegerField(db_default=100, default=100, verbose_name="顺序"),
                ),
                ("is_active", models.BooleanField(db_default=True, default=True, verbose_name="启用")),
                (
                    "version",
                    models.PositiveIntegerField(db_default=1, default=1, editable=False, verbose_name="版本"),
                ),
                (
                    "updated_at",
                    models.DateTimeField(
                        db_default=kernel.clock.KernelNow(), editable=False, verbose_name="更新时间"
                    ),
                ),
            ],
            options={
                "verbose_name": "责任清单",
                "verbose_name_plural": "责任清单",
                "ordering": ["position", "id"],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("group", "category", "role", "section", "department"),
                        name="grids_responsibilityitem_once",
                        violation_error_message="同一分类下该责任方已有一条，请修改原有的一条。",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(models.Q(("role", ""), _negated=True), ("department", "")),
                            models.Q(("role", ""), models.Q(("department", ""), _negated=True)),
                            _connector="OR",
                        ),
                        name="grids_responsibilityitem_one_answers",
                        violation_error_message="责任岗位与责任部门须填写一项，且只能填写一项。",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("role", "BUREAU_SECTION"), ("section", ""), _connector="OR"),
                        name="grids_responsibilityitem_section_of_bureau",
                        violation_error_message="只有局业务科室需要填写责任科室。",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("category", ""),
                            models.Q(
                                ("category__startswith", models.F("group")),
                                models.Q(("group", ""), _negated=True),
                            ),
                            _connector="OR",
                        ),
                        name="grids_responsibilityitem_category_in_group",
                        violation_error_message="线索分类编码应属于所选的线索大类。",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("duty", ""), _negated=True),
                        name="grids_responsibilityitem_says_what",
                        violation_error_message="请填写责任内容。",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="TaskItem",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("client_uid", models.UUIDField(default=uuid.uuid4, verbose_name="客户端编号")),
                ("content_digest", models.CharField(max_length=64, verbose_name="内容校验值")),
                ("title", models.CharField(max_length=80, verbose_name="任务")),
                (
                    "note",
                    models.TextField(
                        blank=True, db_default="", default="", max_length=1000, verbose_name="说明"
                    ),
                ),
                ("due_at", models.DateTimeField(verbose_name="完成期限")),
                (
                    "clock_cycle",
                    models.PositiveSmallIntegerField(db_default=1, default=1, verbose_name="期限轮次"),
                ),
                (
                    "state",
                    models.CharField(
                        choices=[("open", "待办"), ("done", "已完成"), ("cancelled", "已取消")],
                        db_default="open",
                        default="open",
                        max_length=10,
                        verbose_name="状态",
                    ),
                ),
                ("version", models.PositiveIntegerField(db_default=1, default=1, verbose_name="版本")),
                ("created_at", models.DateTimeField(verbose_name="布置时间")),
                ("done_at", models.DateTimeField(null=True, verbose_name="完成时间")),
                (
                    "done_note",
                    models.CharField(
                        blank=True, db_default="", default="", max_length=500, verbose_name="完成情况"
                    ),
                ),
                ("cancelled_at", models.DateTimeField(null=True, verbose_name="取消时间")),
                (
                    "cancel_reason",
                    models.CharField(
                        blank=True, db_default="", default="", max_length=200, verbose_name="取消原因"
                    ),
                ),
                (
                    "source_kind",
                    models.CharField(
                        blank=True, db_default="", default="", max_length=20, verbose_name="来源类别"
                    ),
                ),
                ("source_id", models.BigIntegerField(null=True, verbose_name="来源编号")),
                (
                    "cancelled_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="取消人",
                    ),
                ),
                (
                    "created_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="given_tasks",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="布置人",
                    ),
                ),
                (
                    "done_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="完成人",
                    ),
                ),
                (
                    "grid",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="task_items",
                        to="grids.grid",
                        verbose_name="网格",
                    ),
                ),
                (
                    "owner",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="owned_tasks",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="责任人",
                    ),
                ),
            ],
            options={
                "verbose_name": "任务清单",
                "verbose_name_plural": "任务清单",
                "ordering": ["-id"],
                "indexes": [
                    models.Index(fields=["grid", "-id"], name="grids_task_by_grid"),
                    models.Index(
                        condition=models.Q(("state", "open")),
                        fields=["owner"],
                        name="grids_task_open_of_owner",
                    ),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("created_by", "client_uid"),
                        name="grids_taskitem_one_client_uid",
                        nulls_distinct=False,
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("title", ""), _negated=True), name="grids_taskitem_says_what"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("due_at__gt", models.F("created_at"))),
                        name="grids_taskitem_due_after_created",
                        violation_error_message="完成期限必须晚于布置时间。",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("done_at__isnull", False), ("done_by__isnull", False), ("state", "done")
                            ),
                            models.Q(
                                models.Q(("state", "done"), _negated=True),
                                ("done_at__isnull", True),
                                ("done_by__isnull", True),
                            ),
                            _connector="OR",
                        ),
                        name="grids_taskitem_done_has_when_and_who",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("cancelled_at__isnull", False),
                                ("state", "cancelled"),
                                models.Q(("cancel_reason", ""), _negated=True),
                            ),
                            models.Q(
                                models.Q(("state", "cancelled"), _negated=True),
                                ("cancel_reason", ""),
                                ("cancelled_at__isnull", True),
                                ("cancelled_by__isnull", True),
                            ),
                            _connector="OR",
                        ),
                        name="grids_taskitem_cancelled_has_why",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("source_id__isnull", True), ("source_kind", "")),
                            models.Q(
                                models.Q(("source_kind", ""), _negated=True), ("source_id__isnull", False)
                            ),
                            _connector="OR",
                        ),
                        name="grids_taskitem_source_whole",
                    ),
                ],
            },
        ),
        migrations.RunPython(seed, migrations.RunPython.noop),
    ]
