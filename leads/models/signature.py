"""双签字: the six slots, immutable and one side a person."""

from __future__ import annotations

from django.conf import settings
from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import RangeOperators
from django.db import models
from django.db.models import F, Q

from leads.models.choices import Side, Stage
from leads.models.lead import Lead


class Signature(models.Model):
    """One slot of the dual signature (双签字): `(lead, stage, side, cycle)`.

    The row is immutable (trigger) and freezes the snapshot signed and its SHA-256. Nobody signs on
    both sides of one lead: the exclusion constraint holds it, not only code.
    """

    lead = models.ForeignKey(Lead, verbose_name="线索", on_delete=models.PROTECT, related_name="signatures")
    stage = models.CharField("环节", max_length=10, choices=Stage)
    side = models.CharField("签字方", max_length=10, choices=Side)
    cycle = models.PositiveSmallIntegerField("轮次")
    signer = models.ForeignKey(
        settings.AUTH_USER_MODEL, verbose_name="签字人", on_delete=models.PROTECT, related_name="+"
    )
    on_behalf_of = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name="代谁签字",
        null=True,
        on_delete=models.PROTECT,
        related_name="+",
    )
    sentence = models.CharField("签字意见", max_length=60)
    snapshot = models.JSONField("所签内容")
    digest = models.CharField("内容校验值", max_length=64)
    signed_at = models.DateTimeField("签字时间")

    class Meta:
        verbose_name = verbose_name_plural = "签字"
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(
                fields=["lead", "stage", "side", "cycle"], name="leads_signature_one_a_slot"
            ),
            ExclusionConstraint(
                name="leads_signature_one_side_a_person",
                expressions=[
                    ("lead", RangeOperators.EQUAL),
                    ("signer", RangeOperators.EQUAL),
                    ("side", RangeOperators.NOT_EQUAL),
                ],
            ),
            models.CheckConstraint(
                condition=Q(stage="discovery", cycle=1)
                | Q(stage="handover", side="community", cycle=1)
                | Q(stage="handover", side="office")
                | Q(stage="result"),
                name="leads_signature_known_slot",
            ),
            models.CheckConstraint(
                condition=Q(on_behalf_of__isnull=True) | ~Q(on_behalf_of=F("signer")),
                name="leads_signature_for_another",
            ),
            models.CheckConstraint(
                condition=Q(digest__regex=r"^[0-9a-f]{64}$"), name="leads_signature_digest"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.lead_id} {self.stage}:{self.side}:{self.cycle}"
