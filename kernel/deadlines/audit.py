"""Do the clocks' rows agree with each other? Invariants of any age (DESIGN.md §4, "Watch").

The keys of outbox rows are read: what tells of an event has a key that begins `event:<number>:`; a
digest lists the events it counts in `params.events`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db import connection

LATE = timedelta(seconds=5)
SHOWN = 100

OVERDUE = """
SELECT d.id FROM deadlines_deadline d
 WHERE d.state = 'running' AND d.due_at <= kernel_now() - %(late)s ORDER BY d.due_at LIMIT %(shown)s
"""
BREACH_WITHOUT_EVENT = """
SELECT d.id FROM deadlines_deadline d
 WHERE d.state = 'breached' AND NOT EXISTS (SELECT 1 FROM deadlines_event e WHERE e.deadline_id = d.id)
 ORDER BY d.id LIMIT %(shown)s
"""
EVENT_WITHOUT_BREACH = """
SELECT e.deadline_id FROM deadlines_event e JOIN deadlines_deadline d ON d.id = e.deadline_id
 WHERE d.state <> 'breached' ORDER BY e.deadline_id LIMIT %(shown)s
"""
EVENT_NOT_TOLD = """
WITH digested AS MATERIALIZED (
    SELECT jsonb_array_elements_text(o.params->'events')::bigint AS id
      FROM notices_outboxmessage o WHERE o.dedupe_key LIKE 'event:%%:digest:%%')
SELECT e.deadline_id FROM deadlines_event e
 WHERE NOT EXISTS (
       SELECT 1 FROM notices_outboxmessage o
        WHERE o.dedupe_key ~>=~ ('event:' || e.deadline_id || ':')
          AND o.dedupe_key ~<~ ('event:' || e.deadline_id || ';'))
   AND NOT EXISTS (SELECT 1 FROM digested g WHERE g.id = e.deadline_id)
   AND NOT EXISTS (SELECT 1 FROM deadlines_poisonrow p WHERE p.event_id = e.deadline_id)
 ORDER BY e.deadline_id LIMIT %(shown)s
"""
POISON = "SELECT event_id FROM deadlines_poisonrow WHERE resolved_at IS NULL ORDER BY id LIMIT %(shown)s"

RULES = {
    "overdue": (OVERDUE, "到期超过 5 秒仍在计时"),
    "breach_without_event": (BREACH_WITHOUT_EVENT, "已超时但没有超时记录"),
    "event_without_breach": (EVENT_WITHOUT_BREACH, "有超时记录但时限未标为超时"),
    "event_not_told": (EVENT_NOT_TOLD, "有超时记录但未通知任何人"),
    "poison": (POISON, "超时处理失败、已搁置待人工处理"),
}


@dataclass(frozen=True, slots=True)
class Fault:
    """One broken rule and the clocks (at most 100) that break it."""

    rule: str
    deadline_ids: list[int]

    @property
    def sentence(self) -> str:
        """For people."""
        more = "等" if len(self.deadline_ids) > 10 else ""
        return f"{RULES[self.rule][1]}：时限 {'、'.join(map(str, self.deadline_ids[:10]))}{more}。"


def faults() -> Iterator[Fault]:
    """Every broken rule. Reads whole tables: for the night, not for a request."""
    params: dict[str, Any] = {"late": LATE, "shown": SHOWN}
    for rule, (sql, _) in RULES.items():
        with connection.cursor() as cursor:
            cursor.execute(sql, params)
            found = [row[0] for row in cursor.fetchall()]
        if found:
            yield Fault(rule, found)
