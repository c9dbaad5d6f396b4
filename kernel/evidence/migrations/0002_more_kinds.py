"""Videos, voice notes, HEIC, and watermarked copies."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db import migrations, models
from django.db.models import Q

KINDS = [("photo", "照片"), ("video", "视频"), ("voice", "语音")]


def alter(name: str, field: Any) -> migrations.AlterField:
    return migrations.AlterField("evidence", name, field)


def add(name: str, field: Any) -> migrations.AddField:
    return migrations.AddField("evidence", name, field)


class Migration(migrations.Migration):
    dependencies: ClassVar[list[tuple[str, str]]] = [("evidence", "0001_initial")]

    operations: ClassVar[list[Any]] = [
        alter("kind", models.CharField("种类", max_length=12, choices=KINDS)),
        alter("width", models.PositiveIntegerField("宽（像素）", null=True, blank=True)),
        alter("height", models.PositiveIntegerField("高（像素）", null=True, blank=True)),
        alter("exif_at", models.DateTimeField("拍摄时间（文件内）", null=True, blank=True)),
        alter("exif_lon", models.FloatField("文件内经度", null=True, blank=True)),
        alter("exif_lat", models.FloatField("文件内纬度", null=True, blank=True)),
        add("duration_ms", models.PositiveIntegerField("时长（毫秒）", null=True, blank=True)),
        add("watermarked", models.FileField("水印副本", max_length=200, db_default="", blank=True)),
        add("watermark_attempts", models.PositiveSmallIntegerField("水印生成次数", db_default=0)),
        add("caption", models.TextField("水印文字", db_default="", blank=True)),
        add("playback", models.FileField("可播放副本", max_length=200, db_default="", blank=True)),
        add("block_digests", models.BinaryField("分块校验值", db_default=b"", blank=True)),
        migrations.AddConstraint(
            "evidence",
            models.CheckConstraint(
                condition=Q(kind="photo", width__gt=0, height__gt=0, duration_ms__isnull=True)
                | Q(kind="video", width__gt=0, height__gt=0, duration_ms__gt=0)
                | Q(kind="voice", width__isnull=True, height__isnull=True, duration_ms__gt=0),
                name="evidence_evidence_measured_by_kind",
            ),
        ),
        migrations.AddConstraint(
            "evidence",
            models.CheckConstraint(
                condition=Q(watermarked="", caption="") | (~Q(watermarked="") & ~Q(caption="")),
                name="evidence_evidence_watermark_says",
            ),
        ),
        migrations.RemoveIndex("evidence", "evidence_no_thumbnail"),
        migrations.AddIndex(
            "evidence",
            models.Index(
                fields=["id"],
                condition=Q(kind__in=["photo", "video"], thumbnail="", thumbnail_attempts__lt=3),
                name="evidence_without_thumbnail",
            ),
        ),
        migrations.AddIndex(
            "evidence",
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
        ),
    ]
