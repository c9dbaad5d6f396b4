"""Whose lateness is it? A request made in time that nobody answered charges who should have (DESIGN.md §3).

The owner's figures keep the breach; the order says 审批人 and names the request (`charged_approval`).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from kernel.approvals.models import Approval
from leads.clock_notices import DUTY_LEADERS, HEADS, WORKERS, Matter, tell

REJECTING = ["lead.reject", "lead.reject_head"]
BY_WORKER = frozenset({"lead.reject", "lead.reclassify_out_of_food"})
REQUESTS: dict[str, list[str]] = {
    "feedback": ["lead.extend", "lead.suspend", "lead.interim", *REJECTING],
    "final": ["lead.extend", "lead.suspend", "lead.interim", *REJECTING],
    "respond": REJECTING,
    "owner_respond": REJECTING,
    "same_day": ["lead.reclassify_out_of_food", "lead.reclassify_out_of_food_head", *REJECTING],
}
"""By cause of an order, the requests that would have kept the clock from running out. The last one counts,
where it was made in time and its own due time passed unanswered before the clock's."""


def tell_approvers(matters: Sequence[Matter], at: datetime) -> None:
    """Tell those who left a request unanswered that the lateness is theirs. Three statements at most."""
    if not matters:
        return
    asked = Approval.objects.filter(pk__in=[one.approval_id for one in matters])
    kinds = dict(asked.values_list("pk", "kind"))
    workers = [one for one in matters if kinds.get(one.approval_id or 0) in BY_WORKER]
    heads = [one for one in matters if one not in workers]
    tell(workers, at, "approver_late", WORKERS)
    tell(heads, at, "approver_late", HEADS, DUTY_LEADERS)
