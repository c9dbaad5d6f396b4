"""调解协议: signed by both parties and the mediator, and whether it was performed."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q

from stations.models.choices import Tier
from stations.models.dispute import Dispute
from stations.models.station import Station


class Party(models.TextChoices):
    CONSUMER = "CONSUMER", "消费者"
    SHOP = "SHOP", "经营者"
    MEDIATOR = "MEDIATOR", "调解员"


class Agreement(models.Model):
    """One agreement of one dispute; a broken one may be followed by another. Written whole, with all three
    signatures, in one transaction; afterwards only its performance is entered, once.

    `sealed_content` is the canonical JSON that was signed (parties' names in the clear, terms, amounts, the
    hashes of the signatures' images), sealed; `digest` is its SHA-256. `terms` are masked of the consumer.
    `perform_by`: the last day, Shanghai. Money in yuan.
    """

    class State(models.TextChoices):
        SIGNED = "signed", "待履行"
        PERFORMED = "performed", "已履行"
        BROKEN = "broken", "未履行"
        VOIDED = "voided", "纠纷撤回"

    dispute = models.ForeignKey(
        Dispute, verbose_name="纠纷", on_delete=models.PROTECT, related_name="agreements"
    )
    number = models.CharField("协议编号", max_length=30, unique=True)
    client_uid = models.UUIDField("客户端编号")
    content_digest = models.CharField("提交内容校验值", max_length=64)
    cycle = models.PositiveSmallIntegerField("层级轮次")
    tier = models.CharField("层级", max_length=10, choices=Tier)
    station = models.ForeignKey(Station, verbose_name="服务站", on_delete=models.PROTECT, related_name="+")
    mediator = models.ForeignKey(
        settings.AUTH_USER_MODEL, verbose_name="调解员", on_delete=models.PROTECT, related_name="+"
    )
    terms = models.TextField("协议内容", max_length=3000)
    amount = models.DecimalField("给付金额（元）", max_digits=12, decimal_places=2, null=True)
    perform_by = models.DateField("履行期限")
    sealed_content = models.BinaryField("签署内容（密封）")
    digest = models.CharField("签署内容校验值", max_length=64)
    signed_at = models.DateTimeField("签署时间")
    state = models.CharField("状态", max_length=10, choices=State, default=State.SIGNED)
    checked_at = models.DateTimeField("核实时间", null=True)
    checked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, verbose_name="核实人", null=True, on_delete=models.PROTECT, related_name="+"
    )
    check_note = models.CharField("核实说明", max_length=500, blank=True, default="")

    class Meta:
        verbose_name = verbose_name_plural = "调解协议"
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["dispute", "cycle"], name="stations_agreement_one_a_cycle"),
            models.UniqueConstraint(
                fields=["mediator", "client_uid"], name="stations_agreement_one_client_uid"
            ),
            models.UniqueConstraint(
                fields=["dispute"], condition=Q(state="signed"), name="stations_agreement_one_waits"
            ),
            models.CheckConstraint(
                condition=Q(state__in=["signed", "voided"], checked_at__isnull=True, checked_by__isnull=True)
                | Q(state__in=["performed", "broken"], checked_at__isnull=False, checked_by__isnull=False),
                name="stations_agreement_checked_when_said",
            ),
            models.CheckConstraint(
                condition=Q(amount__isnull=True) | Q(amount__gte=0),
                name="stations_agreement_amount",
                violation_error_message="给付金额不能为负数。",
            ),
            models.CheckConstraint(condition=~Q(terms=""), name="stations_agreement_says_what"),
        ]

    def __str__(self) -> str:
        return self.number


class AgreementSignature(models.Model):
    """One signature under one agreement, drawn on the screen: its image sealed, its hash in what was signed.

    The mediator signs by account and may draw too; parties sign by drawing. Never changed.
    """

    agreement = models.ForeignKey(
        Agreement, verbose_name="协议", on_delete=models.PROTECT, related_name="signatures"
    )
    party = models.CharField("签字方", max_length=10, choices=Party)
    sealed_image = models.BinaryField("签名图（密封）")
    image_sha256 = models.CharField("签名图校验值", max_length=64, blank=True)
    signed_at = models.DateTimeField("签字时间")
    signer = models.ForeignKey(
        settings.AUTH_USER_MODEL, verbose_name="签字人", null=True, on_delete=models.PROTECT, related_name="+"
    )
    """The account behind the mediator's signature; the parties have none."""

    class Meta:
        verbose_name = verbose_name_plural = "协议签字"
        constraints = [
            models.UniqueConstraint(fields=["agreement", "party"], name="stations_agreementsignature_once"),
            models.CheckConstraint(
                condition=Q(party="MEDIATOR", signer__isnull=False)
                | (Q(party__in=["CONSUMER", "SHOP"], signer__isnull=True) & ~Q(image_sha256="")),
                name="stations_agreementsignature_who",
            ),
            models.CheckConstraint(
                condition=Q(image_sha256="") | Q(image_sha256__regex=r"^[0-9a-f]{64}$"),
                name="stations_agreementsignature_sha256",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.agreement_id} {self.get_party_display()}"
