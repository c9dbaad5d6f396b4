"""Signing in and out, on devices and in the admin. Everything is noted in the journal, secrets never.

The journal stream of a person is `user:<id>`; every service that writes it holds the user's row lock.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from axes.handlers.proxy import AxesProxyHandler
from django.conf import settings
from django.contrib.auth import authenticate
from django.db import transaction
from django.http import HttpRequest
from knox.crypto import create_token_string, hash_token

from kernel import journal
from kernel.accounts.addresses import client_ip
from kernel.accounts.locks import locked_seconds
from kernel.accounts.models import Device, User
from kernel.errors import NotVisible

__all__ = [
    "Outcome",
    "check_password",
    "lock_user",
    "note",
    "note_session_end",
    "note_session_start",
    "revoke_device",
    "sign_in_device",
]

Via = Literal["device", "admin"]
TOKEN_KEY_LENGTH = 15


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a password: a user, or a refusal; `locked_for` seconds where it is locked."""

    user: User | None
    locked_for: int = 0


def lock_user(user_id: int) -> User:
    """Lock a user's row until commit; the order of all writers of the stream `user:<id>`."""
    return User.objects.select_for_update(no_key=True).get(pk=user_id)


def note(user: User, kind: str, *, by: User | None, at: datetime, **data: Any) -> None:
    """One journal entry on the person's stream; the caller holds `lock_user`."""
    journal.append(stream=f"user:{user.pk}", kind=kind, by=by, at=at, data=data)


def check_password(*, request: HttpRequest, username: str, password: str, via: Via, at: datetime) -> Outcome:
    """Check a name and password, and count a failure (five lock the pair of name and address).

    An unknown name, a wrong password and an inactive account are told apart to nobody. Commits by
    itself: a failure must be counted even where the caller's work is rolled back. `request` is
    Django's own request, not the REST framework's.
    """
    username = User.normalize_username(username)
    user = authenticate(request, username=username, password=password)
    if isinstance(user, User):
        AxesProxyHandler.user_logged_in(sender=User, request=request, user=user)
        return Outcome(user)
    locked = bool(getattr(request, "axes_locked_out", False))
    counted = getattr(request, "axes_failures_since_start", None) is not None
    if counted:
        _note_failure(request, username, locked, via, at)
    return Outcome(None, locked_seconds(request, username) if locked else 0)


def _note_failure(request: HttpRequest, username: str, locked: bool, via: Via, at: datetime) -> None:
    """Failures under a name that nobody bears are counted by axes only: no chain to write on."""
    ip = client_ip(request)
    with transaction.atomic():
        user = User.objects.select_for_update(no_key=True).filter(username=username).first()
        if user is None:
            return
        note(user, "sign_in_failed", by=None, at=at, ip=ip, via=via)
        if locked:
            note(user, "sign_in_locked", by=None, at=at, ip=ip, via=via)


@transaction.atomic
def sign_in_device(*, user: User, device_name: str, ip: str | None, at: datetime) -> tuple[Device, str]:
    """Give a device its token, good for `SUOSHE_DEVICE_TOKEN_DAYS` from `at`.

    One token per person and device name: an earlier token of the same name stops working. The
    token is returned here once and kept nowhere; the row holds its SHA-512.
    """
    user = lock_user(user.pk)
    token = create_token_string()
    device, created = Device.objects.update_or_create(
        user=user,
        name=device_name,
        defaults={
            "digest": hash_token(token),
            "token_key": token[:TOKEN_KEY_LENGTH],
            "created": at,
            "expiry": at + timedelta(days=settings.SUOSHE_DEVICE_TOKEN_DAYS),
            "last_ip": ip,
        },
    )
    User.objects.filter(pk=user.pk).update(signed_in_at=at)
    note(user, "signed_in", by=user, at=at, via="device", device=device_name, ip=ip, replaced=not created)
    return device, token


@transaction.atomic
def revoke_device(
    *, user: User, device_id: int, by: User, at: datetime, kind: str = "device_revoked"
) -> None:
    """End the token of one of `user`'s devices at once.

    Raises:
        NotVisible: `user` has no such device (any more).
    """
    locked = lock_user(user.pk)
    device = Device.objects.filter(user=locked, pk=device_id).first()
    if device is None:
        raise NotVisible("没有找到这台设备，可能已经注销。", code="device_not_found")
    device.delete()
    note(locked, kind, by=by, at=at, device=device.name, via="device")


@transaction.atomic
def note_session_start(*, user: User, ip: str | None, second_factor: bool, at: datetime) -> None:
    """A person has entered the admin, past every check."""
    locked = lock_user(user.pk)
    User.objects.filter(pk=user.pk).update(signed_in_at=at)
    note(locked, "signed_in", by=locked, at=at, via="admin", ip=ip, second_factor=second_factor)


@transaction.atomic
def note_session_end(*, user: User, reason: Literal["asked", "idle"], at: datetime) -> None:
    """A person has left the admin, or was away too long."""
    locked = lock_user(user.pk)
    note(locked, "signed_out", by=locked, at=at, via="admin", reason=reason)
