"""The reporter's identity, sealed (DOMAIN.md §7). Seen by nobody until a named role may reveal it."""

from __future__ import annotations

import base64
import hashlib
import json

from cryptography.fernet import Fernet
from django.conf import settings


def _fernet() -> Fernet:
    key = hashlib.sha256(settings.SUOSHE_IDENTITY_KEY.encode()).digest()
    return Fernet(base64.urlsafe_b64encode(key))


def seal(*, name: str, phone: str) -> bytes:
    """Encrypt who told it; the key comes from the environment."""
    return _fernet().encrypt(json.dumps({"name": name, "phone": phone}, ensure_ascii=False).encode())
