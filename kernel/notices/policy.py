"""Arithmetic of delivery: back-off, the token bucket, what shares a message, and masking. No queries."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from kernel.accounts.masking import mask_text

LAST_ATTEMPT = 12
"""After so many failed sendings a message is dead and waits for a person (DESIGN.md §6)."""

LEASE = timedelta(seconds=60)
"""How long a deliverer may hold a row without sending it."""

_FIRST_WAIT_S = 5.0
_LONGEST_WAIT_S = 1800.0


def backoff(attempt: int, spread: float) -> timedelta:
    """How long to wait after the `attempt`-th failure (from 1): doubling from 5 s, at most 30 min.

    `spread` between 0 and 1 takes up to half of the wait away, so that many do not come back at once.
    """
    whole = min(_FIRST_WAIT_S * 2 ** min(max(attempt, 1) - 1, 20), _LONGEST_WAIT_S)
    return timedelta(seconds=whole * (1 - spread / 2))


def refilled(tokens: float, since: datetime, at: datetime, rate_per_minute: int) -> float:
    """How full a bucket is at `at`; it holds one minute's messages and never less than it did."""
    elapsed_s = max(0.0, (at - since).total_seconds())
    return min(float(rate_per_minute), tokens + elapsed_s * rate_per_minute / 60)


def sendings(waiting: int, tokens: float) -> list[int]:
    """How many rows each sending carries: one each while the bucket lasts, the rest in one digest."""
    whole = int(tokens)
    if waiting <= 0 or whole < 1:
        return []
    if waiting <= whole:
        return [1] * waiting
    return [1] * (whole - 1) + [waiting - whole + 1]


def masked(value: Any) -> Any:
    """The same value with every telephone and identity number in its texts masked (DOMAIN.md §7).

    Texts only: an integer is a count or a row's number, never a telephone number.
    """
    if isinstance(value, str):
        return mask_text(value)
    if isinstance(value, dict):
        return {name: masked(inner) for name, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [masked(inner) for inner in value]
    return value
