"""The lock after five failures (DOMAIN.md §7), kept by django-axes per person and address."""

from __future__ import annotations

import math
from datetime import timedelta
from typing import Any

from axes.helpers import get_cool_off
from axes.models import AccessAttempt
from django.db.models import Max
from django.http import HttpRequest, HttpResponse

__all__ = ["locked_seconds", "locked_sentence", "lockout_response", "unlock"]


def locked_seconds(request: HttpRequest, username: str) -> int:
    """Seconds until this person may try again from this address; at least 1."""
    cool_off = get_cool_off(request) or timedelta(0)
    last = AccessAttempt.objects.filter(
        username=username,
        ip_address=request.axes_ip_address,  # type: ignore[attr-defined]
    ).aggregate(last=Max("attempt_time"))["last"]
    now = request.axes_attempt_time  # type: ignore[attr-defined]
    if last is None:
        return math.ceil(cool_off.total_seconds())
    return max(1, math.ceil((last + cool_off - now).total_seconds()))


def locked_sentence(seconds: int) -> str:
    return (
        f"登录失败次数过多，账号已暂时锁定，请 {math.ceil(seconds / 60)} 分钟后再试，或联系系统管理员解锁。"
    )


def lockout_response(
    request: HttpRequest, original_response: HttpResponse | None = None, credentials: Any = None
) -> HttpResponse:
    """`AXES_LOCKOUT_CALLABLE`: keep the page or JSON that already explains the lock; say 429."""
    response = original_response if original_response is not None else HttpResponse()
    response.status_code = 429
    if not response.has_header("Retry-After"):
        seconds = locked_seconds(request, (credentials or {}).get("username") or "")
        response["Retry-After"] = str(seconds)
    return response


def unlock(username: str) -> int:
    """Forget the failures of a person from every address; how many records there were."""
    return AccessAttempt.objects.filter(username=username).delete()[0]
