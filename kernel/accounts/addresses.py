"""The address a request comes from."""

from __future__ import annotations

import ipaddress

from django.conf import settings
from django.http import HttpRequest

__all__ = ["client_ip"]


def client_ip(request: HttpRequest) -> str | None:
    """The client's address, or None where there is none (a unix socket) or it cannot be read.

    `X-Forwarded-For` is believed only as far as our own proxies wrote it: with
    `SUOSHE_PROXIES = 1` its last entry counts, with 0 (the default) it is ignored.
    """
    hops: int = settings.SUOSHE_PROXIES
    forwarded = [part.strip() for part in request.META.get("HTTP_X_FORWARDED_FOR", "").split(",")]
    address = request.META.get("REMOTE_ADDR", "")
    if hops and len(forwarded) >= hops:
        address = forwarded[-hops] or address
    try:
        return str(ipaddress.ip_address(address))
    except ValueError:
        return None
