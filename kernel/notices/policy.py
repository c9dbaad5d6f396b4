"""Arithmetic of delivery: back-off, the token bucket, quiet hours, masking. No queries."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any

from django.db.models import TextChoices

from kernel.accounts.masking import mask_text
from kernel.clock import SHANGHAI

LAST_ATTEMPT = 12
"""After so many failed sendings a message is dead and waits for a person (DESIGN.md §6)."""

LEASE = timedelta(seconds=60)
"""How long a deliverer may hold a row without sending it."""

_LINK = re.compile(r"(?=.*[A-Za-z])[A-Za-z0-9:/?&=._~%#@+-]+")

BURST = 5
"""More than so many notices to one group at once are one message."""

_FIRST_WAIT_S = 5.0
_LONGEST_WAIT_S = 1800.0


class Urgency(TextChoices):
    """May it be told in quiet hours? Only what has no running clock waits for the morning (DESIGN.md §6)."""

    URGENT = "urgent", "紧急"
    CLOCK = "clock", "计时中"
    NEWS = "news", "一般消息"


@dataclass(frozen=True)
class QuietHours:
    """From when to when (Shanghai, over midnight or not) news waits; the same time twice: never."""

    begin: time
    end: time

    @classmethod
    def parse(cls, text: str) -> QuietHours:
        """`22:00-07:00`; empty means none.

        Raises:
            ValueError: it is not two times of day.
        """
        if not text.strip():
            return cls(time(0), time(0))
        begin, _, end = text.partition("-")
        return cls(time.fromisoformat(begin.strip()), time.fromisoformat(end.strip()))

    def end_after(self, at: datetime) -> datetime | None:
        """When the quiet hours in which `at` lies end; None where it lies in none."""
        here = at.astimezone(SHANGHAI)
        clock = here.time()
        if self.begin <= self.end:
            quiet = self.begin <= clock < self.end
        else:
            quiet = clock >= self.begin or clock < self.end
        if not quiet:
            return None
        day = here.date() if clock < self.end else here.date() + timedelta(days=1)
        return datetime.combine(day, self.end, tzinfo=SHANGHAI)


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
    """How many rows each sending carries: a few one by one, a burst in one digest.

    Up to `BURST` rows go one each while the bucket lasts, the rest in a digest; more at once are one
    digest: nobody reads twenty messages in a minute, and a provider takes only a few in a second.
    """
    whole = int(tokens)
    if waiting <= 0 or whole < 1:
        return []
    if waiting > BURST:
        return [waiting]
    if waiting <= whole:
        return [1] * waiting
    return [1] * (whole - 1) + [waiting - whole + 1]


def singly(waiting: int, tokens: float) -> list[int]:
    """The same for telephones: every message alone, as many as the bucket holds."""
    return [1] * max(0, min(waiting, int(tokens)))


def is_link(name: str, value: Any) -> bool:
    """Is this value of a template a link or a token: characters that mean something each, never masked?

    It is named so (`link`, `token`, `…_link`, `…_token`), and looks like one: a bare number never does.
    """
    named = name in ("link", "token") or name.endswith(("_link", "_token"))
    return named and isinstance(value, str) and _LINK.fullmatch(value) is not None


def is_public(name: str, value: Any) -> bool:
    """A link, or a telephone that stands on a door for everybody (`public_telephone`): never masked."""
    return is_link(name, value) or name == "public_telephone"


def masked(value: Any) -> Any:
    """The same value with every telephone and identity number in its texts masked (DOMAIN.md §7).

    Texts only: an integer is a count or a row's number, never a telephone number. Links stay whole.
    """
    if isinstance(value, str):
        return mask_text(value)
    if isinstance(value, dict):
        return {name: inner if is_public(name, inner) else masked(inner) for name, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [masked(inner) for inner in value]
    return value
