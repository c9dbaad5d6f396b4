"""What the single-use links of SMS have in common: whistles (`/w/…`) and surveys (`/s/…`).

The token stands in one SMS; the database keeps its hash. What is behind it is for whoever holds it, and for
no cache, no search engine and no other site.
"""

from __future__ import annotations

import hashlib
from typing import Any

from django.conf import settings
from django.http import HttpResponse
from rest_framework.throttling import SimpleRateThrottle

from kernel.accounts.addresses import client_ip

TOO_OFTEN = "操作过于频繁，请稍后再试。"
PRIVATE = {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer", "X-Robots-Tag": "noindex, nofollow"}
"""Headers of every answer behind a token."""


class LinkThrottle(SimpleRateThrottle):
    """`SUOSHE_LINK_RATE` per address; None switches it off."""

    scope = "link"

    def get_rate(self) -> str | None:
        rate: str | None = settings.SUOSHE_LINK_RATE
        return rate

    def get_cache_key(self, request: Any, view: Any) -> str | None:
        """The same for a page's request and for an endpoint's."""
        return f"throttle:{self.scope}:{client_ip(getattr(request, '_request', request)) or 'local'}"


class SurveyThrottle(LinkThrottle):
    """The endpoint and the page of surveys together."""

    scope = "survey"


def digest(token: str) -> str:
    """What is kept of a token."""
    return hashlib.sha256(token.encode()).hexdigest()


def private(answer: HttpResponse, *, throttle: LinkThrottle | None = None) -> HttpResponse:
    """The same answer, for nobody else's eyes; with `throttle`, when one may ask again."""
    for name, value in PRIVATE.items():
        answer[name] = value
    if throttle is not None:
        answer["Retry-After"] = str(int(throttle.wait() or 1))
    return answer
