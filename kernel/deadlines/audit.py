"""Do the rows agree with each other? Invariants of any age (DESIGN.md §4, "Watch").

The rules of the clocks are here; higher apps register theirs (`register`), the dear ones for the night.
The keys of outbox rows are read: what tells of an event has a key that begins `event:<number>:`; a
digest lists the events it counts in `params.events`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any

from django.db import connection

from kernel.journal.verify import verify_recent

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


@dataclass(frozen=True, slots=True)
class Rule:
    """One invariant. `find` gives the numbers (at most `SHOWN`) of the rows that break it; `of` is what they
    are. A `nightly` rule reads much and is asked once a night."""

    name: str
    words: str
    find: Callable[[], Sequence[int]]
    of: str = "时限"
    nightly: bool = False


@dataclass(frozen=True, slots=True)
class Fault:
    """One broken rule and the rows (at most 100) that break it."""

    rule: str
    ids: list[int]

    @property
    def sentence(self) -> str:
        """For people."""
        rule = _rules.get(self.rule) or Rule(self.rule, self.rule, list, "记录")
        more = "等" if len(self.ids) > 10 else ""
        return f"{rule.words}：{rule.of} {'、'.join(map(str, self.ids[:10]))}{more}。"


_rules: dict[str, Rule] = {}


def register(rule: Rule) -> None:
    """Have every audit ask this rule; the last word of a name counts."""
    _rules[rule.name] = rule


def faults(*, nightly: bool = False) -> Iterator[Fault]:
    """Every broken rule. Reads whole tables: for the night, not for a request.

    `nightly` also asks the rules that read what is written and sealed.
    """
    for rule in list(_rules.values()):
        if rule.nightly and not nightly:
            continue
        found = list(rule.find())
        if found:
            yield Fault(rule.name, found)


def is_nightly(name: str) -> bool:
    return name in _rules and _rules[name].nightly


def rows(sql: str, **params: Any) -> list[int]:
    """The first column of a statement that takes `late` and `shown`."""
    given: dict[str, Any] = {"late": LATE, "shown": SHOWN, **params}
    with connection.cursor() as cursor:
        cursor.execute(sql, given)
        return [row[0] for row in cursor.fetchall()]


def _broken_entries() -> list[int]:
    found = verify_recent()
    return [] if found is None else [found.entry_id]


register(Rule("overdue", "到期超过 5 秒仍在计时", partial(rows, OVERDUE)))
register(Rule("breach_without_event", "已超时但没有超时记录", partial(rows, BREACH_WITHOUT_EVENT)))
register(Rule("event_without_breach", "有超时记录但时限未标为超时", partial(rows, EVENT_WITHOUT_BREACH)))
register(Rule("event_not_told", "有超时记录但未通知任何人", partial(rows, EVENT_NOT_TOLD)))
register(Rule("poison", "超时处理失败、已搁置待人工处理", partial(rows, POISON)))
register(Rule("journal", "留痕记录校验不通过", _broken_entries, "记录号", nightly=True))
