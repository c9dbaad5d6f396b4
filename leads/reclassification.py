"""改类: another category, another severity (DESIGN.md §3). What was signed (`facts`) never changes.

Clocks are recomputed from discovery and receipt, never to a later due time. `00` runs the food clock until
it is sorted. What becomes food is due the day it was found, even where that day has passed; what was food
stays in the food figures (`was_food`) and needs a grid worker's word to leave (改出), by way of `00` as well,
whose clock runs on. A breach stays.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from kernel import approvals
from kernel.accounts.models import User
from kernel.approvals.deciding import Decision
from kernel.approvals.kinds import Kind
from kernel.approvals.models import Approval
from kernel.deadlines import clocks
from kernel.deadlines import policy as arithmetic
from kernel.deadlines.models import Deadline
from kernel.deadlines.policy import Counting, WorkingCalendar
from kernel.errors import Conflict, NotAllowed, Refused
from leads import approving, dispatch, policy, states
from leads.acts import Act, Expect, perform
from leads.models import Category, Lead, Reclassification, Severity
from leads.owner_clocks import urgent_clocks
from leads.states import Move, State

OUT_OF_FOOD, OUT_OF_FOOD_HEAD = "lead.reclassify_out_of_food", "lead.reclassify_out_of_food_head"
PAGES = ("urgent_backup", "urgent_duty")


@dataclass(frozen=True, slots=True)
class Change:
    """What the lead shall be, why, and in whose name it was said."""

    category: Category
    severity: str
    reason: str
    on_behalf_of_id: int | None


def reclassify(
    *, lead_id: int, by: User, expect: Expect, category: str, reason: str, severity: Severity | None = None
) -> Lead:
    """Change category and severity (left out: the new category's default; the same one's stays).

    Food → not food waits for a grid worker's agreement (of the office's head for a tip-off), the food
    clock running on; everything else happens at once.

    Raises (beside `acts.perform`): NotAllowed `not_assignee`, `recused`; Conflict `wrong_state`,
    `nothing_changes`, `already_waiting`; Refused `unknown_category`.
    """

    def work(act: Act) -> Lead:
        lead = act.lead
        behalf = _who(act, by)
        wanted = _category(category)
        change = Change(wanted, severity or _severity(lead, wanted), reason, behalf)
        if _is_so(lead, change) and lead.reclassifications.filter(by=by).exists():
            return lead
        if approving.waits(act, OUT_OF_FOOD, OUT_OF_FOOD_HEAD):
            return lead
        expect(lead.version)
        act.could_move(Move.RECLASSIFY)
        if _is_so(lead, change):
            raise Conflict("分类和严重程度都没有变化。", code="nothing_changes", attr="category")
        if leaves_food(lead, change.category):
            _ask(act, change)
        else:
            _apply(act, change, by_id=by.pk)
        return lead

    return perform(lead_id, by, work)


def _who(act: Act, by: User) -> int | None:
    """For whom he changes it: the assignee (or his stand-in), or whoever may dispatch it."""
    try:
        return act.as_owner()
    except NotAllowed:
        act.refuse_recused()
        dispatch.refuse_dispatcher(act, by)
        return None


def may(act: Act, by: User) -> bool:
    """For offering the act: raises what `reclassify` would."""
    _who(act, by)
    return True


def _category(code: str) -> Category:
    found = Category.objects.filter(pk=code, is_active=True).first()
    if found is None:
        raise Refused("没有这个线索分类。", code="unknown_category", attr="category")
    return found


def leaves_food(lead: Lead, category: Category) -> bool:
    """Is it food now, or was it before somebody called it `00`, and shall be something else?"""
    is_food = lead.food or (lead.was_food and lead.category.same_day)
    return is_food and not category.food and category.pk != lead.category_id


def _severity(lead: Lead, category: Category) -> str:
    return lead.severity if category.pk == lead.category_id else category.severity


def _is_so(lead: Lead, change: Change) -> bool:
    return (lead.category_id, lead.severity) == (change.category.pk, change.severity)


def _ask(act: Act, change: Change) -> None:
    lead = act.lead
    approvals.ask(
        kind=OUT_OF_FOOD if approving.asks_worker(lead) else OUT_OF_FOOD_HEAD,
        subject_kind="lead",
        subject_id=lead.pk,
        by=act.by,
        reason=f"改为“{change.category.name}”：{change.reason}"[:500],
        at=act.at,
        payload={"category": change.category.pk, "severity": change.severity, "reason": change.reason},
        about=approving.about(lead),
        on_behalf_of_id=change.on_behalf_of_id,
    )


def _agreed(decision: Decision) -> None:
    if not decision.approved:
        return
    act, row = approving.act_of(decision), decision.approval
    states.target(Move.RECLASSIFY, act.lead.state)
    change = Change(
        _category(row.payload["category"]),
        row.payload["severity"],
        row.payload["reason"],
        row.asked_on_behalf_of_id,
    )
    if row.asked_by_id is not None:
        _apply(act, change, by_id=row.asked_by_id, approval=row)


def _apply(act: Act, change: Change, *, by_id: int, approval: Approval | None = None) -> None:
    """Write the change, move the clocks, tell owner and reporter."""
    lead, before = act.lead, act.lead.category
    Reclassification.objects.create(
        lead=lead,
        from_category=before,
        to_category=change.category,
        from_severity=lead.severity,
        to_severity=change.severity,
        from_food=lead.food,
        to_food=change.category.food,
        reason=change.reason,
        by_id=by_id,
        on_behalf_of_id=change.on_behalf_of_id,
        agreed_by=act.by if approval else None,
        approval=approval,
        at=act.at,
    )
    was_urgent = lead.severity == Severity.URGENT
    lead.category, lead.severity, lead.food = change.category, change.severity, change.category.food
    lead.was_food = lead.was_food or lead.food
    _same_day(act)
    _respond(act)
    _urgent(act, was_urgent)
    act.save("category", "severity", "food", "was_food", "same_day_due_at", "respond_due_at")
    act.note(
        "lead.reclassified",
        {
            "from": before.pk,
            "to": change.category.pk,
            "severity": change.severity,
            "reason": change.reason,
            "approval": approval.pk if approval else None,
        },
    )
    act.tell(
        [lead.assignee_id, lead.reported_by_id],
        "reclassified",
        was=before.name,
        severity=Severity(change.severity).label,
        reason=change.reason,
    )


# --- clocks ----------------------------------------------------------------------------------------


def _same_day(act: Act) -> None:
    """Food, and `00` until it is sorted, has the clock of the day it was found; what is sorted as something
    else loses it, unless it ran out before."""
    lead = act.lead
    rows = Deadline.objects.filter(subject_kind="lead", subject_id=lead.pk, kind="same_day")
    states_of = dict(rows.values_list("cycle", "state"))
    live = {Deadline.State.RUNNING.value, Deadline.State.PAUSED.value} & set(states_of.values())
    if not lead.category.same_day:
        clocks.cancel("lead", lead.pk, ["same_day"], at=act.at)
        if Deadline.State.BREACHED not in states_of.values() and lead.controlled_at is None:
            lead.same_day_due_at = None
        return
    if live or Deadline.State.BREACHED in states_of.values():
        return
    limit = act.limits["same_day"]
    found = policy.discovery(lead.captured_at, lead.reported_at)
    due_at = policy.same_day_due(found, lead.reported_at, limit)
    lead.same_day_due_at = due_at
    armed = clocks.with_warning(
        limit,
        subject_kind="lead",
        subject_id=lead.pk,
        kind="same_day",
        cycle=max(states_of, default=0) + 1,
        armed_at=lead.discovered_at,
        due_at=due_at,
    )
    if lead.controlled_at is not None and lead.controlled_at <= due_at:
        armed = armed[:1]
        armed[0].state, armed[0].closed_at = Deadline.State.MET, lead.controlled_at
    clocks.arm(armed)


def _respond(act: Act) -> None:
    """A response counted in duty hours is not for food nor for what is serious: it may come due earlier."""
    lead = act.lead
    row = next((d for d in act.live if d.kind == "respond" and d.state == Deadline.State.RUNNING), None)
    if row is None:
        return
    limit = policy.respond_limit(act.limits["respond"], severity=lead.severity, food=lead.food)
    calendar = clocks.calendar() if limit.counting is Counting.DUTY else WorkingCalendar()
    due_at = arithmetic.due(limit, row.armed_at, calendar)
    if due_at >= row.due_at:
        return
    warn_at = arithmetic.warning(limit, row.armed_at, due_at)
    Deadline.objects.filter(pk=row.pk).update(due_at=due_at, row_version=row.row_version + 1)
    if warn_at is not None:
        warnings = Deadline.objects.filter(
            subject_kind="lead", subject_id=lead.pk, cycle=row.cycle, parent_kind="respond", state="running"
        )
        warnings.update(due_at=warn_at)
    lead.respond_due_at = due_at


def _urgent(act: Act, was_urgent: bool) -> None:
    """What becomes urgent while nobody has answered pages the backup and the duty officer, from now."""
    lead = act.lead
    urgent = lead.severity == Severity.URGENT
    if urgent and not was_urgent and lead.state == State.DISPATCHED:
        clocks.arm(urgent_clocks(lead, act.limits, act.at))
    if was_urgent and not urgent:
        clocks.cancel("lead", lead.pk, PAGES, at=act.at)


def register() -> None:
    """Register the question (called once, at start-up)."""
    common: dict[str, Any] = {
        "lock": approving.lock_lead,
        "decided": _agreed,
        "stands_in": frozenset(
            str(state.value) for state in (State.REPORTED, State.DISPATCHED, State.RESPONDED, State.SUSPENDED)
        ),
    }
    approvals.register(
        OUT_OF_FOOD,
        Kind(
            "改出食品安全确认",
            "agree_reclassify",
            may_decide=approving.worker_may_decide,
            decidable=approving.worker_decidable,
            deciders=approving.worker_deciders,
            **common,
        ),
    )
    approvals.register(
        OUT_OF_FOOD_HEAD,
        Kind(
            "改出食品安全审批",
            "agree_reclassify",
            may_decide=approving.head_may_decide,
            decidable=approving.head_decidable,
            deciders=approving.head_deciders,
            **common,
        ),
    )
