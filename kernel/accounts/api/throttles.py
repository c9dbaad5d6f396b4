"""How often one address may try to sign in, whoever the names are."""

from __future__ import annotations

from django.conf import settings
from rest_framework.request import Request
from rest_framework.throttling import SimpleRateThrottle
from rest_framework.views import APIView

from kernel.accounts.addresses import client_ip

__all__ = ["SignInThrottle"]


class SignInThrottle(SimpleRateThrottle):
    """`SUOSHE_SIGN_IN_RATE` per address (a whole office may share one); None switches it off."""

    scope = "sign_in"

    def get_rate(self) -> str | None:
        rate: str | None = settings.SUOSHE_SIGN_IN_RATE
        return rate

    def get_cache_key(self, request: Request, view: APIView) -> str | None:
        return f"throttle:sign_in:{client_ip(request._request) or 'local'}"
