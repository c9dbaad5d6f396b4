"""Single-use links by which a department answers without an account (API.md: whistle).

The token is random letters (no digits: nothing in it looks like a telephone to a mask), known to the SMS
alone; only its hash is kept. GET shows and never answers, because gateways open links; POST answers once.
"""

from __future__ import annotations

import secrets
import string
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.urls import reverse

from kernel.deadlines import clocks
from kernel.deadlines import policy as arithmetic
from kernel.deadlines.policy import WorkingCalendar
from kernel.errors import Gone, NotVisible
from leads.links import digest
from leads.models import DepartmentContact, WhistleCall, WhistleLink

LETTERS = string.ascii_letters
LENGTH = 32
"""32 letters of 52 are 182 bits."""
UNKNOWN = "链接无效，请核对短信中的完整地址。"
EXPIRED = "链接已失效。如仍需回应，请拨打吹哨方电话，或用联络员账号登录办理。"


@dataclass(frozen=True, slots=True)
class Minted:
    """A link just made, with the address that only its SMS will carry."""

    row: WhistleLink
    address: str


def mint(
    pairs: Sequence[tuple[WhistleCall, DepartmentContact]], at: datetime
) -> dict[tuple[int, int], Minted]:
    """Make a link for each call and contact, by their numbers. Two statements."""
    if not pairs:
        return {}
    limit = clocks.limits(at)["whistle_link"]
    expires_at = arithmetic.due(limit, at, WorkingCalendar())
    tokens = ["".join(secrets.choice(LETTERS) for _ in range(LENGTH)) for _ in pairs]
    rows = WhistleLink.objects.bulk_create(
        [
            WhistleLink(
                call=call, contact=contact, token_hash=digest(token), created_at=at, expires_at=expires_at
            )
            for (call, contact), token in zip(pairs, tokens, strict=True)
        ]
    )
    return {
        (call.pk, contact.pk): Minted(row, address(token))
        for (call, contact), row, token in zip(pairs, rows, tokens, strict=True)
    }


def address(token: str) -> str:
    """The whole address as an SMS carries it."""
    return f"{settings.SUOSHE_PUBLIC_URL}{reverse('whistle-link', args=[token])}"


def find(token: str, at: datetime) -> WhistleLink:
    """The link of a token, used or not. Reads only.

    Raises:
        NotVisible: there is no such link. Gone: its time has run out, or its contact is one no more.
    """
    if len(token) != LENGTH or not all(letter in LETTERS for letter in token):
        raise NotVisible(UNKNOWN)
    found = (
        WhistleLink.objects.filter(token_hash=digest(token))
        .select_related(
            "contact",
            "call__department",
            "call__whistle__grid__office",
            "call__whistle__grid__lead_community",
            "call__whistle__lead__category",
        )
        .first()
    )
    if found is None:
        raise NotVisible(UNKNOWN)
    if found.expires_at <= at or not found.contact.is_active:
        raise Gone(EXPIRED, code="link_expired")
    return found
