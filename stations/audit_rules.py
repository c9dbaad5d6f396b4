"""What the auditor asks of disputes: no open one without its clock."""

from __future__ import annotations

from functools import partial

from kernel.deadlines import audit
from kernel.deadlines.audit import Rule

CLOCKLESS = """
SELECT d.id FROM stations_dispute d
 WHERE d.state IN ('negotiating', 'mediating', 'agreed', 'filed', 'accepted')
   AND d.tier_since <= kernel_now() - %(late)s
   AND NOT EXISTS (SELECT 1 FROM deadlines_deadline c
        WHERE c.subject_kind = 'dispute' AND c.subject_id = d.id AND c.cycle = d.cycle
          AND c.kind = CASE d.state WHEN 'agreed' THEN 'perform' WHEN 'filed' THEN 'accept'
                           WHEN 'accepted' THEN 'mediation' ELSE lower(d.tier) END
          AND (c.state IN ('running', 'paused') OR d.state IN ('agreed', 'filed') AND c.state = 'breached'))
 ORDER BY d.id LIMIT %(shown)s
"""
"""The one main clock of its state (`policy.clock_of`) is live. A promise whose day is over, and a decision
that is late, stay where they are: their clock is breached.
"""


def register() -> None:
    """Register the rules of this app (called once, at start-up)."""
    audit.register(
        Rule("dispute_without_clock", "没有时限的在办纠纷", partial(audit.rows, CLOCKLESS), "纠纷")
    )
