"""Device tokens on requests: `Authorization: Bearer <token>`.

One SQL statement per request and no write. The statement also asks the database's own clock, so an
expired token is refused by `kernel_now()` and not by the clock of the web process.
"""

from __future__ import annotations

from datetime import datetime

import structlog
from django.db import connection
from django.db.models import Field
from knox.crypto import hash_token
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from kernel.accounts.models import Device, User

__all__ = ["DeviceTokenAuthentication"]

MAX_TOKEN_LENGTH = 200


def _names(fields: list[Field]) -> list[str]:
    return [field.attname for field in fields]


_USER_FIELDS = list(User._meta.concrete_fields)
_DEVICE_FIELDS = list(Device._meta.concrete_fields)
_SQL = (
    "SELECT "  # noqa: S608  column names of our own models only
    + ", ".join(f"u.{field.column}" for field in _USER_FIELDS)
    + ", "
    + ", ".join(f"d.{field.column}" for field in _DEVICE_FIELDS)
    + ", kernel_now() FROM accounts_device d JOIN accounts_user u ON u.id = d.user_id WHERE d.digest = %s"
)


def _find(digest: str) -> tuple[User, Device, datetime] | None:
    with connection.cursor() as cursor:
        cursor.execute(_SQL, [digest])
        row = cursor.fetchone()
    if row is None:
        return None
    split = len(_USER_FIELDS)
    user = User.from_db(connection.alias, _names(_USER_FIELDS), row[:split])
    device = Device.from_db(connection.alias, _names(_DEVICE_FIELDS), row[split:-1])
    device.user = user
    return user, device, row[-1]


class DeviceTokenAuthentication(BaseAuthentication):
    """`request.user` becomes the device's owner, `request.auth` the Device."""

    keyword = b"bearer"

    def authenticate(self, request: Request) -> tuple[User, Device] | None:
        parts = get_authorization_header(request).split()
        if not parts or parts[0].lower() != self.keyword:
            return None
        if len(parts) != 2 or len(parts[1]) > MAX_TOKEN_LENGTH or not parts[1].isalnum():
            raise AuthenticationFailed("登录凭证格式不正确，请重新登录。", code="token_invalid")
        found = _find(hash_token(parts[1].decode("ascii")))
        if found is None:
            raise AuthenticationFailed("登录凭证无效或已被注销，请重新登录。", code="token_invalid")
        user, device, now = found
        if device.is_expired(now):
            raise AuthenticationFailed("登录已过期，请重新登录。", code="token_expired")
        if not user.is_active:
            raise AuthenticationFailed("该账号已停用，请联系系统管理员。", code="user_inactive")
        structlog.contextvars.bind_contextvars(user_id=user.pk)
        return user, device

    def authenticate_header(self, request: Request) -> str:
        return 'Bearer realm="api"'
