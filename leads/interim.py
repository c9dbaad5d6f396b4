"""阶段反馈: done, remaining, by when (DESIGN.md §3, DOMAIN.md §3).

The first of a round, for 7 days at most, needs nobody's approval: it meets `feedback` and arms `final`.
A second or a longer one is asked of the office head. It signs nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils.dateparse import parse_datetime

from kernel import approvals
from kernel.accounts.models import User
from kernel.approvals import Decision, Kind
from kernel.deadlines import clocks
from kernel.deadlines import policy as arithmetic
from kernel.deadlines.policy import WorkingCalendar
from kernel.errors import Conflict, Malformed
from leads import approving, pauses, supervision
from leads.acts import Act, Expect, perform
from leads.models import InterimFeedback, Lead
from leads.policy import INTERIM_CYCLES
from leads.states import Move, State

KIND = "lead.interim"
LONGEST = timedelta(days=60)


@dataclass(frozen=True, slots=True)
class Interim:
    """What an interim feedback says; `final_due_at` is when the whole one is promised."""

    done: str
    remaining: str
    final_due_at: datetime


def give(*, lead_id: int, by: User, expect: Expect, interim: Interim) -> Lead:
    """The assignee gives an interim feedback, or asks the office head where it needs him.

    The same words again give the lead back.

    Raises (beside `acts.perform`): NotAllowed `not_assignee`, `recused`; Malformed `final_due_at`;
    Conflict `wrong_state`, `control_first` (a food hazard is controlled first), `already_waiting`.
    """

    def work(act: Act) -> Lead:
        lead = act.lead
        behalf = act.as_owner()
        if _said_already(lead, by, interim):
            return lead
        expect(lead.version)
        act.move(Move.INTERIM)
        refuse(act, interim)
        if needs_head(act, interim):
            _ask(act, interim, behalf)
        else:
            take_effect(act, interim, by=by, behalf=behalf, approved_by=None)
        return lead

    return perform(lead_id, by, work)


def _said_already(lead: Lead, by: User, interim: Interim) -> bool:
    return InterimFeedback.objects.filter(
        lead=lead,
        round=lead.round,
        by=by,
        done=interim.done,
        remaining=interim.remaining,
        final_due_at=interim.final_due_at,
    ).exists()


def refuse(act: Act, interim: Interim) -> None:
    """Raise where no interim feedback can be given now, approved or not."""
    lead = act.lead
    if lead.same_day_due_at is not None and lead.controlled_at is None:
        raise Conflict("食品安全隐患须先登记现场处置，再作阶段反馈。", code="control_first")
    if not act.at < interim.final_due_at <= act.at + LONGEST:
        raise Malformed("完整反馈的时间应在今后 60 天以内。", code="final_due_at", attr="final_due_at")


def needs_head(act: Act, interim: Interim) -> bool:
    """A second one of this round, or one longer than 7 days."""
    longest = timedelta(minutes=act.limits["final"].amount)
    again = InterimFeedback.objects.filter(lead=act.lead, round=act.lead.round).exists()
    return again or interim.final_due_at > act.at + longest


def _ask(act: Act, interim: Interim, behalf: int | None) -> None:
    approvals.ask(
        kind=KIND,
        subject_kind="lead",
        subject_id=act.lead.pk,
        by=act.actor,
        on_behalf_of_id=behalf,
        reason=interim.remaining[:500],
        payload={
            "done": interim.done,
            "remaining": interim.remaining,
            "final_due_at": interim.final_due_at.isoformat(),
            "round": act.lead.round,
        },
        about=approving.about(act.lead),
        at=act.at,
    )


def take_effect(
    act: Act, interim: Interim, *, by: User, behalf: int | None, approved_by: User | None
) -> InterimFeedback:
    """Write it, meet `feedback`, arm `final`. A closing time that has passed already stays where it is."""
    lead = act.lead
    number = 1 + InterimFeedback.objects.filter(lead=lead, round=lead.round).count()
    row = InterimFeedback.objects.create(
        lead=lead,
        round=lead.round,
        number=number,
        done=interim.done,
        remaining=interim.remaining,
        final_due_at=interim.final_due_at,
        by=by,
        on_behalf_of_id=behalf,
        approved_by=approved_by,
        at=act.at,
    )
    pauses.ask_no_more(act)
    clocks.meet("lead", lead.pk, ["feedback"], at=act.at)
    clocks.cancel("lead", lead.pk, ["final"], at=act.at)
    clocks.arm(
        clocks.with_warning(
            act.limits["final"],
            subject_kind="lead",
            subject_id=lead.pk,
            kind="final",
            cycle=lead.round + INTERIM_CYCLES * (number - 1),
            armed_at=act.at,
            due_at=interim.final_due_at,
        )
    )
    lead.first_interim_at = lead.first_interim_at or act.at
    lead.final_due_at = interim.final_due_at
    if lead.first_closed_at is None and lead.closing_due_at > act.at:
        closing = arithmetic.due(act.limits["closing"], interim.final_due_at, WorkingCalendar())
        lead.closing_due_at = max(lead.closing_due_at, closing)
    act.save("first_interim_at", "final_due_at", "closing_due_at")
    act.note(
        "lead.interim",
        {
            "round": lead.round,
            "number": number,
            "note": f"已完成：{interim.done}；尚需：{interim.remaining}",
            "final_due_at": interim.final_due_at.isoformat(),
            "for": behalf,
            "approved_by": None if approved_by is None else approved_by.name,
        },
    )
    supervision.lift_settled(act)
    act.tell(
        [lead.reported_by_id, lead.assignee_id], "interim", final_due_at=interim.final_due_at.isoformat()
    )
    return row


def decided(decision: Decision) -> None:
    """The office head has decided: approved, it takes effect as if it were given now."""
    if not decision.approved:
        return
    asked, lead = decision.approval, decision.subject
    due_at = parse_datetime(asked.payload["final_due_at"])
    if due_at is None or due_at <= decision.at or asked.payload["round"] != lead.round:
        raise Conflict("承诺的完整反馈时间已过或线索已进入新一轮，请重新申请。", code="request_outdated")
    act = approving.act_of(decision)
    act.move(Move.INTERIM)
    interim = Interim(asked.payload["done"], asked.payload["remaining"], due_at)
    asker = User.objects.get(pk=asked.asked_by_id)
    take_effect(act, interim, by=asker, behalf=asked.asked_on_behalf_of_id, approved_by=decision.by)


def register() -> None:
    """Register the question (called once, at start-up)."""
    approvals.register(
        KIND,
        Kind(
            "阶段反馈申请",
            "approve_interim",
            lock=approving.lock_lead,
            may_decide=approving.head_may_decide,
            decidable=approving.head_decidable,
            deciders=approving.head_deciders,
            decided=decided,
            stands_in=frozenset({State.RESPONDED.value}),
        ),
    )
