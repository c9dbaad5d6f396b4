"""What the side roads and the time after closing leave behind (DESIGN.md §3).

Rows that tell what happened are append-only (triggers); `Referral`, `Recheck` and `LookBack` are filled in
step by step and never deleted.
"""

from __future__ import annotations

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q

from grids.access import scope_of
from grids.models import Department
from kernel.accounts.models import User
from leads.models.choices import Severity
from leads.models.lead import Lead
from leads.states import State


def _person(label: str, *, null: bool = False) -> models.ForeignKey[User, User]:
    return models.ForeignKey(
        settings.AUTH_USER_MODEL, verbose_name=label, null=null, on_delete=models.PROTECT, related_name="+"
    )


def _hashes() -> ArrayField[list[str], list[str]]:
    return ArrayField(models.CharField(max_length=64), verbose_name="证据校验值", default=list, blank=True)


class InterimFeedback(models.Model):
    """阶段反馈: what is done, what remains, and by when the whole feedback comes. Append-only.

    `number` counts those of one round; from the second on, or past 7 days, `approved_by` says who agreed.
    """

    lead = models.ForeignKey(Lead, verbose_name="线索", on_delete=models.PROTECT, related_name="interims")
    round = models.PositiveSmallIntegerField("轮次")
    number = models.PositiveSmallIntegerField("次数")
    done = models.TextField("已完成", max_length=1000)
    remaining = models.TextField("尚需办理", max_length=1000)
    final_due_at = models.DateTimeField("承诺完整反馈时间")
    by = _person("反馈人")
    on_behalf_of = _person("代谁反馈", null=True)
    approved_by = _person("批准人", null=True)
    at = models.DateTimeField("反馈时间")

    class Meta:
        verbose_name = verbose_name_plural = "阶段反馈"
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(
                fields=["lead", "round", "number"], name="leads_interimfeedback_one_a_number"
            ),
            models.CheckConstraint(
                condition=~Q(done="") & ~Q(remaining=""), name="leads_interimfeedback_says_what"
            ),
            models.CheckConstraint(
                condition=Q(number=1) | Q(approved_by__isnull=False),
                name="leads_interimfeedback_later_approved",
            ),
            models.CheckConstraint(
                condition=Q(approved_by__isnull=True) | ~Q(approved_by=F("by")),
                name="leads_interimfeedback_approved_by_another",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.lead_id} 第 {self.round} 轮第 {self.number} 次"


class Recusal(models.Model):
    """回避: this person is related to the matter. He never again owns or signs this lead (triggers)."""

    lead = models.ForeignKey(Lead, verbose_name="线索", on_delete=models.PROTECT, related_name="recusals")
    person = _person("回避人")
    reason = models.CharField("回避原因", max_length=500)
    was_owner = models.BooleanField("原承办人", default=False)
    at = models.DateTimeField("回避时间")

    class Meta:
        verbose_name = verbose_name_plural = "回避"
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["lead", "person"], name="leads_recusal_once"),
            models.CheckConstraint(condition=~Q(reason=""), name="leads_recusal_says_why"),
        ]

    def __str__(self) -> str:
        return f"{self.lead_id} {self.person_id}"


class Merge(models.Model):
    """并单: `lead` was merged into `survivor`. `changed` keeps what it needs to be taken back. Append-only.

    `changed`: `state` before, `clocks` cancelled (ids), `brought` (the merged lead's report and due times)
    and `own` (the survivor's own, as they were before anything was merged into it), ISO 8601.
    """

    lead = models.ForeignKey(Lead, verbose_name="被并线索", on_delete=models.PROTECT, related_name="merges")
    survivor = models.ForeignKey(
        Lead, verbose_name="保留线索", on_delete=models.PROTECT, related_name="absorbed"
    )
    reason = models.CharField("并单原因", max_length=500, blank=True)
    changed = models.JSONField("变动内容")
    by = _person("并单人")
    at = models.DateTimeField("并单时间")

    class Meta:
        verbose_name = verbose_name_plural = "并单"
        ordering = ["id"]
        constraints = [
            models.CheckConstraint(condition=~Q(lead=F("survivor")), name="leads_merge_two_leads"),
        ]

    def __str__(self) -> str:
        return f"{self.lead_id} → {self.survivor_id}"


class Unmerge(models.Model):
    """撤销并单: takes one merge back. Append-only."""

    merge = models.OneToOneField(Merge, verbose_name="并单", on_delete=models.PROTECT, related_name="undone")
    reason = models.CharField("撤销原因", max_length=500)
    by = _person("撤销人")
    at = models.DateTimeField("撤销时间")

    class Meta:
        verbose_name = verbose_name_plural = "撤销并单"
        constraints = [models.CheckConstraint(condition=~Q(reason=""), name="leads_unmerge_says_why")]

    def __str__(self) -> str:
        return f"撤销 {self.merge_id}"


class Referral(models.Model):
    """移交其他部门: sent with the feedback of a round; 已移交 only with the department's receipt.

    `reply_due_at` is 10 working days from the receipt (DOMAIN.md §3).
    """

    class Stage(models.TextChoices):
        WAITS_FOR_RECEIPT = "waits_for_receipt", "待回执"
        WAITS_FOR_REPLY = "waits_for_reply", "待答复"
        REPLIED = "replied", "已答复"

    lead = models.ForeignKey(Lead, verbose_name="线索", on_delete=models.PROTECT, related_name="referrals")
    round = models.PositiveSmallIntegerField("轮次")
    department = models.ForeignKey(
        Department, verbose_name="移交部门", on_delete=models.PROTECT, related_name="+"
    )
    document_number = models.CharField("移交函文号", max_length=60, blank=True)
    sent_by = _person("移交人")
    sent_at = models.DateTimeField("移交时间")
    receipt_at = models.DateTimeField("收到回执时间", null=True)
    receipt_by = _person("回执登记人", null=True)
    receipt_number = models.CharField("回执编号", max_length=60, blank=True)
    reply_due_at = models.DateTimeField("答复时限", null=True)
    reply_at = models.DateTimeField("收到答复时间", null=True)
    reply_by = _person("答复登记人", null=True)
    reply = models.TextField("答复内容", max_length=2000, blank=True)

    class Meta:
        verbose_name = verbose_name_plural = "移交"
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["lead", "round"], name="leads_referral_one_a_round"),
            models.CheckConstraint(
                condition=Q(receipt_at__isnull=True, receipt_by__isnull=True, reply_due_at__isnull=True)
                | Q(receipt_at__isnull=False, receipt_by__isnull=False, reply_due_at__isnull=False),
                name="leads_referral_receipt_whole",
            ),
            models.CheckConstraint(
                condition=Q(reply_at__isnull=True, reply_by__isnull=True, reply="")
                | Q(reply_at__isnull=False, reply_by__isnull=False, receipt_at__isnull=False) & ~Q(reply=""),
                name="leads_referral_reply_after_receipt",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.lead_id} 移交 {self.department_id}"

    @property
    def stage(self) -> Stage:
        """How far it has come."""
        if self.receipt_at is None:
            return self.Stage.WAITS_FOR_RECEIPT
        return self.Stage.WAITS_FOR_REPLY if self.reply_at is None else self.Stage.REPLIED


class Correction(models.Model):
    """整改证明: proof that what was ordered is done, handed in before the recheck. Append-only."""

    lead = models.ForeignKey(Lead, verbose_name="线索", on_delete=models.PROTECT, related_name="corrections")
    round = models.PositiveSmallIntegerField("轮次")
    note = models.TextField("整改情况", max_length=2000)
    evidence = _hashes()
    in_time = models.BooleanField("在整改期限内")
    by = _person("提交人")
    at = models.DateTimeField("提交时间")

    class Meta:
        verbose_name = verbose_name_plural = "整改证明"
        ordering = ["id"]
        constraints = [models.CheckConstraint(condition=~Q(note=""), name="leads_correction_says_what")]

    def __str__(self) -> str:
        return f"{self.lead_id} 第 {self.round} 轮整改"


class Recheck(models.Model):
    """复查: is the rectification done? One a round; passed only with a grid worker's countersignature.

    `waiting` stands for "found done by the office, not yet countersigned".
    """

    class State(models.TextChoices):
        WAITING = "waiting", "待会签"
        PASSED = "passed", "通过"
        FAILED = "failed", "未通过"

    lead = models.ForeignKey(Lead, verbose_name="线索", on_delete=models.PROTECT, related_name="rechecks")
    round = models.PositiveSmallIntegerField("轮次")
    state = models.CharField("结果", max_length=8, choices=State)
    note = models.TextField("复查情况", max_length=2000)
    evidence = _hashes()
    by = _person("复查人")
    on_behalf_of = _person("代谁复查", null=True)
    at = models.DateTimeField("复查时间")
    countersigned_by = _person("会签人", null=True)
    countersigned_for = _person("代谁会签", null=True)
    countersigned_at = models.DateTimeField("会签时间", null=True)
    countersign_note = models.CharField("会签意见", max_length=500, blank=True)

    class Meta:
        verbose_name = verbose_name_plural = "复查"
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["lead", "round"], name="leads_recheck_one_a_round"),
            models.CheckConstraint(condition=~Q(note=""), name="leads_recheck_says_what"),
            models.CheckConstraint(
                condition=~Q(state="passed") | Q(countersigned_by__isnull=False),
                name="leads_recheck_passed_countersigned",
            ),
            models.CheckConstraint(
                condition=Q(countersigned_by__isnull=True, countersigned_at__isnull=True)
                | Q(countersigned_by__isnull=False, countersigned_at__isnull=False),
                name="leads_recheck_countersigned_whole",
            ),
            models.CheckConstraint(
                condition=Q(countersigned_by__isnull=True) | ~Q(countersigned_by=F("by")),
                name="leads_recheck_two_people",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.lead_id} 第 {self.round} 轮复查"


class LookBackQuerySet(models.QuerySet["LookBack"]):
    def visible_to(self, user: User) -> LookBackQuerySet:
        """Look-backs of leads that the person may see."""
        if scope_of(user).business_nothing:
            return self.none()
        return self.filter(lead__in=Lead.objects.visible_to(user))

    def waiting(self) -> LookBackQuerySet:
        return self.filter(state=LookBack.State.SCHEDULED)


class LookBack(models.Model):
    """回头看: has it come back? Two for every passed recheck, scheduled by themselves (DOMAIN.md §3)."""

    class State(models.TextChoices):
        SCHEDULED = "scheduled", "待回头看"
        PASSED = "passed", "未反弹"
        FAILED = "failed", "反弹"
        CANCELLED = "cancelled", "已取消"

    class Result(models.TextChoices):
        """What whoever looked back may say."""

        PASSED = "passed", "未反弹"
        FAILED = "failed", "反弹"

    class Number(models.IntegerChoices):
        FIRST = 1, "第一次"
        SECOND = 2, "第二次"

    lead = models.ForeignKey(Lead, verbose_name="线索", on_delete=models.PROTECT, related_name="look_backs")
    recheck = models.ForeignKey(
        Recheck, verbose_name="复查", on_delete=models.PROTECT, related_name="look_backs"
    )
    round = models.PositiveSmallIntegerField("轮次")
    number = models.PositiveSmallIntegerField("次序", choices=Number)
    opens_at = models.DateTimeField("最早可查时间")
    due_on = models.DateField("应查日期")
    due_at = models.DateTimeField("到期时间")
    state = models.CharField("状态", max_length=10, choices=State, db_default=State.SCHEDULED)
    version = models.PositiveIntegerField("版本", default=1, db_default=1)
    by = _person("检查人", null=True)
    on_behalf_of = _person("代谁检查", null=True)
    done_at = models.DateTimeField("完成时间", null=True)
    note = models.TextField("检查情况", max_length=2000, blank=True)
    evidence = _hashes()

    objects = LookBackQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "回头看"
        ordering = ["due_at", "id"]
        constraints = [
            models.UniqueConstraint(fields=["recheck", "number"], name="leads_lookback_one_a_number"),
            models.CheckConstraint(condition=Q(number__in=[1, 2]), name="leads_lookback_first_or_second"),
            models.CheckConstraint(
                condition=Q(state__in=["passed", "failed"], by__isnull=False, done_at__isnull=False)
                | Q(state__in=["scheduled", "cancelled"], by__isnull=True, done_at__isnull=True),
                name="leads_lookback_done_by_somebody",
            ),
            models.CheckConstraint(
                condition=Q(opens_at__lt=F("due_at")), name="leads_lookback_opens_before_due"
            ),
        ]
        indexes = [
            models.Index(fields=["due_at"], condition=Q(state="scheduled"), name="leads_look_backs_waiting"),
            models.Index(fields=["done_at"], name="leads_look_backs_done"),
        ]

    def __str__(self) -> str:
        return f"{self.lead_id} 第 {self.round} 轮{self.get_number_display()}"


class Reopening(models.Model):
    """重新办理: a closed lead came back, and why. Append-only; `round` is the one that it began."""

    class Cause(models.TextChoices):
        HEAD = "head", "所长决定"
        RECHECK = "recheck", "复查未通过"
        LOOK_BACK = "look_back", "回头看反弹"
        SURVEY = "survey", "群众不满意"

    lead = models.ForeignKey(Lead, verbose_name="线索", on_delete=models.PROTECT, related_name="reopenings")
    round = models.PositiveSmallIntegerField("新的轮次")
    cause = models.CharField("缘由", max_length=10, choices=Cause)
    reason = models.CharField("原因", max_length=500)
    closed_at = models.DateTimeField("原办结时间")
    severity_before = models.CharField("原严重程度", max_length=8, choices=Severity)
    severity_after = models.CharField("现严重程度", max_length=8, choices=Severity)
    to = models.CharField(
        "转入状态",
        max_length=10,
        choices=[(s.value, s.label) for s in (State.RESPONDED, State.DISPATCHED)],
    )
    by = _person("决定人", null=True)
    at = models.DateTimeField("重新办理时间")

    class Meta:
        verbose_name = verbose_name_plural = "重新办理"
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["lead", "round"], name="leads_reopening_one_a_round"),
            models.CheckConstraint(condition=~Q(reason=""), name="leads_reopening_says_why"),
        ]

    def __str__(self) -> str:
        return f"{self.lead_id} 第 {self.round} 轮"
