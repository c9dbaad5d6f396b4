"""Approvals: asked, decided by somebody else, ended for good."""

from __future__ import annotations

from typing import Any, ClassVar

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

GUARD = """
CREATE FUNCTION approvals_approval_final() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' OR OLD.state <> 'waiting' THEN
        RAISE EXCEPTION 'approvals_approval_final: approval % has ended', OLD.id
              USING ERRCODE = 'check_violation', CONSTRAINT = 'approvals_approval_final';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER approvals_approval_final BEFORE UPDATE OR DELETE ON approvals_approval
    FOR EACH ROW EXECUTE FUNCTION approvals_approval_final();
"""
UNGUARD = """
DROP TRIGGER approvals_approval_final ON approvals_approval;
DROP FUNCTION approvals_approval_final();
"""


class Migration(migrations.Migration):
    initial = True

    dependencies: ClassVar[list[Any]] = [migrations.swappable_dependency(settings.AUTH_USER_MODEL)]

    operations: ClassVar[list[Any]] = [
        migrations.CreateModel(
            name="Approval",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("kind", models.CharField(max_length=40, verbose_name="审批种类")),
                ("subject_kind", models.CharField(max_length=20, verbose_name="对象类别")),
                ("subject_id", models.BigIntegerField(verbose_name="对象编号")),
                ("about", models.CharField(blank=True, max_length=120, verbose_name="事项")),
                ("asked_at", models.DateTimeField(verbose_name="申请时间")),
                ("reason", models.CharField(max_length=500, verbose_name="申请理由")),
                ("payload", models.JSONField(blank=True, default=dict, verbose_name="申请内容")),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("waiting", "待审批"),
                            ("approved", "已同意"),
                            ("refused", "未同意"),
                            ("lapsed", "逾期未批"),
                            ("withdrawn", "已撤回"),
                        ],
                        db_default="waiting",
                        max_length=10,
                        verbose_name="状态",
                    ),
                ),
                ("due_at", models.DateTimeField(verbose_name="审批时限")),
                ("decided_at", models.DateTimeField(null=True, verbose_name="审批时间")),
                ("ended_at", models.DateTimeField(null=True, verbose_name="结束时间")),
                ("note", models.CharField(blank=True, max_length=500, verbose_name="审批意见")),
                ("version", models.PositiveIntegerField(db_default=1, default=1, verbose_name="版本")),
                (
                    "asked_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="申请人",
                    ),
                ),
                (
                    "asked_on_behalf_of",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="代谁申请",
                    ),
                ),
                (
                    "decided_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="审批人",
                    ),
                ),
                (
                    "decided_on_behalf_of",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="代谁审批",
                    ),
                ),
            ],
            options={
                "verbose_name": "审批",
                "verbose_name_plural": "审批",
                "ordering": ["-id"],
                "indexes": [
                    models.Index(fields=["subject_kind", "subject_id"], name="approvals_of_subject"),
                    models.Index(
                        condition=models.Q(("state", "waiting")),
                        fields=["kind", "subject_id"],
                        name="approvals_waiting_by_kind",
                    ),
                    models.Index(fields=["asked_by", "-id"], name="approvals_by_asker"),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("state", "waiting")),
                        fields=("kind", "subject_kind", "subject_id"),
                        name="approvals_approval_one_waiting",
                        violation_error_message="已有同样的申请在等待审批。",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("state__in", ["waiting", "approved", "refused", "lapsed", "withdrawn"])
                        ),
                        name="approvals_approval_known_state",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("decided_at__isnull", False),
                                ("decided_by__isnull", False),
                                ("state__in", ("approved", "refused")),
                            ),
                            models.Q(
                                models.Q(("state__in", ("approved", "refused")), _negated=True),
                                ("decided_at__isnull", True),
                                ("decided_by__isnull", True),
                                ("decided_on_behalf_of__isnull", True),
                            ),
                            _connector="OR",
                        ),
                        name="approvals_approval_decided_when_said",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("ended_at__isnull", True), ("state", "waiting")),
                            models.Q(
                                models.Q(("state", "waiting"), _negated=True), ("ended_at__isnull", False)
                            ),
                            _connector="OR",
                        ),
                        name="approvals_approval_ended_when_said",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("decided_by__isnull", True),
                            ("asked_by__isnull", True),
                            models.Q(("decided_by", models.F("asked_by")), _negated=True),
                            _connector="OR",
                        ),
                        name="approvals_approval_not_own",
                        violation_error_message="不能审批自己提出的申请，代岗时也不能。",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("decided_by__isnull", True),
                            ("asked_on_behalf_of__isnull", True),
                            models.Q(("decided_by", models.F("asked_on_behalf_of")), _negated=True),
                            _connector="OR",
                        ),
                        name="approvals_approval_not_own_in_name",
                        violation_error_message="不能审批自己提出的申请，代岗时也不能。",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("decided_on_behalf_of__isnull", True),
                            ("asked_by__isnull", True),
                            models.Q(("decided_on_behalf_of", models.F("asked_by")), _negated=True),
                            _connector="OR",
                        ),
                        name="approvals_approval_not_for_asker",
                        violation_error_message="不能审批自己提出的申请，代岗时也不能。",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("decided_on_behalf_of__isnull", True),
                            ("asked_on_behalf_of__isnull", True),
                            models.Q(("decided_on_behalf_of", models.F("asked_on_behalf_of")), _negated=True),
                            _connector="OR",
                        ),
                        name="approvals_approval_not_for_named",
                        violation_error_message="不能审批自己提出的申请，代岗时也不能。",
                    ),
                ],
            },
        ),
        migrations.RunSQL(GUARD, UNGUARD),
    ]
