"""What must hold of the whole town whatever has happened in it (DESIGN.md §4, auditor's task)."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

from django.db import connection

from kernel import clock
from kernel.deadlines.models import Deadline, PoisonRow
from kernel.journal.verify import verify
from leads import signing
from leads.models import Signature
from leads.policy import AFTER_CLOSING
from stations.agreements import verified
from stations.models import Agreement
from tests.journeys.town import Town

UNTOLD = """
SELECT e.subject_kind, e.subject_id, e.kind FROM deadlines_event e
 WHERE e.subject_kind <> 'dispute' AND NOT EXISTS (
       SELECT 1 FROM notices_outboxmessage m
        WHERE m.dedupe_key LIKE 'event:' || e.deadline_id || ':%'
           OR m.params -> 'events' @> to_jsonb(e.deadline_id))
"""
UNTOLD_OF_DISPUTES = """
SELECT e.subject_id, e.kind, e.cycle FROM deadlines_event e
 WHERE e.subject_kind = 'dispute' AND NOT EXISTS (
       SELECT 1 FROM notices_outboxmessage m
        WHERE m.subject_kind = 'dispute' AND m.subject_id = e.subject_id
          AND substring(m.dedupe_key from '^dispute:\\d+:(\\w+:\\d+):user:') IN (
              e.kind || ':' || e.cycle, e.kind || '_late:' || e.cycle, 'check:' || e.cycle,
              'ended_by_time:' || e.cycle, 'entered:' || e.cycle + 1, 'filed:' || e.cycle + 1))
"""
"""What a clock of a dispute did, its handlers are told by the name of what became of it."""
DISPUTE_WITHOUT_ITS_CLOCK = """
SELECT d.number, d.state, d.tier FROM stations_dispute d
 WHERE d.ended_at IS NULL AND NOT EXISTS (
       SELECT 1 FROM deadlines_deadline c
        WHERE c.subject_kind = 'dispute' AND c.subject_id = d.id AND c.cycle = d.cycle
          AND c.parent_kind = '' AND (c.due_at = d.due_at OR c.state = 'paused')
          AND (c.state IN ('running', 'paused') OR (c.state = 'breached' AND c.kind IN ('accept', 'check'))))
"""
"""An open one is watched until it ends; a late decision and a late check stay owed."""
DISPUTE_OVER_WITH_CLOCK = """
SELECT d.number, c.kind FROM stations_dispute d
  JOIN deadlines_deadline c ON c.subject_kind = 'dispute' AND c.subject_id = d.id
 WHERE c.state IN ('running', 'paused') AND (d.ended_at IS NOT NULL OR c.cycle <> d.cycle)
"""
DISPUTE_STAYS_BROKEN = """
SELECT d.number FROM stations_dispute d
  JOIN stations_tierstay s ON s.dispute_id = d.id
 GROUP BY d.id
HAVING count(*) <> d.cycle OR count(*) FILTER (WHERE s.until IS NULL) <> (d.ended_at IS NULL)::int
"""
OFFICIAL_WITHOUT_A_WORD = """
SELECT d.number FROM stations_dispute d
 WHERE d.tier = 'OFFICIAL' AND NOT EXISTS (SELECT 1 FROM stations_consumerword w WHERE w.dispute_id = d.id)
"""
BREACH_WITHOUT_EVENT = """
SELECT d.subject_kind, d.subject_id, d.kind FROM deadlines_deadline d
 WHERE d.state = 'breached' AND NOT EXISTS (SELECT 1 FROM deadlines_event e WHERE e.deadline_id = d.id)
"""
WITHOUT_CLOCK = """
SELECT l.number, want.kind FROM leads_lead l
  CROSS JOIN LATERAL (VALUES ('feedback', NOT l.restricted), ('tip_off', l.restricted),
                             ('respond', l.state <> 'reported' AND NOT l.restricted),
                             ('desk', l.state = 'reported'), ('same_day', l.food AND NOT l.restricted),
                             ('verify', l.state = 'fed_back' AND NOT l.restricted)) want(kind, wanted)
 WHERE want.wanted AND NOT EXISTS (
       SELECT 1 FROM deadlines_deadline d
        WHERE d.subject_kind = 'lead' AND d.subject_id = l.id AND d.kind = want.kind)
"""
RUNS_ON = ", ".join(f"'{kind}'" for kind in ("answer", *AFTER_CLOSING))
"""What is still owed of a closed lead: an answer to the citizen, and what was ordered."""
CLOSED_WITH_LIVE_CLOCK = f"""
SELECT l.number, d.kind FROM leads_lead l
  JOIN deadlines_deadline d ON d.subject_kind = 'lead' AND d.subject_id = l.id
 WHERE l.state = 'closed' AND d.state IN ('running', 'paused')
   AND d.kind NOT IN ({RUNS_ON}) AND d.parent_kind NOT IN ({RUNS_ON})
"""
ORDERS_NOT_OF_ONE_BREACH = """
SELECT o.lead_id, o.cause, o.cycle FROM leads_supervisionorder o
 WHERE (SELECT count(*) FROM deadlines_event e
         WHERE e.subject_kind = 'lead' AND e.subject_id = o.lead_id
           AND e.kind = o.cause AND e.cycle = o.cycle) <> 1
"""


def faults(town: Town) -> list[str]:
    """Everything that does not hold, in words; empty where all is well."""
    found = [str(fault) for fault in [verify()] if fault is not None]
    found += [f"poison row {one.event_id}: {one.error}" for one in PoisonRow.objects.all()]
    late = clock.now() - timedelta(seconds=5)
    overdue = Deadline.objects.filter(state=Deadline.State.RUNNING, due_at__lt=late)
    found += [f"overdue and still running: {one}" for one in overdue]
    for what, sql in (
        ("event that nobody was told", UNTOLD),
        ("clock of a dispute that nobody was told of", UNTOLD_OF_DISPUTES),
        ("dispute without its clock", DISPUTE_WITHOUT_ITS_CLOCK),
        ("dispute with a clock that is none of its stay", DISPUTE_OVER_WITH_CLOCK),
        ("dispute with other stays than cycles", DISPUTE_STAYS_BROKEN),
        ("dispute at the office without the consumer's word", OFFICIAL_WITHOUT_A_WORD),
        ("breach without an event", BREACH_WITHOUT_EVENT),
        ("lead without its clock", WITHOUT_CLOCK),
        ("closed with a running clock", CLOSED_WITH_LIVE_CLOCK),
        ("order without its one breach", ORDERS_NOT_OF_ONE_BREACH),
    ):
        found += [f"{what}: {row}" for row in _rows(sql)]
    found += [f"signature {number} altered" for number in signing.verify_digests(Signature.objects.all())]
    broken = [row.number for row in Agreement.objects.prefetch_related("signatures") if not verified(row)]
    found += [f"agreement {number} altered" for number in broken]
    return found + _in_logs(town)


def _rows(sql: str) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql)
        rows: list[tuple[Any, ...]] = cursor.fetchall()
    return rows


def _in_logs(town: Town) -> list[str]:
    """Answers of 5xx, and errors of the two processes that never lose anything but the database."""
    web = town.stack.log("web")
    found = [line for line in web.splitlines() if re.search(r"\bstatus=5\d\d\b", line)]
    for name in ("web", "clock"):
        found += [f"{name}: Traceback" for _ in re.findall(r"^Traceback", town.stack.log(name), re.M)]
    return found
