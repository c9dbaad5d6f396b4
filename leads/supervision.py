"""双督办: what runs late is supervised by both the office and the community (DESIGN.md §3).

An order is raised by the clock (`leads.clock_handlers`), acknowledged by each side, escalated to the
bureau where a side stays silent, and lifted when the lead has moved on and both have acknowledged.
"""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.db.models import Count

from grids.access import Seat, scope_of
from grids.roles import DUTY_LEADER, Role
from grids.staffing import office_people, routing_facts
from kernel import approvals, clock, journal
from kernel.accounts.models import User
from kernel.deadlines import clocks
from kernel.errors import Conflict, Malformed, NotAllowed, NotVisible
from kernel.notices import outbox
from leads import instructions, notices, order_digests
from leads.acts import BIGGEST, Act, Expect, retried, safe
from leads.models import Acknowledgement, Instruction, Lead, Side, SupervisionOrder
from leads.policy import INTERIM_CYCLES
from leads.states import State

Cause = SupervisionOrder.Cause
UNKNOWN = "没有找到这张督办单，或者您无权查看。"
ACK_CLOCK = {Side.OFFICE: "ack_office", Side.COMMUNITY: "ack_community"}


def moved_on(lead: Lead, order: SupervisionOrder) -> bool:
    """Has the lead done what the order waits for? One that was merged or rejected has nothing left to do."""
    if lead.state in (State.MERGED, State.REJECTED):
        return True
    if order.cause == Cause.RESPOND:
        return lead.first_responded_at is not None
    if order.cause == Cause.OWNER_RESPOND:
        return lead.responded_at is not None
    if order.cause == Cause.SAME_DAY:
        return lead.controlled_at is not None
    if order.cause == Cause.RECHECK:
        return lead.round > order.cycle or lead.rechecks.filter(round=order.cycle).exists()
    if lead.fed_back_at is not None or lead.round > order.cycle % INTERIM_CYCLES:
        return True
    return order.cause == Cause.FEEDBACK and lead.interims.filter(round=order.cycle).exists()


def lift_settled(act: Act) -> None:
    """Lift the orders of this lead whose two sides have acknowledged and that it has now satisfied."""
    acknowledged = SupervisionOrder.objects.filter(lead=act.lead, state=SupervisionOrder.State.OPEN)
    for order in acknowledged.annotate(answers=Count("acknowledgements")).filter(answers=2).order_by("id"):
        if moved_on(act.lead, order):
            _lift(order, act.lead, at=act.at)


def _lift(order: SupervisionOrder, lead: Lead, *, at: datetime) -> None:
    order.state, order.lifted_at, order.version = SupervisionOrder.State.LIFTED, at, order.version + 1
    order.save(update_fields=["state", "lifted_at", "version"])
    journal.append(
        stream=lead.stream,
        kind="order.lifted",
        by=None,
        at=at,
        data={"order": order.pk, "cause": order.cause},
    )
    people = [lead.assignee_id, *order.acknowledgements.values_list("by_id", flat=True)]
    outbox.post(
        notices.to_people(
            people,
            key=f"order:{order.pk}:lifted",
            template="leads.order_lifted",
            lead_id=lead.pk,
            params={"number": lead.number},
        ),
        at=at,
    )


def acknowledge(
    *,
    order_id: int,
    by: User,
    expect: Expect,
    instruction: Instruction,
    note: str = "",
    assignee_id: int | None = None,
) -> SupervisionOrder:
    """签收督办单: one tap on an instruction, or free text, for the side on which `by` stands.

    The instruction has its effect in the same transaction (`leads.instructions`); `assignee_id` goes with
    改派. Saying it again gives the order back. Locks: the clocks of the lead, of the order and of what waits
    about the lead by id, the lead, the order.

    Raises:
        NotVisible, NotAllowed `not_supervisor`, StaleVersion / VersionRequired (through `expect`),
        Conflict `acknowledged_by_other`, Malformed `note_required`, `assignee_required`, what the effect
        refuses (`dispatch.dispatch`), Busy.
    """
    if order_id > BIGGEST:
        raise NotVisible(UNKNOWN)
    said = instructions.Said(Instruction(instruction), note, assignee_id)
    return retried("order", order_id, lambda: _acknowledge(order_id, by, expect, said))


def _acknowledge(order_id: int, by: User, expect: Expect, said: instructions.Said) -> SupervisionOrder:
    with transaction.atomic():
        rows = Lead.objects.visible_to(by).filter(orders=order_id)
        lead_id = rows.values_list("id", flat=True).first()
        if lead_id is None:
            raise NotVisible(UNKNOWN)
        live = approvals.lock_live("lead", lead_id, also=("order", order_id))
        lead = rows.select_for_update(of=("self",)).first()
        if lead is None:
            raise NotVisible(UNKNOWN)
        approvals.refuse_unseen(live, "lead", [lead_id])
        order = SupervisionOrder.objects.select_for_update().get(pk=order_id)
        at = clock.now()
        clocks.refuse_overdue(live, at)
        seats = may_answer(by, order, lead)
        if not seats:
            raise NotAllowed("督办单由监管所负责人和牵头社区书记签收。", code="not_supervisor")
        answered = {a.side: a.by_id for a in order.acknowledgements.all()}
        if by.pk in answered.values():
            return order
        open_sides = [side for side in seats if side not in answered]
        if not open_sides:
            raise Conflict("本方已有人签收。", code="acknowledged_by_other")
        expect(order.version)
        if said.instruction == Instruction.OTHER and not said.note:
            raise Malformed("选择“其他”时请写明意见。", code="note_required", attr="note")
        side = open_sides[0]
        _answer(order, lead, by, side, seats[side], said.instruction, said.note, at)
        instructions.carry_out(Act(lead, by, at, live), order, side, said)
        if len(answered) == 1:
            clocks.cancel("order", order.pk, [order_digests.CLOCK], at=at)
            if moved_on(lead, order):
                _lift(order, lead, at=at)
        return order


def _answer(
    order: SupervisionOrder,
    lead: Lead,
    by: User,
    side: Side,
    seat: Seat,
    instruction: str,
    note: str,
    at: datetime,
) -> None:
    behalf = None if seat.holder_id == by.pk else seat.holder_id
    Acknowledgement.objects.create(
        order=order, side=side, by=by, on_behalf_of_id=behalf, instruction=instruction, note=note, at=at
    )
    clocks.meet("order", order.pk, [ACK_CLOCK[side]], at=at)
    journal.append(
        stream=lead.stream,
        kind="order.acknowledged",
        by=by,
        at=at,
        data=safe({"order": order.pk, "side": side, "instruction": instruction, "note": note, "for": behalf}),
    )
    label = Instruction(instruction).label
    outbox.post(
        notices.to_people(
            [lead.assignee_id],
            key=f"order:{order.pk}:{side}",
            template="leads.order_acknowledged",
            lead_id=lead.pk,
            params={"number": lead.number, "side": side.label, "instruction": label, "note": note},
        ),
        at=at,
    )


def sides_of(by: User, lead: Lead) -> dict[Side, Seat]:
    """The sides for which this person may acknowledge, own seats or stood in for.

    The office's head (or the day's duty leader), and the head of the grid's lead community.
    """
    scope = scope_of(by)
    found: dict[Side, Seat] = {}
    office = scope.seat(Role.OFFICE_HEAD, office_id=lead.office_id) or scope.seat(
        DUTY_LEADER, office_id=lead.office_id
    )
    if office is not None and lead.office_id is not None:
        found[Side.OFFICE] = office
    if lead.grid is not None:
        head = scope.seat(Role.COMMUNITY_HEAD, community_id=lead.grid.lead_community_id)
        if head is not None:
            found[Side.COMMUNITY] = head
    return found


def may_answer(by: User, order: SupervisionOrder, lead: Lead) -> dict[Side, Seat]:
    """`sides_of`, and for the bureau the sides of an escalated order on which nobody is left to answer:
    nothing waits for a person who is not there (DESIGN.md §3)."""
    found = sides_of(by, lead)
    scope = scope_of(by)
    bureau = scope.seat(Role.BUREAU)
    if bureau is not None and order.level == SupervisionOrder.Level.BUREAU:
        found |= {side: bureau for side in empty_sides(lead, scope.at) if side not in found}
    return found


def empty_sides(lead: Lead, at: datetime) -> list[Side]:
    """The sides of a lead on which nobody holds, at `at`, a seat that may acknowledge."""
    sides = []
    office = None if lead.office_id is None else office_people([lead.office_id], at)[lead.office_id]
    if office is None or not (office.head_ids or office.duty_leader_ids):
        sides.append(Side.OFFICE)
    people = None if lead.grid_id is None else routing_facts(lead.grid_id, at)
    if people is None or not people.community_head_ids:
        sides.append(Side.COMMUNITY)
    return sides
