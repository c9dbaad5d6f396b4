"""Delivery to chat groups: claim, commit, send outside any transaction, acknowledge (DESIGN.md §6).

Any number of deliverers may run, and any may be killed at any point. A row is held by a lease
(`leased_by`, until `available_at`); every later statement about it is fenced by that lease and by the
number of the attempt, so a deliverer that was away too long changes nothing. Sending is at least once;
a repeat that may be a second copy says so (重发).
"""

from __future__ import annotations

import random
import uuid
from dataclasses import dataclass
from typing import Any

import structlog
from django.db import connection, transaction
from django.db.models import F, Q, Value

from kernel.clock import KernelNow
from kernel.notices import policy, senders, templates, wecom
from kernel.notices.failures import SendFailure
from kernel.notices.models import OutboxMessage, Robot, State
from kernel.notices.templates import Text

log = structlog.get_logger(__name__)

CLAIMED_AT_ONCE = 200
REPEATED = "（重发）"

_ACKNOWLEDGED = """
UPDATE notices_outboxmessage
SET state = 'delivered', delivered_at = kernel_now(), leased_by = '', last_error = ''
FROM unnest(%s::bigint[], %s::int[]) AS sent(id, attempt)
WHERE notices_outboxmessage.id = sent.id AND state = 'pending' AND leased_by = %s AND attempts = sent.attempt
"""


@dataclass(frozen=True)
class Claim:
    """Rows of one robot that one deliverer holds, and how many of them each sending carries."""

    robot: Robot
    lease: str
    ids: list[int]
    sizes: list[int]


def deliver_due() -> int:
    """One round over every robot that has something due; answers how many rows were delivered."""
    due = OutboxMessage.objects.filter(state=State.PENDING, available_at__lte=KernelNow()).order_by()
    return sum(deliver_to(robot_id) for robot_id in due.values_list("robot_id", flat=True).distinct())


def deliver_to(robot_id: int) -> int:
    """Claim what is due for one robot and send it; after a failure the rest waits as long as the failed.

    A robot that another deliverer is claiming for is left to it. Answers how many rows were delivered.
    """
    held = claim(robot_id)
    if held is None:
        return 0
    delivered, start = 0, 0
    for size in held.sizes:
        told = _send(held, held.ids[start : start + size])
        start += size
        if told is None:
            _give_back(held, held.ids[start:])
            break
        delivered += told
    return delivered


def claim(robot_id: int) -> Claim | None:
    """Take a lease on due rows and the tokens to send them with; None where nothing may be sent now."""
    with transaction.atomic():
        robot = (
            Robot.objects.select_for_update(skip_locked=True, no_key=True)
            .annotate(moment=KernelNow())
            .filter(pk=robot_id)
            .first()
        )
        if robot is None:
            return None
        due = OutboxMessage.objects.filter(robot=robot, state=State.PENDING, available_at__lte=KernelNow())
        if not robot.is_active:
            due.update(state=State.DROPPED, leased_by="", last_error="机器人已停用")
            return None
        tokens = policy.refilled(robot.tokens, robot.tokens_at, robot.moment, robot.rate_per_minute)
        rows = due.select_for_update(skip_locked=True).order_by("available_at", "id")
        ids = list(rows.values_list("id", flat=True)[:CLAIMED_AT_ONCE]) if tokens >= 1 else []
        sizes = policy.sendings(len(ids), tokens)
        if not sizes:
            return None
        lease = uuid.uuid4().hex
        OutboxMessage.objects.filter(id__in=ids).update(
            leased_by=lease, available_at=KernelNow() + Value(policy.LEASE)
        )
        Robot.objects.filter(pk=robot.pk).update(tokens=tokens - len(sizes), tokens_at=robot.moment)
        return Claim(robot, lease, ids, sizes)


def _send(held: Claim, ids: list[int]) -> int | None:
    """Send some rows in one message; how many were delivered, or None where the robot failed."""
    rows = _still_wanted(held, ids)
    attempts = _begin(held, [row.pk for row in rows])
    rows = [row for row in rows if row.pk in attempts]
    if not rows:
        return 0
    texts = [_text(row) for row in rows]
    try:
        senders.send(held.robot, texts)
    except SendFailure as failure:
        _failed(held, rows, attempts, failure)
        return None
    with connection.cursor() as cursor:
        cursor.execute(_ACKNOWLEDGED, [list(attempts), list(attempts.values()), held.lease])
        return cursor.rowcount


def _still_wanted(held: Claim, ids: list[int]) -> list[OutboxMessage]:
    """Read the rows and their stop conditions again; what is no longer news is dropped."""
    mine = OutboxMessage.objects.filter(id__in=ids, leased_by=held.lease, state=State.PENDING)
    rows: list[Any] = list(mine.annotate(expired=Q(expires_at__lte=KernelNow())).order_by("id"))
    wanted = [row for row in rows if not row.expired and _wanted(row)]
    unwanted = [row.pk for row in rows if row not in wanted]
    if unwanted:
        mine.filter(id__in=unwanted).update(state=State.DROPPED, leased_by="")
    return wanted


def _wanted(row: OutboxMessage) -> bool:
    """A stop condition that fails to answer stops nothing: a page too many beats one too few."""
    try:
        return templates.still_wanted(row)
    except Exception:
        log.exception("notice_stop_condition_failed", template=row.template, message_id=row.pk)
        return True


def _begin(held: Claim, ids: list[int]) -> dict[int, int]:
    """Renew the lease and write down that sending begins; rows whose lease is lost are left out."""
    if not ids:
        return {}
    with transaction.atomic():
        mine = OutboxMessage.objects.filter(id__in=ids, leased_by=held.lease, state=State.PENDING)
        mine.update(
            attempts=F("attempts") + 1,
            maybe_sent=True,
            available_at=KernelNow() + Value(policy.LEASE),
        )
        return dict(mine.order_by("id").values_list("id", "attempts"))


def _text(row: OutboxMessage) -> Text:
    text = templates.render(row.template, row.params, quote=wecom.defused)
    return Text(text.title + REPEATED, text.body) if row.maybe_sent else text


def _failed(held: Claim, rows: list[OutboxMessage], attempts: dict[int, int], failure: SendFailure) -> None:
    """Give the rows back to a later round, each with its own wait, or give them up."""
    log.warning("notice_not_sent", robot_id=held.robot.pk, rows=len(rows), reason=failure.reason)
    spread = random.random()  # noqa: S311
    for row in rows:
        attempt = attempts[row.pk]
        dead = failure.permanent or attempt >= policy.LAST_ATTEMPT
        OutboxMessage.objects.filter(
            pk=row.pk, leased_by=held.lease, state=State.PENDING, attempts=attempt
        ).update(
            state=State.DEAD if dead else State.PENDING,
            available_at=KernelNow() + Value(policy.backoff(attempt, spread)),
            maybe_sent=row.maybe_sent or failure.maybe_sent,
            last_error=failure.reason[:300],
            leased_by="",
        )
    if failure.slow_down:
        Robot.objects.filter(pk=held.robot.pk).update(tokens=0.0, tokens_at=KernelNow())


def _give_back(held: Claim, ids: list[int]) -> None:
    """Rows that were claimed behind a failure: not tried, so they wait a little and count no attempt."""
    if ids:
        OutboxMessage.objects.filter(id__in=ids, leased_by=held.lease, state=State.PENDING).update(
            leased_by="", available_at=KernelNow() + Value(policy.backoff(1, 0.0))
        )
