"""Entries and nightly seals. Both are append-only, held by triggers."""

from django.db import models
from django.db.models.functions import Now


class Entry(models.Model):
    """One thing that happened to one subject.

    `seq`, `prev_hash` and `hash` are made by the trigger `journal_entry_chain`:
    `hash = sha256(prev_hash ‖ canonical text of the row)`; see migration 0001 for the exact text.
    """

    stream = models.CharField("对象", max_length=60)
    seq = models.PositiveIntegerField("序号", db_default=0)
    kind = models.CharField("事项", max_length=60)
    actor_id = models.BigIntegerField("经办人编号", null=True)
    actor_name = models.CharField("经办人", max_length=60)
    at = models.DateTimeField("时间")
    data = models.JSONField("内容")
    prev_hash = models.CharField("前一条校验值", max_length=64, db_default="")
    hash = models.CharField("校验值", max_length=64, db_default="")

    class Meta:
        verbose_name = verbose_name_plural = "留痕记录"
        ordering = ["stream", "seq"]
        constraints = [models.UniqueConstraint(fields=["stream", "seq"], name="journal_entry_one_seq")]

    def __str__(self) -> str:
        return f"{self.stream} #{self.seq} {self.kind}"


class Seal(models.Model):
    """One hash over all entries not yet sealed, in id order, chained to the last seal (DESIGN.md §5)."""

    first_entry_id = models.BigIntegerField("起始记录")
    last_entry_id = models.BigIntegerField("截止记录")
    entries = models.PositiveIntegerField("记录数")
    prev_hash = models.CharField("前一封存值", max_length=64)
    hash = models.CharField("封存值", max_length=64)
    sealed_at = models.DateTimeField("封存时间", db_default=Now())

    class Meta:
        verbose_name = verbose_name_plural = "留痕封存"
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["first_entry_id"], name="journal_seal_one_start"),
            models.UniqueConstraint(fields=["prev_hash"], name="journal_seal_one_successor"),
            models.CheckConstraint(
                condition=models.Q(last_entry_id__gte=models.F("first_entry_id")), name="journal_seal_range"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.sealed_at:%Y-%m-%d} {self.hash[:12]}"
