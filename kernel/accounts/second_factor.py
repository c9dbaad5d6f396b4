"""The second factor: time-based codes (TOTP) and single-use recovery codes.

Required of system administrators (DOMAIN.md §7, 等保 2.0) and of whoever a registered test names;
everybody else may enrol, and is then asked for it too.
"""

from __future__ import annotations

import base64
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.db import transaction
from django.utils.safestring import SafeString, mark_safe
from django_otp.models import Device as OtpDevice
from django_otp.plugins.otp_static.models import StaticDevice, StaticToken
from django_otp.plugins.otp_totp.models import TOTPDevice

from kernel.accounts.models import User
from kernel.accounts.rights import may_administer, require_administrator
from kernel.accounts.sign_in import lock_user, note
from kernel.errors import NotAllowed, Refused

__all__ = [
    "Enrolled",
    "begin_enrolment",
    "confirm_enrolment",
    "demand",
    "has_device",
    "needed",
    "qr_svg",
    "register",
    "required_for",
    "reset",
    "spelled",
    "verify",
]

RECOVERY_CODES = 8
APP_NAME, RECOVERY_NAME = "身份验证器", "恢复码"

_tests: list[Callable[[User], bool]] = []


@dataclass(frozen=True, slots=True)
class Enrolled:
    """A confirmed device, and the recovery codes to be shown this once."""

    device: TOTPDevice
    recovery_codes: list[str]


def register(test: Callable[[User], bool]) -> None:
    """`test(user)` → True where this user, too, must have a second factor."""
    if test not in _tests:
        _tests.append(test)


def required_for(user: User) -> bool:
    """Whether the rule asks it of this user; `SUOSHE_REQUIRE_SECOND_FACTOR` off asks it of nobody."""
    if not settings.SUOSHE_REQUIRE_SECOND_FACTOR:
        return False
    return may_administer(user) or any(test(user) for test in _tests)


def has_device(user: User) -> bool:
    """Whether the user has enrolled."""
    return TOTPDevice.objects.filter(user=user, confirmed=True).exists()


def needed(user: User) -> bool:
    """Whether a sign-in of this user must show a code: he has enrolled, or has to."""
    return has_device(user) or required_for(user)


def demand(*, user: User, code: str, at: datetime) -> None:
    """Let pass who needs no second factor, or shows a good code; for sign-ins without a page of their own.

    A password alone must not open by the API what the admin opens only with a code. Commits by itself:
    a wrong code is counted and noted.

    Raises:
        NotAllowed: `second_factor_required` – no code given, or not enrolled yet; `second_factor_failed`.
        Refused: `second_factor_throttled`.
    """
    enrolled = has_device(user)
    if not enrolled and not required_for(user):
        return
    if not enrolled:
        raise NotAllowed(
            "该账号须使用二次验证，请先登录管理后台绑定身份验证器。", code="second_factor_required"
        )
    if not code.strip():
        raise NotAllowed("该账号已启用二次验证，请填写验证码。", code="second_factor_required", attr="code")
    if verify(user=user, code=code, at=at) is None:
        raise NotAllowed("验证码不正确，请重新填写。", code="second_factor_failed", attr="code")


def begin_enrolment(user: User) -> TOTPDevice:
    """The device waiting for its first code; a reload of the page finds the same one."""
    waiting = TOTPDevice.objects.filter(user=user, confirmed=False).order_by("-id").first()
    return waiting or TOTPDevice.objects.create(user=user, name=APP_NAME, confirmed=False)


def qr_svg(device: TOTPDevice) -> SafeString:
    """The enrolment address as an inline SVG, so that no picture of the secret is ever fetched."""
    import qrcode  # with Pillow: only where a code is drawn
    import qrcode.image.svg

    image = qrcode.make(device.config_url, image_factory=qrcode.image.svg.SvgPathImage, border=1)
    return mark_safe(image.to_string(encoding="unicode"))  # noqa: S308  made here from our own URL


def spelled(device: TOTPDevice) -> str:
    """The secret in base32, in groups of four, for those who cannot scan."""
    secret = base64.b32encode(device.bin_key).decode("ascii")
    return " ".join(secret[i : i + 4] for i in range(0, len(secret), 4))


@transaction.atomic
def confirm_enrolment(*, user: User, code: str, at: datetime) -> Enrolled | None:
    """Take the first code of a waiting device; it replaces every earlier one. None for a wrong code.

    The recovery codes are fresh and shown once. A wrong code is counted and slows the next try.

    Raises:
        Refused: tries come too fast.
    """
    locked = lock_user(user.pk)
    waiting = begin_enrolment(locked)
    device = TOTPDevice.objects.select_for_update().get(pk=waiting.pk)
    _refuse_haste(device)
    if not device.verify_token(_bare(code)):
        return None
    TOTPDevice.objects.filter(user=locked).exclude(pk=device.pk).delete()
    device.confirmed = True
    device.save(update_fields=["confirmed"])
    codes = _renew_recovery_codes(locked)
    note(locked, "second_factor_enrolled", by=locked, at=at)
    return Enrolled(device, codes)


def _renew_recovery_codes(user: User) -> list[str]:
    StaticDevice.objects.filter(user=user).delete()
    device = StaticDevice.objects.create(user=user, name=RECOVERY_NAME, confirmed=True)
    codes = [StaticToken.random_token() for _ in range(RECOVERY_CODES)]
    StaticToken.objects.bulk_create([StaticToken(device=device, token=code) for code in codes])
    return codes


@transaction.atomic
def verify(*, user: User, code: str, at: datetime) -> OtpDevice | None:
    """The device that accepted the code, or None.

    Six digits go to the app, all else to the recovery codes. A wrong code slows the next try
    (1, 2, 4 … seconds) and is noted in the journal.

    Raises:
        Refused: tries come too fast; the code was not looked at.
    """
    locked = lock_user(user.pk)
    bare = _bare(code)
    model = TOTPDevice if bare.isascii() and bare.isdigit() and len(bare) == 6 else StaticDevice
    device = model.objects.select_for_update().filter(user=locked, confirmed=True).first()
    if device is not None:
        _refuse_haste(device)
        if device.verify_token(bare):
            if isinstance(device, StaticDevice):
                note(locked, "recovery_code_used", by=locked, at=at, left=device.token_set.count())
            return device
    note(locked, "second_factor_failed", by=None, at=at)
    return None


def _bare(code: str) -> str:
    return "".join(code.split()).lower()


def _refuse_haste(device: TOTPDevice | StaticDevice) -> None:
    allowed, found = device.verify_is_allowed()
    if not allowed and found:
        seconds = max(1, math.ceil(found["locked_until"].timestamp() - time.time()))
        raise Refused(f"验证码错误次数较多，请 {seconds} 秒后再试。", code="second_factor_throttled")


@transaction.atomic
def reset(*, user: User, by: User, at: datetime) -> None:
    """Take a lost second factor away, so that its owner enrols anew. Raises NotAllowed, Refused."""
    require_administrator(by)
    if user.pk == by.pk:
        raise Refused("不能清除自己的二次验证，请在“二次验证”页面重新绑定。", code="own_account")
    locked = lock_user(user.pk)
    TOTPDevice.objects.filter(user=locked).delete()
    StaticDevice.objects.filter(user=locked).delete()
    note(locked, "second_factor_reset", by=by, at=at)
