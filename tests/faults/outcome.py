"""What came of it: everything counted from the database and from what the robots recorded."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import connection

from kernel.deadlines import audit
from kernel.journal.verify import verify
from kernel.notices import templates
from kernel.notices.delivery import REPEATED
from kernel.notices.models import OutboxMessage
from kernel.notices.policy import masked
from leads import signing
from leads.models import Lead, Signature
from tests.faults.load import Acknowledged, Ledger
from tests.faults.robots import Robots

FIGURES = (
    "leads", "kills", "lost", "fired_twice", "never_fired", "notices_missing", "notices_repeated",
    "chains_broken",
)  # fmt: skip
MUST_BE_ZERO = ("lost", "fired_twice", "never_fired", "notices_missing", "chains_broken")

FIRED_TWICE = """
SELECT stream, kind, data->>'cycle' AS which, count(*) FROM journal_entry
 WHERE kind LIKE 'clock.%%' AND stream LIKE 'lead:%%' GROUP BY 1, 2, 3 HAVING count(*) > 1
UNION ALL
SELECT stream, kind, data->>'order', count(*) FROM journal_entry
 WHERE kind = 'order.raised' GROUP BY 1, 2, 3 HAVING count(*) > 1
UNION ALL
SELECT stream, kind, (data->>'order') || (data->>'silent'), count(*) FROM journal_entry
 WHERE kind = 'order.escalated' GROUP BY 1, 2, 3 HAVING count(*) > 1
UNION ALL
SELECT 'order', cause, lead_id::text || '/' || cycle, count(*) FROM leads_supervisionorder
 GROUP BY 1, 2, 3 HAVING count(*) > 1
UNION ALL
SELECT 'event', '', deadline_id::text, count(*) FROM deadlines_event GROUP BY 1, 2, 3 HAVING count(*) > 1
"""
"""What a firing leaves behind, more than once: its line in the journal, its order, its escalation."""

NEVER_FIRED = """
SELECT 'no clock ' || want.kind, l.id FROM leads_lead l
 CROSS JOIN LATERAL (VALUES ('feedback', true), ('respond', l.dispatched_at IS NOT NULL),
                            ('same_day', l.food), ('verify', l.fed_back_at IS NOT NULL)) want(kind, wanted)
 WHERE want.wanted AND NOT EXISTS (
       SELECT 1 FROM deadlines_deadline d
        WHERE d.subject_kind = 'lead' AND d.subject_id = l.id AND d.kind = want.kind)
UNION ALL
SELECT 'met though late: ' || d.kind, d.id FROM deadlines_deadline d
 WHERE d.state = 'met' AND d.closed_at >= d.due_at
UNION ALL
SELECT 'fired without its order: ' || e.kind, e.deadline_id FROM deadlines_event e
 WHERE e.subject_kind = 'lead' AND e.kind IN ('respond', 'feedback', 'same_day') AND NOT EXISTS (
       SELECT 1 FROM leads_supervisionorder o
        WHERE o.lead_id = e.subject_id AND o.cause = e.kind AND o.cycle = e.cycle)
UNION ALL
SELECT 'fired without a line in the journal: ' || e.kind, e.deadline_id FROM deadlines_event e
 WHERE e.subject_kind = 'lead' AND e.kind IN ('respond', 'feedback', 'same_day', 'verify', 'desk')
   AND NOT EXISTS (SELECT 1 FROM journal_entry j WHERE j.stream = 'lead:' || e.subject_id
                      AND j.kind = 'clock.' || e.kind AND j.data->>'cycle' = e.cycle::text)
UNION ALL
SELECT 'order without its two clocks', o.id FROM leads_supervisionorder o
 WHERE (SELECT count(*) FROM deadlines_deadline d WHERE d.subject_kind = 'order' AND d.subject_id = o.id
           AND d.kind IN ('ack_office', 'ack_community')) <> 2
"""

UNTOLD_LEADS = """
SELECT l.number FROM leads_lead l
  JOIN grids_workgroup g ON g.grid_id = l.grid_id AND g.robot_id IS NOT NULL
 WHERE l.dispatched_at IS NOT NULL AND NOT EXISTS (
       SELECT 1 FROM notices_outboxmessage m WHERE m.robot_id = g.robot_id AND m.subject_kind = 'lead'
          AND m.subject_id = l.id AND m.template = 'leads.dispatched')
UNION ALL
SELECT l.number FROM leads_lead l
 WHERE l.assignee_id IS NOT NULL AND NOT EXISTS (
       SELECT 1 FROM notices_outboxmessage m WHERE m.recipient_id = l.assignee_id
          AND m.subject_kind = 'lead' AND m.subject_id = l.id)
"""

BROKEN_CHAINS = """
SELECT DISTINCT e.stream FROM journal_entry e
  LEFT JOIN journal_entry p ON p.stream = e.stream AND p.seq = e.seq - 1
 WHERE e.prev_hash <> COALESCE(p.hash, '') OR (e.seq > 1 AND p.id IS NULL) OR e.seq < 1
    OR e.hash <> journal_entry_digest(
           e.prev_hash, e.stream, e.seq, e.kind, e.actor_id, e.actor_name, e.at, e.data)
"""

FIGURE_OF_RULE = {
    "overdue": "never_fired",
    "breach_without_event": "never_fired",
    "event_without_breach": "never_fired",
    "poison": "never_fired",
    "event_not_told": "notices_missing",
}
"""Where the auditor's findings count (`kernel.deadlines.audit`); any other of its rules is a fault too."""


@dataclass
class Outcome:
    """The figures of a run, and in words what is behind every one that should be 0."""

    figures: dict[str, int] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)

    def found(self, figure: str, words: list[str]) -> None:
        self.figures[figure] = self.figures.get(figure, 0) + len(words)
        self.faults += [f"{figure}: {one}" for one in words]

    @property
    def is_well(self) -> bool:
        return not self.faults and not any(self.figures[name] for name in MUST_BE_ZERO)


def count(ledger: Ledger, robots: Robots, *, kills: int) -> Outcome:
    """Count all of it; the house must be quiet."""
    outcome = Outcome({"leads": len(ledger.leads), "kills": kills})
    outcome.found("lost", _lost(ledger.leads))
    outcome.found("fired_twice", [str(row) for row in _rows(FIRED_TWICE)])
    outcome.found("never_fired", [str(row) for row in _rows(NEVER_FIRED)])
    missing, repeated, unmarked = _notices(robots)
    outcome.found("notices_missing", [*missing, *(number for (number,) in _rows(UNTOLD_LEADS))])
    outcome.figures["notices_repeated"] = repeated
    outcome.found("chains_broken", _broken_chains())
    for fault in audit.faults():
        words = [f"{fault.rule} {pk}" for pk in fault.ids]
        if figure := FIGURE_OF_RULE.get(fault.rule):
            outcome.found(figure, words)
        else:
            outcome.faults += words
    outcome.faults += [f"sent again and not marked so: {one}" for one in unmarked]
    altered = signing.verify_digests(Signature.objects.all())
    outcome.faults += [f"signature {number} altered" for number in altered]
    outcome.faults += ledger.faults
    return outcome


def _rows(sql: str) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql)
        rows: list[tuple[Any, ...]] = cursor.fetchall()
    return rows


# -- leads ------------------------------------------------------------------------------------------


def _lost(told: list[Acknowledged]) -> list[str]:
    """Acknowledged leads and acts that the database does not know, or knows otherwise."""
    kept = {lead.pk: lead for lead in Lead.objects.all()}
    lost = []
    for one in told:
        lead = kept.get(one.lead_id)
        if lead is None or (str(lead.client_uid), lead.number) != (one.client_uid, one.number):
            lost.append(f"lead {one.number}")
        else:
            lost += [f"{act} of {one.number}" for act in one.done if _moment_of(lead, act) is None]
    twice = [uid for uid, many in Counter(str(lead.client_uid) for lead in kept.values()).items() if many > 1]
    return lost + [f"two leads of one report {uid}" for uid in twice]


def _moment_of(lead: Lead, act: str) -> datetime | None:
    return {"respond": lead.responded_at, "feedback": lead.fed_back_at, "verify": lead.closed_at}[act]


# -- notices ----------------------------------------------------------------------------------------


def _notices(robots: Robots) -> tuple[list[str], int, list[str]]:
    """Group notices that did not arrive, how many copies arrived beyond the first, and unmarked ones."""
    said = _copies(robots)
    missing, repeated, unmarked = [], 0, []
    for row in OutboxMessage.objects.filter(robot__isnull=False).select_related("robot").order_by("id"):
        assert row.robot is not None
        key = row.robot.url.rpartition("key=")[2]
        first, again = said[key, _title(row)], said[key, _title(row) + REPEATED]
        repeated += max(0, first + again - 1)
        if first > 1:
            unmarked.append(f"{row.dedupe_key} ({first} times)")
        if not _was_told(row, first + again):
            missing.append(f"{row.dedupe_key}: {row.state}, {first + again} copies, {row.last_error}")
    return missing, repeated, unmarked


def _was_told(row: OutboxMessage, copies: int) -> bool:
    """Delivered and seen; or dropped because the lead had been answered meanwhile."""
    if row.state == "delivered":
        return copies > 0
    return (
        row.state == "dropped" and Lead.objects.filter(pk=row.subject_id, responded_at__isnull=False).exists()
    )


def _title(row: OutboxMessage) -> str:
    return templates.render(row.template, masked(row.params)).title


def _copies(robots: Robots) -> Counter[tuple[str, str]]:
    """How often each group was told each title, alone (`**title**`) or in a digest (`> title：…`)."""
    said: Counter[tuple[str, str]] = Counter()
    for key, words in robots.told:
        lines = words.splitlines()
        if lines[0].startswith("**工作提醒汇总"):
            said.update((key, line.removeprefix("> ").partition("：")[0]) for line in lines[1:])
        else:
            said[key, lines[0].strip("*")] += 1
    return said


# -- the journal ------------------------------------------------------------------------------------


def _broken_chains() -> list[str]:
    """The streams whose chains do not verify."""
    streams = [stream for (stream,) in _rows(BROKEN_CHAINS)]
    fault = verify()
    return streams if streams or fault is None else [fault.sentence()]
