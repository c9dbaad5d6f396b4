"""Evidence: the original file of a photo, a video or a voice note, what it says, and what it belongs to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from kernel.evidence import access

if TYPE_CHECKING:
    from kernel.accounts.models import User

__all__ = ["PICTURED", "Evidence", "Kind"]


class Kind(models.TextChoices):
    """What the content is, by its bytes."""

    PHOTO = "photo", "照片"
    VIDEO = "video", "视频"
    VOICE = "voice", "语音"


PICTURED = (Kind.PHOTO, Kind.VIDEO)
"""Kinds that have something to see: thumbnail and watermarked copy."""


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

    The row is written after the file lies on disk, and never changed but for its subject and the copies
    made of it. It belongs to at most one subject, for good (`kernel.evidence.attach`).

    Attributes:
        client_uid: made by the phone; unique for its uploader, so an upload may be repeated.
        captured_at: what the device's clock said, by the phone's word.
        exif_at: what the file says (without an offset taken as Shanghai time).
        received_at: what the server's clock said.
        lon, lat: WGS-84 degrees by the phone's word; `exif_lon`, `exif_lat` by the file's.
        width, height: pixels as stored, none for voice; `orientation` is the EXIF value 1-8.
        duration_ms: milliseconds; none for a photo.
        block_digests: SHA-256 of each MiB of the original, one after another, so that a part of it can be
            checked by itself (ADR 0008); empty where nobody has counted them yet.
        watermarked: the copy that bears `caption`, the text on it (`kernel.evidence.watermarks`).
        playback: the copy of a voice note that browsers play, where they do not play the original.
        flags: codes of what does not agree (`policy.flags`); they warn and never block.
    """

    client_uid = models.UUIDField("客户端编号")
    sha256 = models.CharField("SHA-256", max_length=64)
    kind = models.CharField("种类", max_length=12, choices=Kind.choices)
    content_type = models.CharField("内容类型", max_length=40)
    size = models.PositiveIntegerField("大小（字节）")
    width = models.PositiveIntegerField("宽（像素）", null=True, blank=True)
    height = models.PositiveIntegerField("高（像素）", null=True, blank=True)
    duration_ms = models.PositiveIntegerField("时长（毫秒）", null=True, blank=True)
    orientation = models.PositiveSmallIntegerField("方向", db_default=1)
    file = models.FileField("原件", max_length=200)
    thumbnail = models.FileField("缩略图", max_length=200, db_default="", blank=True)
    thumbnail_attempts = models.PositiveSmallIntegerField("缩略图生成次数", db_default=0)
    watermarked = models.FileField("水印副本", max_length=200, db_default="", blank=True)
    watermark_attempts = models.PositiveSmallIntegerField("水印生成次数", db_default=0)
    caption = models.TextField("水印文字", db_default="", blank=True)
    playback = models.FileField("可播放副本", max_length=200, db_default="", blank=True)
    block_digests = models.BinaryField("分块校验值", db_default=b"", blank=True)
    uploaded_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name="上传人",
        on_delete=models.PROTECT,
        related_name="+",
        db_index=False,
    )
    captured_at = models.DateTimeField("拍摄时间（设备）", null=True, blank=True)
    exif_at = models.DateTimeField("拍摄时间（文件内）", null=True, blank=True)
    received_at = models.DateTimeField("接收时间（服务器）")
    lon = models.FloatField("经度", null=True, blank=True)
    lat = models.FloatField("纬度", null=True, blank=True)
    exif_lon = models.FloatField("文件内经度", null=True, blank=True)
    exif_lat = models.FloatField("文件内纬度", null=True, blank=True)
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
            models.CheckConstraint(
                condition=Q(kind="photo", width__gt=0, height__gt=0, duration_ms__isnull=True)
                | Q(kind="video", width__gt=0, height__gt=0, duration_ms__gt=0)
                | Q(kind="voice", width__isnull=True, height__isnull=True, duration_ms__gt=0),
                name="evidence_evidence_measured_by_kind",
            ),
            models.CheckConstraint(
                condition=Q(watermarked="", caption="") | (~Q(watermarked="") & ~Q(caption="")),
                name="evidence_evidence_watermark_says",
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
                condition=Q(kind__in=["photo", "video"], thumbnail="", thumbnail_attempts__lt=3),
                name="evidence_without_thumbnail",
            ),
            models.Index(
                fields=["id"],
                condition=Q(
                    kind__in=["photo", "video"],
                    subject_kind__isnull=False,
                    watermarked="",
                    watermark_attempts__lt=3,
                ),
                name="evidence_without_watermark",
            ),
        ]

    def __str__(self) -> str:
        return f"证据 {self.pk}"
