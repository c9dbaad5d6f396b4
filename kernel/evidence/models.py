"""Evidence: the original file of a photo, what it says about itself, and what it belongs to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from kernel.evidence import access

if TYPE_CHECKING:
    from kernel.accounts.models import User

__all__ = ["Evidence", "Kind"]


class Kind(models.TextChoices):
    """What the content is, by its bytes."""

    PHOTO = "photo", "照片"


class EvidenceQuerySet(models.QuerySet["Evidence"]):
    """Rows by who may see them."""

    def visible_to(self, user: User) -> EvidenceQuerySet:
        """Own files that belong to nothing yet, and files of subjects that the person may see.

        Narrow the queryset first: the subjects of all its rows are put to the owning apps
        (`kernel.evidence.access`), one question per kind of subject.
        """
        allowed = Q(subject_kind__isnull=True, uploaded_by_id=user.pk)
        for subject_kind, subject_ids in access.visible_subjects(user, self).items():
            allowed |= Q(subject_kind=subject_kind, subject_id__in=subject_ids)
        return self.filter(allowed)


class Evidence(models.Model):
    """One file as it came in (DOMAIN.md §7): original bytes, SHA-256 at receipt, three clocks, two places.

    The row is written after the file lies on disk, and never changed but for its subject and its
    thumbnail. It belongs to at most one subject, for good (`kernel.evidence.attach`).

    Attributes:
        client_uid: made by the phone; unique for its uploader, so an upload may be repeated.
        captured_at: what the device's clock said, by the phone's word.
        exif_at: what the file says (without an offset taken as Shanghai time).
        received_at: what the server's clock said.
        lon, lat: WGS-84 degrees by the phone's word; `exif_lon`, `exif_lat` by the file's.
        width, height: pixels as stored; `orientation` is the EXIF value 1-8.
        flags: codes of what does not agree (`policy.flags`); they warn and never block.
    """

    client_uid = models.UUIDField("客户端编号")
    sha256 = models.CharField("SHA-256", max_length=64)
    kind = models.CharField("种类", max_length=12, choices=Kind.choices)
    content_type = models.CharField("内容类型", max_length=40)
    size = models.PositiveIntegerField("大小（字节）")
    width = models.PositiveIntegerField("宽（像素）")
    height = models.PositiveIntegerField("高（像素）")
    orientation = models.PositiveSmallIntegerField("方向", db_default=1)
    file = models.FileField("原件", max_length=200)
    thumbnail = models.FileField("缩略图", max_length=200, db_default="", blank=True)
    thumbnail_attempts = models.PositiveSmallIntegerField("缩略图生成次数", db_default=0)
    uploaded_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name="上传人",
        on_delete=models.PROTECT,
        related_name="+",
        db_index=False,
    )
    captured_at = models.DateTimeField("拍摄时间（设备）", null=True, blank=True)
    exif_at = models.DateTimeField("拍摄时间（照片内）", null=True, blank=True)
    received_at = models.DateTimeField("接收时间（服务器）")
    lon = models.FloatField("经度", null=True, blank=True)
    lat = models.FloatField("纬度", null=True, blank=True)
    exif_lon = models.FloatField("照片内经度", null=True, blank=True)
    exif_lat = models.FloatField("照片内纬度", null=True, blank=True)
    flags = ArrayField(models.CharField(max_length=40), verbose_name="提示", db_default=[], blank=True)
    subject_kind = models.CharField("所属对象类型", max_length=20, null=True, blank=True)
    subject_id = models.BigIntegerField("所属对象编号", null=True, blank=True)

    objects = EvidenceQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "证据材料"
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["uploaded_by", "client_uid"], name="evidence_evidence_one_per_client_uid"
            ),
            models.CheckConstraint(
                condition=Q(sha256__regex=r"^[0-9a-f]{64}$"), name="evidence_evidence_sha256"
            ),
            models.CheckConstraint(condition=Q(size__gt=0), name="evidence_evidence_not_empty"),
            models.CheckConstraint(
                condition=Q(subject_kind__isnull=True, subject_id__isnull=True)
                | Q(subject_kind__isnull=False, subject_id__isnull=False),
                name="evidence_evidence_subject_whole",
            ),
            models.CheckConstraint(
                condition=Q(lon__isnull=True, lat__isnull=True) | Q(lon__isnull=False, lat__isnull=False),
                name="evidence_evidence_place_whole",
            ),
            models.CheckConstraint(
                condition=Q(exif_lon__isnull=True, exif_lat__isnull=True)
                | Q(exif_lon__isnull=False, exif_lat__isnull=False),
                name="evidence_evidence_exif_place_whole",
            ),
            models.CheckConstraint(
                condition=Q(orientation__gte=1, orientation__lte=8), name="evidence_evidence_orientation"
            ),
        ]
        indexes = [
            models.Index(
                fields=["subject_kind", "subject_id", "id"],
                condition=Q(subject_kind__isnull=False),
                name="evidence_by_subject",
            ),
            models.Index(fields=["sha256"], name="evidence_by_sha256"),
            models.Index(
                fields=["id"],
                condition=Q(thumbnail="", thumbnail_attempts__lt=3),
                name="evidence_no_thumbnail",
            ),
        ]

    def __str__(self) -> str:
        return f"证据 {self.pk}"
