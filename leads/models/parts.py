"""What belongs to a lead: who told it, its files, its disposals and reworks."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q

from kernel.evidence.models import Evidence
from leads.models.choices import DisposalKind, FileStage
from leads.models.lead import Lead


class LeadReporter(models.Model):
    """Who told it, where that was somebody else: kept apart and encrypted (DOMAIN.md §7).

    In no list, export, log line or notice. `sealed` is written by `leads.identity` and opened by
    `leads.reporters`; when it has been kept long enough it is emptied, and `removed_at` says when.
    """

    lead = models.OneToOneField(Lead, verbose_name="线索", on_delete=models.PROTECT, related_name="reporter")
    sealed = models.BinaryField("密文")
    removed_at = models.DateTimeField("到期清除时间", null=True)

    class Meta:
        verbose_name = verbose_name_plural = "反映人信息"
        constraints = [
            models.CheckConstraint(
                condition=Q(removed_at__isnull=True) | Q(sealed=b""),
                name="leads_leadreporter_emptied_when_removed",
            )
        ]

    def __str__(self) -> str:
        return f"lead:{self.lead_id}"


class LeadEvidence(models.Model):
    """One piece of evidence of a lead, by its hash; the file may still be on its way.

    `stage` and `round` say what it belongs to: DISCOVERY's list is frozen with its first signature,
    later files belong to HANDOVER or RESULT, to a proof of correction, a recheck or a look-back.
    """

    lead = models.ForeignKey(Lead, verbose_name="线索", on_delete=models.PROTECT, related_name="evidence")
    sha256 = models.CharField("SHA-256", max_length=64)
    evidence = models.ForeignKey(
        Evidence, verbose_name="文件", null=True, on_delete=models.PROTECT, related_name="+"
    )
    stage = models.CharField("环节", max_length=10, choices=FileStage)
    round = models.PositiveSmallIntegerField("轮次", default=1)
    added_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, verbose_name="提交人", on_delete=models.PROTECT, related_name="+"
    )
    added_at = models.DateTimeField("提交时间")

    class Meta:
        verbose_name = verbose_name_plural = "线索证据"
        constraints = [
            models.UniqueConstraint(
                fields=["lead", "sha256", "stage", "round"], name="leads_leadevidence_once"
            ),
            models.UniqueConstraint(
                fields=["evidence"], condition=Q(evidence__isnull=False), name="leads_leadevidence_one_lead"
            ),
            models.CheckConstraint(
                condition=Q(sha256__regex=r"^[0-9a-f]{64}$"), name="leads_leadevidence_sha256"
            ),
        ]
        indexes = [
            models.Index(
                fields=["added_by", "sha256"],
                condition=Q(evidence__isnull=True),
                name="leads_evidence_awaited",
            )
        ]

    def __str__(self) -> str:
        return f"{self.lead_id} {self.sha256[:8]}"


class Disposal(models.Model):
    """What was done, one per round (反馈). `case_number`: of a penalty case that was filed, its number in the
    enforcement system, where it has one already (DESIGN.md §3); one that follows is a `CaseNumber`."""

    lead = models.ForeignKey(Lead, verbose_name="线索", on_delete=models.PROTECT, related_name="disposals")
    round = models.PositiveSmallIntegerField("轮次")
    kind = models.CharField("处置方式", max_length=12, choices=DisposalKind)
    note = models.TextField("处置说明", max_length=2000)
    rectify_due_at = models.DateTimeField("整改期限", null=True)
    case_number = models.CharField("案件编号", max_length=60, blank=True, default="", db_default="")
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, verbose_name="反馈人", on_delete=models.PROTECT, related_name="+"
    )
    at = models.DateTimeField("反馈时间")

    class Meta:
        verbose_name = verbose_name_plural = "处置结果"
        constraints = [
            models.UniqueConstraint(fields=["lead", "round"], name="leads_disposal_one_a_round"),
            models.CheckConstraint(
                condition=Q(kind="rectify", rectify_due_at__isnull=False)
                | (~Q(kind="rectify") & Q(rectify_due_at__isnull=True)),
                name="leads_disposal_rectify_has_date",
            ),
            models.CheckConstraint(condition=~Q(note=""), name="leads_disposal_says_what"),
            models.CheckConstraint(
                condition=Q(kind="penalty") | Q(case_number=""),
                name="leads_disposal_case_of_a_penalty",
                violation_error_message="案件编号仅立案查处填写。",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.lead_id} 第 {self.round} 轮 {self.get_kind_display()}"


class CaseNumber(models.Model):
    """The number of a penalty case that came after its result was fed back. The disposal, which is signed,
    stays as it is; `leads.case_numbers` writes this once."""

    disposal = models.OneToOneField(
        Disposal, verbose_name="处置结果", on_delete=models.PROTECT, related_name="later_case"
    )
    number = models.CharField("案件编号", max_length=60)
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, verbose_name="登记人", on_delete=models.PROTECT, related_name="+"
    )
    at = models.DateTimeField("登记时间")

    class Meta:
        verbose_name = verbose_name_plural = "补登的案件编号"
        constraints = [models.CheckConstraint(condition=~Q(number=""), name="leads_casenumber_says_which")]

    def __str__(self) -> str:
        return self.number


class Rework(models.Model):
    """A result sent back (退回重办): closes a round with its reason and opens the next."""

    lead = models.ForeignKey(Lead, verbose_name="线索", on_delete=models.PROTECT, related_name="reworks")
    round = models.PositiveSmallIntegerField("被退回的轮次")
    reason = models.CharField("退回原因", max_length=500)
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, verbose_name="退回人", on_delete=models.PROTECT, related_name="+"
    )
    at = models.DateTimeField("退回时间")

    class Meta:
        verbose_name = verbose_name_plural = "退回重办"
        constraints = [
            models.UniqueConstraint(fields=["lead", "round"], name="leads_rework_one_a_round"),
            models.CheckConstraint(condition=~Q(reason=""), name="leads_rework_says_why"),
        ]

    def __str__(self) -> str:
        return f"{self.lead_id} 第 {self.round} 轮退回"
