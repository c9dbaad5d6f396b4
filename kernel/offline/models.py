"""Queued operations of offline phones: one row an operation, whatever became of it (API.md, Batch)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q

if TYPE_CHECKING:
    from kernel.accounts.models import User


class State(models.TextChoices):
    WAITING = "waiting", "等待中"
    DONE = "done", "已执行"
    CONFLICT = "conflict", "有冲突"
    REJECTED = "rejected", "被拒绝"
    LAPSED = "lapsed", "等待超期"


class OperationQuerySet(models.QuerySet["Operation"]):
    def visible_to(self, user: User) -> OperationQuerySet:
        """A person's own; nobody reads another's queue."""
        return self.filter(user_id=user.pk)


class Operation(models.Model):
    """One queued operation of one person's phone.

    The body rests sealed, and only while the operation waits: it may name who told a matter. `digest`
    is a keyed hash of path and body, so that a repetition is known without them. `resource` and the two
    versions say what a done operation changed: a later one made on the version before it follows on
    (`kernel.offline.policy.carried`).
    """

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name="操作人",
        on_delete=models.PROTECT,
        related_name="+",
        db_index=False,
    )
    client_uid = models.UUIDField("客户端编号")
    digest = models.CharField("内容校验值", max_length=64)
    method = models.CharField("方式", max_length=5, default="POST")
    path = models.CharField("路径", max_length=200)
    if_match = models.CharField("版本条件", max_length=20, blank=True, default="")
    needs = ArrayField(models.UUIDField(), verbose_name="依赖的操作", default=list, blank=True)
    sealed = models.TextField("密封内容", blank=True, default="")
    captured_at = models.DateTimeField("手机记录时间", null=True)
    received_at = models.DateTimeField("收到时间")
    skew_s = models.IntegerField("手机时间偏差（秒）", null=True)
    expires_at = models.DateTimeField("最晚等待至")
    state = models.CharField("状态", max_length=8, choices=State)
    attempts = models.PositiveSmallIntegerField("尝试次数", default=0)
    finished_at = models.DateTimeField("完成时间", null=True)
    status = models.PositiveSmallIntegerField("应答码", null=True)
    errors = models.JSONField("错误", default=list)
    resource = models.CharField("对象", max_length=120, blank=True, default="")
    resource_id = models.BigIntegerField("对象编号", null=True)
    version_before = models.PositiveIntegerField("操作前版本", null=True)
    version_after = models.PositiveIntegerField("操作后版本", null=True)

    objects = OperationQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "离线操作"
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["user", "client_uid"], name="offline_operation_one_a_uid"),
            models.CheckConstraint(
                condition=Q(state="waiting", finished_at__isnull=True)
                | (~Q(state="waiting") & Q(finished_at__isnull=False)),
                name="offline_operation_finished_when_over",
            ),
            models.CheckConstraint(
                condition=Q(state="waiting") & ~Q(sealed="") | ~Q(state="waiting") & Q(sealed=""),
                name="offline_operation_body_only_while_waiting",
            ),
            models.CheckConstraint(
                condition=Q(expires_at__gt=F("received_at")), name="offline_operation_waits_a_while"
            ),
            models.CheckConstraint(
                condition=Q(digest__regex=r"^[0-9a-f]{64}$"), name="offline_operation_digest"
            ),
        ]
        indexes = [
            models.Index(fields=["user", "id"], condition=Q(state="waiting"), name="offline_waiting_of_user"),
            models.Index(fields=["expires_at"], condition=Q(state="waiting"), name="offline_waiting_by_end"),
            models.Index(
                fields=["user", "resource"], condition=Q(state="done"), name="offline_done_by_resource"
            ),
            models.Index(fields=["finished_at"], name="offline_finished"),
        ]

    def __str__(self) -> str:
        return f"{self.path} {self.client_uid}"
