"""What a supervisor's instruction does (督办意见; DESIGN.md §3): in the transaction of the acknowledgement.

finish today      a clock until 24:00 of that day, told to the owner; running out, it is told to both sides
give it to another  the office's head dispatches it there and then; the community's asks him to
agree to extension  the office's head approves the request that waits, or gives a day unasked; a breach stays
I go myself       the office's supervisor handles it together with the owner, by name
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from kernel.approvals import deciding
from kernel.approvals.models import OWN, Approval
from kernel.deadlines import clocks, handlers
from kernel.deadlines.handlers import Fired
from kernel.deadlines.models import Deadline
from kernel.deadlines.policy import end_of_day, local
from kernel.errors import Malformed, NotAllowed
from leads import approving, dispatch, pauses
from leads.acts import Act
from leads.clock_notices import COMMUNITY_HEADS, HEADS, OWNER, of_leads, tell
from leads.models import Instruction, JointHandler, Side, SupervisionOrder
from leads.states import State

A_DAY = timedelta(hours=24)
BEING_HANDLED = (State.REPORTED, State.DISPATCHED, State.RESPONDED, State.SUSPENDED)


@dataclass(frozen=True, slots=True)
class Said:
    """An instruction, its words, and for 改派 the new owner."""

    instruction: Instruction
    note: str = ""
    assignee_id: int | None = None


def carry_out(act: Act, order: SupervisionOrder, side: Side, said: Said) -> None:
    """Give the instruction its effect. Everything of the lead and the order is locked by the caller.

    Where the lead waits to be verified, or is over, there is nothing left to finish, extend or join.
    """
    handled = act.lead.state in BEING_HANDLED
    match said.instruction:
        case Instruction.FINISH_TODAY if handled:
            _finish_today(act)
        case Instruction.REASSIGN:
            _reassign(act, side, said)
        case Instruction.AGREE_EXTENSION if handled:
            _agree(act, order, side, said)
        case Instruction.GO_MYSELF if handled:
            _join(act, order, side)


def _finish_today(act: Act) -> None:
    """The owner learns it with the acknowledgement itself (`leads.order_acknowledged`)."""
    due_at = end_of_day(local(act.at).date())
    if act.running("finish_today"):
        return
    earlier = Deadline.objects.filter(subject_kind="lead", subject_id=act.lead.pk, kind="finish_today")
    clocks.arm([pauses.clock_of(act, "finish_today", earlier.count() + 1, due_at)])


def _reassign(act: Act, side: Side, said: Said) -> None:
    if side == Side.COMMUNITY:
        _ask_head(act, "reassign_wanted", said)
        return
    if said.assignee_id is None:
        raise Malformed("改派须选择新的承办人。", code="assignee_required", attr="assignee")
    dispatch.dispatch(
        lead_id=act.lead.pk,
        by=act.actor,
        expect=lambda version: None,
        assignee_id=said.assignee_id,
        reason=said.note or "督办改派",
    )
    act.lead.refresh_from_db()


def _agree(act: Act, order: SupervisionOrder, side: Side, said: Said) -> None:
    if side == Side.COMMUNITY:
        _ask_head(act, "extension_wanted", said)
        return
    asked = Approval.objects.of("lead", act.lead.pk).waiting().filter(kind=pauses.EXTEND)
    waiting = asked.select_for_update().first()
    if waiting is None:
        _refuse_own(act, order, side)
        reason = said.note or Instruction.AGREE_EXTENSION.label
        if pauses.grant(act, order_id=order.pk, reason=reason, span=A_DAY):
            act.tell([act.lead.assignee_id], "extension_granted")
        return
    seat = deciding.judge(act.actor, waiting, act.lead)
    deciding.settle(
        waiting, act.lead, by=act.actor, seat=seat, approve=True, note=said.note, at=act.at, live=act.live
    )
    act.lead.refresh_from_db()


def _refuse_own(act: Act, order: SupervisionOrder, side: Side) -> None:
    """Nobody gives himself more time, also not as the head's stand-in. Raises `own_request`, `recused`."""
    act.refuse_recused()
    answer = order.acknowledgements.get(side=side)
    if act.lead.assignee_id in (answer.by_id, answer.on_behalf_of_id):
        raise NotAllowed(OWN, code="own_request")


def _join(act: Act, order: SupervisionOrder, side: Side) -> None:
    """A supervisor of the office becomes a joint handler; the community's goes along, and signs nothing."""
    lead = act.lead
    if side == Side.OFFICE and lead.assignee_id is not None and lead.assignee_id != act.by_id:
        act.refuse_recused()
        JointHandler.objects.get_or_create(
            lead=lead, person=act.actor, owner_cycle=lead.owner_cycle, defaults={"order": order, "at": act.at}
        )
        act.note("lead.joined", {"name": act.actor.name, "order": order.pk})
    act.tell([lead.assignee_id], "joined", name=act.actor.name)


def _ask_head(act: Act, what: str, said: Said) -> None:
    """The community's head wants what only the office's can do: he is told."""
    heads = approving.people_of([act.lead.pk], act.at, HEADS)
    act.tell(sorted(heads.get(act.lead.pk, ())), what, name=act.actor.name, note=said.note)


# --- clocks ----------------------------------------------------------------------------------------


def instruction_late(batch: Sequence[Fired], at: datetime) -> None:
    """What a supervisor wanted done by then is not done: both sides and the owner are told. No KPI."""
    from leads.clock_handlers import note

    note(batch, at)
    tell(of_leads(batch), at, batch[0].kind, OWNER, HEADS, COMMUNITY_HEADS)


def register() -> None:
    """Register the clocks of instructions (called once, at start-up)."""
    for kind in ("finish_today", "grace"):
        handlers.register("lead", kind, instruction_late)
