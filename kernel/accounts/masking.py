"""Masks for personal data (DOMAIN.md §7). Pure functions; an empty value stays empty."""

from __future__ import annotations

import re

__all__ = ["mask_id_number", "mask_name", "mask_phone", "mask_text", "plain_digits"]

_IDENTITY = re.compile(r"(?<![0-9A-Za-z])(\d{6})(?:\d{8}|\d{5})(\d{3}[0-9Xx])(?![0-9A-Za-z])")
_MOBILE = re.compile(r"(?<!\d)((?:86[- ]?)?1[3-9]\d)[- ]?\d{4}[- ]?(\d{4})(?!\d)")
_LANDLINE = re.compile(r"(?<!\d)(0\d{2,3})[)）]?[- ]?\d{3,4}[- ]?(\d{4})(?!\d)")
_FULL_WIDTH = str.maketrans("０１２３４５６７８９－　", "0123456789- ")


def mask_phone(phone: str) -> str:
    """`13812345678` → `138****5678`; shorter numbers keep only their last two digits."""
    if len(phone) >= 11:
        return f"{phone[:3]}****{phone[-4:]}"
    if len(phone) >= 5:
        return f"****{phone[-2:]}"
    return "*" * len(phone)


def mask_id_number(number: str) -> str:
    """First six and last four characters of an identity number stay, e.g. `370983********1234`."""
    if len(number) < 15:
        return "*" * len(number)
    return f"{number[:6]}{'*' * (len(number) - 10)}{number[-4:]}"


def mask_name(name: str) -> str:
    """`张建国` → `张**`; two stars always, so that the length of the name is not told."""
    stripped = name.strip()
    return f"{stripped[0]}**" if stripped else ""


def plain_digits(text: str) -> str:
    """The same with half-width digits, as a number is written in full width (`１３８`) by many keyboards.

    A text without full-width digits stays as it is.
    """
    return text.translate(_FULL_WIDTH) if any("０" <= letter <= "９" for letter in text) else text


def mask_text(text: str) -> str:
    """What a person wrote, every mobile, landline and identity number in it masked.

    The one masker of free text: of notices, of the journal, of lists and exports. Also
    `138-1234-5678`, `+86 138 1234 5678`, `（0538）3212345`, `１３８…` in full width. Codes of businesses
    and grids stay.
    """
    text = plain_digits(text)
    text = _IDENTITY.sub(r"\1********\2", text)
    text = _MOBILE.sub(r"\1****\2", text)
    return _LANDLINE.sub(r"\1****\2", text)
