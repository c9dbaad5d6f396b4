"""Supervision orders of MINOR leads come as one summary, at a set time (DESIGN.md §6, docs/adr/0009).

Such an order is raised like any other, and its owner is told at once; the two heads are told of all of
them together, at the times of `SUOSHE_ORDER_DIGEST_AT` (Shanghai). The summary is a clock of the order
(`digest`), fired by the sweep like every other, so nothing forgets it; the two hours to acknowledge are
counted from it: nobody is silent about what he was not told.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, time, timedelta

from django.conf import settings
from django.db import connection

from kernel.deadlines import handlers
from kernel.deadlines.arrays import literal
from kernel.deadlines.handlers import Fired
from kernel.deadlines.policy import at_local, local
from kernel.notices import templates
from kernel.notices.models import OutboxMessage
from leads import clock_notices
from leads.clock_notices import BUREAU_WITHOUT_OFFICE, COMMUNITY_HEADS, DUTY_LEADERS, HEADS, Matter, tell

CLOCK = "digest"
TOPIC = "order_digest"

ORDERS = """
SELECT o.id, o.lead_id, max(d.due_at)
  FROM leads_supervisionorder o
  LEFT JOIN deadlines_deadline d
    ON d.subject_kind = 'order' AND d.subject_id = o.id AND d.kind IN ('ack_office', 'ack_community')
 WHERE o.id = ANY(%s::bigint[]) GROUP BY o.id, o.lead_id
"""


def times(text: str) -> list[time]:
    """`08:30,14:00` in order; empty: no summaries, every order is told at once.

    Raises:
        ValueError: one of them is no time of day.
    """
    return sorted(time.fromisoformat(one.strip()) for one in text.split(",") if one.strip())


def next_at(at: datetime) -> datetime | None:
    """When the next summary goes out, strictly after `at`; None where there are none."""
    slots = times(settings.SUOSHE_ORDER_DIGEST_AT)
    today = local(at).date()
    days = (today, today + timedelta(days=1))
    return next((moment for day in days for one in slots if (moment := at_local(day, one)) > at), None)


def told(batch: Sequence[Fired], at: datetime) -> None:
    """The summary is due: one notice to each head (and the day's duty leader) about all his orders."""
    with connection.cursor() as cursor:
        cursor.execute(ORDERS, [literal(one.subject_id for one in batch)])
        found = {order: (lead, due_at) for order, lead, due_at in cursor.fetchall()}
    matters = [
        Matter(one, found[one.subject_id][0], one.subject_id, found[one.subject_id][1]) for one in batch
    ]
    people = (HEADS, DUTY_LEADERS, COMMUNITY_HEADS, BUREAU_WITHOUT_OFFICE)
    tell(matters, at, TOPIC, *people, digest_above=0, digest=f"leads.{TOPIC}")


def _any_open(message: OutboxMessage) -> bool:
    from leads.models import SupervisionOrder

    return SupervisionOrder.objects.filter(
        lead=message.subject_id, state=SupervisionOrder.State.OPEN
    ).exists()


def register() -> None:
    """Register words and handler (called once, at start-up)."""
    clock_notices.WHAT[TOPIC] = "待督办签收"
    templates.register(
        f"leads.{TOPIC}",
        "一般线索督办汇总：{count} 件待签收",
        "最早的一件是 {number}，请于 {ack_due_at} 前签收，可在督办单列表中批量签收。",
        _any_open,
    )
    handlers.register("order", CLOCK, told)
