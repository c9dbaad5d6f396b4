"""The page behind the sticker on a shop's door (`/d/<code>/`): no sign-in, phone-sized, nothing of persons.

GET only; it changes nothing. An officer who is signed in is led on to the shop in the admin.
"""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe
from rest_framework.throttling import SimpleRateThrottle

from grids import door
from grids.models import BusinessEntity
from kernel.accounts.addresses import client_ip
from kernel.accounts.models import User

TOO_OFTEN = "访问过于频繁，请稍后再试。"
UNKNOWN = "没有找到这个门牌码对应的店铺，请核对门牌上的二维码，或联系辖区市场监管所。"
HEADERS = {"Cache-Control": "no-store", "X-Robots-Tag": "noindex, nofollow"}


class DoorThrottle(SimpleRateThrottle):
    """`SUOSHE_LINK_RATE` per address; None switches it off."""

    scope = "door"

    def get_rate(self) -> str | None:
        rate: str | None = settings.SUOSHE_LINK_RATE
        return rate

    def get_cache_key(self, request: Any, view: Any) -> str | None:
        return f"throttle:{self.scope}:{client_ip(request) or 'local'}"


@require_safe
def door_page(request: HttpRequest, code: str) -> HttpResponse:
    """Show the shop; 404 where no shop bears the code, 429 where one asks too often."""
    throttle = DoorThrottle()
    if not throttle.allow_request(request, None):  # type: ignore[arg-type]
        answer = _page(request, {"refused": TOO_OFTEN}, 429)
        answer["Retry-After"] = str(int(throttle.wait() or 1))
        return answer
    found = door.behind(code)
    if found is None:
        return _page(request, {"refused": UNKNOWN}, 404)
    return _page(request, {"door": found, "entity": found.entity, "desk": _desk(request, found.entity)}, 200)


def _desk(request: HttpRequest, entity: BusinessEntity) -> str | None:
    """The shop in the admin, for who is signed in and sees it."""
    user = request.user
    if not isinstance(user, User) or not user.is_active:
        return None
    if not BusinessEntity.objects.visible_to(user).filter(pk=entity.pk).exists():
        return None
    return reverse("admin:grids_businessentity_change", args=[entity.pk])


def _page(request: HttpRequest, shown: dict[str, Any], status: int) -> HttpResponse:
    answer = render(request, "grids/door.html", shown, status=status)
    for name, value in HEADERS.items():
        answer[name] = value
    return answer
