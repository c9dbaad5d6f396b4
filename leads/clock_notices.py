"""Who is told when a lead's clocks run out: set-based, one statement a batch (DESIGN.md §4, §6).

Each event is told to each person by a row of its own; where one batch would tell one person more than
`DIGEST_ABOVE` things of one kind (catching up after downtime), he gets one row that counts them and
keeps the numbers of their events in `params.events`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection

from kernel.deadlines.arrays import literal
from kernel.deadlines.handlers import Fired
from kernel.notices import sms, templates

DIGEST_ABOVE = 20

# Who is told: each answers the column `person` for a lead `l`; `tell` fills {active} in.
# Whoever holds the seat, and while he is away who stands in for him; closed accounts are nobody.
_HELD = """
SELECT t.person FROM grids_posting p
  LEFT JOIN grids_absence a ON a.user_id = p.user_id AND a.starts_at <= %(at)s AND a.ends_at > %(at)s
 CROSS JOIN LATERAL (VALUES
       (p.user_id), (CASE WHEN a.id IS NOT NULL THEN COALESCE(a.stand_in_id, p.backup_id) END)) t(person)
  JOIN accounts_user u ON u.id = t.person AND u.is_active
 WHERE {{active}} AND {where}"""


def held(where: str) -> str:
    """Whoever holds a seat of lead `l` and while he is away who stands in: for `tell`."""
    return _HELD.format(where=where)


OWNER = """
SELECT l.assignee_id AS person
 UNION
SELECT COALESCE(a.stand_in_id, p.backup_id) FROM grids_absence a
  LEFT JOIN grids_posting p
    ON p.user_id = a.user_id AND p.role = 'COMMISSIONER' AND p.grid_id = l.grid_id AND {active}
 WHERE a.user_id = l.assignee_id AND a.starts_at <= %(at)s AND a.ends_at > %(at)s"""
HEADS = _HELD.format(where="p.role = 'OFFICE_HEAD' AND p.office_id = l.office_id")
CLERKS = _HELD.format(where="p.role = 'OFFICE_CLERK' AND p.office_id = l.office_id")
COMMUNITY_HEADS = _HELD.format(
    where="p.role = 'COMMUNITY_HEAD' AND p.community_id ="
    " (SELECT g.lead_community_id FROM grids_grid g WHERE g.id = l.grid_id)"
)
WORKERS = _HELD.format(where="p.role = 'GRID_WORKER' AND p.grid_id = l.grid_id")
BACKUPS = """
SELECT p.backup_id FROM grids_posting p JOIN accounts_user u ON u.id = p.backup_id AND u.is_active
 WHERE p.user_id = l.assignee_id AND (p.grid_id = l.grid_id OR p.office_id = l.office_id) AND {active}"""
_ON_DUTY = """
SELECT t.person FROM grids_dutyshift d
  LEFT JOIN grids_absence a ON a.user_id = d.user_id AND a.starts_at <= %(at)s AND a.ends_at > %(at)s
 CROSS JOIN LATERAL (VALUES (d.user_id), (a.stand_in_id)) t(person)
  JOIN accounts_user u ON u.id = t.person AND u.is_active
 WHERE d.role = '{role}' AND d.office_id = l.office_id
   AND d.day = ((%(at)s AT TIME ZONE 'Asia/Shanghai') - interval '8 hours 30 minutes')::date"""
DUTY = _ON_DUTY.format(role="DUTY_OFFICER")
DUTY_LEADERS = _ON_DUTY.format(role="DUTY_LEADER")
ABOVE = (
    "(CASE WHEN l.restricted THEN p.role = 'BUREAU_SECTION' AND p.section = l.restricted_section"
    " ELSE p.role = 'BUREAU' END)"
)
"""Above the office: the bureau; for a tip-off (举报) the one section named in it, nobody else."""
BUREAU = _HELD.format(where=ABOVE)
BUREAU_WITHOUT_OFFICE = BUREAU + " AND l.office_id IS NULL"
ACTIVE = "p.starts_at <= %(at)s AND (p.ends_at IS NULL OR p.ends_at > %(at)s)"

# The rows come as arrays and are joined to nothing but the lead's primary key: joined back to the
# events and orders of the same transaction, the planner (no statistics yet) went quadratic.
TELL = """
WITH told AS MATERIALIZED (
    SELECT e.event_id, e.due_at, e.order_id, e.ack_due_at, l.id, l.number, l.category_id, who.person,
           count(*) OVER (PARTITION BY who.person) AS many
      FROM unnest(%(events)s::bigint[], %(leads)s::bigint[], %(dues)s::timestamptz[],
                  %(orders)s::bigint[], %(ack_dues)s::timestamptz[])
               e(event_id, lead_id, due_at, order_id, ack_due_at)
      JOIN leads_lead l ON l.id = e.lead_id
     CROSS JOIN LATERAL (
           WITH found AS (SELECT f.person FROM ({people}) f(person) WHERE f.person IS NOT NULL)
           SELECT found.person FROM found
           UNION ALL
           SELECT p.user_id FROM grids_posting p
            WHERE {above} AND {active} AND NOT EXISTS (SELECT 1 FROM found)) who(person))
INSERT INTO notices_outboxmessage
       (dedupe_key, recipient_id, template, params, subject_kind, subject_id, created_at, available_at, state)
SELECT 'event:' || t.event_id || %(topic)s || ':user:' || t.person, t.person, %(template)s,
       jsonb_build_object('number', t.number, 'category', c.name, 'due_at', t.due_at,
           'stage', %(stage)s::text, 'order', t.order_id, 'ack_due_at', t.ack_due_at,
           'late', %(late)s::text, 'side', %(side)s::text),
       'lead', t.id, %(at)s, %(at)s, 'delivered'
  FROM told t JOIN leads_category c ON c.code = t.category_id WHERE t.many <= %(digest_above)s
UNION ALL
SELECT 'event:' || min(t.event_id) || %(topic)s || ':digest:user:' || t.person, t.person, %(digest)s,
       jsonb_build_object('count', count(*), 'ack_due_at', min(t.ack_due_at), 'what', %(what)s::text,
           'events', jsonb_agg(t.event_id), 'number', (array_agg(t.number ORDER BY t.due_at, t.event_id))[1]),
       'lead', (array_agg(t.id ORDER BY t.due_at, t.event_id))[1], %(at)s, %(at)s, 'delivered'
  FROM told t WHERE t.many > %(digest_above)s GROUP BY t.person
ON CONFLICT (dedupe_key) DO NOTHING
"""

# URGENT leads and food ones that are SERIOUS page at any hour (DOMAIN.md §3): an SMS beside the inbox row.
PAGED = frozenset(
    {
        "urgent_backup",
        "urgent_duty",
        "order_respond",
        "order_feedback",
        "order_same_day",
        "order_owner_respond",
    }
)
PAGE = """
INSERT INTO notices_outboxmessage
       (dedupe_key, sms_user_id, template, params, subject_kind, subject_id, created_at, available_at,
        urgency)
SELECT o.dedupe_key || ':sms', o.recipient_id, o.template, o.params, o.subject_kind, o.subject_id, %(at)s,
       %(at)s, 'urgent'
  FROM unnest(%(told)s::bigint[]) t(id)
  JOIN notices_outboxmessage o ON o.id = t.id
  JOIN leads_lead l ON l.id = o.subject_id
  JOIN accounts_user u ON u.id = o.recipient_id AND u.phone <> ''
 WHERE l.severity = 'URGENT' OR (l.food AND l.severity = 'SERIOUS')
ON CONFLICT (dedupe_key) DO NOTHING
"""

WHAT = {
    "respond_80": "即将接单超时",
    "feedback_80": "即将反馈超时",
    "same_day_80": "即将当日处置超时",
    "owner_respond_80": "即将接单超时",
    "respond_late": "接单超时",
    "feedback_late": "反馈超时",
    "same_day_late": "当日处置超时",
    "owner_respond_late": "接单超时",
    "order_respond": "因接单超时需督办签收",
    "order_feedback": "因反馈超时需督办签收",
    "order_same_day": "因当日处置超时需督办签收",
    "order_owner_respond": "因接单超时需督办签收",
    "final_80": "即将完整反馈超时",
    "final_late": "完整反馈超时",
    "order_final": "因完整反馈超时需督办签收",
    "recheck_80": "即将复查超时",
    "recheck_late": "复查超时",
    "order_recheck": "因复查超时需督办签收",
    "order_escalated": "督办单未按时签收",
    "desk_late": "派单超时",
    "verify": "反馈已满24小时待核验",
    "verify_stead": "反馈已满48小时待代核验",
    "morning": "夜间值班结束已交班",
    "urgent_backup": "紧急线索无人接单",
    "urgent_duty": "紧急线索无人接单",
    "suspend_end": "暂缓期满恢复计时",
    "finish_today": "未按督办要求今日办结",
    "grace": "督办同意的延期已到",
    "approver_late": "因审批逾期而超时",
}


@dataclass(frozen=True, slots=True)
class Matter:
    """One event about one lead, with the order it raised or is about."""

    fired: Fired
    lead_id: int
    order_id: int | None = None
    ack_due_at: datetime | None = None
    by_digest: bool = False
    approval_id: int | None = None
    """The request that nobody answered in time, where the lateness is charged to who should have."""


def of_leads(batch: Sequence[Fired]) -> list[Matter]:
    """The matters of a batch whose subjects are leads."""
    return [Matter(one, one.subject_id) for one in batch]


def tell(
    matters: Sequence[Matter],
    at: datetime,
    topic: str,
    *people: str,
    digest_above: int | None = None,
    digest: str = "leads.digest",
    late: str = "所",
) -> None:
    """Tell these people of these matters by the template `leads.<topic>`. One statement; safe to repeat.

    Whom it would tell more than `digest_above` things gets one row by the template `digest`. All matters
    are of one kind of clock. Where one has none of these people (a seat stands empty), the bureau is told
    (of a tip-off its section).
    `late` names who is late (责任方). Topics that page (`PAGED`) go out as SMS too, where the lead pages and
    a gateway is configured.
    """
    if not matters:
        return
    kind = matters[0].fired.kind
    values: dict[str, Any] = {
        "events": literal(one.fired.deadline_id for one in matters),
        "leads": literal(one.lead_id for one in matters),
        "dues": literal(one.fired.due_at for one in matters),
        "orders": literal(one.order_id for one in matters),
        "ack_dues": literal(one.ack_due_at for one in matters),
        "stage": kind,
        "late": late,
        "side": {"ack_office": "所", "ack_community": "社"}.get(kind),
        "template": f"leads.{topic}",
        "topic": f":{topic}",
        "what": WHAT[topic],
        "at": at,
        "digest_above": DIGEST_ABOVE if digest_above is None else digest_above,
        "digest": digest,
    }
    found = " UNION ".join(people).format(active=ACTIVE)
    pages = topic in PAGED and sms.configured()
    with connection.cursor() as cursor:
        cursor.execute(
            TELL.format(people=found, active=ACTIVE, above=ABOVE) + ("RETURNING id" if pages else ""), values
        )
        if pages:
            cursor.execute(PAGE, {"at": at, "told": literal(row[0] for row in cursor.fetchall())})


def register() -> None:
    """Register the words of the digest (called once, at start-up)."""
    templates.register(
        "leads.digest", "{count} 条线索{what}", "最早的一条是 {number}，其余请在线索列表中逐条查看。"
    )
