"""What happens when a lead's clock runs out: set-based, in the sweep's transaction (DESIGN.md §3, §4).

A warning tells the owner and the head; a breach raises one supervision order with two acknowledgement
clocks; silence on an order escalates it to the bureau; a night's lead is handed on at 08:30.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import connection

from kernel.deadlines import clocks, handlers, noting
from kernel.deadlines.arrays import literal
from kernel.deadlines.handlers import Fired
from kernel.deadlines.models import Deadline
from kernel.deadlines.policy import WorkingCalendar, by_day
from leads import charging, clock_notices, handing_back, order_digests, routing
from leads.acts import Act
from leads.clock_notices import (
    BACKUPS,
    BUREAU,
    BUREAU_WITHOUT_OFFICE,
    COMMUNITY_HEADS,
    DUTY,
    DUTY_LEADERS,
    HEADS,
    OWNER,
    WORKERS,
    Matter,
    of_leads,
    tell,
)
from leads.models import Lead
from leads.owner_clocks import morning_clock


def note(batch: Sequence[Fired], at: datetime) -> None:
    """Write into each lead's journal that this clock ran out, and tell other systems that want to know."""
    noting.note(batch, at, stream="lead")
    handing_back.tell_late(batch, at)


LOCK_LEADS = """
SELECT 1 FROM leads_lead WHERE id IN (
       SELECT unnest(%(leads)s::bigint[])
       UNION SELECT lead_id FROM leads_supervisionorder WHERE id = ANY(%(orders)s::bigint[])
       UNION SELECT w.lead_id FROM leads_whistle w JOIN leads_whistlecall c ON c.whistle_id = w.id
              WHERE c.id = ANY(%(calls)s::bigint[])
       UNION SELECT a.subject_id FROM approvals_approval a
              WHERE a.id = ANY(%(approvals)s::bigint[]) AND a.subject_kind = 'lead')
 ORDER BY id FOR NO KEY UPDATE
"""
LOCK_ORDERS = (
    "SELECT 1 FROM leads_supervisionorder WHERE id = ANY(%(orders)s::bigint[]) ORDER BY id FOR UPDATE"
)
KEPT_ON = 1000
"""Added to the cycle of `morning` for every further day that one owner keeps a lead."""
WARNINGS = frozenset(
    {"respond_80", "feedback_80", "same_day_80", "owner_respond_80", "final_80", "recheck_80"}
)


def lock_subjects(batch: Sequence[Fired]) -> None:
    """Lock every lead that a handler of this batch will write to, by id, then the orders, by id.

    A warning only tells and locks nothing. Two statements at most, whatever kinds the batch holds.
    """
    leads = {one.subject_id for one in batch if one.subject_kind == "lead" and one.kind not in WARNINGS}
    orders = {
        one.subject_id for one in batch if one.subject_kind == "order" and one.kind != order_digests.CLOCK
    }
    calls = {one.subject_id for one in batch if one.subject_kind == "whistle_call"}
    asked = {one.subject_id for one in batch if one.subject_kind == "approval"}
    params = {
        "leads": literal(sorted(leads)), "orders": literal(sorted(orders)), "calls": literal(sorted(calls)),
        "approvals": literal(sorted(asked)),
    }  # fmt: skip
    with connection.cursor() as cursor:
        if leads or orders or calls or asked:
            cursor.execute(LOCK_LEADS, params)
        if orders:
            cursor.execute(LOCK_ORDERS, params)


def warn(batch: Sequence[Fired], at: datetime) -> None:
    """催办 at 80 %: to the owner and his head; without an office the bureau."""
    tell(of_leads(batch), at, batch[0].kind, OWNER, HEADS, BUREAU_WITHOUT_OFFICE)


def desk_late(batch: Sequence[Fired], at: datetime) -> None:
    """Nobody placed it in 15 minutes: the head and the bureau are told."""
    note(batch, at)
    tell(of_leads(batch), at, "desk_late", HEADS, BUREAU)


def verify_late(batch: Sequence[Fired], at: datetime) -> None:
    """24 h after feedback: 催办 to the grid workers and to the community's head."""
    note(batch, at)
    tell(of_leads(batch), at, "verify", WORKERS, COMMUNITY_HEADS)


def verify_stead(batch: Sequence[Fired], at: datetime) -> None:
    """48 h after feedback: from now on the lead community's head may verify in their stead."""
    note(batch, at)
    tell(of_leads(batch), at, "verify_stead", COMMUNITY_HEADS)


def urgent_backup(batch: Sequence[Fired], at: datetime) -> None:
    note(batch, at)
    tell(of_leads(batch), at, "urgent_backup", OWNER, BACKUPS, HEADS)


def urgent_duty(batch: Sequence[Fired], at: datetime) -> None:
    note(batch, at)
    tell(of_leads(batch), at, "urgent_duty", OWNER, DUTY, HEADS)


def morning(batch: Sequence[Fired], at: datetime) -> None:
    """08:30: an open lead of the night is handed on to the grid's commissioner (交班).

    Where 08:30 begins no working day, to that day's duty officer, with a `morning` of his own. A lead that
    has found another owner since stays where it is.
    """
    cycles = {one.subject_id: one.cycle for one in batch}
    calendar = clocks.calendar()
    later: list[Deadline] = []
    note(batch, at)
    for lead in Lead.objects.filter(pk__in=cycles).order_by("id"):
        if lead.owner_cycle == cycles[lead.pk] % KEPT_ON:
            later += _end_of_night(Act(lead, None, at, []), cycles[lead.pk], calendar)
    clocks.arm(later)
    tell(of_leads(batch), at, "morning", OWNER)


def _end_of_night(act: Act, cycle: int, calendar: WorkingCalendar) -> list[Deadline]:
    """Hand on by the rule of dispatch, as if it were reported now; the next `morning`, where it needs one."""
    from leads.dispatch import hand_on

    lead = act.lead
    owner = routing.owner(act.people, act.at, calendar) if act.people else None
    if owner is None or owner.hands_on_at is None:
        hand_on(act, why="夜间值班结束", leaving_id=lead.assignee_id)
        return []
    if owner.user_id == lead.assignee_id:
        return [morning_clock(lead, act.at, owner.hands_on_at, cycle=cycle + KEPT_ON)]
    hand_on(act, why="值班交接", leaving_id=lead.assignee_id, to_id=owner.user_id)
    return [morning_clock(lead, act.at, owner.hands_on_at)] if lead.assignee_id == owner.user_id else []


# --- orders ----------------------------------------------------------------------------------------

RAISE = """
WITH raised AS (
    INSERT INTO leads_supervisionorder (lead_id, cause, cycle, late_side, charged_approval_id, raised_at)
    SELECT e.lead_id, %(cause)s, e.cycle, CASE WHEN asked.id IS NULL THEN 'office' ELSE 'approver' END,
           asked.id, %(at)s
      FROM unnest(%(leads)s::bigint[], %(cycles)s::int[], %(dues)s::timestamptz[])
               e(lead_id, cycle, due_at)
      LEFT JOIN LATERAL (
           SELECT last.id FROM (
                  SELECT a.id, a.state, a.due_at FROM approvals_approval a
                   WHERE a.subject_kind = 'lead' AND a.subject_id = e.lead_id
                     AND a.kind = ANY(%(charging)s::text[]) AND a.asked_at < e.due_at
                   ORDER BY a.id DESC LIMIT 1) last
            WHERE last.due_at <= e.due_at AND last.state IN ('waiting', 'lapsed')) asked ON true
     WHERE NOT %(unless_open)s OR NOT EXISTS (
           SELECT 1 FROM leads_supervisionorder o WHERE o.lead_id = e.lead_id AND o.state = 'open')
     ORDER BY e.lead_id, e.cycle
    ON CONFLICT (lead_id, cause, cycle) DO NOTHING
    RETURNING id, lead_id, cycle, charged_approval_id),
orders AS MATERIALIZED (
    SELECT r.id, r.lead_id, r.cycle, r.charged_approval_id,
           CASE WHEN l.severity = 'URGENT' OR (l.food AND l.severity = 'SERIOUS')
                THEN %(due_at_night)s::timestamptz
                WHEN m.by_digest THEN %(due_by_digest)s::timestamptz
                ELSE %(due_by_day)s::timestamptz END AS ack_due_at, m.by_digest
      FROM raised r JOIN leads_lead l ON l.id = r.lead_id
     CROSS JOIN LATERAL (SELECT l.severity = 'MINOR' AND NOT l.food
                                AND %(digest_at)s::timestamptz IS NOT NULL AS by_digest) m),
armed AS (
    INSERT INTO deadlines_deadline (subject_kind, subject_id, kind, cycle, armed_at, due_at, policy_version)
    SELECT 'order', o.id, side.kind, 1, %(at)s, o.ack_due_at, %(version)s
      FROM orders o CROSS JOIN (VALUES ('ack_office'), ('ack_community')) side(kind)
     UNION ALL
    SELECT 'order', o.id, 'digest', 1, %(at)s, %(digest_at)s::timestamptz, 1 FROM orders o WHERE o.by_digest),
noted AS (
    INSERT INTO journal_entry (stream, kind, actor_id, actor_name, at, data)
    SELECT 'lead:' || o.lead_id, 'order.raised', NULL, '系统', %(at)s,
           jsonb_build_object('order', o.id, 'cause', %(cause)s, 'ack_due_at', o.ack_due_at,
               'late', CASE WHEN o.charged_approval_id IS NULL THEN '所' ELSE '审批人' END,
               'approval', o.charged_approval_id)
      FROM orders o ORDER BY o.lead_id, o.cycle)
SELECT id, lead_id, cycle, ack_due_at, by_digest, charged_approval_id FROM orders
"""


def raise_orders(batch: Sequence[Fired], at: datetime) -> None:
    """One order a lead, cause and cycle, addressed to the office head and the community head.

    `owner_respond` raises one only where none is open. The heads hear of an order about a MINOR lead with
    the next summary (`leads.order_digests`). Every event is told to the owner as well, and
    where it raised no order to the head too, so that no event is without its outbox row.
    """
    note(batch, at)
    matters = _raise(batch, at)
    cause = batch[0].kind
    ordered = [one for one in matters if one.order_id is not None]
    others = [one for one in matters if one.order_id is None]
    charged = [one for one in ordered if one.approval_id is not None]
    for late, those in (("所", [one for one in ordered if one.approval_id is None]), ("审批人", charged)):
        at_once = [one for one in those if not one.by_digest]
        supervisors = (HEADS, DUTY_LEADERS, COMMUNITY_HEADS, BUREAU_WITHOUT_OFFICE)
        tell(at_once, at, f"order_{cause}", *supervisors, late=late)
    charging.tell_approvers(charged, at)
    tell(ordered, at, f"{cause}_late", OWNER)
    tell(others, at, f"{cause}_late", OWNER, HEADS, BUREAU_WITHOUT_OFFICE)


def _raise(batch: Sequence[Fired], at: datetime) -> list[Matter]:
    limit = clocks.limits(at)["ack"]
    span = timedelta(minutes=limit.amount)
    digest_at = order_digests.next_at(at)
    params: dict[str, Any] = {
        "at": at,
        "leads": literal(one.subject_id for one in batch),
        "cycles": literal(one.cycle for one in batch),
        "dues": literal(one.due_at for one in batch),
        "charging": charging.REQUESTS.get(batch[0].kind, []),
        "cause": batch[0].kind,
        "unless_open": batch[0].kind == "owner_respond",
        "due_at_night": by_day(at, span, pages_at_night=True),
        "due_by_day": by_day(at, span, pages_at_night=False),
        "due_by_digest": by_day(digest_at or at, span, pages_at_night=False),
        "digest_at": digest_at,
        "version": limit.version,
    }
    with connection.cursor() as cursor:
        cursor.execute(RAISE, params)
        raised = {(lead, cycle): (order, *how) for order, lead, cycle, *how in cursor.fetchall()}
    return [Matter(one, one.subject_id, *raised.get((one.subject_id, one.cycle), ())) for one in batch]


ESCALATE = """
WITH silent AS MATERIALIZED (
    SELECT e.event_id, o.id, o.lead_id, o.level
      FROM unnest(%(events)s::bigint[], %(orders)s::bigint[]) e(event_id, order_id)
      JOIN leads_supervisionorder o ON o.id = e.order_id),
raised AS (
    UPDATE leads_supervisionorder o SET level = 'bureau', escalated_at = %(at)s, version = o.version + 1
     WHERE o.id IN (SELECT id FROM silent WHERE level = 'office')),
noted AS (
    INSERT INTO journal_entry (stream, kind, actor_id, actor_name, at, data)
    SELECT 'lead:' || s.lead_id, 'order.escalated', NULL, '系统', %(at)s,
           jsonb_build_object('order', s.id, 'silent', %(kind)s)
      FROM silent s ORDER BY s.lead_id, s.event_id)
SELECT event_id, id, lead_id FROM silent
"""


def escalate(batch: Sequence[Fired], at: datetime) -> None:
    """A side stayed silent: the order rises to the bureau; bureau, both heads and the owner are told."""
    params: dict[str, Any] = {
        "at": at,
        "events": literal(one.deadline_id for one in batch),
        "orders": literal(one.subject_id for one in batch),
        "kind": batch[0].kind,
    }
    with connection.cursor() as cursor:
        cursor.execute(ESCALATE, params)
        found = {event: (lead, order) for event, order, lead in cursor.fetchall()}
    matters = [Matter(one, *found[one.deadline_id]) for one in batch]
    tell(matters, at, "order_escalated", OWNER, HEADS, COMMUNITY_HEADS, BUREAU)


def register() -> None:
    """Register every handler of this app (called once, at start-up)."""
    clock_notices.register()
    order_digests.register()
    handlers.lock_first(lock_subjects)
    for kind in sorted(WARNINGS):
        handlers.register("lead", kind, warn)
    for kind in ("respond", "feedback", "same_day", "owner_respond", "final", "recheck"):
        handlers.register("lead", kind, raise_orders)
    for kind, handler in (
        ("desk", desk_late),
        ("verify", verify_late),
        ("verify_stead", verify_stead),
        ("morning", morning),
        ("urgent_backup", urgent_backup),
        ("urgent_duty", urgent_duty),
    ):
        handlers.register("lead", kind, handler)
    for kind in ("ack_office", "ack_community"):
        handlers.register("order", kind, escalate)
