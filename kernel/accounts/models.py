"""Users, and the devices that hold their tokens.

Rights never come from columns here: `is_staff` only lets a person open the admin's sign-in; what
he sees and may do comes from his active postings (DESIGN.md §7). There is no superuser.
"""

from __future__ import annotations

import unicodedata
from datetime import datetime
from typing import Any

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser, BaseUserManager
from django.core.validators import RegexValidator
from django.db import models

from kernel.accounts.masking import mask_name, mask_phone
from kernel.clock import KernelNow

__all__ = ["Device", "User"]


class UserQuerySet(models.QuerySet["User"]):
    """Doors to users."""

    def visible_to(self, user: User | AnonymousUser) -> UserQuerySet:
        """Everybody for a system administrator, else oneself."""
        from kernel.accounts.rights import may_administer

        if not isinstance(user, User) or not user.is_active:
            return self.none()
        return self.all() if may_administer(user) else self.filter(pk=user.pk)


class DeviceQuerySet(models.QuerySet["Device"]):
    """Doors to devices."""

    def visible_to(self, user: User | AnonymousUser) -> DeviceQuerySet:
        """One's own, an administrator's too: others' devices are shown to him in the admin only."""
        return self.filter(user=user) if isinstance(user, User) and user.is_active else self.none()


class UserManager(BaseUserManager.from_queryset(UserQuerySet)):  # type: ignore[misc]
    """Makes users; a password given as None leaves the account unable to sign in by password."""

    use_in_migrations = False

    def create_user(self, username: str, password: str | None = None, **columns: Any) -> User:
        user = self.model(username=self.model.normalize_username(username), **columns)
        user.set_password(password)
        user.save(using=self._db)
        return user


class User(AbstractBaseUser):
    """A person with an account (用户).

    `phone` is personal data: lists, exports and answers show `masked_phone`; the whole number is
    shown only by `kernel.accounts.reveal.reveal`, which leaves a journal entry (DOMAIN.md §7).
    """

    username = models.CharField(
        "用户名",
        max_length=60,
        unique=True,
        validators=[RegexValidator(r"^[\w.@+-]+\Z", "用户名只能包含文字、数字和 @ . + - _ 。")],
        error_messages={"unique": "该用户名已被使用。"},
    )
    name = models.CharField("姓名", max_length=40)
    phone = models.CharField(
        "手机号",
        max_length=20,
        blank=True,
        default="",
        validators=[RegexValidator(r"^\+?[0-9-]{5,20}\Z", "请填写正确的电话号码。")],
    )
    is_active = models.BooleanField(
        "启用", default=True, db_default=True, help_text="停用后立即不能登录，所有设备失效。"
    )
    is_staff = models.BooleanField(
        "可登录管理后台",
        default=False,
        db_default=False,
        help_text="只决定能否打开管理后台；能看到什么由任职决定。",
    )
    must_change_password = models.BooleanField("下次登录须修改密码", default=False, db_default=False)
    created_at = models.DateTimeField("创建时间", db_default=KernelNow(), editable=False)
    signed_in_at = models.DateTimeField("最近登录时间", null=True, blank=True, editable=False)
    last_login = None  # Django would write it by the process's clock

    USERNAME_FIELD = "username"
    REQUIRED_FIELDS = ["name"]

    objects = UserManager()

    class Meta:
        verbose_name = verbose_name_plural = "用户"
        ordering = ["username"]
        constraints = [
            models.CheckConstraint(
                condition=~models.Q(username=""),
                name="accounts_user_username_given",
                violation_error_message="请填写用户名。",
            )
        ]

    def __str__(self) -> str:
        return f"{self.name}（{self.username}）" if self.name else self.username

    @classmethod
    def normalize_username(cls, username: str) -> str:
        return unicodedata.normalize("NFKC", username)

    @property
    def masked_phone(self) -> str:
        return mask_phone(self.phone)

    @property
    def masked_name(self) -> str:
        return mask_name(self.name)

    def get_full_name(self) -> str:
        return self.name or self.username

    def get_short_name(self) -> str:
        return self.name or self.username

    def has_perm(self, perm: str, obj: object | None = None) -> bool:
        """Always False: Django's model permissions are not used; rights come from postings."""
        return False

    def has_perms(self, perms: list[str], obj: object | None = None) -> bool:
        return False

    def has_module_perms(self, app_label: str) -> bool:
        """Staff may look whether an app shows them something; each ModelAdmin decides by postings."""
        return self.is_active and self.is_staff


class Device(models.Model):
    """A device that is signed in, with its one token (设备); django-rest-knox's token model.

    Only the SHA-512 of the token is kept. One row per person and device name: signing in again on
    a device of the same name replaces its token, so the old one stops working. Deleting the row
    revokes it. Good for 90 days from the last sign-in (`SUOSHE_DEVICE_TOKEN_DAYS`).
    """

    id = models.BigAutoField("编号", primary_key=True)
    digest = models.CharField("令牌摘要", max_length=128, unique=True, editable=False)
    token_key = models.CharField("令牌前缀", max_length=25, editable=False)
    user = models.ForeignKey(User, models.CASCADE, related_name="devices", verbose_name="用户")
    name = models.CharField("设备名称", max_length=80)
    created = models.DateTimeField("登录时间", db_default=KernelNow(), editable=False)
    expiry = models.DateTimeField("有效期至")
    last_ip = models.GenericIPAddressField("登录地址", null=True, blank=True, editable=False)

    objects = DeviceQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "登录设备"
        ordering = ["-created"]
        constraints = [
            models.UniqueConstraint(fields=["user", "name"], name="accounts_device_one_token_a_device"),
            models.CheckConstraint(
                condition=models.Q(expiry__gt=models.F("created")),
                name="accounts_device_expiry_after_created",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user.name} {self.name}"

    def is_expired(self, at: datetime) -> bool:
        return self.expiry <= at
