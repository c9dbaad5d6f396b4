"""What happens when a lead's clock runs out: set-based, in the sweep's transaction (DESIGN.md §3, §4).

A warning tells the owner and the head; a breach raises one supervision order with two acknowledgement
clocks; silence on an order escalates it to the bureau; a night's lead is handed on at 08:30.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import connection

from kernel.deadlines import clocks, handlers
from kernel.deadlines.handlers import Fired
from kernel.deadlines.policy import by_day
from leads.acts import Act
from leads.models import Lead

# People of a lead, as a set-based fragment: l is the lead's row, answers (person).
_ACTIVE = "p.starts_at <= %(at)s AND (p.ends_at IS NULL OR p.ends_at > %(at)s)"
OWNER = "SELECT l.assignee_id AS person"
HEADS = f"SELECT p.user_id FROM grids_posting p WHERE p.role = 'OFFICE_HEAD' AND p.office_id = l.office_id AND {_ACTIVE}"
COMMUNITY_HEADS = (
    "SELECT p.user_id FROM grids_posting p JOIN grids_grid g ON g.id = l.grid_id"
    f" WHERE p.role = 'COMMUNITY_HEAD' AND p.community_id = g.lead_community_id AND {_ACTIVE}"
)
WORKERS = f"SELECT p.user_id FROM grids_posting p WHERE p.role = 'GRID_WORKER' AND p.grid_id = l.grid_id AND {_ACTIVE}"
BACKUPS = (
    "SELECT p.backup_id FROM grids_posting p"
    f" WHERE p.role = 'COMMISSIONER' AND p.grid_id = l.grid_id AND p.user_id = l.assignee_id AND {_ACTIVE}"
)
DUTY = (
    "SELECT d.user_id FROM grids_dutyshift d WHERE d.role = 'DUTY_OFFICER' AND d.office_id = l.office_id"
    " AND d.day = ((%(at)s AT TIME ZONE 'Asia/Shanghai') - interval '8 hours 30 minutes')::date"
)
BUREAU_WITHOUT_OFFICE = (
    f"SELECT p.user_id FROM grids_posting p WHERE p.role = 'BUREAU' AND l.office_id IS NULL AND {_ACTIVE}"
)
BUREAU = f"SELECT p.user_id FROM grids_posting p WHERE p.role = 'BUREAU' AND {_ACTIVE}"

TELL = """
INSERT INTO notices_outboxmessage
       (dedupe_key, recipient_id, template, params, subject_kind, subject_id, created_at, available_at, state)
SELECT 'event:' || e.id || ':user:' || who.person, who.person, %(template)s,
       jsonb_build_object('number', l.number, 'category', c.name, 'due_at', e.due_at, 'stage', e.kind),
       'lead', l.id, %(at)s, %(at)s, 'delivered'
  FROM deadlines_event e JOIN leads_lead l ON l.id = e.subject_id JOIN leads_category c ON c.code = l.category_id
 CROSS JOIN LATERAL ({people}) who(person)
 WHERE e.id = ANY(%(events)s) AND who.person IS NOT NULL
ON CONFLICT (dedupe_key) DO NOTHING
"""

NOTE = """
INSERT INTO journal_entry (stream, kind, actor_id, actor_name, at, data)
SELECT 'lead:' || e.subject_id, 'clock.' || e.kind, NULL, '系统', %(at)s,
       jsonb_build_object('due_at', e.due_at, 'cycle', e.cycle)
  FROM deadlines_event e WHERE e.id = ANY(%(events)s) ORDER BY e.subject_id, e.id
"""


def _tell(batch: Sequence[Fired], at: datetime, template: str, *people: str) -> None:
    params: dict[str, Any] = {"template": template, "at": at, "events": [one.event_id for one in batch]}
    with connection.cursor() as cursor:
        cursor.execute(TELL.format(people=" UNION ".join(people)), params)


def _note(batch: Sequence[Fired], at: datetime) -> None:
    with connection.cursor() as cursor:
        cursor.execute(NOTE, {"at": at, "events": [one.event_id for one in batch]})


LOCK_LEADS = """
SELECT 1 FROM leads_lead WHERE id IN (
       SELECT unnest(%(leads)s::bigint[])
       UNION SELECT lead_id FROM leads_supervisionorder WHERE id = ANY(%(orders)s::bigint[]))
 ORDER BY id FOR NO KEY UPDATE
"""
LOCK_ORDERS = (
    "SELECT 1 FROM leads_supervisionorder WHERE id = ANY(%(orders)s::bigint[]) ORDER BY id FOR UPDATE"
)
WARNINGS = frozenset({"respond_80", "feedback_80", "same_day_80", "owner_respond_80"})


def lock_subjects(batch: Sequence[Fired]) -> None:
    """Lock every lead that a handler of this batch will write to, by id, then the orders, by id.

    A warning only tells and locks nothing. Two statements at most, whatever kinds the batch holds.
    """
    leads = {one.subject_id for one in batch if one.subject_kind == "lead" and one.kind not in WARNINGS}
    orders = {one.subject_id for one in batch if one.subject_kind == "order"}
    params = {"leads": sorted(leads), "orders": sorted(orders)}
    with connection.cursor() as cursor:
        if leads or orders:
            cursor.execute(LOCK_LEADS, params)
        if orders:
            cursor.execute(LOCK_ORDERS, params)


def warn(batch: Sequence[Fired], at: datetime) -> None:
    """催办 at 80 %: to the owner and his head; on the desk there is no owner, without an office the bureau."""
    _tell(batch, at, f"leads.{batch[0].kind}", OWNER, HEADS, BUREAU_WITHOUT_OFFICE)


def desk_late(batch: Sequence[Fired], at: datetime) -> None:
    """Nobody placed it in 15 minutes: the head and the bureau are told."""
    _note(batch, at)
    _tell(batch, at, "leads.desk_late", HEADS, BUREAU)


def verify_late(batch: Sequence[Fired], at: datetime) -> None:
    """24 h after feedback: 催办 to the grid workers and to the community's head."""
    _note(batch, at)
    _tell(batch, at, "leads.verify", WORKERS, COMMUNITY_HEADS)


def verify_stead(batch: Sequence[Fired], at: datetime) -> None:
    """48 h after feedback: from now on the lead community's head may verify in their stead."""
    _note(batch, at)
    _tell(batch, at, "leads.verify_stead", COMMUNITY_HEADS)


def urgent_backup(batch: Sequence[Fired], at: datetime) -> None:
    _note(batch, at)
    _tell(batch, at, "leads.urgent_backup", OWNER, BACKUPS, HEADS)


def urgent_duty(batch: Sequence[Fired], at: datetime) -> None:
    _note(batch, at)
    _tell(batch, at, "leads.urgent_duty", OWNER, DUTY, HEADS)


def morning(batch: Sequence[Fired], at: datetime) -> None:
    """08:30: an open lead of the night is handed on to the grid's commissioner (交班)."""
    from leads.dispatch import hand_on

    cycles = {one.subject_id: one.cycle for one in batch}
    _note(batch, at)
    for lead in Lead.objects.filter(pk__in=cycles).order_by("id"):
        if lead.owner_cycle == cycles[lead.pk]:
            hand_on(Act(lead, None, at, []), why="夜间值班结束", leaving_id=lead.assignee_id)
    _tell(batch, at, "leads.morning", OWNER)


# --- orders ----------------------------------------------------------------------------------------

RAISE = """
WITH raised AS (
    INSERT INTO leads_supervisionorder (lead_id, cause, cycle, late_side, raised_at)
    SELECT e.subject_id, e.kind, e.cycle, 'office', %(at)s
      FROM deadlines_event e JOIN leads_lead l ON l.id = e.subject_id
     WHERE e.id = ANY(%(events)s) AND (NOT %(unless_open)s OR NOT EXISTS (
           SELECT 1 FROM leads_supervisionorder o WHERE o.lead_id = l.id AND o.state = 'open'))
     ORDER BY e.subject_id
    ON CONFLICT (lead_id, cause, cycle) DO NOTHING
    RETURNING id, lead_id, cause),
orders AS (
    SELECT r.id, r.lead_id, r.cause, l.number, l.category_id, l.office_id, l.grid_id, l.assignee_id,
           CASE WHEN l.severity = 'URGENT' OR (l.food AND l.severity = 'SERIOUS')
                THEN %(due_at_night)s::timestamptz ELSE %(due_by_day)s::timestamptz END AS ack_due_at
      FROM raised r JOIN leads_lead l ON l.id = r.lead_id),
armed AS (
    INSERT INTO deadlines_deadline (subject_kind, subject_id, kind, cycle, armed_at, due_at, policy_version)
    SELECT 'order', o.id, side.kind, 1, %(at)s, o.ack_due_at, %(version)s
      FROM orders o CROSS JOIN (VALUES ('ack_office'), ('ack_community')) side(kind)),
noted AS (
    INSERT INTO journal_entry (stream, kind, actor_id, actor_name, at, data)
    SELECT 'lead:' || o.lead_id, 'order.raised', NULL, '系统', %(at)s,
           jsonb_build_object('order', o.id, 'cause', o.cause, 'late', '所', 'ack_due_at', o.ack_due_at)
      FROM orders o ORDER BY o.lead_id)
INSERT INTO notices_outboxmessage
       (dedupe_key, recipient_id, template, params, subject_kind, subject_id, created_at, available_at, state)
SELECT 'order:' || l.id || ':raised:user:' || who.person, who.person, 'leads.order_' || l.cause,
       jsonb_build_object('number', l.number, 'category', c.name, 'late', '所', 'ack_due_at', l.ack_due_at, 'order', l.id),
       'lead', l.lead_id, %(at)s, %(at)s, 'delivered'
  FROM orders l JOIN leads_category c ON c.code = l.category_id
 CROSS JOIN LATERAL ({people}) who(person)
 WHERE who.person IS NOT NULL
ON CONFLICT (dedupe_key) DO NOTHING
"""


def raise_orders(batch: Sequence[Fired], at: datetime) -> None:
    """One order a lead, cause and cycle, addressed to the office head and the community head.

    `owner_respond` raises one only where none is open. Every event is told to the owner as well, so
    that no event is without its outbox row even where an order stands already.
    """
    _note(batch, at)
    limit = clocks.limits(at)["ack"]
    span = timedelta(minutes=limit.amount)
    params: dict[str, Any] = {
        "at": at,
        "events": [one.event_id for one in batch],
        "unless_open": batch[0].kind == "owner_respond",
        "due_at_night": by_day(at, span, pages_at_night=True),
        "due_by_day": by_day(at, span, pages_at_night=False),
        "version": limit.version,
    }
    with connection.cursor() as cursor:
        cursor.execute(
            RAISE.format(people=" UNION ".join([HEADS, COMMUNITY_HEADS, BUREAU_WITHOUT_OFFICE])), params
        )
    _tell(batch, at, f"leads.{batch[0].kind}_late", OWNER, HEADS, BUREAU_WITHOUT_OFFICE)


ESCALATE = """
WITH silent AS (
    SELECT e.id AS event_id, e.kind, o.id, o.lead_id, o.level
      FROM deadlines_event e JOIN leads_supervisionorder o ON o.id = e.subject_id
     WHERE e.id = ANY(%(events)s)),
raised AS (
    UPDATE leads_supervisionorder o SET level = 'bureau', escalated_at = %(at)s, version = o.version + 1
     WHERE o.id IN (SELECT id FROM silent WHERE level = 'office')),
noted AS (
    INSERT INTO journal_entry (stream, kind, actor_id, actor_name, at, data)
    SELECT 'lead:' || s.lead_id, 'order.escalated', NULL, '系统', %(at)s,
           jsonb_build_object('order', s.id, 'silent', s.kind)
      FROM silent s ORDER BY s.lead_id, s.event_id)
INSERT INTO notices_outboxmessage
       (dedupe_key, recipient_id, template, params, subject_kind, subject_id, created_at, available_at, state)
SELECT 'event:' || s.event_id || ':user:' || who.person, who.person, 'leads.order_escalated',
       jsonb_build_object('number', l.number, 'side', CASE s.kind WHEN 'ack_office' THEN '所' ELSE '社' END, 'order', s.id),
       'lead', l.id, %(at)s, %(at)s, 'delivered'
  FROM silent s JOIN leads_lead l ON l.id = s.lead_id
 CROSS JOIN LATERAL ({people}) who(person)
 WHERE who.person IS NOT NULL
ON CONFLICT (dedupe_key) DO NOTHING
"""


def escalate(batch: Sequence[Fired], at: datetime) -> None:
    """A side stayed silent: the order rises to the bureau; bureau, both heads and the owner are told."""
    params: dict[str, Any] = {"at": at, "events": [one.event_id for one in batch]}
    with connection.cursor() as cursor:
        cursor.execute(ESCALATE.format(people=" UNION ".join([BUREAU, HEADS, COMMUNITY_HEADS])), params)


def register() -> None:
    """Register every handler of this app (called once, at start-up)."""
    handlers.lock_first(lock_subjects)
    for kind in sorted(WARNINGS):
        handlers.register("lead", kind, warn)
    for kind in ("respond", "feedback", "same_day", "owner_respond"):
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
