"""Sealing: personal data and secrets that rest encrypted (DOMAIN.md §7).

The keys come from the environment (`SUOSHE_IDENTITY_KEY`, several separated by commas): the first seals,
all open, so a new key is put before the old one, `manage.py reseal_identities` seals anew what rests, and
then the old key may go. Fernet: AES-128-CBC with an HMAC, a moment in the clear, no two seals alike.
"""

from __future__ import annotations

import base64
import hashlib
import json
from functools import lru_cache
from typing import Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet

__all__ = ["SealBroken", "keys", "reseal", "seal", "seal_json", "sealed_anew", "unseal", "unseal_json"]

RESEALED_AT_ONCE = 500


class SealBroken(Exception):
    """Sealed with another key, or damaged: nobody can read it any more."""


def keys() -> list[str]:
    """The keys of the environment, the one that seals first."""
    found = [key.strip() for key in settings.SUOSHE_IDENTITY_KEY.split(",")]
    return [key for key in found if key]


@lru_cache(maxsize=8)
def _of(key: str) -> Fernet:
    return Fernet(base64.urlsafe_b64encode(hashlib.sha256(key.encode()).digest()))


def _fernet() -> MultiFernet:
    return MultiFernet([_of(key) for key in keys()])


def sealed_anew(token: bytes) -> bytes | None:
    """The same content under the first key; None where it rests under that key already.

    Raises:
        SealBroken: none of the keys opens it.
    """
    try:
        _of(keys()[0]).decrypt(token)
    except InvalidToken:
        try:
            return _fernet().rotate(token)
        except InvalidToken as failure:
            raise SealBroken from failure
    return None


def seal(plain: bytes) -> bytes:
    """Encrypt; the answer is URL-safe ASCII."""
    return _fernet().encrypt(plain)


def unseal(token: bytes) -> bytes:
    """Decrypt what `seal` made.

    Raises:
        SealBroken: the key is another one, or the bytes are damaged.
    """
    try:
        return _fernet().decrypt(token)
    except InvalidToken as failure:
        raise SealBroken from failure


def seal_json(value: Any) -> str:
    """A JSON value, sealed, as text for a column. Half a character (a lone surrogate) is kept as it came."""
    return seal(json.dumps(value, ensure_ascii=False).encode("utf-8", "surrogatepass")).decode("ascii")


def unseal_json(token: str) -> Any:
    """The value that `seal_json` sealed. Raises `SealBroken`."""
    return json.loads(unseal(token.encode()))


def reseal(rows: QuerySet[Any], column: str) -> tuple[int, int]:
    """Seal anew under the first key what rests in a column of these rows, as text or as bytes.

    A few hundred in a transaction; safe to repeat and to interrupt. Answers how many were sealed anew, and
    how many no key opens.
    """
    done = broken = last = 0
    while True:
        with transaction.atomic():
            batch = rows.filter(pk__gt=last).order_by("pk").select_for_update(of=("self",), no_key=True)
            found = list(batch.values_list("pk", column)[:RESEALED_AT_ONCE])
            for last, token in found:
                is_text = isinstance(token, str)
                try:
                    anew = sealed_anew(token.encode() if is_text else bytes(token)) if token else None
                except SealBroken:
                    broken += 1
                    continue
                if anew is not None:
                    value = anew.decode("ascii") if is_text else anew
                    rows.model._default_manager.filter(pk=last).update(**{column: value})
                    done += 1
        if not found:
            return done, broken
