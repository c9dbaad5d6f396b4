"""重新办理: a closed lead begins a new round (DESIGN.md §3).

By the office head, or – inside the act that finds it – by a failed recheck, a failed look-back and an
approved unhappy survey. What was late stays late: `first_*`, the due times of the KPI, breached clocks and
orders are left alone; the round has a feedback clock of its own.
"""

from __future__ import annotations

from django.db.models import F

from grids.roles import Role
from kernel.accounts.models import User
from kernel.deadlines import clocks
from kernel.errors import NotAllowed
from leads import answers, credit_facts, dispatch, handover, rounds, supervision
from leads.acts import Act, Expect, perform
from leads.models import Lead, LookBack, Reopening
from leads.policy import AFTER_CLOSING
from leads.states import Move, State

Cause = Reopening.Cause
CLEARED = (
    "closed_at", "closed_by", "closing_digest", "verify_method", "verify_note", "verified_in_stead",
    "fed_back_at", "final_due_at", "cleared_at", "handed_over_at",
)  # fmt: skip
"""Columns that say how a round ended: they begin anew. Rows, signatures and the journal keep them."""


def reopen(
    *, lead_id: int, by: User, expect: Expect, reason: str, cause: Reopening.Cause = Cause.HEAD
) -> Lead:
    """The office head (or who stands in for him) reopens a closed lead.

    Raises (beside `acts.perform`): NotAllowed `not_office_head`; Conflict `wrong_state`.
    """

    def work(act: Act) -> Lead:
        refuse_head(act)
        expect(act.lead.version)
        reopen_now(act, reason=reason, cause=cause)
        return act.lead

    return perform(lead_id, by, work)


def refuse_head(act: Act) -> None:
    """Raise NotAllowed `not_office_head` unless he holds or stands in for the seat of the lead's 所长;
    `recused`."""
    act.refuse_recused()
    office_id = act.lead.office_id
    if office_id is None or act.scope.seat(Role.OFFICE_HEAD, office_id=office_id) is None:
        raise NotAllowed("只有本监管所所长可以决定重新办理。", code="not_office_head")


def reopen_now(act: Act, *, reason: str, cause: Reopening.Cause, severity: str | None = None) -> None:
    """Reopen inside the caller's act on a closed lead, all locks held.

    → responded, or – where the owner holds no seat of the office any more – dispatched to the next in the
    order of dispatch, with a clock of his own. A new round: RESULT open anew, its own `feedback` clock.
    What was still to come of the old round (recheck, look-backs, receipt) is cancelled.

    Raises:
        Conflict: `wrong_state`.
    """
    lead = act.lead
    closed_at, before = lead.closed_at, lead.severity
    successor = _successor(act)
    act.move(Move.REOPEN, to=State.DISPATCHED if successor else State.RESPONDED)
    answers.cancel(act)
    cancel_what_follows(act)
    lead.round += 1
    lead.closed_at = lead.closed_by = lead.fed_back_at = None
    lead.final_due_at = lead.cleared_at = lead.handed_over_at = None
    lead.closing_digest = lead.verify_method = lead.verify_note = ""
    lead.verified_in_stead = False
    lead.severity = severity or before
    lead.reopened_at, lead.reopen_count = act.at, lead.reopen_count + 1
    due_at = rounds.start_clock(act)
    if successor is not None:
        why = f"重新办理，原承办人已不在岗，转由{successor.name}承办。"
        dispatch.own(act, dispatch.NewOwner(successor.pk, successor.name, why))
        lead.responded_at = None
        dispatch.start_clocks(act, was_on_desk=False)
    act.save(
        "state", "round", "severity", "reopened_at", "reopen_count", "assignee", "owner_cycle",
        "routing_reason", "responded_at", *CLEARED,
    )  # fmt: skip
    Reopening.objects.create(
        lead=lead,
        round=lead.round,
        cause=cause,
        reason=reason[:500],
        closed_at=closed_at or act.at,
        severity_before=before,
        severity_after=lead.severity,
        to=lead.state,
        by=act.by,
        at=act.at,
    )
    act.note(
        "lead.reopened",
        {
            "round": lead.round,
            "cause": cause,
            "reason": reason,
            "to": lead.state,
            "severity": lead.severity,
            "owner": lead.assignee_id,
        },
    )
    credit_facts.reopened(act, cause)
    supervision.lift_settled(act)
    act.tell(
        [lead.assignee_id, lead.reported_by_id],
        "reopened",
        cause=Reopening.Cause(cause).label,
        reason=reason,
        feedback_due_at=due_at.isoformat(),
    )


def _successor(act: Act) -> User | None:
    """Who takes it over where the owner has gone; None where he is still posted, or nobody is there."""
    if not handover.owner_has_gone(act.lead):
        return None
    backup_id = handover.backup_of_owner(act.lead)
    return dispatch.successor(act, act.lead.assignee_id, backup_id, None)


def cancel_what_follows(act: Act) -> None:
    """A round ends: its recheck, look-backs and the other department's receipt are owed no more."""
    clocks.cancel("lead", act.lead.pk, AFTER_CLOSING, at=act.at)
    LookBack.objects.waiting().filter(lead=act.lead).update(
        state=LookBack.State.CANCELLED, version=F("version") + 1
    )
