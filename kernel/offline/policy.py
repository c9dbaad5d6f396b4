"""What an operation waits for, and on which version it rests. Pure: plain values in, plain values out.

A phone that is offline does not know the numbers of what it has just made, nor the versions that its
own acts lead to. It therefore writes `uid:<client_uid>` where a number stands, in the path or anywhere
in the body, and sends every act with the version it last saw.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

LONGEST_WAIT = timedelta(days=5)
SKEW_FLAGGED = timedelta(minutes=10)
REFERENCE = re.compile(r"^uid:([0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12})$")
DEEPEST = 20


class TooDeep(ValueError):
    """A body nested deeper than anything we take."""


@dataclass(frozen=True, slots=True)
class Step:
    """One done operation on a resource: the version it rested on and the one it led to."""

    before: int
    after: int


def references(path: str, body: Any) -> list[UUID]:
    """Every `uid:…` of path and body, each once, in order. Raises `TooDeep`."""
    found = [m.group(1) for part in path.split("/") if (m := REFERENCE.match(part))]
    found += list(_in_body(body, 0))
    return list(dict.fromkeys(UUID(one) for one in found))


def _in_body(value: Any, depth: int) -> Iterator[str]:
    if depth > DEEPEST:
        raise TooDeep
    if isinstance(value, str):
        if m := REFERENCE.match(value):
            yield m.group(1)
    elif isinstance(value, Mapping):
        for one in value.values():
            yield from _in_body(one, depth + 1)
    elif isinstance(value, list):
        for one in value:
            yield from _in_body(one, depth + 1)


def resolved_path(path: str, numbers: Mapping[UUID, int]) -> str:
    """The path with every reference replaced by its number. KeyError where one is unknown."""
    return "/".join(_number(part, numbers) for part in path.split("/"))


def _number(part: str, numbers: Mapping[UUID, int]) -> str:
    m = REFERENCE.match(part)
    return str(numbers[UUID(m.group(1))]) if m else part


def resolved_body(value: Any, numbers: Mapping[UUID, int]) -> Any:
    """The body with every reference replaced by its number. KeyError where one is unknown."""
    if isinstance(value, str):
        m = REFERENCE.match(value)
        return numbers[UUID(m.group(1))] if m else value
    if isinstance(value, Mapping):
        return {key: resolved_body(one, numbers) for key, one in value.items()}
    if isinstance(value, list):
        return [resolved_body(one, numbers) for one in value]
    return value


def carried(version: int, steps: Iterable[Step]) -> int:
    """The version to ask for: the one seen, carried on by one's own later steps.

    Offline, three acts on one lead are all made on version 3. The first leads to 4, so the second must
    ask for 4. Only an unbroken chain carries: where somebody else came between, a step begins on a
    version that none of one's own ended with, and the last of one's own is stale – as it should be.
    """
    after = {step.before: step.after for step in steps if step.after > step.before}
    seen = version
    while seen in after:
        seen = after[seen]
    return seen


def skew(sent_at: datetime | None, now: datetime) -> int | None:
    """By how many seconds the phone's clock is ahead; None where it did not say."""
    return None if sent_at is None else round((sent_at - now).total_seconds())


def is_skewed(skew_s: int | None) -> bool:
    return skew_s is not None and abs(skew_s) > SKEW_FLAGGED.total_seconds()
