"""Users and their devices."""

import django.core.validators
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import kernel.clock


class Migration(migrations.Migration):
    initial = True

    dependencies = [("clock", "0001_kernel_now")]

    operations = [
        migrations.CreateModel(
            name="User",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("password", models.CharField(max_length=128, verbose_name="password")),
                (
                    "username",
                    models.CharField(
                        error_messages={"unique": "该用户名已被使用。"},
                        max_length=60,
                        unique=True,
                        validators=[
                            django.core.validators.RegexValidator(
                                "^[\\w.@+-]+\\Z", "用户名只能包含文字、数字和 @ . + - _ 。"
                            )
                        ],
                        verbose_name="用户名",
                    ),
                ),
                ("name", models.CharField(max_length=40, verbose_name="姓名")),
                (
                    "phone",
                    models.CharField(
                        blank=True,
                        default="",
                        max_length=20,
                        validators=[
                            django.core.validators.RegexValidator(
                                "^\\+?[0-9-]{5,20}\\Z", "请填写正确的电话号码。"
                            )
                        ],
                        verbose_name="手机号",
                    ),
                ),
                (
                    "is_active",
                    models.BooleanField(
                        db_default=True,
                        default=True,
                        help_text="停用后立即不能登录，所有设备失效。",
                        verbose_name="启用",
                    ),
                ),
                (
                    "is_staff",
                    models.BooleanField(
                        db_default=False,
                        default=False,
                        help_text="只决定能否打开管理后台；能看到什么由任职决定。",
                        verbose_name="可登录管理后台",
                    ),
                ),
                (
                    "must_change_password",
                    models.BooleanField(db_default=False, default=False, verbose_name="下次登录须修改密码"),
                ),
                (
                    "created_at",
                    models.DateTimeField(
                        db_default=kernel.clock.KernelNow(), editable=False, verbose_name="创建时间"
                    ),
                ),
                (
                    "signed_in_at",
                    models.DateTimeField(blank=True, editable=False, null=True, verbose_name="最近登录时间"),
                ),
            ],
            options={
                "verbose_name": "用户",
                "verbose_name_plural": "用户",
                "ordering": ["username"],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("username", ""), _negated=True),
                        name="accounts_user_username_given",
                        violation_error_message="请填写用户名。",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Device",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False, verbose_name="编号")),
                (
                    "digest",
                    models.CharField(editable=False, max_length=128, unique=True, verbose_name="令牌摘要"),
                ),
                ("token_key", models.CharField(editable=False, max_length=25, verbose_name="令牌前缀")),
                ("name", models.CharField(max_length=80, verbose_name="设备名称")),
                (
                    "created",
                    models.DateTimeField(
                        db_default=kernel.clock.KernelNow(), editable=False, verbose_name="登录时间"
                    ),
                ),
                ("expiry", models.DateTimeField(verbose_name="有效期至")),
                (
                    "last_ip",
                    models.GenericIPAddressField(
                        blank=True, editable=False, null=True, verbose_name="登录地址"
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="devices",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="用户",
                    ),
                ),
            ],
            options={
                "verbose_name": "登录设备",
                "verbose_name_plural": "登录设备",
                "ordering": ["-created"],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("user", "name"), name="accounts_device_one_token_a_device"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("expiry__gt", models.F("created"))),
                        name="accounts_device_expiry_after_created",
                    ),
                ],
            },
        ),
    ]
