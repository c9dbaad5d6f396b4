"""Shapes of `auth/`."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from kernel.accounts.models import Device, User
from kernel.api import StrictSerializer

__all__ = [
    "DeviceSerializer",
    "NothingSerializer",
    "PasswordSerializer",
    "SignInSerializer",
    "SignedInSerializer",
    "SignedInUserSerializer",
]


class SignInSerializer(StrictSerializer):
    """A name, a password, and what the person calls this phone; a code where a second factor is on."""

    username = serializers.CharField(max_length=60, label="用户名")
    password = serializers.CharField(
        max_length=256, trim_whitespace=False, label="密码", style={"input_type": "password"}
    )
    device_name = serializers.CharField(max_length=80, label="设备名称")
    code = serializers.CharField(
        max_length=40,
        required=False,
        allow_blank=True,
        label="二次验证码",
        help_text="启用二次验证的账号必填",
    )


class SignedInUserSerializer(serializers.ModelSerializer[User]):
    class Meta:
        model = User
        fields = ["id", "username", "name", "must_change_password"]
        read_only_fields = fields


class SignedInSerializer(serializers.Serializer[Any]):
    """The token is told here once and never again."""

    token = serializers.CharField(read_only=True)
    expires_at = serializers.DateTimeField(read_only=True)
    user = SignedInUserSerializer(read_only=True)


class DeviceSerializer(serializers.ModelSerializer[Device]):
    """One device; `current` marks the one that asks."""

    signed_in_at = serializers.DateTimeField(source="created", read_only=True)
    expires_at = serializers.DateTimeField(source="expiry", read_only=True)
    current = serializers.SerializerMethodField()

    class Meta:
        model = Device
        fields = ["id", "name", "signed_in_at", "expires_at", "last_ip", "current"]
        read_only_fields = fields

    def get_current(self, device: Device) -> bool:
        asking = self.context["request"].auth
        return isinstance(asking, Device) and asking.pk == device.pk


class PasswordSerializer(StrictSerializer):
    """One's own new password."""

    old_password = serializers.CharField(max_length=256, trim_whitespace=False, label="原密码")
    new_password = serializers.CharField(max_length=256, trim_whitespace=False, label="新密码")


class NothingSerializer(StrictSerializer):
    """An empty body."""
