"""派单 and 交班: changing a lead's owner (DESIGN.md §3).

Dispatch by hand gives the new owner a clock of his own (`owner_respond`: pages, enters no KPI); no
other clock changes. Handing on gives none. Both open HANDOVER of the office anew.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Q

from grids.access import scope_of
from grids.models import Grid, Posting
from grids.roles import DUTY_LEADER, DUTY_OFFICER, OFFICE_SIDE, Role
from grids.staffing import RoutingFacts, bureau_ids, office_people, routing_facts
from kernel import approvals
from kernel.accounts.models import User
from kernel.approvals.models import CLOCK, Approval
from kernel.deadlines import clocks
from kernel.deadlines import policy as arithmetic
from kernel.deadlines.policy import Counting, WorkingCalendar
from kernel.errors import Conflict, NotAllowed, Refused
from kernel.journal.models import Entry
from kernel.notices import outbox
from leads import notices, policy, signing
from leads.acts import Act, Expect, perform
from leads.models import Lead, Recusal, Severity, Side
from leads.owner_clocks import urgent_clocks
from leads.states import Move, State

PLACES = frozenset({Role.OFFICE_CLERK, Role.OFFICE_HEAD, DUTY_OFFICER, DUTY_LEADER})


@dataclass(frozen=True, slots=True)
class NewOwner:
    """An owner about to be set, and the words for it."""

    user_id: int
    name: str
    reason: str


def dispatch(
    *, lead_id: int, by: User, expect: Expect, assignee_id: int, reason: str, grid_id: int | None = None
) -> Lead:
    """派单 by hand: the office's clerk, head or duty, or the bureau.

    A lead without a grid needs one now: nobody could verify it else.

    Raises (beside `acts.perform`): NotAllowed `not_dispatcher`; Refused `grid_required`,
    `unknown_grid`, `not_on_office_side`; Conflict `same_assignee`, `same_person`.
    """

    def work(act: Act) -> Lead:
        lead = act.lead
        refuse_dispatcher(act, by)
        expect(lead.version)
        was_on_desk, before_id = lead.state == State.REPORTED, lead.assignee_id
        act.move(Move.DISPATCH)
        people = _set_grid(act, grid_id)
        owner = _new_owner(act, people, assignee_id, reason)
        own(act, owner)
        lead.dispatched_at = lead.dispatched_at or act.at
        lead.responded_at = None
        start_clocks(act, was_on_desk=was_on_desk)
        act.save(
            "state",
            "grid",
            "office",
            "boundary_match",
            "assignee",
            "owner_cycle",
            "routing_reason",
            "dispatched_at",
            "responded_at",
            "respond_due_at",
        )
        ask_no_more(act, before_id, why="承办人已更换")
        act.note(
            "lead.dispatched",
            {"to": owner.user_id, "name": owner.name, "reason": reason, "owner_cycle": lead.owner_cycle},
        )
        tell_owner(act, people, template="leads.dispatched", group=was_on_desk)
        return lead

    return perform(lead_id, by, work)


def ask_no_more(act: Act, person_id: int | None, *, why: str) -> None:
    """What this person asked about the lead, and what was asked in his name, is nobody's wish any more. No
    statement where nothing waits."""
    if person_id is None or not any(one.subject_kind == CLOCK for one in act.live):
        return
    asked = Approval.objects.of("lead", act.lead.pk).waiting().asked_by(person_id)
    approvals.withdraw(list(asked), by=act.by, at=act.at, why=why)


def refuse_dispatcher(act: Act, by: User) -> None:
    scope = scope_of(by)
    section = act.lead.restricted_section
    if section:
        if scope.seat(Role.BUREAU_SECTION, section=section) is not None:
            return
    elif scope.has(Role.BUREAU):
        return
    if act.lead.office_id is None or not any(
        scope.seat(role, office_id=act.lead.office_id) for role in PLACES
    ):
        raise NotAllowed("只有监管所内勤、负责人或值班人员可以派单。", code="not_dispatcher")


def _set_grid(act: Act, grid_id: int | None) -> RoutingFacts:
    lead = act.lead
    if grid_id is not None and grid_id != lead.grid_id:
        grid = Grid.objects.filter(pk=grid_id, is_active=True).first()
        if grid is None:
            raise Refused("没有这个网格。", code="unknown_grid", attr="grid")
        lead.grid, lead.office_id, lead.boundary_match = grid, grid.office_id, "manual"
    if lead.grid_id is None:
        raise Refused("这条线索还没有网格，请先选择网格。", code="grid_required", attr="grid")
    people = routing_facts(lead.grid_id, act.at)
    if people is None:
        raise Refused("没有这个网格。", code="unknown_grid", attr="grid")
    return people


def candidates(office_id: int) -> Q:
    """Postings whose holders may own a lead of this office."""
    return Q(role__in=[r.value for r in OFFICE_SIDE]) & (
        Q(office_id=office_id) | Q(grid__office_id=office_id)
    )


def _new_owner(act: Act, people: RoutingFacts, assignee_id: int, reason: str) -> NewOwner:
    lead = act.lead
    if assignee_id == lead.assignee_id:
        raise Conflict("该线索已由此人承办。", code="same_assignee", attr="assignee")
    posted = (
        Posting.objects.filter(
            candidates(people.office_id), user_id=assignee_id, user__is_active=True, starts_at__lte=act.at
        )
        .filter(Q(ends_at__isnull=True) | Q(ends_at__gt=act.at))
        .select_related("user")
        .first()
    )
    if posted is None and assignee_id != people.duty_officer_id:
        raise Refused(
            "只能派给本监管所在岗的专员、内勤、负责人或值班员。", code="not_on_office_side", attr="assignee"
        )
    if assignee_id in signing.people_on(lead, Side.COMMUNITY):
        raise Conflict("此人已代表社区签字，不能再由其承办。", code="same_person", attr="assignee")
    if Recusal.objects.filter(lead=lead, person_id=assignee_id).exists():
        raise Conflict("此人已对这条线索申请回避，不能再由其承办。", code="recused", attr="assignee")
    name = posted.user.name if posted is not None else people.duty_officer_name or ""
    return NewOwner(assignee_id, name, f"人工派单给{name}：{reason}")


def own(act: Act, owner: NewOwner) -> None:
    lead = act.lead
    lead.assignee_id = owner.user_id
    lead.owner_cycle += 1
    lead.routing_reason = owner.reason[:300]


def start_clocks(act: Act, *, was_on_desk: bool) -> None:
    """The first dispatch arms `respond`; a later one only `owner_respond`; a tip-off has its own limit."""
    lead = act.lead
    clocks.meet("lead", lead.pk, ["desk"], at=act.at)
    clocks.cancel("lead", lead.pk, ["owner_respond", "urgent_backup", "urgent_duty", "morning"], at=act.at)
    if lead.restricted:
        return
    kind = "respond" if was_on_desk else "owner_respond"
    limit = act.limits[kind]
    calendar = WorkingCalendar()
    if was_on_desk:
        limit = policy.respond_limit(limit, severity=lead.severity, food=lead.food)
        calendar = clocks.calendar() if limit.counting is Counting.DUTY else calendar
    due_at = arithmetic.due(limit, act.at, calendar)
    if was_on_desk:
        lead.respond_due_at = due_at
    rows = clocks.with_warning(
        limit,
        subject_kind="lead",
        subject_id=lead.pk,
        kind=kind,
        cycle=1 if was_on_desk else lead.owner_cycle,
        armed_at=act.at,
        due_at=due_at,
    )
    if lead.severity == Severity.URGENT:
        rows += urgent_clocks(lead, act.limits, act.at)
    clocks.arm(rows)


def tell_owner(
    act: Act, people: RoutingFacts | None, *, template: str, group: bool = False, **params: str
) -> None:
    """Tell the owner and who stands in for him; with `group` the grid's chat group too, new to it."""
    lead = act.lead
    if lead.restricted:
        act.tell([lead.assignee_id], "tip_off_dispatched", due_at=lead.feedback_due_at.isoformat())
        return
    absent = people is not None and people.commissioner_id == lead.assignee_id
    words = {
        "number": lead.number,
        "category": lead.category.name,
        "grid": people.grid_code if people else None,
        "respond_due_at": _respond_due(act),
        **params,
    }
    told = [lead.assignee_id, people.stand_in_id if people is not None and absent else None]
    what: dict[str, Any] = {
        "key": f"owner:{lead.owner_cycle}", "template": template, "lead_id": lead.pk, "params": words,
    }  # fmt: skip
    robot_id = people.robot_id if people is not None and group else None
    pages = notices.to_phones(told, key=what["key"], template=template, lead=lead, params=words)
    outbox.post([*notices.to_people(told, **what), *pages, *notices.to_group(robot_id, **what)], at=act.at)


def _respond_due(act: Act) -> str | None:
    lead = act.lead
    if lead.owner_cycle == 1:
        return lead.respond_due_at.isoformat() if lead.respond_due_at else None
    return arithmetic.due(act.limits["owner_respond"], act.at, WorkingCalendar()).isoformat()


# --- handing on ------------------------------------------------------------------------------------


def hand_on(
    act: Act,
    *,
    why: str,
    leaving_id: int | None = None,
    backup_id: int | None = None,
    to_id: int | None = None,
) -> bool:
    """交班: a new owner without a new clock, in any open state; HANDOVER of the office opens anew.

    Returns whether it has a new owner. The successor is `to_id` where given, else the grid's commissioner
    or who backs him up (`backup_id` where his posting is gone), else the duty officer, else the office's
    head or clerk, else the bureau: nothing waits for a person who is not there. Who has signed for the
    community on this lead is passed over, and so is a backup without a seat of his own in the office.
    That there is nobody is noted once an owner, however often it is tried. Runs inside the caller's
    transaction.
    """
    lead = act.lead
    owner = successor(act, leaving_id, backup_id, to_id)
    if owner is None:
        _note_nobody(act, why)
        return False
    if owner.pk == lead.assignee_id:
        return False
    act.move(Move.HAND_ON)
    own(act, NewOwner(owner.pk, owner.name, f"{why}，转由{owner.name}承办。"))
    act.save("assignee", "owner_cycle", "routing_reason")
    act.note(
        "lead.handed_on", {"to": owner.pk, "name": owner.name, "why": why, "owner_cycle": lead.owner_cycle}
    )
    tell_owner(act, act.people, template="leads.handed_on", reason=why)
    return True


def _note_nobody(act: Act, why: str) -> None:
    lead, kind = act.lead, "lead.nobody_to_hand_on_to"
    told = Entry.objects.filter(stream=lead.stream, kind=kind, data__owner_cycle=lead.owner_cycle)
    if not told.exists():
        act.note(kind, {"why": why, "owner_cycle": lead.owner_cycle})


def successor(act: Act, leaving_id: int | None, backup_id: int | None, to_id: int | None) -> User | None:
    """Who comes next in the order of `hand_on`; never who leaves, has signed for the community or recused."""
    lead, people = act.lead, act.people
    order: list[int | None] = [to_id]
    if people is not None:
        backups = _seated([people.commissioner_backup_id, backup_id], people.office_id, act.at)
        order += [people.commissioner_id, *backups, people.duty_officer_id, *people.office_head_ids]
    if lead.office_id is not None:
        office = office_people([lead.office_id], act.at)[lead.office_id]
        order += [*office.head_ids, *office.clerk_ids]
    order += _last(lead, act.at)
    barred = signing.people_on(lead, Side.COMMUNITY)
    barred |= set(Recusal.objects.filter(lead=lead).values_list("person_id", flat=True))
    wanted = [p for p in order if p is not None and p != leaving_id and p not in barred]
    found = User.objects.filter(is_active=True).in_bulk(wanted)
    return next((found[p] for p in wanted if p in found), None)


def _last(lead: Lead, at: datetime) -> list[int]:
    """Who takes what nobody of the office can: the bureau; a tip-off the section named in it."""
    if not lead.restricted:
        return bureau_ids(at)
    from leads import tip_offs

    return tip_offs.section_people(lead.restricted_section, at)


def _seated(people: Sequence[int | None], office_id: int, at: datetime) -> list[int]:
    """Of these, who holds a seat of this office himself, in the order given."""
    asked = [p for p in people if p is not None]
    if not asked:
        return []
    held = Posting.objects.active(at).filter(candidates(office_id), user_id__in=asked)
    seated = set(held.values_list("user_id", flat=True))
    return [p for p in asked if p in seated]
