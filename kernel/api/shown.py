"""What every body of an answer writes alike: moments and people."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Protocol

from django.utils.timezone import localtime


class Person(Protocol):
    """A user (`kernel.accounts` lies above)."""

    pk: Any
    username: Any
    name: Any


def moment(at: datetime | None) -> str | None:
    """ISO 8601 with the Shanghai offset."""
    return None if at is None else localtime(at).isoformat()


def person(user: Person | None) -> dict[str, Any] | None:
    return None if user is None else {"id": user.pk, "username": user.username, "name": user.name}
