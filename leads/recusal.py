"""回避: who is related to the matter neither owns nor signs it (DESIGN.md §3)."""

from __future__ import annotations

from grids.roles import COMMUNITY_SIDE, OFFICE_SIDE
from kernel.accounts.models import User
from kernel.errors import Conflict, NotAllowed
from leads import dispatch, handover
from leads.acts import Act, Expect, perform
from leads.models import Lead, Recusal
from leads.states import OPEN, Move, State


def recuse(*, lead_id: int, by: User, expect: Expect, reason: str) -> Lead:
    """The assignee passes the lead to the next in the order of dispatch (backup, duty, head, clerk), with
    a clock of its own as at a redispatch. Who else could act on it (a stand-in, a grid worker who would
    verify) is only written down. From then on he can neither own nor sign this lead (triggers).

    Saying it again gives the lead back.

    Raises (beside `acts.perform`): NotAllowed `not_concerned`; Conflict `wrong_state`, `nobody_else`.
    """

    def work(act: Act) -> Lead:
        lead = act.lead
        if act.recused:
            return lead
        owns = lead.assignee_id == by.pk
        if not owns:
            refuse_unconcerned(act)
        expect(lead.version)
        if owns:
            _pass_on(act, reason)
        else:
            _only_written(act, reason)
        return lead

    return perform(lead_id, by, work)


def refuse_unconcerned(act: Act) -> None:
    """Raise NotAllowed unless this person could own or sign the lead from one of his seats."""
    lead = act.lead
    for seat in act.scope.seats:
        here = lead.grid_id is not None and seat.grid_id == lead.grid_id
        here = here or (lead.office_id is not None and seat.office_id == lead.office_id)
        leads_it = act.people is not None and seat.community_id == act.people.lead_community_id
        if (here or leads_it or seat.holder_id == lead.assignee_id) and seat.role in (
            OFFICE_SIDE | COMMUNITY_SIDE | {"DUTY_OFFICER", "DUTY_LEADER"}
        ):
            return
    raise NotAllowed("您不承办也不核验这条线索，无须回避。", code="not_concerned")


def _pass_on(act: Act, reason: str) -> None:
    lead, leaving_id = act.lead, act.by_id
    act.move(Move.RECUSE)
    found = dispatch.successor(act, leaving_id, handover.backup_of_owner(lead), None)
    if found is None:
        raise Conflict("目前没有可以接办的人员，请先联系所长。", code="nobody_else")
    dispatch.own(act, dispatch.NewOwner(found.pk, found.name, f"原承办人回避，转由{found.name}承办。"))
    lead.responded_at = None
    dispatch.start_clocks(act, was_on_desk=False)
    act.save("state", "assignee", "owner_cycle", "routing_reason", "responded_at")
    dispatch.ask_no_more(act, act.actor.pk, why="申请人已回避")
    Recusal.objects.create(lead=lead, person=act.actor, reason=reason, was_owner=True, at=act.at)
    act.note(
        "lead.recused",
        {"to": found.pk, "name": found.name, "reason": reason, "owner_cycle": lead.owner_cycle},
    )
    dispatch.tell_owner(act, act.people, template="leads.dispatched")
    heads = [] if act.people is None else act.people.office_head_ids
    act.tell([*heads, lead.reported_by_id], "recused", owner=found.name)


def _only_written(act: Act, reason: str) -> None:
    lead = act.lead
    if lead.state not in (*OPEN, State.CLOSED):
        raise Conflict(f"线索目前为“{State(lead.state).label}”，无须回避。", code="wrong_state")
    Recusal.objects.create(lead=lead, person=act.actor, reason=reason, at=act.at)
    dispatch.ask_no_more(act, act.actor.pk, why="申请人已回避")
    act.save()
    act.note("lead.recused", {"reason": reason})
    act.tell([lead.assignee_id], "worker_recused", person=act.actor.name)
