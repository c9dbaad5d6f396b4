"""双督办: orders and their acknowledgements."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q

from kernel.approvals.models import Approval
from leads.models.choices import Instruction, LateSide, Side
from leads.models.lead import Lead


class SupervisionOrder(models.Model):
    """Handling is late: office and community supervise together (双督办).

    Raised once per lead, cause and cycle; lifted when the lead has moved on and both sides have
    acknowledged. `level` rises to the bureau where a side stays silent. `charged_approval`: the request,
    made in time, that nobody answered in time; the lateness is the approver's (`late_side`).
    """

    class Cause(models.TextChoices):
        RESPOND = "respond", "接单超时"
        FEEDBACK = "feedback", "反馈超时"
        SAME_DAY = "same_day", "食品隐患当日未处置"
        OWNER_RESPOND = "owner_respond", "改派后接单超时"
        FINAL = "final", "完整反馈超时"
        RECHECK = "recheck", "复查超时"

    class Level(models.TextChoices):
        OFFICE = "office", "所社督办"
        BUREAU = "bureau", "局级督办"

    class State(models.TextChoices):
        OPEN = "open", "督办中"
        LIFTED = "lifted", "已解除"

    lead = models.ForeignKey(Lead, verbose_name="线索", on_delete=models.PROTECT, related_name="orders")
    cause = models.CharField("原因", max_length=14, choices=Cause)
    cycle = models.PositiveSmallIntegerField("轮次")
    late_side = models.CharField("责任方", max_length=10, choices=LateSide)
    charged_approval = models.ForeignKey(
        Approval,
        verbose_name="逾期未批的申请",
        null=True,
        on_delete=models.PROTECT,
        related_name="+",
        db_index=False,
    )
    level = models.CharField("层级", max_length=8, choices=Level, db_default=Level.OFFICE)
    state = models.CharField("状态", max_length=8, choices=State, db_default=State.OPEN)
    version = models.PositiveIntegerField("版本", db_default=1)
    raised_at = models.DateTimeField("督办时间")
    escalated_at = models.DateTimeField("上报局级时间", null=True)
    lifted_at = models.DateTimeField("解除时间", null=True)

    class Meta:
        verbose_name = verbose_name_plural = "督办单"
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["lead", "cause", "cycle"], name="leads_supervisionorder_one_a_cause"
            ),
            models.CheckConstraint(
                condition=Q(state="lifted", lifted_at__isnull=False)
                | Q(state="open", lifted_at__isnull=True),
                name="leads_supervisionorder_lifted_when_said",
            ),
            models.CheckConstraint(
                condition=Q(late_side="approver", charged_approval__isnull=False)
                | (~Q(late_side="approver") & Q(charged_approval__isnull=True)),
                name="leads_supervisionorder_charged_when_said",
            ),
            models.CheckConstraint(
                condition=Q(level="bureau", escalated_at__isnull=False)
                | Q(level="office", escalated_at__isnull=True),
                name="leads_supervisionorder_escalated_when_said",
            ),
        ]
        indexes = [
            models.Index(fields=["lead"], condition=Q(state="open"), name="leads_orders_open"),
            models.Index(fields=["raised_at"], name="leads_orders_raised"),
        ]

    def __str__(self) -> str:
        return f"督办单 {self.pk}"


class Acknowledgement(models.Model):
    """One side's answer to a supervision order, with the instruction given."""

    order = models.ForeignKey(
        SupervisionOrder, verbose_name="督办单", on_delete=models.PROTECT, related_name="acknowledgements"
    )
    side = models.CharField("签收方", max_length=10, choices=Side)
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, verbose_name="签收人", on_delete=models.PROTECT, related_name="+"
    )
    on_behalf_of = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name="代谁签收",
        null=True,
        on_delete=models.PROTECT,
        related_name="+",
    )
    instruction = models.CharField("督办意见", max_length=16, choices=Instruction)
    note = models.CharField("说明", max_length=500, blank=True)
    at = models.DateTimeField("签收时间")

    class Meta:
        verbose_name = verbose_name_plural = "督办签收"
        constraints = [
            models.UniqueConstraint(fields=["order", "side"], name="leads_acknowledgement_one_a_side"),
            models.UniqueConstraint(fields=["order", "by"], name="leads_acknowledgement_one_side_a_person"),
            models.CheckConstraint(
                condition=~Q(instruction="other") | ~Q(note=""), name="leads_acknowledgement_other_says_what"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.order_id} {self.side}"
