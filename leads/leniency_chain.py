"""Who agrees, reviews and decides a proposal of leniency, one after the other (DOMAIN.md §3, Art. 33).

The office's head agrees, the legal section reviews, the bureau's leader decides: three approvals, each
with its own clock, nobody in two of them, the proposer in none. What is left undecided is asked again,
with the bureau beside: nothing waits for a person who is not there.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from functools import partial

from django.db.models import Q

from grids.access import Scope, Seat, scope_of
from grids.models import Posting
from grids.roles import DUTY_LEADER, Role, Section
from grids.staffing import BUREAU_BESIDE, bureau_ids, office_people
from kernel import approvals
from kernel.accounts.models import User
from kernel.approvals.deciding import Decision
from kernel.approvals.kinds import Kind
from kernel.approvals.models import Approval
from kernel.deadlines import clocks, handlers
from kernel.deadlines import policy as arithmetic
from kernel.deadlines.handlers import Fired
from kernel.deadlines.models import Deadline
from kernel.deadlines.policy import WorkingCalendar
from kernel.notices import templates
from leads import approving, clock_handlers, clock_notices, leniency
from leads.acts import Act
from leads.clock_notices import HEADS as OFFICE_HEADS
from leads.clock_notices import OWNER, of_leads, tell
from leads.models import Lead, LeniencyDecision
from leads.states import State

Stage = LeniencyDecision.State
HEAD, LEGAL, LEADER = "lead.leniency_head", "lead.leniency_legal", "lead.leniency_leader"
STAGES: dict[str, tuple[str, str, Stage, Stage]] = {
    HEAD: ("容错纠错（所长同意）", "leniency_head", Stage.PROPOSED, Stage.AGREED),
    LEGAL: ("容错纠错（法规科审核）", "leniency_legal", Stage.AGREED, Stage.REVIEWED),
    LEADER: ("容错纠错（局领导决定）", "leniency_leader", Stage.REVIEWED, Stage.DECIDED),
}
"""Kind → what it is called, its policy, the state it waits in, the state it leads to."""
HEADS = (Role.OFFICE_HEAD.value, DUTY_LEADER)
TOPIC = "leniency_unsigned"
AGAIN = 100
"""Added to the cycle of the clock of the signatures each time that it has run out."""


def ask_next(
    act: Act,
    decision: LeniencyDecision,
    reason: str,
    earlier: Sequence[int] = (),
    *,
    behalf: int | None = None,
) -> None:
    """Put the question of the decision's present state. `earlier`: who has decided a stage before;
    `behalf`: in whose name it was proposed."""
    kind = next(k for k, (_, _, waits, _) in STAGES.items() if waits == decision.state)
    approvals.ask(
        kind=kind,
        subject_kind="lead",
        subject_id=act.lead.pk,
        by=decision.by,
        on_behalf_of_id=behalf,
        reason=reason[:500],
        payload={
            "decision": decision.pk,
            "round": decision.round,
            "route": decision.route,
            "is_first": decision.is_first,
            "earlier": list(earlier),
        },
        about=f"线索 {act.lead.number}",
        at=act.at,
    )


# --- who ---------------------------------------------------------------------------------------------


def _seat(kind: str, scope: Scope, office_id: int | None, level: str | None) -> Seat | None:
    if kind == HEAD and office_id is not None:
        found = next((s for role in HEADS if (s := scope.seat(role, office_id=office_id))), None)
    elif kind == LEGAL:
        found = scope.seat(Role.BUREAU_SECTION, section=Section.LEGAL)
    else:
        found = scope.seat(Role.BUREAU_LEADER) if kind == LEADER else None
    if found is None and (level == BUREAU_BESIDE or (kind == HEAD and office_id is None)):
        found = scope.seat(Role.BUREAU)
    return found


def _may_decide(user: User, approval: Approval, lead: Lead) -> Seat | None:
    barred = approving.concerned(approval, lead) | set(approval.payload.get("earlier", []))
    if user.pk in barred:
        return None
    scope = scope_of(user)
    found = _seat(approval.kind, scope, lead.office_id, approval.payload.get("level"))
    if found is None and approval.kind == HEAD and approving.no_head(lead, barred, scope.at):
        return scope.seat(Role.BUREAU)
    return found


def _decidable(kind: str, user: User) -> Q:
    scope = scope_of(user)
    found = Q(pk__in=[])
    if kind == HEAD:
        offices = {seat.office_id for seat in scope.seats if seat.role in HEADS}
        if offices:
            found |= approving.about_any(Lead.objects.filter(office_id__in=offices))
    elif _seat(kind, scope, None, None) is not None:
        found |= Q(subject_id__gte=0)
    if scope.has(Role.BUREAU):
        found |= Q(payload__level=BUREAU_BESIDE)
    return found & ~Q(payload__earlier__contains=[user.pk])


def _deciders(kind: str, rows: Sequence[Approval], at: datetime) -> Mapping[int, Collection[int]]:
    """Whom to tell: holders of the stage's seats who have decided no stage yet; else the bureau."""
    bureau = bureau_ids(at)
    concerned = approving.barred_from([row.subject_id for row in rows])
    people: dict[int, list[int]] = {}
    if kind == HEAD:
        offices = dict(
            Lead.objects.filter(pk__in=[r.subject_id for r in rows]).values_list("id", "office_id")
        )
        heads = office_people({one for one in offices.values() if one is not None}, at)
        for row in rows:
            office_id = offices.get(row.subject_id)
            people[row.pk] = list(heads[office_id].head_ids) if office_id is not None else []
    else:
        seats = Posting.objects.active(at).filter(user__is_active=True)
        held = (
            seats.filter(role=Role.BUREAU_SECTION, section=Section.LEGAL)
            if kind == LEGAL
            else seats.filter(role=Role.BUREAU_LEADER)
        )
        ids = list(held.values_list("user_id", flat=True))
        people = {row.pk: ids for row in rows}
    found: dict[int, Collection[int]] = {}
    for row in rows:
        barred = {row.asked_by_id, row.asked_on_behalf_of_id, *row.payload.get("earlier", [])}
        barred |= concerned.get(row.subject_id, set())
        asked = [p for p in people[row.pk] if p not in barred]
        found[row.pk] = [
            *asked,
            *(bureau if not asked or approving.has_bureau(row) else []),
        ]
    return found


# --- what follows --------------------------------------------------------------------------------------


def _decided(done: Decision) -> None:
    """Agreed: the next stage asks, after the last two officers sign. Refused: back to the owner."""
    from leads import lifecycle

    approval, lead = done.approval, done.subject
    act = approving.act_of(done)
    decision = LeniencyDecision.objects.select_for_update(of=("self",)).get(pk=approval.payload["decision"])
    _, _, waits, leads_to = STAGES[approval.kind]
    if decision.state != waits:
        return
    if not done.approved:
        decision.state = Stage.REFUSED
        decision.save(update_fields=["state"])
        lead.closing_due_at = leniency.closing_after(act, decision)
        act.keep("closing_due_at")
        act.note("leniency.refused", {"decision": decision.pk, "note": approval.note, "stage": approval.kind})
        lifecycle.send_back(act, reason=f"容错纠错未同意：{approval.note or '未说明理由'}"[:500])
        return
    decision.state = leads_to
    if leads_to == Stage.DECIDED:
        decision.decided_at = done.at
    decision.save(update_fields=["state", "decided_at"])
    act.note("leniency.agreed", {"decision": decision.pk, "stage": approval.kind, "state": leads_to})
    if leads_to == Stage.DECIDED:
        _arm(act, decision)
        people = act.people
        heads = [] if people is None else people.office_head_ids
        act.save()
        act.tell([lead.assignee_id, *heads], "leniency_to_sign")
        return
    earlier = [*approval.payload.get("earlier", []), done.by.pk]
    ask_next(act, decision, approval.reason, earlier, behalf=approval.asked_on_behalf_of_id)


def _arm(act: Act, decision: LeniencyDecision) -> None:
    """Two officers have to sign now: as long as the leader had to decide."""
    due_at = arithmetic.due(act.limits["leniency_leader"], act.at, WorkingCalendar())
    clocks.arm([_signing_clock(act.lead.pk, decision.round, act.at, due_at)])


def _signing_clock(lead_id: int, cycle: int, at: datetime, due_at: datetime) -> Deadline:
    return clocks.running("lead", lead_id, leniency.SIGNING, cycle=cycle, armed_at=at, due_at=due_at)


def unsigned(batch: Sequence[Fired], at: datetime) -> None:
    """Decided, and not signed in time: owner and head are told, again and again until two have signed."""
    clock_handlers.note(batch, at)
    due_at = arithmetic.due(clocks.limits(at)["leniency_leader"], at, WorkingCalendar())
    clocks.arm([_signing_clock(one.subject_id, one.cycle + AGAIN, at, due_at) for one in batch])
    tell(of_leads(batch), at, TOPIC, OWNER, OFFICE_HEADS)


def register() -> None:
    """Register the three kinds and the clock of the signatures (called once, at start-up)."""
    clock_notices.WHAT[TOPIC] = "容错纠错决定待签字"
    templates.register(
        f"leads.{TOPIC}", "请签字 {number}", "{category} 容错纠错已决定，请两名执法人员尽快签字。"
    )
    handlers.register("lead", leniency.SIGNING, unsigned)
    for kind, (label, limit_kind, _, _) in STAGES.items():
        approvals.register(
            kind,
            Kind(
                label=label,
                limit_kind=limit_kind,
                lock=approving.lock_lead,
                may_decide=_may_decide,
                decidable=partial(_decidable, kind),
                deciders=partial(_deciders, kind),
                decided=_decided,
                lapsed=approving.ask_with_bureau,
                stands_in=frozenset({State.FED_BACK.value}),
            ),
        )
