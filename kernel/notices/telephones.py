"""Telephones in the outbox: readable only while a message waits, and then only sealed (DOMAIN.md §7).

The number and every link of an SMS (a link is a key to somebody's page) lie in the row's `sealed`
column; its `params` and everything people see carry `138****5678` and no link.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kernel import sealed
from kernel.accounts.masking import mask_phone
from kernel.notices import policy

if TYPE_CHECKING:
    from kernel.notices.models import OutboxMessage

NO_MOBILE = "不是手机号码，短信无法发送"
_MOBILE = re.compile(r"(?:\+?86)?(1[3-9]\d{9})")


@dataclass(frozen=True)
class Parcel:
    """An SMS as its row keeps it: number and links sealed, the rest readable."""

    phone_masked: str
    sealed: str
    params: dict[str, Any]


@dataclass(frozen=True)
class Opened:
    """What a deliverer reads of an SMS; `phone` is empty where the seal has been thrown away."""

    phone: str
    params: dict[str, Any]


def mobile(phone: str) -> str | None:
    """The eleven digits of a mainland mobile, however it was written; None where it is none."""
    found = _MOBILE.fullmatch(re.sub(r"[\s()（）-]", "", phone))
    return found[1] if found else None


def sealed_up(phone: str, params: Mapping[str, Any]) -> Parcel:
    """Take number and links out of sight. A number that takes no SMS is kept in no form at all."""
    number = mobile(phone)
    public = policy.masked({name: value for name, value in params.items() if not policy.is_link(name, value)})
    if number is None:
        return Parcel("号码无效", "", public)
    links = {name: value for name, value in params.items() if policy.is_link(name, value)}
    return Parcel(mask_phone(number), sealed.seal_json({"phone": number, "links": links}), public)


def opened(message: OutboxMessage) -> Opened:
    """The number and all values of an SMS that still waits (or was given up and may be replayed).

    Raises:
        kernel.sealed.SealBroken: it was sealed with another key.
    """
    if not message.sealed:
        return Opened("", dict(message.params))
    inside = sealed.unseal_json(message.sealed)
    return Opened(inside["phone"], {**message.params, **inside["links"]})
