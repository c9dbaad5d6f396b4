"""并单 and taking it back (DESIGN.md §3).

The survivor keeps the earliest report and due times, never a later one. What the merged lead had breached
stays with it: its breach, its event, its order, its place in the KPI. Both leads are locked in the one
order: the clocks of both by id, then the leads by id.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Exists, OuterRef
from django.utils.dateparse import parse_datetime

from kernel import approvals, clock
from kernel.accounts.models import User
from kernel.approvals import kinds
from kernel.approvals.models import Approval
from kernel.deadlines import clocks, contention
from kernel.deadlines.models import Deadline
from kernel.errors import Conflict, NotAllowed, NotVisible
from leads import answers, credit_facts, dispatch, selectors, supervision
from leads.acts import BIGGEST, UNKNOWN, Act, Expect
from leads.models import Lead, Merge, Recusal, Unmerge
from leads.states import Move, State

TIMES = (
    "discovered_at", "reported_at", "first_responded_at", "desk_due_at", "respond_due_at",
    "feedback_due_at", "feedback_strict_due_at", "same_day_due_at", "closing_due_at",
)  # fmt: skip
"""Of these the survivor keeps the earliest. `first_responded_at` only where it was answered itself."""
CLOCK_OF = {
    "desk": "desk_due_at",
    "respond": "respond_due_at",
    "feedback": "feedback_due_at",
    "same_day": "same_day_due_at",
}
MAY_TAKE_IN = (State.REPORTED, State.DISPATCHED, State.RESPONDED)


def merge(*, lead_id: int, by: User, expect: Expect, into_id: int, reason: str = "") -> Lead:
    """Merge a lead into another that tells of the same thing. Saying it again gives the lead back.

    Raises (beside `acts.perform`): NotAllowed `not_merger`; Conflict `wrong_state`, `survivor_over`,
    `survivor_on_desk`, `not_a_duplicate`, `has_merged` (no chains), `restricted`, `itself`,
        `approval_waiting`.
    """

    def work(act: Act, other: Act) -> Lead:
        lead, survivor = act.lead, other.lead
        if lead.merged_into_id == survivor.pk:
            return lead
        refuse_merger(act)
        expect(lead.version)
        before = State(lead.state)
        act.move(Move.MERGE)
        _refuse_pair(lead, survivor)
        changed = _stop(act, before)
        lead.merged_at, lead.merged_into = act.at, survivor
        act.save("state", "merged_at", "merged_into")
        _bring(act, other, changed)
        row = Merge.objects.create(
            lead=lead, survivor=survivor, reason=reason, changed=changed, by=by, at=act.at
        )
        credit_facts.ended(act, again=f":merge:{row.pk}")
        _told_of_merge(act, other, reason)
        supervision.lift_settled(act)
        return lead

    return _pair(lead_id, into_id, by, work)


def unmerge(*, lead_id: int, by: User, expect: Expect, reason: str) -> Lead:
    """Take a merge back: the state before, its clocks to their own due times (at once where past), and
    the survivor's times anew from what remains merged into it.

    Raises (beside `acts.perform`): NotAllowed `not_merger`; Conflict `wrong_state`.
    """
    into_id = Lead.objects.visible_to(by).filter(pk=lead_id).values_list("merged_into_id", flat=True).first()

    def work(act: Act, other: Act) -> Lead:
        lead = act.lead
        refuse_merger(act)
        expect(lead.version)
        row = Merge.objects.filter(lead=lead, undone__isnull=True).order_by("-id").first()
        if row is None or row.survivor_id != other.lead.pk:
            raise Conflict("线索没有并入其他线索，不能撤销并单。", code="wrong_state")
        act.move(Move.UNMERGE, to=State(row.changed["state"]))
        lead.merged_at = lead.merged_into = None
        act.save("state", "merged_at", "merged_into")
        answers.cancel(act)
        Unmerge.objects.create(merge=row, reason=reason, by=by, at=act.at)
        credit_facts.unmerged(act, again=f":merge:{row.pk}")
        clocks.revive(row.changed["clocks"], at=act.at)
        _give_back(other, row)
        _told_of_unmerge(act, other, reason)
        return lead

    if into_id is None:
        return _alone(lead_id, by)
    return _pair(lead_id, into_id, by, work)


def refuse_merger(act: Act) -> None:
    """The assignee, the office's desk or head, or the bureau. Raises NotAllowed `not_merger`, `recused`."""
    act.refuse_recused()
    if act.lead.assignee_id == act.by_id:
        return
    try:
        dispatch.refuse_dispatcher(act, act.actor)
    except NotAllowed:
        try:
            act.as_owner()
        except NotAllowed:
            raise NotAllowed("只有承办人、所内勤或所长可以并单。", code="not_merger") from None


def _refuse_pair(lead: Lead, survivor: Lead) -> None:
    if survivor.state not in MAY_TAKE_IN:
        raise Conflict(
            f"{survivor.number} 目前为“{State(survivor.state).label}”，不能并入。", code="survivor_over"
        )
    if survivor.state == State.REPORTED and lead.dispatched_at is not None:
        raise Conflict("已派单的线索不能并入待派单的线索，请反向并单。", code="survivor_on_desk")
    if lead.restricted or survivor.restricted:
        raise Conflict("举报线索不能并单。", code="restricted")
    if Lead.objects.filter(merged_into=lead).exists():
        raise Conflict("已有其他线索并入这条线索，请先撤销。", code="has_merged")
    if not selectors.same_matter(lead, survivor):
        raise Conflict(
            "只有同一主体或50米以内、分类相同、72小时以内的线索可以并单。",
            code="not_a_duplicate",
            attr="into",
        )
    about = approvals_waiting(lead) or approvals_waiting(survivor)
    if about:
        raise Conflict(f"{about}还在等待审批，请先审批或撤回。", code="approval_waiting")


def approvals_waiting(lead: Lead) -> str:
    """What is still asked about this lead, in words; empty where nothing is."""
    row = Approval.objects.of("lead", lead.pk).waiting().order_by("id").first()
    return "" if row is None else kinds.label(row.kind)


# --- the frame: two leads --------------------------------------------------------------------------


def _pair(lead_id: int, other_id: int, by: User, work: Callable[[Act, Act], Lead]) -> Lead:
    """Run one act on two leads at one moment, both locked in the one order."""
    if not (0 < lead_id <= BIGGEST and 0 < other_id <= BIGGEST):
        raise NotVisible(UNKNOWN)
    if lead_id == other_id:
        raise Conflict("不能并入线索自身。", code="itself", attr="into")
    return contention.retried(lambda: _once(lead_id, other_id, by, work), subject=("lead", lead_id))


@transaction.atomic
def _once(lead_id: int, other_id: int, by: User, work: Callable[[Act, Act], Lead]) -> Lead:
    live = approvals.lock_live_of("lead", [lead_id, other_id])
    rows = Lead.objects.visible_to(by).annotate(
        actor_recused=Exists(Recusal.objects.filter(lead=OuterRef("pk"), person=by))
    )
    wanted = rows.filter(pk__in=[lead_id, other_id]).order_by("id")
    found = {lead.pk: lead for lead in wanted.select_for_update(of=("self",))}
    if len(found) != 2:
        raise NotVisible(UNKNOWN)
    approvals.refuse_unseen(live, "lead", [lead_id, other_id])
    at = clock.now()
    clocks.refuse_overdue(live, at)
    first, second = (
        Act(found[pk], by, at, [d for d in live if (d.subject_kind, d.subject_id) == ("lead", pk)])
        for pk in (lead_id, other_id)
    )
    return work(first, second)


def _alone(lead_id: int, by: User) -> Lead:
    """A lead that is merged into nothing: who may know of it learns its state."""
    lead = Lead.objects.visible_to(by).filter(pk=lead_id).first() if lead_id <= BIGGEST else None
    if lead is None:
        raise NotVisible(UNKNOWN)
    raise Conflict(f"线索目前为“{State(lead.state).label}”，不能撤销并单。", code="wrong_state")


# --- times and clocks ------------------------------------------------------------------------------


def _stop(act: Act, before: State) -> dict[str, Any]:
    """Cancel what runs of the merged lead (what has breached is not live), and note what it brings."""
    lead = act.lead
    stopped = [d.pk for d in act.live]
    clocks.cancel("lead", lead.pk, None, at=act.at)
    return {
        "state": str(before.value),
        "clocks": stopped,
        "brought": _times(lead),
        "was_food": lead.was_food,
    }


def _times(lead: Lead) -> dict[str, str | None]:
    found = {name: getattr(lead, name) for name in TIMES}
    return {name: None if at is None else at.isoformat() for name, at in found.items()}


def _bring(act: Act, other: Act, changed: dict[str, Any]) -> None:
    """The survivor keeps the earliest of every time; a running clock moves forward with its column."""
    survivor = other.lead
    held = _standing(survivor)
    own = held[0].changed["own"] if held else {**_times(survivor), "was_food": survivor.was_food}
    changed["own"] = own
    _set_times(other, _earliest([own, *(m.changed["brought"] for m in held), changed["brought"]], survivor))
    survivor.was_food = survivor.was_food or act.lead.was_food
    other.save(*TIMES, "was_food")


def _standing(survivor: Lead) -> list[Merge]:
    """Merges into this lead that were not taken back, oldest first."""
    return list(Merge.objects.filter(survivor=survivor, undone__isnull=True).order_by("id"))


def _earliest(all_times: Sequence[dict[str, Any]], survivor: Lead) -> dict[str, datetime | None]:
    found: dict[str, datetime | None] = {}
    for name in TIMES:
        moments = [m for times in all_times if (m := _moment(times.get(name))) is not None]
        found[name] = min(moments, default=None)
    if all_times[0].get("first_responded_at") is None and survivor.first_responded_at is None:
        found["first_responded_at"] = None
    if all_times[0].get("desk_due_at") is None:
        found["desk_due_at"] = None
    return found


def _moment(text: Any) -> datetime | None:
    return parse_datetime(text) if isinstance(text, str) else None


def _set_times(other: Act, times: dict[str, datetime | None], *, only: frozenset[str] | None = None) -> None:
    survivor = other.lead
    for name, moment in times.items():
        present = getattr(survivor, name)
        if only is not None:
            if name in only:
                setattr(survivor, name, moment)
        elif moment is not None and (present is None or moment < present):
            setattr(survivor, name, moment)
    wanted = {
        kind: getattr(survivor, column)
        for kind, column in CLOCK_OF.items()
        if getattr(survivor, column) is not None
    }
    clocks.move_due(
        "lead",
        survivor.pk,
        {kind: due_at for kind, due_at in wanted.items() if _runs(other.live, kind)},
        at=other.at,
    )


def _runs(live: Sequence[Deadline], kind: str) -> bool:
    return any(d.kind == kind and d.cycle == 1 and d.state == Deadline.State.RUNNING for d in live)


def _give_back(other: Act, row: Merge) -> None:
    """What this merge had brought forward goes back to the earliest of what remains; what has been moved
    since (an approved extension) stays where it is."""
    survivor = other.lead
    held = _standing(survivor)
    own = row.changed["own"]
    remains = _earliest([own, *(m.changed["brought"] for m in held)], survivor)
    brought = row.changed["brought"]
    mine = frozenset(
        name
        for name in TIMES
        if _moment(brought[name]) is not None and getattr(survivor, name) == _moment(brought[name])
    )
    if survivor.first_responded_at is not None and remains["first_responded_at"] is None:
        mine -= {"first_responded_at"}
    _set_times(other, remains, only=mine)
    survivor.was_food = survivor.food or own["was_food"] or any(m.changed["was_food"] for m in held)
    other.save(*TIMES, "was_food")


# --- words -----------------------------------------------------------------------------------------


def _told_of_merge(act: Act, other: Act, reason: str) -> None:
    lead, survivor = act.lead, other.lead
    act.note("lead.merged", {"into": survivor.pk, "number": survivor.number, "reason": reason})
    other.note("lead.absorbed", {"lead": lead.pk, "number": lead.number, "reason": reason})
    act.tell([lead.assignee_id, lead.reported_by_id], "merged", survivor=survivor.number)
    other.tell([survivor.assignee_id], "absorbed", merged=lead.number)


def _told_of_unmerge(act: Act, other: Act, reason: str) -> None:
    lead, survivor = act.lead, other.lead
    act.note("lead.unmerged", {"from": survivor.pk, "number": survivor.number, "reason": reason})
    other.note("lead.released", {"lead": lead.pk, "number": lead.number, "reason": reason})
    act.tell([lead.assignee_id, survivor.assignee_id], "unmerged", reason=reason)
