"""Delivery of webhooks: claim, commit, send outside any transaction, acknowledge.

Any number of deliverers may run and be killed at any point. A row is held by a lease and fenced by
lease and attempt, as notices are. Of one subject only the oldest pending row of an endpoint can be
claimed, so an endpoint hears its steps in order. An endpoint that fails is left alone for this round.
"""

from __future__ import annotations

import random
import time
import uuid
from dataclasses import dataclass
from typing import Any

import requests
import structlog
from django.db import connection
from django.db.models import Value

from kernel import sealed
from kernel.clock import KernelNow
from kernel.notices import policy, webhooks, wire
from kernel.notices.models import WebhookDelivery

log = structlog.get_logger(__name__)

AT_MOST = 200
"""So many in one round; the next round takes the rest."""
ROUND_S = 60.0
TIMEOUT_S = (3.05, 8.0)
State = WebhookDelivery.State

CLAIM = """
WITH due AS (
    SELECT d.id FROM notices_webhookdelivery d
      JOIN notices_webhookendpoint e ON e.id = d.endpoint_id AND e.is_active
     WHERE d.state = 'pending' AND d.available_at <= kernel_now()
       AND d.endpoint_id <> ALL(%(skip)s::bigint[])
       AND NOT EXISTS (
           SELECT 1 FROM notices_webhookdelivery x
            WHERE x.endpoint_id = d.endpoint_id AND x.subject_kind = d.subject_kind
              AND x.subject_id = d.subject_id AND x.state = 'pending' AND x.id < d.id)
     ORDER BY d.available_at, d.id LIMIT 1 FOR UPDATE OF d SKIP LOCKED)
UPDATE notices_webhookdelivery d
   SET leased_by = %(lease)s, attempts = d.attempts + 1, available_at = kernel_now() + %(for)s
  FROM due WHERE d.id = due.id RETURNING d.id
"""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a sending ended: `why` is empty where it was taken (2xx)."""

    why: str = ""
    status: int | None = None
    permanent: bool = False


def deliver_due() -> int:
    """One round; how many were delivered. Stops after `AT_MOST` sendings or `ROUND_S` seconds."""
    delivered, failed = 0, set[int]()
    began = time.monotonic()
    for _ in range(AT_MOST):
        if time.monotonic() - began > ROUND_S:
            break
        row = _claim(failed)
        if row is None:
            break
        outcome = _send(row)
        if outcome.why:
            failed.add(row.endpoint_id)
            _failed(row, outcome)
        else:
            delivered += _acknowledge(row, outcome)
    return delivered


def _claim(skip: set[int]) -> WebhookDelivery | None:
    params: dict[str, Any] = {"skip": sorted(skip), "lease": uuid.uuid4().hex, "for": policy.LEASE}
    with connection.cursor() as cursor:
        cursor.execute(CLAIM, params)
        found = cursor.fetchone()
    if found is None:
        return None
    return WebhookDelivery.objects.select_related("endpoint").get(pk=found[0])


def _send(row: WebhookDelivery) -> Outcome:
    endpoint = row.endpoint
    if not webhooks.is_listed(endpoint.url):
        return Outcome("接收地址的主机不在允许的名单中", permanent=True)
    try:
        secret = str(sealed.unseal_json(endpoint.secret_sealed))
    except sealed.SealBroken:
        return Outcome("签名密钥无法解密，请重新生成", permanent=True)
    try:
        body = wire.encoded(webhooks.render(row))
    except webhooks.Unwritable:
        return Outcome("内容不齐，无法按该报文格式生成", permanent=True)
    timestamp = str(wire.wall_ms() // 1000)
    headers = {
        "Content-Type": "application/json; charset=utf-8",
        "X-Timestamp": timestamp,
        "X-Signature": webhooks.signature(secret, timestamp, body),
        "X-Delivery-ID": str(row.pk),
        "X-Event": row.event,
    }
    return _post(endpoint.url, body, headers)


def _post(url: str, body: bytes, headers: dict[str, str]) -> Outcome:
    """One POST; of the answer only its status counts, and nothing more of it is read."""
    try:
        with requests.post(
            url, data=body, headers=headers, timeout=TIMEOUT_S, allow_redirects=False, stream=True
        ) as answer:
            status = answer.status_code
    except requests.ConnectTimeout:
        return Outcome("连接超时")
    except requests.ConnectionError:
        return Outcome("无法连接，或连接中断")
    except (requests.RequestException, ValueError):
        return Outcome("没有应答，或应答无法识别")
    if 200 <= status < 300:
        return Outcome(status=status)
    return Outcome(f"对方未接收（HTTP {status}）", status=status, permanent=status == 410)


def _mine(row: WebhookDelivery) -> Any:
    """The row, while it is still held by this very attempt."""
    return WebhookDelivery.objects.filter(
        pk=row.pk, state=State.PENDING, leased_by=row.leased_by, attempts=row.attempts
    )


def _acknowledge(row: WebhookDelivery, outcome: Outcome) -> int:
    done: int = _mine(row).update(
        state=State.DELIVERED,
        delivered_at=KernelNow(),
        response_status=outcome.status,
        last_error="",
        leased_by="",
    )
    return done


def _failed(row: WebhookDelivery, outcome: Outcome) -> None:
    """Put it back for later, each time longer and never all at once; or give it up after 12."""
    dead = outcome.permanent or row.attempts >= policy.LAST_ATTEMPT
    log.warning("webhook_not_delivered", endpoint=row.endpoint_id, delivery=row.pk, dead=dead)
    wait = policy.backoff(row.attempts, random.random())  # noqa: S311
    _mine(row).update(
        state=State.DEAD if dead else State.PENDING,
        available_at=KernelNow() + Value(wait),
        failed_at=KernelNow(),
        response_status=outcome.status,
        last_error=outcome.why[:300],
        leased_by="",
    )
