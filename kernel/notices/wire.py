"""One POST of JSON to a provider, and what an answer, or none, means for sending again.

Providers answer 200 with an error code in the body, so no status says that a message was taken: the
callers read the code. Keys and secrets lie in address and body; no failure here repeats either.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import requests
from urllib3.exceptions import MaxRetryError, NewConnectionError

from kernel.accounts.masking import mask_text
from kernel.notices.failures import SendFailure

TIMEOUT_S = (3.05, 8.0)
"""To connect, and to wait for each part of the answer."""


@dataclass(frozen=True)
class Answer:
    """What the other side said; `body` is None where it is no JSON object."""

    status: int
    body: dict[str, Any] | None

    def code(self, *names: str) -> int | None:
        """The number that stands under the first of these names that is there."""
        found = next((self.body[name] for name in names if name in self.body), None) if self.body else None
        try:
            return int(found)  # type: ignore[arg-type]
        except (TypeError, ValueError):
            return None

    def words(self, *names: str) -> str:
        """What the other side says about it, short and without numbers of persons."""
        found = next((str(self.body[name]) for name in names if self.body and self.body.get(name)), "")
        return mask_text(" ".join(found.split()))[:100]


def target(base: str, address: str) -> str:
    """Path and query of a row's address at the host that the settings name."""
    given = urlsplit(address.strip())
    path = "/" + given.path.lstrip("/")
    return base.rstrip("/") + path + (f"?{given.query}" if given.query else "")


def wall_ms() -> int:
    """The wall's milliseconds, which a provider checks signatures against; never the house's own clock."""
    return time.time_ns() // 1_000_000


def encoded(body: Mapping[str, Any]) -> bytes:
    """JSON as it is sent (and signed)."""
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()


def post(url: str, body: bytes, *, who: str, headers: Mapping[str, str] | None = None) -> Answer:
    """Send and read the answer. `who` names the other side in the reason of a failure.

    Raises:
        SendFailure: nobody answered, or the answer was 429 or a failure of the other side (5xx).
    """
    sent = {"Content-Type": "application/json; charset=utf-8", **(headers or {})}
    try:
        answer = requests.post(url, data=body, headers=sent, timeout=TIMEOUT_S, allow_redirects=False)
    except requests.ConnectTimeout:
        raise SendFailure(f"连接{who}超时") from None
    except requests.ConnectionError as failure:
        raise SendFailure(f"无法连接{who}", maybe_sent=not _never_connected(failure)) from None
    except requests.RequestException:
        raise SendFailure(f"{who}没有应答", maybe_sent=True) from None
    if answer.status_code == 429:
        raise SendFailure(f"{who}限流（HTTP 429）", slow_down=True)
    if answer.status_code >= 500:
        raise SendFailure(f"{who}故障（HTTP {answer.status_code}）", maybe_sent=True)
    try:
        read = answer.json()
    except ValueError:
        read = None
    return Answer(answer.status_code, read if isinstance(read, dict) else None)


def refused(answer: Answer, *, who: str) -> SendFailure:
    """The failure of an answer that carries no code to go by."""
    if answer.status == 200:
        return SendFailure(f"{who}的应答无法识别", maybe_sent=True)
    return SendFailure(f"{who}拒绝（HTTP {answer.status}）", permanent=True)


def _never_connected(failure: requests.ConnectionError) -> bool:
    cause = failure.args[0] if failure.args else None
    return isinstance(cause, MaxRetryError) and isinstance(cause.reason, NewConnectionError)
