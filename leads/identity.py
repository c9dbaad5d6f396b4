"""The reporter's identity, sealed (DOMAIN.md §7). Seen by nobody until a named role may reveal it."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json

from cryptography.fernet import Fernet
from django.conf import settings


def _fernet() -> Fernet:
    key = hashlib.sha256(settings.SUOSHE_IDENTITY_KEY.encode()).digest()
    return Fernet(base64.urlsafe_b64encode(key))


def fingerprint(*, name: str, phone: str) -> str:
    """A keyed hash that tells whether two reports name the same person, and nothing else."""
    text = json.dumps([name, phone], ensure_ascii=False).encode()
    return hmac.new(settings.SUOSHE_IDENTITY_KEY.encode(), text, hashlib.sha256).hexdigest()


def seal(*, name: str, phone: str) -> bytes:
    """Encrypt who told it; the key comes from the environment."""
    return _fernet().encrypt(json.dumps({"name": name, "phone": phone}, ensure_ascii=False).encode())
