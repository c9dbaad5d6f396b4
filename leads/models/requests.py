"""What the approved side roads leave behind: pauses, extensions, rejections, changed categories.

The request itself and its decision are an `approvals.Approval`; these rows say what came of it. All are
append-only (triggers); a suspension ends once.
"""

from __future__ import annotations

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q

from kernel.accounts.models import User
from kernel.approvals.models import Approval
from leads.models.choices import RejectReason, Severity, SuspendReason
from leads.models.lead import Category, Lead
from leads.models.supervision import SupervisionOrder


def _person(label: str, *, null: bool = False) -> models.ForeignKey[User, User]:
    return models.ForeignKey(
        settings.AUTH_USER_MODEL, verbose_name=label, null=null, on_delete=models.PROTECT, related_name="+"
    )


def _approval(*, null: bool = False) -> models.OneToOneField[Approval, Approval]:
    return models.OneToOneField(
        Approval, verbose_name="审批", null=null, on_delete=models.PROTECT, related_name="+"
    )


class Suspension(models.Model):
    """暂缓办理: the clocks of feedback stand still until a date, at most 7 days.

    `ended_at` before `until_at`: resumed early, by `ended_by`; at `until_at` it ends by itself.
    """

    lead = models.ForeignKey(Lead, verbose_name="线索", on_delete=models.PROTECT, related_name="suspensions")
    number = models.PositiveSmallIntegerField("次数")
    reason_kind = models.CharField("暂缓原因", max_length=20, choices=SuspendReason)
    reason = models.CharField("说明", max_length=500, blank=True)
    asked_by = _person("申请人")
    approved_by = _person("批准人")
    approval = _approval()
    began_at = models.DateTimeField("暂缓时间")
    until_at = models.DateTimeField("暂缓至")
    ended_at = models.DateTimeField("恢复时间", null=True)
    ended_by = _person("恢复人", null=True)

    class Meta:
        verbose_name = verbose_name_plural = "暂缓办理"
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["lead", "number"], name="leads_suspension_one_a_number"),
            models.UniqueConstraint(
                fields=["lead"], condition=Q(ended_at__isnull=True), name="leads_suspension_one_open"
            ),
            models.CheckConstraint(
                condition=Q(until_at__gt=F("began_at"))
                & Q(
                    until_at__lte=F("began_at") + models.Value("7 days", output_field=models.DurationField())
                ),
                name="leads_suspension_a_week_at_most",
                violation_error_message="暂缓办理最长 7 天。",
            ),
            models.CheckConstraint(
                condition=Q(ended_at__isnull=True)
                | Q(ended_at__gte=F("began_at"), ended_at__lte=F("until_at")),
                name="leads_suspension_ends_in_time",
            ),
            models.CheckConstraint(
                condition=~Q(approved_by=F("asked_by")), name="leads_suspension_approved_by_another"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.lead_id} 暂缓 {self.number}"


class Extension(models.Model):
    """延期: one clock of a lead put off, at most 7 days, once a clock.

    By an approved request (`approval`), or by the instruction of a supervision order (`order`, at most
    24 hours). `keeps_breach`: the clock had run out before; its lateness stays, and what was given is a new
    internal date.
    """

    lead = models.ForeignKey(Lead, verbose_name="线索", on_delete=models.PROTECT, related_name="extensions")
    clock = models.CharField("时限种类", max_length=30)
    cycle = models.PositiveSmallIntegerField("轮次")
    reason = models.CharField("理由", max_length=500, blank=True)
    due_before = models.DateTimeField("原时限")
    due_after = models.DateTimeField("延期后时限")
    keeps_breach = models.BooleanField("此前已超时", default=False)
    asked_by = _person("申请人", null=True)
    approved_by = _person("批准人")
    approval = _approval(null=True)
    order = models.ForeignKey(
        SupervisionOrder, verbose_name="督办单", null=True, on_delete=models.PROTECT, related_name="+"
    )
    at = models.DateTimeField("批准时间")

    class Meta:
        verbose_name = verbose_name_plural = "延期"
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["lead", "clock", "cycle"], name="leads_extension_once_a_clock"),
            models.CheckConstraint(condition=Q(due_after__gt=F("due_before")), name="leads_extension_later"),
            models.CheckConstraint(
                condition=Q(clock__in=["feedback", "final"]), name="leads_extension_of_feedback_only"
            ),
            models.CheckConstraint(
                condition=Q(approval__isnull=False, asked_by__isnull=False) | Q(order__isnull=False),
                name="leads_extension_has_a_ground",
            ),
            models.CheckConstraint(
                condition=Q(asked_by__isnull=True) | ~Q(approved_by=F("asked_by")),
                name="leads_extension_approved_by_another",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.lead_id} {self.clock}/{self.cycle}"


class Rejection(models.Model):
    """退单: why a lead was not handled, and who agreed that it need not be."""

    lead = models.OneToOneField(Lead, verbose_name="线索", on_delete=models.PROTECT, related_name="rejection")
    reason_kind = models.CharField("退单原因", max_length=20, choices=RejectReason)
    note = models.CharField("说明", max_length=500, blank=True)
    evidence = ArrayField(
        models.CharField(max_length=64), verbose_name="证据校验值", default=list, blank=True
    )
    proposed_by = _person("提出人")
    agreed_by = _person("同意人")
    approval = _approval()
    at = models.DateTimeField("退单时间")

    class Meta:
        verbose_name = verbose_name_plural = "退单"
        constraints = [
            models.CheckConstraint(
                condition=~Q(note="") | Q(evidence__len__gt=0), name="leads_rejection_has_a_ground"
            ),
            models.CheckConstraint(
                condition=~Q(agreed_by=F("proposed_by")), name="leads_rejection_agreed_by_another"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.lead_id} 退单"


class Reclassification(models.Model):
    """改类: what it was taken for, and what it is. Food → not food only with a second person's word."""

    lead = models.ForeignKey(
        Lead, verbose_name="线索", on_delete=models.PROTECT, related_name="reclassifications"
    )
    from_category = models.ForeignKey(
        Category, verbose_name="原分类", on_delete=models.PROTECT, related_name="+"
    )
    to_category = models.ForeignKey(
        Category, verbose_name="新分类", on_delete=models.PROTECT, related_name="+"
    )
    from_severity = models.CharField("原严重程度", max_length=8, choices=Severity)
    to_severity = models.CharField("新严重程度", max_length=8, choices=Severity)
    from_food = models.BooleanField("原为食品安全")
    to_food = models.BooleanField("现为食品安全")
    reason = models.CharField("理由", max_length=500)
    by = _person("改类人")
    on_behalf_of = _person("代谁改类", null=True)
    agreed_by = _person("同意人", null=True)
    approval = _approval(null=True)
    at = models.DateTimeField("改类时间")

    class Meta:
        verbose_name = verbose_name_plural = "改类"
        ordering = ["id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(from_food=False) | Q(to_food=True) | Q(agreed_by__isnull=False),
                name="leads_reclassification_out_of_food_agreed",
                violation_error_message="食品安全线索改为其他分类须经网格员同意。",
            ),
            models.CheckConstraint(
                condition=Q(agreed_by__isnull=True) | ~Q(agreed_by=F("by")),
                name="leads_reclassification_agreed_by_another",
            ),
            models.CheckConstraint(
                condition=~Q(from_category=F("to_category")) | ~Q(from_severity=F("to_severity")),
                name="leads_reclassification_changes_something",
            ),
            models.CheckConstraint(condition=~Q(reason=""), name="leads_reclassification_says_why"),
        ]

    def __str__(self) -> str:
        return f"{self.lead_id} {self.from_category_id} → {self.to_category_id}"


class JointHandler(models.Model):
    """我到现场: a supervisor of the office who handles the lead together with its owner.

    He acts as a stand-in of that owner, by name; a new owner (`owner_cycle`) ends it.
    """

    lead = models.ForeignKey(
        Lead, verbose_name="线索", on_delete=models.PROTECT, related_name="joint_handlers"
    )
    person = _person("共同承办人")
    owner_cycle = models.PositiveSmallIntegerField("经办轮次")
    order = models.ForeignKey(
        SupervisionOrder, verbose_name="督办单", on_delete=models.PROTECT, related_name="+"
    )
    at = models.DateTimeField("加入时间")

    class Meta:
        verbose_name = verbose_name_plural = "共同承办"
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(
                fields=["lead", "person", "owner_cycle"], name="leads_jointhandler_once_an_owner"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.lead_id} {self.person_id}"
