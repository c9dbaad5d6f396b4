"""What stands beside a dispute: consumer, files, stays on tiers, the consumer's word, testing, leads."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from kernel.evidence.models import Evidence
from leads.models import Lead
from stations.models.choices import TestingKind, Tier, WordWay
from stations.models.dispute import Dispute
from stations.models.station import Station


class DisputeConsumer(models.Model):
    """Who complains: kept apart and encrypted (DOMAIN.md §7). No identity card is ever asked.

    `sealed` holds name and telephone, written and opened by `stations.consumers` only; `masked_*` is what
    lists show. Kept long enough, all of it is emptied and `removed_at` says when.
    """

    dispute = models.OneToOneField(
        Dispute, verbose_name="纠纷", on_delete=models.PROTECT, related_name="consumer"
    )
    sealed = models.BinaryField("密文")
    fingerprint = models.CharField("比对值", max_length=64)
    masked_name = models.CharField("姓名（脱敏）", max_length=40, blank=True, default="")
    masked_phone = models.CharField("电话（脱敏）", max_length=20, blank=True, default="")
    removed_at = models.DateTimeField("到期清除时间", null=True)

    class Meta:
        verbose_name = verbose_name_plural = "消费者信息"
        constraints = [
            models.CheckConstraint(
                condition=Q(removed_at__isnull=True)
                | Q(sealed=b"", fingerprint="", masked_name="", masked_phone=""),
                name="stations_disputeconsumer_emptied_when_removed",
            )
        ]

    def __str__(self) -> str:
        return f"dispute:{self.dispute_id}"


class DisputeEvidence(models.Model):
    """One file of a dispute, by its hash; the file may still be on its way."""

    dispute = models.ForeignKey(
        Dispute, verbose_name="纠纷", on_delete=models.PROTECT, related_name="evidence"
    )
    sha256 = models.CharField("SHA-256", max_length=64)
    evidence = models.ForeignKey(
        Evidence, verbose_name="文件", null=True, on_delete=models.PROTECT, related_name="+"
    )
    added_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, verbose_name="提交人", on_delete=models.PROTECT, related_name="+"
    )
    added_at = models.DateTimeField("提交时间")

    class Meta:
        verbose_name = verbose_name_plural = "纠纷证据"
        constraints = [
            models.UniqueConstraint(fields=["dispute", "sha256"], name="stations_disputeevidence_once"),
            models.UniqueConstraint(
                fields=["evidence"],
                condition=Q(evidence__isnull=False),
                name="stations_disputeevidence_one_dispute",
            ),
            models.CheckConstraint(
                condition=Q(sha256__regex=r"^[0-9a-f]{64}$"), name="stations_disputeevidence_sha256"
            ),
        ]
        indexes = [
            models.Index(
                fields=["added_by", "sha256"],
                condition=Q(evidence__isnull=True),
                name="stations_evidence_awaited",
            )
        ]

    def __str__(self) -> str:
        return f"{self.dispute_id} {self.sha256[:8]}"


class TierStay(models.Model):
    """One stay on one tier: when it began, why, until when, and how it ended. History, never changed back."""

    class Why(models.TextChoices):
        TAKEN = "TAKEN", "登记"
        TIME_OUT = "TIME_OUT", "期满自动转交"
        ASKED = "ASKED", "应当事人请求转交"
        BROKEN = "BROKEN", "协议未履行"
        WORD = "WORD", "消费者要求转12315"
        REOPENED = "REOPENED", "重新调解"

    dispute = models.ForeignKey(Dispute, verbose_name="纠纷", on_delete=models.PROTECT, related_name="stays")
    cycle = models.PositiveSmallIntegerField("层级轮次")
    tier = models.CharField("层级", max_length=10, choices=Tier)
    station = models.ForeignKey(Station, verbose_name="服务站", on_delete=models.PROTECT, related_name="+")
    why = models.CharField("进入原因", max_length=10, choices=Why)
    note = models.CharField("说明", max_length=500, blank=True, default="")
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, verbose_name="操作人", null=True, on_delete=models.PROTECT, related_name="+"
    )
    since = models.DateTimeField("开始时间")
    until = models.DateTimeField("结束时间", null=True)

    class Meta:
        verbose_name = verbose_name_plural = "层级经过"
        ordering = ["dispute", "cycle"]
        constraints = [
            models.UniqueConstraint(fields=["dispute", "cycle"], name="stations_tierstay_one_a_cycle"),
            models.UniqueConstraint(
                fields=["dispute"], condition=Q(until__isnull=True), name="stations_tierstay_one_open"
            ),
            models.CheckConstraint(
                condition=Q(until__isnull=True) | Q(until__gte=F("since")), name="stations_tierstay_order"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.dispute_id} {self.get_tier_display()}"


class ConsumerWord(models.Model):
    """转12315: the consumer said so. Without such a row no dispute comes to the office.

    Said at intake it waits until mediation ends without result; said later it takes effect at once.
    """

    dispute = models.OneToOneField(
        Dispute, verbose_name="纠纷", on_delete=models.PROTECT, related_name="word"
    )
    said_at = models.DateTimeField("表示时间")
    way = models.CharField("表示方式", max_length=10, choices=WordWay)
    note = models.CharField("说明", max_length=500, blank=True, default="")
    entered_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, verbose_name="登记人", null=True, on_delete=models.PROTECT, related_name="+"
    )

    class Meta:
        verbose_name = verbose_name_plural = "转12315的意愿"

    def __str__(self) -> str:
        return f"{self.dispute_id} {self.get_way_display()}"


class Testing(models.Model):
    """检定、检验、检测、鉴定: while it lasts, the limit of official mediation stands still."""

    __test__ = False

    dispute = models.ForeignKey(
        Dispute, verbose_name="纠纷", on_delete=models.PROTECT, related_name="testings"
    )
    kind = models.CharField("类型", max_length=12, choices=TestingKind)
    institution = models.CharField("机构", max_length=80)
    since = models.DateTimeField("开始时间")
    until = models.DateTimeField("结束时间", null=True)
    result = models.CharField("结论", max_length=500, blank=True, default="")
    entered_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, verbose_name="登记人", on_delete=models.PROTECT, related_name="+"
    )

    class Meta:
        verbose_name = verbose_name_plural = "检定检测"
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(
                fields=["dispute"], condition=Q(until__isnull=True), name="stations_testing_one_open"
            ),
            models.CheckConstraint(
                condition=Q(until__isnull=True) | Q(until__gte=F("since")), name="stations_testing_order"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.dispute_id} {self.get_kind_display()}"


class DisputeLead(models.Model):
    """A hint of wrongdoing became a lead, without the consumer's identity."""

    dispute = models.ForeignKey(Dispute, verbose_name="纠纷", on_delete=models.PROTECT, related_name="leads")
    lead = models.OneToOneField(Lead, verbose_name="线索", on_delete=models.PROTECT, related_name="dispute")
    made_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, verbose_name="登记人", on_delete=models.PROTECT, related_name="+"
    )
    made_at = models.DateTimeField("登记时间")

    class Meta:
        verbose_name = verbose_name_plural = "纠纷转线索"

    def __str__(self) -> str:
        return f"{self.dispute_id} → {self.lead_id}"
