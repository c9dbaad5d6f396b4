"""Delivery to chat groups and telephones: claim, commit, send outside any transaction, acknowledge.

Any number of deliverers may run, and any may be killed at any point. A row is held by a lease
(`leased_by`, until `available_at`); every later statement about it is fenced by that lease and by the
number of the attempt, so a deliverer that was away too long changes nothing. Sending is at least once;
a repeat that may be a second copy says so (重发). DESIGN.md §6.
"""

from __future__ import annotations

import random
from datetime import timedelta
from typing import Any

import structlog
from django.db import connection, transaction
from django.db.models import F, Q, Value

from kernel.clock import KernelNow
from kernel.notices import digests, parcels, policy, senders, templates
from kernel.notices.claims import Claim, claim, drop
from kernel.notices.failures import SendFailure
from kernel.notices.models import OutboxMessage, Robot, State
from kernel.notices.templates import Text

log = structlog.get_logger(__name__)

REPEATED = "（重发）"
OVER = "已失去时效，不再发送"
NO_NEWS = "事项已有进展，不再提醒"

_ACKNOWLEDGED = """
UPDATE notices_outboxmessage
SET state = 'delivered', delivered_at = kernel_now(), leased_by = '', last_error = '', sealed = ''
FROM unnest(%s::bigint[], %s::int[]) AS sent(id, attempt)
WHERE notices_outboxmessage.id = sent.id AND state = 'pending' AND leased_by = %s AND attempts = sent.attempt
"""


def deliver_due() -> int:
    """One round over every robot and the SMS gateway, where something is due; how many were delivered."""
    due = OutboxMessage.objects.filter(state=State.PENDING, available_at__lte=KernelNow()).order_by()
    return sum(deliver_to(robot_id) for robot_id in due.values_list("robot_id", flat=True).distinct())


def deliver_to(robot_id: int | None) -> int:
    """Claim what is due for one robot (None: the SMS gateway) and send it.

    After a failure the rest waits as long as the failed, unless the failure was about that message
    alone. A carrier that another deliverer is claiming for is left to it. How many were delivered.
    """
    held = claim(robot_id)
    if held is None:
        return 0
    delivered, start = 0, 0
    for size in held.sizes:
        told = _send(held, held.ids[start : start + size])
        start += size
        if told is None:
            _give_back(held, held.ids[start:], after=policy.backoff(1, 0.0))
            break
        delivered += told
    return delivered


def _send(held: Claim, ids: list[int]) -> int | None:
    """Send some rows in one message; how many were delivered, or None where the carrier failed."""
    rows = _that_fit(held, _still_wanted(held, ids))
    attempts = _begin(held, [row.pk for row in rows])
    rows = [row for row in rows if row.pk in attempts]
    if not rows:
        return 0
    try:
        if isinstance(held.carrier, Robot):
            senders.send(held.carrier, [_text(row) for row in rows])
        else:
            for row in rows:
                parcels.send(row)
    except SendFailure as failure:
        _failed(held, rows, attempts, failure)
        return 0 if failure.only_this else None
    with connection.cursor() as cursor:
        cursor.execute(_ACKNOWLEDGED, [list(attempts), list(attempts.values()), held.lease])
        return cursor.rowcount


def _still_wanted(held: Claim, ids: list[int]) -> list[OutboxMessage]:
    """Read the rows and their stop conditions again; what is no longer news is dropped."""
    mine = OutboxMessage.objects.filter(id__in=ids, leased_by=held.lease, state=State.PENDING)
    read = mine.select_related("sms_user").annotate(expired=Q(expires_at__lte=KernelNow()))
    rows: list[Any] = list(read.order_by("id"))
    expired = [row.pk for row in rows if row.expired]
    nobody = [row.pk for row in rows if not row.expired and parcels.has_nobody(row)]
    left = [row for row in rows if row.pk not in {*expired, *nobody}]
    unwanted = [row.pk for row in left if not _wanted(row)]
    for these, why in ((expired, OVER), (nobody, parcels.NO_NUMBER), (unwanted, NO_NEWS)):
        if these:
            drop(mine.filter(id__in=these), why)
    return [row for row in left if row.pk not in set(unwanted)]


def _wanted(row: OutboxMessage) -> bool:
    """A stop condition that fails to answer stops nothing: a page too many beats one too few."""
    try:
        return templates.still_wanted(row)
    except Exception:
        log.exception("notice_stop_condition_failed", template=row.template, message_id=row.pk)
        return True


def _that_fit(held: Claim, rows: list[OutboxMessage]) -> list[OutboxMessage]:
    """As many as one message of a group holds; the rest goes with the next, its attempt not begun."""
    if len(rows) < 2:
        return rows
    carried = senders.fitting([_text(row) for row in rows])
    _give_back(held, [row.pk for row in rows[carried:]], after=timedelta())
    return rows[:carried]


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
    text = templates.render(row.template, row.params, quote=digests.defused)
    return Text(text.title + REPEATED, text.body) if row.maybe_sent else text


def _failed(held: Claim, rows: list[OutboxMessage], attempts: dict[int, int], failure: SendFailure) -> None:
    """Give the rows back to a later round, each with its own wait, or give them up."""
    log.warning("notice_not_sent", carrier=held.name, rows=len(rows), reason=failure.reason)
    spread = random.random()  # noqa: S311
    for row in rows:
        attempt = attempts[row.pk]
        dead = failure.permanent or attempt >= policy.LAST_ATTEMPT
        OutboxMessage.objects.filter(
            pk=row.pk, leased_by=held.lease, state=State.PENDING, attempts=attempt
        ).update(
            state=State.DEAD if dead else State.PENDING,
            available_at=KernelNow() + Value(max(policy.backoff(attempt, spread), failure.wait)),
            maybe_sent=row.maybe_sent or failure.maybe_sent,
            failed_at=KernelNow(),
            last_error=failure.reason[:300],
            leased_by="",
        )
    if failure.slow_down:
        type(held.carrier)._default_manager.filter(pk=held.carrier.pk).update(
            tokens=0.0, tokens_at=KernelNow() + Value(failure.wait)
        )


def _give_back(held: Claim, ids: list[int], *, after: timedelta) -> None:
    """Rows that were claimed and not tried: they count no attempt."""
    if ids:
        OutboxMessage.objects.filter(id__in=ids, leased_by=held.lease, state=State.PENDING).update(
            leased_by="", available_at=KernelNow() + Value(after)
        )
