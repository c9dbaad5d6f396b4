"""Is a notice about a lead still news, and may it wait for the morning? Asked just before sending.

An answered lead pages nobody (DESIGN.md §6). Every question reads the present rows, never the notice's
own words; a lead that is closed, rejected or merged has nothing left to remind of.
"""

from __future__ import annotations

from django.db.models import Q

from kernel import clock
from kernel.deadlines import clocks
from kernel.deadlines import policy as arithmetic
from kernel.deadlines.models import Deadline
from kernel.deadlines.policy import Counting
from kernel.notices.models import OutboxMessage
from kernel.notices.policy import Urgency
from kernel.notices.templates import StillWanted
from leads import policy
from leads.models import Lead, Severity, SupervisionOrder
from leads.states import OPEN, State

__all__ = ["lead_is", "order_is_open", "pages", "reminder", "urgency_of_dispatch", "urgency_of_order"]

PAGING = Q(severity=Severity.URGENT) | Q(food=True, severity=Severity.SERIOUS)
"""At night only URGENT and food that is SERIOUS page anyone (DOMAIN.md §3)."""

WAITS_FOR = {
    "respond": Q(first_responded_at__isnull=True),
    "owner_respond": Q(state=State.DISPATCHED),
    "feedback": Q(fed_back_at__isnull=True),
    "same_day": Q(controlled_at__isnull=True),
    "final": Q(fed_back_at__isnull=True),
}
"""What each clock of an open lead waits for."""


def pages(lead: Lead) -> bool:
    """Does this lead page people at any hour?"""
    return lead.severity == Severity.URGENT or (lead.food and lead.severity == Severity.SERIOUS)


def lead_is(*states: State) -> StillWanted:
    """Wanted while the lead is in one of these states."""

    def wanted(message: OutboxMessage) -> bool:
        return Lead.objects.filter(pk=message.subject_id, state__in=states).exists()

    return wanted


def reminder(kind: str) -> StillWanted | None:
    """Wanted while the lead is open and has not done what this clock waits for."""
    if kind not in WAITS_FOR:
        return None

    def wanted(message: OutboxMessage) -> bool:
        found = Lead.objects.filter(WAITS_FOR[kind], pk=message.subject_id, state__in=OPEN)
        return found.exists()

    return wanted


def order_is_open(message: OutboxMessage) -> bool:
    """Wanted until the order is lifted."""
    order_id = message.params.get("order")
    return SupervisionOrder.objects.filter(pk=order_id, state=SupervisionOrder.State.OPEN).exists()


def urgency_of_order(message: OutboxMessage) -> Urgency:
    """The two hours of an order begin at 08:30 unless its lead pages at night."""
    urgent = Lead.objects.filter(PAGING, pk=message.subject_id).exists()
    return Urgency.URGENT if urgent else Urgency.NEWS


def urgency_of_dispatch(message: OutboxMessage) -> Urgency:
    """A running response clock is told at any hour; one that stands still (paused, or counting office
    hours only) waits with its group for the morning."""
    lead = Lead.objects.filter(pk=message.subject_id).first()
    if lead is None:
        return Urgency.NEWS
    if pages(lead):
        return Urgency.URGENT
    running = Deadline.objects.filter(
        subject_kind="lead", subject_id=lead.pk, kind__in=("respond", "owner_respond"),
        state=Deadline.State.RUNNING,
    )  # fmt: skip
    return Urgency.CLOCK if running.exists() and _counts_now(lead) else Urgency.NEWS


def _counts_now(lead: Lead) -> bool:
    at = clock.now()
    limit = policy.respond_limit(clocks.limits(at)["respond"], severity=lead.severity, food=lead.food)
    return limit.counting is Counting.NATURAL or arithmetic.is_duty_time(at, clocks.calendar())
