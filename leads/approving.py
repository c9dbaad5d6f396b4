"""Who decides what is asked about a lead: the office's head, or a grid worker (DESIGN.md §3).

The head's stand-in and the day's duty leader decide as well; where the office has nobody but who asks, the
bureau does: nothing ever waits for a person who is not there. A grid worker's word is never given by one
who stands on the office side.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from django.db import connection
from django.db.models import Exists, OuterRef, Q, QuerySet

from grids.access import Scope, Seat, scope_of
from grids.models import Grid, Office
from grids.roles import DUTY_LEADER, DUTY_OFFICER, OFFICE_SIDE, Role
from grids.staffing import BUREAU_BESIDE, office_people, routing_facts, routing_facts_of
from kernel import approvals
from kernel.accounts.models import User
from kernel.approvals.asking import WAITS_ALREADY
from kernel.approvals.deciding import Decision
from kernel.approvals.models import CLOCK, Approval
from kernel.deadlines.arrays import literal
from kernel.errors import Conflict
from leads import signing
from leads.acts import Act
from leads.clock_notices import ACTIVE, BUREAU, COMMUNITY_HEADS, DUTY_LEADERS, HEADS, WORKERS
from leads.models import Lead, Recusal, Side

SERVES_OFFICE = OFFICE_SIDE | {DUTY_OFFICER, DUTY_LEADER}

PEOPLE = """
SELECT l.id, who.person FROM leads_lead l CROSS JOIN LATERAL ({people}) who(person)
 WHERE l.id = ANY(%(leads)s::bigint[]) AND who.person IS NOT NULL
"""


def lock_lead(approval: Approval) -> Lead:
    """`Kind.lock` of everything that is asked about a lead."""
    return Lead.objects.select_for_update(of=("self",)).get(pk=approval.subject_id)


def seen_leads(user: User) -> Any:
    """Who sees a lead sees what is asked about it."""
    return Lead.objects.visible_to(user).values("id")


def about_any(leads: QuerySet[Lead]) -> Q:
    """The approvals about one of these leads, as a filter. Asked lead by lead: beside an OR, `IN` would read
    and hash every lead of an office before the first approval is looked at."""
    return Q(Exists(leads.filter(pk=OuterRef("subject_id"))))


def act_of(decision: Decision) -> Act:
    """The act by which a decision is carried out on its lead."""
    return Act(decision.subject, decision.by, decision.at, list(decision.live))


def waits(act: Act, *kinds: str) -> bool:
    """Has this very person asked this already, and waits? So that a repeated request is safe.

    Raises: Conflict `already_waiting` – somebody else's request waits. No statement where nothing waits.
    """
    if not any(one.subject_kind == CLOCK for one in act.live):
        return False
    rows = Approval.objects.of("lead", act.lead.pk).waiting().filter(kind__in=kinds)
    askers = set(rows.values_list("asked_by_id", flat=True))
    if askers and act.by_id not in askers:
        raise Conflict(WAITS_ALREADY, code="already_waiting")
    return bool(askers)


def asker(approval: Approval) -> User:
    """Who asked: of a lead's side roads always a person."""
    if approval.asked_by is None:
        raise TypeError(f"{approval} was asked by nobody")
    return approval.asked_by


def about(lead: Lead) -> str:
    """The lead in words, for lists of approvals."""
    return f"{lead.number} {lead.category.name}"


def people_of(lead_ids: Collection[int], at: datetime, *people: str) -> dict[int, set[int]]:
    """Who these are (`clock_notices.HEADS` …), by lead; the bureau where nobody is."""
    found = _people(lead_ids, at, people)
    empty = [lead_id for lead_id in lead_ids if lead_id not in found]
    return found | (_people(empty, at, (BUREAU,)) if empty else {})


def _people(lead_ids: Collection[int], at: datetime, people: Sequence[str]) -> dict[int, set[int]]:
    sql = PEOPLE.format(people=" UNION ".join(people).format(active=ACTIVE))
    found: dict[int, set[int]] = {}
    with connection.cursor() as cursor:
        cursor.execute(sql, {"leads": literal(sorted(lead_ids)), "at": at})
        for lead_id, person in cursor.fetchall():
            found.setdefault(lead_id, set()).add(person)
    return found


def _by_approval(rows: Sequence[Approval], people: dict[int, set[int]]) -> dict[int, set[int]]:
    return {row.pk: people.get(row.subject_id, set()) for row in rows}


def ask_with_bureau(rows: Sequence[Approval], at: datetime) -> None:
    """`Kind.lapsed` where a question may not go unanswered: asked again with the bureau beside (`level` in
    the payload), until somebody decides."""
    approvals.ask_again(rows, at=at, level=BUREAU_BESIDE)


def has_bureau(row: Approval) -> bool:
    return bool(row.payload.get("level") == BUREAU_BESIDE)


# --- the office's head -----------------------------------------------------------------------------


def concerned(approval: Approval, lead: Lead) -> set[int | None]:
    """Who decides none of it: who asked, whose lead it is now (a request outlives a handing-on), and
    who has recused himself."""
    people = set(Recusal.objects.filter(lead=lead).values_list("person_id", flat=True))
    return {approval.asked_by_id, approval.asked_on_behalf_of_id, lead.assignee_id, *people} - {None}


def head_may_decide(user: User, approval: Approval, lead: Lead) -> Seat | None:
    """The seat from which this person decides for the office: head, duty leader; else the bureau."""
    scope = scope_of(user)
    barred = concerned(approval, lead)
    if user.pk in barred:
        return None
    seats = [scope.seat(role, office_id=lead.office_id) for role in (Role.OFFICE_HEAD, DUTY_LEADER)]
    fit = [seat for seat in seats if seat is not None and lead.office_id is not None]
    found = next((seat for seat in fit if seat.holder_id not in barred), None)
    if found is not None:
        return found
    asked = {approval.asked_by_id, approval.asked_on_behalf_of_id}
    bureau = scope.seat(Role.BUREAU)
    if bureau is not None and not lead.restricted and no_head(lead, barred, scope.at):
        return bureau
    return next((seat for seat in fit if seat.holder_id in asked), None)


def no_head(lead: Lead, asked: set[int | None], at: datetime) -> bool:
    """Is nobody left in the lead's office who could decide, these people left out?"""
    if lead.office_id is None:
        return True
    office = office_people([lead.office_id], at)[lead.office_id]
    return not {*office.head_ids, *office.duty_leader_ids} - asked


def head_decidable(user: User) -> Q:
    """The approvals about leads that this person may decide for the office, as a filter."""
    scope = scope_of(user)
    offices = {
        seat.office_id
        for seat in scope.seats
        if seat.role in (Role.OFFICE_HEAD, DUTY_LEADER) and seat.office_id is not None
    }
    found = Q(pk__in=[])
    if offices:
        found |= about_any(Lead.objects.filter(office_id__in=offices))
        found &= ~_is_his_own(user.pk)
    if scope.has(Role.BUREAU):
        found |= _bureau_decidable(scope)
    return found


def _is_his_own(person_id: int) -> Q:
    """The approvals in which this person is `concerned`."""
    owned = Lead.objects.filter(pk=OuterRef("subject_id"), assignee_id=person_id)
    recused = Recusal.objects.filter(lead_id=OuterRef("subject_id"), person_id=person_id)
    asked = Q(asked_by_id=person_id) | Q(asked_on_behalf_of_id=person_id)
    return asked | Q(Exists(owned)) | Q(Exists(recused))


def _bureau_decidable(scope: Scope) -> Q:
    """Where an office has no head and no duty leader, or only such as are concerned."""
    leaders = _leaders(scope)
    open_leads = Lead.objects.filter(restricted=False)
    empty = [number for number, people in leaders.items() if not people]
    found = about_any(open_leads.filter(Q(office_id__in=empty) | Q(office_id=None)))
    for number, people in leaders.items():
        own = about_any(open_leads.filter(office_id=number))
        for person_id in sorted(people):
            own &= _is_his_own(person_id)
        found |= own if people else Q(pk__in=[])
    return found


def _leaders(scope: Scope) -> dict[int, set[int]]:
    """Heads and duty leaders of every office. Three statements, read once a scope: many kinds ask."""
    kept: dict[int, set[int]] | None = scope.__dict__.get("_leads_leaders")
    if kept is None:
        offices = office_people(list(Office.objects.values_list("id", flat=True)), scope.at)
        kept = {number: {*one.head_ids, *one.duty_leader_ids} for number, one in offices.items()}
        scope.__dict__["_leads_leaders"] = kept
    return kept


def head_deciders(rows: Sequence[Approval], at: datetime) -> dict[int, set[int]]:
    """The office's head and the day's duty leader, with who stands in for them; else the bureau."""
    ids = {row.subject_id for row in rows}
    people, barred = people_of(ids, at, HEADS, DUTY_LEADERS), barred_from(ids)
    found = {
        number: some - barred.get(row.subject_id, set())
        for row, (number, some) in zip(rows, _by_approval(rows, people).items(), strict=True)
    }
    alone = [row for row in rows if not found[row.pk] - {row.asked_by_id, row.asked_on_behalf_of_id}]
    if alone:
        bureau = _people({row.subject_id for row in alone}, at, (BUREAU,))
        found |= {row.pk: found[row.pk] | bureau.get(row.subject_id, set()) for row in alone}
    return found


def barred_from(lead_ids: Collection[int]) -> dict[int, set[int]]:
    """Owners and who has recused himself, by lead. One statement."""
    owners = Lead.objects.filter(pk__in=lead_ids, assignee__isnull=False).values_list("id", "assignee_id")
    recused = Recusal.objects.filter(lead__in=lead_ids).values_list("lead_id", "person_id")
    found: dict[int, set[int]] = {}
    for lead_id, person_id in owners.order_by().union(recused.order_by(), all=True):
        found.setdefault(lead_id, set()).add(person_id)
    return found


# --- a grid worker ---------------------------------------------------------------------------------


def asks_worker(lead: Lead) -> bool:
    """Is there a community side whose word can be asked? Not for a tip-off, nor without a grid."""
    return not lead.restricted and lead.grid_id is not None


def worker_may_decide(user: User, approval: Approval, lead: Lead) -> Seat | None:
    """The seat of a grid worker of the lead's grid – of the lead community's head where it has none –
    unless he stands on the office side, has signed there, or has recused himself."""
    scope = scope_of(user)
    if not asks_worker(lead) or serves_office(scope, lead) or _barred(user, lead):
        return None
    seat = scope.seat(Role.GRID_WORKER, grid_id=lead.grid_id)
    if seat is not None or lead.grid_id is None:
        return seat
    people = routing_facts(lead.grid_id, scope.at)
    if people is None or people.worker_ids:
        return None
    return scope.seat(Role.COMMUNITY_HEAD, community_id=people.lead_community_id)


def serves_office(scope: Scope, lead: Lead) -> bool:
    """Does he himself stand on the office side?"""
    own = {seat.role for seat in scope.seats if seat.basis in ("own", "duty")}
    return bool(own & SERVES_OFFICE) or lead.assignee_id == scope.user_id


def _barred(user: User, lead: Lead) -> bool:
    stood = user.pk in signing.people_on(lead, Side.OFFICE)
    return stood or Recusal.objects.filter(lead=lead, person=user).exists()


def worker_decidable(user: User) -> Q:
    """The approvals about leads that wait for this person's word as a grid worker, as a filter."""
    scope = scope_of(user)
    own = {seat.role for seat in scope.seats if seat.basis in ("own", "duty")}
    if own & SERVES_OFFICE:
        return Q(pk__in=[])
    grids = {seat.grid_id for seat in scope.seats if seat.role == Role.GRID_WORKER}
    found = Q(grid_id__in=grids)
    if scope.community_ids:
        led = Grid.objects.filter(lead_community_id__in=scope.community_ids).values_list("id", flat=True)
        people = routing_facts_of(list(led), scope.at)
        found |= Q(grid_id__in=[number for number, one in people.items() if not one.worker_ids])
    leads = Lead.objects.filter(found, restricted=False).exclude(assignee_id=user.pk)
    return about_any(leads)


def worker_deciders(rows: Sequence[Approval], at: datetime) -> dict[int, set[int]]:
    """The grid's workers; the lead community's head where it has none."""
    ids = {row.subject_id for row in rows}
    found = _people(ids, at, (WORKERS,))
    empty = ids - set(found)
    found |= people_of(empty, at, COMMUNITY_HEADS) if empty else {}
    return _by_approval(rows, found)
