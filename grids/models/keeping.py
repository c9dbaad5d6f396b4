"""How the register is kept true: key changes that wait, pairs that look alike, files that were read in."""

from __future__ import annotations

from typing import Self

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from grids.access import Anyone, scope_of
from grids.models.register import GONE, BusinessEntity


class KeyChangeQuerySet(models.QuerySet["KeyChange"]):
    def visible_to(self, user: Anyone) -> Self:
        """Who asked, and who sees the business."""
        seen = Q(entity__in=BusinessEntity.objects.visible_to(user).values("id"))
        return self.filter(seen | Q(asked_by_id=user.pk))


class KeyChange(models.Model):
    """A change of name, code or status that a grid worker asks for and the commissioner confirms.

    One waits at a time per business. The question itself, with its clock, is an `Approval` of kind
    `entity_key_change` on the subject `entity`. `changes` holds `{field: {"from": …, "to": …}}`.
    """

    class State(models.TextChoices):
        WAITING = "WAITING", "待确认"
        CONFIRMED = "CONFIRMED", "已确认"
        REFUSED = "REFUSED", "未通过"
        WITHDRAWN = "WITHDRAWN", "已撤回"

    entity = models.ForeignKey(
        BusinessEntity, models.PROTECT, verbose_name="经营主体", related_name="key_changes"
    )
    changes = models.JSONField("变更内容")
    reason = models.CharField("变更原因", max_length=200, blank=True, default="", db_default="")
    state = models.CharField("状态", max_length=10, choices=State.choices, default=State.WAITING)
    asked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, verbose_name="提出人", related_name="+"
    )
    asked_at = models.DateTimeField("提出时间")
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, verbose_name="确认人", related_name="+", null=True
    )
    decided_at = models.DateTimeField("确认时间", null=True)
    note = models.CharField("确认意见", max_length=200, blank=True, default="", db_default="")

    objects = KeyChangeQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "关键信息变更"
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["entity"], condition=Q(state="WAITING"), name="grids_keychange_one_waits"
            ),
            models.CheckConstraint(
                condition=Q(state="WAITING", decided_at__isnull=True)
                | Q(decided_at__isnull=False) & ~Q(state="WAITING"),
                name="grids_keychange_decided_when_said",
            ),
            models.CheckConstraint(
                condition=Q(decided_by__isnull=True) | ~Q(decided_by=F("asked_by")),
                name="grids_keychange_not_own",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.entity_id} {self.get_state_display()}"

    def may_be_taken_back_by(self, user_id: int | None) -> bool:
        """Who asked takes it back while it waits."""
        return self.state == self.State.WAITING and self.asked_by_id == user_id


class DuplicatePairQuerySet(models.QuerySet["DuplicatePair"]):
    def visible_to(self, user: Anyone) -> Self:
        """Who sees both businesses."""
        seen = BusinessEntity.objects.visible_to(user).values("id")
        return self.filter(first__in=seen, second__in=seen)

    def open(self) -> Self:
        """Nobody has judged them yet, and both still trade."""
        return self.filter(state="SUGGESTED").exclude(Q(first__status__in=GONE) | Q(second__status__in=GONE))


class DuplicatePair(models.Model):
    """Two businesses that look like one. Found by the system, judged by people; `first` < `second`.

    `taken`: what a verdict 同一家 changed, so that taking it back can give it back (`{"status": …,
    "uscc": …, "licences": [ids], "equipment": [ids]}`).
    """

    class State(models.TextChoices):
        SUGGESTED = "SUGGESTED", "待核对"
        DIFFERENT = "DIFFERENT", "不是同一家"
        SAME = "SAME", "同一家"

    first = models.ForeignKey(BusinessEntity, models.PROTECT, verbose_name="经营主体", related_name="+")
    second = models.ForeignKey(BusinessEntity, models.PROTECT, verbose_name="疑似重复主体", related_name="+")
    why = models.CharField("疑似依据", max_length=100)
    state = models.CharField("状态", max_length=10, choices=State.choices, default=State.SUGGESTED)
    found_at = models.DateTimeField("发现时间")
    judged_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, verbose_name="核对人", related_name="+", null=True
    )
    judged_at = models.DateTimeField("核对时间", null=True)
    note = models.CharField("核对说明", max_length=200, blank=True, default="", db_default="")
    taken = models.JSONField("并入内容", default=dict, db_default={}, blank=True, editable=False)

    objects = DuplicatePairQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "疑似重复主体"
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["first", "second"], name="grids_duplicatepair_once"),
            models.CheckConstraint(condition=Q(first__lt=F("second")), name="grids_duplicatepair_in_order"),
            models.CheckConstraint(
                condition=Q(state="SUGGESTED", judged_at__isnull=True, judged_by__isnull=True)
                | Q(judged_at__isnull=False, judged_by__isnull=False) & ~Q(state="SUGGESTED"),
                name="grids_duplicatepair_judged_when_said",
            ),
            models.UniqueConstraint(
                fields=["second"], condition=Q(state="SAME"), name="grids_duplicatepair_one_survivor"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.first_id} / {self.second_id}"


class SameBusinessQuerySet(models.QuerySet["SameBusiness"]):
    def now(self) -> Self:
        """What holds at present."""
        return self.filter(until_at__isnull=True)


class SameBusiness(models.Model):
    """A closed entry of the register stands for another (`survivor`), from when, until when.

    Follows from the pairs judged to be the same, chains followed to their end, and is written by
    `grids.same_business` alone: a judgement that is taken back ends the row. Never deleted.
    """

    entity = models.ForeignKey(
        BusinessEntity, models.PROTECT, verbose_name="并入主体", related_name="+", db_index=False
    )
    survivor = models.ForeignKey(
        BusinessEntity, models.PROTECT, verbose_name="保留主体", related_name="+", db_index=False
    )
    pair = models.ForeignKey(DuplicatePair, models.PROTECT, verbose_name="核对", related_name="+")
    since_at = models.DateTimeField("自")
    until_at = models.DateTimeField("至", null=True)

    objects = SameBusinessQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "同一主体"
        ordering = ["-id"]
        indexes = [
            models.Index(
                fields=["survivor"], condition=Q(until_at__isnull=True), name="grids_same_by_survivor"
            ),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["entity"], condition=Q(until_at__isnull=True), name="grids_samebusiness_one_now"
            ),
            models.CheckConstraint(
                condition=Q(survivor__lt=F("entity")), name="grids_samebusiness_earlier_stays"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.entity_id} → {self.survivor_id}"


class ImportFileQuerySet(models.QuerySet["ImportFile"]):
    def visible_to(self, user: Anyone) -> Self:
        """Who brought it in, and the bureau."""
        scope = scope_of(user)
        if scope.sees_all:
            return self
        return self.filter(by_id=scope.user_id) if scope.seats else self.none()


class ImportFile(models.Model):
    """One file read into the register (or into the credit ledger: `target`): tried, or carried out.

    `errors` holds `[{"row": n, "code": …, "column": …, "detail": …}]`, complete; `done_rows` of `rows` is the
    progress. A file is taken whole or not at all. `sha256` is of the bytes as received.
    """

    class Target(models.TextChoices):
        REGISTER = "REGISTER", "经营主体"
        FACTS = "FACTS", "信用事实"

    class State(models.TextChoices):
        WAITING = "WAITING", "排队中"
        RUNNING = "RUNNING", "读取中"
        TRIED = "TRIED", "试导完成"
        DONE = "DONE", "已导入"
        REFUSED = "REFUSED", "未导入"

    target = models.CharField("导入到", max_length=10, choices=Target.choices)
    name = models.CharField("文件名", max_length=200)
    sha256 = models.CharField("校验值", max_length=64)
    dry_run = models.BooleanField("仅试导", default=True)
    state = models.CharField("状态", max_length=10, choices=State.choices, default=State.WAITING)
    rows = models.PositiveIntegerField("总行数", default=0)
    done_rows = models.PositiveIntegerField("已处理行数", default=0)
    created = models.PositiveIntegerField("新增", default=0)
    updated = models.PositiveIntegerField("更新", default=0)
    unchanged = models.PositiveIntegerField("未变", default=0)
    errors = models.JSONField("错误", default=list)
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, verbose_name="导入人", related_name="+", null=True
    )
    at = models.DateTimeField("提交时间")
    finished_at = models.DateTimeField("完成时间", null=True)
    stored = models.CharField("原件", max_length=200, blank=True, default="", db_default="")

    objects = ImportFileQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "导入记录"
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(state__in=["WAITING", "RUNNING"], finished_at__isnull=True)
                | Q(finished_at__isnull=False) & ~Q(state__in=["WAITING", "RUNNING"]),
                name="grids_importfile_finished_when_said",
            )
        ]
        indexes = [models.Index(fields=["by", "-id"], name="grids_importfile_by_person")]

    def __str__(self) -> str:
        return self.name
