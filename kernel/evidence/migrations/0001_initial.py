"""Evidence files."""

import django.contrib.postgres.fields
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Evidence",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("client_uid", models.UUIDField(verbose_name="客户端编号")),
                ("sha256", models.CharField(max_length=64, verbose_name="SHA-256")),
                ("kind", models.CharField(choices=[("photo", "照片")], max_length=12, verbose_name="种类")),
                ("content_type", models.CharField(max_length=40, verbose_name="内容类型")),
                ("size", models.PositiveIntegerField(verbose_name="大小（字节）")),
                ("width", models.PositiveIntegerField(verbose_name="宽（像素）")),
                ("height", models.PositiveIntegerField(verbose_name="高（像素）")),
                ("orientation", models.PositiveSmallIntegerField(db_default=1, verbose_name="方向")),
                ("file", models.FileField(max_length=200, upload_to="", verbose_name="原件")),
                (
                    "thumbnail",
                    models.FileField(
                        blank=True, db_default="", max_length=200, upload_to="", verbose_name="缩略图"
                    ),
                ),
                (
                    "thumbnail_attempts",
                    models.PositiveSmallIntegerField(db_default=0, verbose_name="缩略图生成次数"),
                ),
                ("captured_at", models.DateTimeField(blank=True, null=True, verbose_name="拍摄时间（设备）")),
                ("exif_at", models.DateTimeField(blank=True, null=True, verbose_name="拍摄时间（照片内）")),
                ("received_at", models.DateTimeField(verbose_name="接收时间（服务器）")),
                ("lon", models.FloatField(blank=True, null=True, verbose_name="经度")),
                ("lat", models.FloatField(blank=True, null=True, verbose_name="纬度")),
                ("exif_lon", models.FloatField(blank=True, null=True, verbose_name="照片内经度")),
                ("exif_lat", models.FloatField(blank=True, null=True, verbose_name="照片内纬度")),
                (
                    "flags",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=40),
                        blank=True,
                        db_default=[],
                        size=None,
                        verbose_name="提示",
                    ),
                ),
                (
                    "subject_kind",
                    models.CharField(blank=True, max_length=20, null=True, verbose_name="所属对象类型"),
                ),
                ("subject_id", models.BigIntegerField(blank=True, null=True, verbose_name="所属对象编号")),
                (
                    "uploaded_by",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="上传人",
                    ),
                ),
            ],
            options={
                "verbose_name": "证据材料",
                "verbose_name_plural": "证据材料",
                "ordering": ["-id"],
                "indexes": [
                    models.Index(
                        condition=models.Q(("subject_kind__isnull", False)),
                        fields=["subject_kind", "subject_id", "id"],
                        name="evidence_by_subject",
                    ),
                    models.Index(fields=["sha256"], name="evidence_by_sha256"),
                    models.Index(
                        condition=models.Q(("thumbnail", ""), ("thumbnail_attempts__lt", 3)),
                        fields=["id"],
                        name="evidence_no_thumbnail",
                    ),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("uploaded_by", "client_uid"), name="evidence_evidence_one_per_client_uid"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("sha256__regex", "^[0-9a-f]{64}$")),
                        name="evidence_evidence_sha256",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("size__gt", 0)), name="evidence_evidence_not_empty"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("subject_id__isnull", True), ("subject_kind__isnull", True)),
                            models.Q(("subject_id__isnull", False), ("subject_kind__isnull", False)),
                            _connector="OR",
                        ),
                        name="evidence_evidence_subject_whole",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("lat__isnull", True), ("lon__isnull", True)),
                            models.Q(("lat__isnull", False), ("lon__isnull", False)),
                            _connector="OR",
                        ),
                        name="evidence_evidence_place_whole",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("exif_lat__isnull", True), ("exif_lon__isnull", True)),
                            models.Q(("exif_lat__isnull", False), ("exif_lon__isnull", False)),
                            _connector="OR",
                        ),
                        name="evidence_evidence_exif_place_whole",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("orientation__gte", 1), ("orientation__lte", 8)),
                        name="evidence_evidence_orientation",
                    ),
                ],
            },
        ),
    ]
