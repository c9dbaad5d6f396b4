"""Users and tokens for tests."""

from __future__ import annotations

import itertools
from datetime import timedelta
from typing import Any

from knox.crypto import create_token_string, hash_token

from kernel import clock
from kernel.accounts.models import Device, User

PASSWORD = "Suoshe-test-2026"

_numbers = itertools.count(1)


def make_user(username: str | None = None, **columns: Any) -> User:
    """A user who may sign in with `PASSWORD` (or the `password` given; None for none)."""
    number = next(_numbers)
    password = columns.pop("password", PASSWORD)
    columns.setdefault("name", f"张测{number}")
    columns.setdefault("phone", f"138{number:08d}")
    return User.objects.create_user(username or f"user-{number}", password, **columns)


def token_for(user: User, device: str = "测试手机", *, days: int = 90) -> str:
    """A working token for a device of that name; an earlier one of the same name stops working."""
    token = create_token_string()
    now = clock.now()
    Device.objects.update_or_create(
        user=user,
        name=device,
        defaults={
            "digest": hash_token(token),
            "token_key": token[:15],
            "created": now,
            "expiry": now + timedelta(days=days),
        },
    )
    return token


def bearer(user: User, device: str = "测试手机") -> dict[str, str]:
    """Headers for Django's or DRF's test client: `client.get(path, headers=bearer(user))`."""
    return {"Authorization": f"Bearer {token_for(user, device)}"}
