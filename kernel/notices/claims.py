"""Claiming: which rows a deliverer may send now, within rate and quiet hours (DESIGN.md §6)."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import structlog
from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet, Value

from kernel.clock import KernelNow
from kernel.notices import policy, sms, templates
from kernel.notices.models import OutboxMessage, Robot, SmsGateway, State
from kernel.notices.policy import QuietHours, Urgency

log = structlog.get_logger(__name__)

CLAIMED_AT_ONCE = 200
ROBOT_OFF = "机器人已停用"
GATEWAY_OFF = "短信网关已停用"


@dataclass(frozen=True)
class Claim:
    """Rows of one carrier that one deliverer holds, and how many of them each sending carries."""

    carrier: Robot | SmsGateway
    lease: str
    ids: list[int]
    sizes: list[int]

    @property
    def name(self) -> str:
        """For the log."""
        return f"robot:{self.carrier.pk}" if isinstance(self.carrier, Robot) else "sms"


def claim(robot_id: int | None) -> Claim | None:
    """Take a lease on due rows and the tokens to send them with; None where nothing may be sent now.

    What may wait is put off to the end of the quiet hours. What can never be sent (robot or gateway
    switched off, no gateway configured) is dropped with the reason.
    """
    with transaction.atomic():
        carrier = _locked(robot_id)
        if carrier is None:
            return None
        due = _due(robot_id)
        if (why := _never(carrier)) is not None:
            drop(due, why)
            return None
        at: datetime = carrier.moment
        tokens = policy.refilled(carrier.tokens, carrier.tokens_at, at, carrier.rate_per_minute)
        if tokens < 1:
            return None
        rows = list(due.select_for_update(skip_locked=True).order_by("available_at", "id")[:CLAIMED_AT_ONCE])
        ids = _awake(rows, quiet_hours(carrier), at)
        sizes = policy.sendings(len(ids), tokens) if robot_id is not None else policy.singly(len(ids), tokens)
        if not sizes:
            return None
        ids = ids[: sum(sizes)]
        lease = uuid.uuid4().hex
        OutboxMessage.objects.filter(id__in=ids).update(
            leased_by=lease, available_at=KernelNow() + Value(policy.LEASE)
        )
        _carriers(robot_id).update(tokens=tokens - len(sizes), tokens_at=at)
        return Claim(carrier, lease, ids, sizes)


def drop(rows: QuerySet[OutboxMessage], why: str) -> int:
    """These will not be sent; what was sealed for them is thrown away."""
    return rows.update(state=State.DROPPED, leased_by="", last_error=why, sealed="")


def quiet_hours(carrier: Robot | SmsGateway) -> QuietHours:
    """The carrier's own, else the house's."""
    if carrier.quiet_from is not None and carrier.quiet_until is not None:
        return QuietHours(carrier.quiet_from, carrier.quiet_until)
    return QuietHours.parse(settings.SUOSHE_QUIET_HOURS)


def _carriers(robot_id: int | None) -> QuerySet[Any]:
    return SmsGateway.objects.all() if robot_id is None else Robot.objects.filter(pk=robot_id)


def _locked(robot_id: int | None) -> Any:
    """The carrier's row, locked; None where another deliverer is claiming for it."""
    if robot_id is None:
        SmsGateway.objects.bulk_create([SmsGateway(pk=1)], ignore_conflicts=True)
    found = _carriers(robot_id).select_for_update(skip_locked=True, no_key=True)
    return found.annotate(moment=KernelNow()).first()


def _due(robot_id: int | None) -> QuerySet[OutboxMessage]:
    waiting = OutboxMessage.objects.of_carrier(robot_id)
    return waiting.filter(state=State.PENDING, available_at__lte=KernelNow())


def _never(carrier: Robot | SmsGateway) -> str | None:
    """Why nothing at all can be sent through it, now or later."""
    if isinstance(carrier, Robot):
        return None if carrier.is_active else ROBOT_OFF
    if not sms.configured():
        return sms.NO_GATEWAY
    return None if carrier.is_active else GATEWAY_OFF


def _awake(rows: list[OutboxMessage], hours: QuietHours, at: datetime) -> list[int]:
    """The rows that may be told now; in quiet hours the others are held until their end."""
    until = hours.end_after(at)
    if until is None:
        return [row.pk for row in rows]
    held = [row.pk for row in rows if _may_wait(row)]
    if held:
        OutboxMessage.objects.filter(id__in=held).update(available_at=until)
    return [row.pk for row in rows if row.pk not in set(held)]


def _may_wait(row: OutboxMessage) -> bool:
    """A template that fails to say how urgent it is holds nothing back."""
    try:
        return templates.urgency_of(row) == Urgency.NEWS
    except Exception:
        log.exception("notice_urgency_failed", template=row.template, message_id=row.pk)
        return False
