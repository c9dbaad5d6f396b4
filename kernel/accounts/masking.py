"""Masks for personal data (DOMAIN.md §7). Pure functions; an empty value stays empty."""

from __future__ import annotations

__all__ = ["mask_id_number", "mask_name", "mask_phone"]


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
