"""The reporter's identity, sealed (DOMAIN.md §7): who told it is shown to one named role, with a reason.

Nothing else opens it but the services that send him his answer and ask him his opinion, and they hand
the telephone to the outbox and to nobody else. An `Identity` shows nothing of itself when it is printed.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from dataclasses import dataclass, field

from kernel import sealed
from kernel.accounts.masking import mask_name, mask_phone, mask_text, plain_digits
from kernel.notices import telephones


@dataclass(frozen=True, slots=True)
class Identity:
    """Who told it. Neither field appears in its `repr`: tracebacks and logs print values."""

    name: str = field(repr=False)
    phone: str = field(repr=False)

    @property
    def mobile(self) -> str | None:
        """The number an SMS can be sent to; None for a landline or half a number."""
        return telephones.mobile(self.phone)

    def hidden_in(self, text: str) -> str:
        """What a person wrote, with this name and telephone masked however the number was spaced.

        A name of one character is left alone: it would tear other words apart.
        """
        if len(self.name.strip()) > 1:
            text = text.replace(self.name.strip(), mask_name(self.name))
        digits = plain_phone(self.phone)
        if len(digits) >= 5:
            text = plain_digits(text)
            spaced = r"[-() ]*".join(digits)
            text = re.sub(rf"(?<!\d)(?:\+?86[- ]?)?{spaced}(?!\d)", mask_phone(digits), text)
        return text

    def masked_in(self, text: str) -> str:
        """The same, and every other telephone and identity number masked too: for what is kept for good."""
        return mask_text(self.hidden_in(text))


def plain_phone(phone: str) -> str:
    """Digits only, without the country's code: `+86 138-0000-1111` → `13800001111`."""
    digits = re.sub(r"[^0-9]", "", plain_digits(phone))
    return digits[2:] if len(digits) == 13 and digits.startswith("86") else digits


def fingerprint(*, name: str, phone: str) -> str:
    """A keyed hash that tells whether two reports name the same person, and nothing else.

    Keyed with the oldest key, so that a report sent again after a new key came is still the same report.
    """
    text = json.dumps([name, phone], ensure_ascii=False).encode()
    return hmac.new(sealed.keys()[-1].encode(), text, hashlib.sha256).hexdigest()


def seal(*, name: str, phone: str) -> bytes:
    """Encrypt who told it; the key comes from the environment."""
    return sealed.seal(json.dumps({"name": name, "phone": phone}, ensure_ascii=False).encode())


def opened(token: bytes | memoryview) -> Identity:
    """Who told it. Raises `sealed.SealBroken` where no key opens it."""
    said = json.loads(sealed.unseal(bytes(token)))
    return Identity(name=said["name"], phone=said["phone"])
