"""Other platforms, and requests signed as they sign them."""

from __future__ import annotations

import itertools
import json
from typing import Any

from django.test import Client

from grids.demo import World
from kernel import clock
from kernel.notices import webhooks
from leads import platforms
from leads.models import Platform

_numbers = itertools.count(1)


def made(world: World, *, code: str = "", kind: str = "12345", **terms: Any) -> tuple[Platform, str]:
    """A platform kept by the bureau, and its secret."""
    return platforms.add(
        code=code or f"p{next(_numbers)}",
        kind=kind,
        terms=platforms.Terms(name=terms.pop("name", "市12345热线"), **terms),
        by=world.user("bureau"),
        at=clock.now(),
    )


def headers(secret: str, raw: bytes, *, at: int | None = None) -> dict[str, str]:
    """Signed now, or at a given second."""
    timestamp = str(int(clock.now().timestamp()) if at is None else at)
    return {"X-Timestamp": timestamp, "X-Signature": webhooks.signature(secret, timestamp, raw)}


def hand_in(client: Client, platform: Platform, secret: str, body: Any, **how: Any) -> Any:
    """POST `intake/{source}/`. A second later each time, so that no two signatures are alike."""
    raw = body if isinstance(body, bytes) else json.dumps(body, ensure_ascii=False).encode()
    at = how.pop("at", None)
    if at is None:
        at = int(clock.now().timestamp()) - next(_numbers) % 200
    sent = headers(secret, raw, at=at) | how
    path = f"/api/v1/intake/{platform.code}/"
    return client.post(path, raw, content_type="application/json", headers=sent)


def number() -> str:
    return f"WD{next(_numbers):06d}"
