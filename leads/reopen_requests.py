"""A citizen who is not satisfied asks for the lead to be taken up again (kind `lead.reopen`, DESIGN.md §3).

Asked by the platform in his stead, with a clock of its own (`lead_reopen`). The office's head decides;
what he leaves undecided goes to the bureau, and is asked again until somebody decides: no voice is lost.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from django.db.models import Q

from grids.access import Seat, scope_of
from grids.roles import DUTY_LEADER, Role
from grids.staffing import BUREAU_BESIDE, bureau_ids, office_people
from kernel import approvals
from kernel.accounts.models import User
from kernel.approvals.deciding import Decision
from kernel.approvals.kinds import Kind
from kernel.approvals.models import Approval
from leads import approving
from leads.acts import Act
from leads.models import Lead, Rating, Reopening, Survey
from leads.states import State

KIND = "lead.reopen"
HEADS = (Role.OFFICE_HEAD.value, DUTY_LEADER)


def ask(act: Act, survey: Survey) -> None:
    """Ask for it, in the transaction of the unhappy answer. What waits already is not asked twice.

    The citizen's own words stay with the survey: a journal is read by everybody and never erased.
    """
    lead = act.lead
    waiting = Approval.objects.of("lead", lead.pk).waiting().filter(kind=KIND)
    if waiting.exists():
        return
    who = "经营主体" if survey.asked == Survey.Asked.SHOP else "群众"
    approvals.ask(
        kind=KIND,
        subject_kind="lead",
        subject_id=lead.pk,
        by=None,
        reason=f"{who}评价“{Rating(survey.rating).label}”，要求重新办理",
        payload={"survey": survey.pk, "round": survey.round},
        about=f"线索 {lead.number}",
        at=act.at,
    )


def _may_decide(user: User, approval: Approval, lead: Lead) -> Seat | None:
    scope, barred = scope_of(user), approving.concerned(approval, lead)
    if user.pk in barred:
        return None
    heads = [seat for role in HEADS if (seat := scope.seat(role, office_id=lead.office_id))]
    fit = [seat for seat in heads if seat.holder_id not in barred]
    if lead.office_id is not None and fit:
        return fit[0]
    if approving.has_bureau(approval) or approving.no_head(lead, barred, scope.at):
        return scope.seat(Role.BUREAU)
    return None


def _decidable(user: User) -> Q:
    scope = scope_of(user)
    offices = {seat.office_id for seat in scope.seats if seat.role in HEADS}
    found = Q(pk__in=[])
    if offices:
        found |= approving.about_any(Lead.objects.filter(office_id__in=offices))
    if scope.has(Role.BUREAU):
        found |= Q(payload__level=BUREAU_BESIDE)
        found |= approving.about_any(Lead.objects.filter(office__isnull=True))
    return found


def _deciders(rows: Sequence[Approval], at: datetime) -> Mapping[int, Collection[int]]:
    """The office's heads, with the bureau where it has come to it or nobody else is there."""
    offices = dict(
        Lead.objects.filter(pk__in=[row.subject_id for row in rows]).values_list("id", "office_id")
    )
    people = office_people({one for one in offices.values() if one is not None}, at)
    bureau = bureau_ids(at)
    barred = approving.barred_from([row.subject_id for row in rows])
    found: dict[int, Collection[int]] = {}
    for row in rows:
        office_id = offices.get(row.subject_id)
        heads = people[office_id].head_ids if office_id is not None else []
        heads = [one for one in heads if one not in barred.get(row.subject_id, ())]
        found[row.pk] = [
            *heads,
            *(bureau if not heads or approving.has_bureau(row) else []),
        ]
    return found


def _decided(decision: Decision) -> None:
    """Approved: the lead is taken up again, in a new round. Refused: it stays closed, with the reason."""
    from leads import reopening

    if decision.approved:
        act = approving.act_of(decision)
        reopening.reopen_now(act, reason=decision.approval.reason, cause=Reopening.Cause.SURVEY)


def register() -> None:
    """Register the kind (called once, at start-up)."""
    approvals.register(
        KIND,
        Kind(
            label="不满意重新办理",
            limit_kind="lead_reopen",
            lock=approving.lock_lead,
            may_decide=_may_decide,
            decidable=_decidable,
            deciders=_deciders,
            decided=_decided,
            lapsed=approving.ask_with_bureau,
            stands_in=frozenset({State.CLOSED.value}),
        ),
    )
